#include "stored_tensor.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "half.hpp"

namespace reel {
namespace files {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "reel reads and writes binary files on little-endian machines only");

const char* Stored::name() const {
  if (floats == StoredFloats::Float16) return "float16";
  if (floats == StoredFloats::BFloat16) return "bfloat16";
  return dtype_name(dtype);
}

std::optional<Stored> stored_from_name(const std::string& name) {
  if (name == "float16") return Stored{kFloat32, StoredFloats::Float16};
  if (name == "bfloat16") return Stored{kFloat32, StoredFloats::BFloat16};
  try {
    return Stored{dtype_from_name(name)};
  } catch (const DtypeError&) {
    return std::nullopt;
  }
}

std::uint16_t short_of_float(float value, StoredFloats floats) {
  return floats == StoredFloats::Float16 ? half_of_float(value) : bfloat_of_float(value);
}

float float_of_short(std::uint16_t bits, StoredFloats floats) {
  return floats == StoredFloats::Float16 ? float_of_half(bits) : float_of_bfloat(bits);
}

std::uint16_t checked_short(const std::string& name, float value, Stored stored) {
  const std::uint16_t bits = short_of_float(value, stored.floats);
  if (std::isfinite(value) && !std::isfinite(float_of_short(bits, stored.floats)))
    throw FileError(detail::message("[save] tensor '", name, "' has the value ", value,
                                    ", too large for ", stored.name(),
                                    "; keep the floats full, or try BFloat16"));
  return bits;
}

void write_bytes(const std::string& name, const Tensor& values, Stored stored, const Sink& sink) {
  if (!stored.is_short()) {
    if (values.numel() != 0) sink(static_cast<const char*>(values.data_ptr()), values.nbytes());
    return;
  }
  const float* from = values.data_ptr<float>();
  const std::int64_t count = values.numel();
  constexpr std::int64_t kPiece = 4096;
  std::uint16_t piece[kPiece];
  for (std::int64_t start = 0; start < count; start += kPiece) {
    const std::int64_t size = std::min(kPiece, count - start);
    for (std::int64_t i = 0; i < size; ++i) piece[i] = checked_short(name, from[start + i], stored);
    sink(reinterpret_cast<const char*>(piece), 2 * static_cast<std::size_t>(size));
  }
}

const char* read_bytes(const Tensor& tensor, Stored stored,
                       const std::function<void(char* into, std::size_t size)>& read) {
  const auto count = static_cast<std::size_t>(tensor.numel());
  if (count == 0) {
    read(nullptr, 0);
    return nullptr;
  }
  char* memory = static_cast<char*>(tensor.data_ptr());
  if (stored.is_short()) {
    // Into the upper half of the memory; widened from the front, no value is overwritten unread.
    const char* from = memory + 2 * count;
    read(memory + 2 * count, 2 * count);
    for (std::size_t i = 0; i < count; ++i) {
      std::uint16_t bits = 0;
      std::memcpy(&bits, from + 2 * i, sizeof(bits));
      const float value = float_of_short(bits, stored.floats);
      std::memcpy(memory + 4 * i, &value, sizeof(value));
    }
    return nullptr;
  }
  read(memory, tensor.nbytes());
  if (stored.dtype == kBool && std::any_of(memory, memory + count, [](char c) {
        return static_cast<unsigned char>(c) > 1;
      })) {
    std::memset(memory, 0, count);  // other bytes are no values of bool
    return "a bool is neither 0 nor 1";
  }
  return nullptr;
}

}  // namespace files
}  // namespace reel
