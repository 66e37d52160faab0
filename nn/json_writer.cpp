#include "json_writer.hpp"

#include <charconv>
#include <cmath>
#include <type_traits>

namespace reel {
namespace json {

namespace {

/// Longer than any number: -2.2250738585072014e-308 has 24 characters.
constexpr std::size_t kMostDigits = 32;

const char* word_for(double value) {
  return std::isnan(value) ? "\"nan\"" : (value > 0 ? "\"inf\"" : "\"-inf\"");
}

template <class T>
char* write_number(char* out, T value) {
  if constexpr (std::is_same_v<T, bool>) {
    *out = value ? '1' : '0';
    return out + 1;
  } else {
    if constexpr (std::is_floating_point_v<T>) {
      if (!std::isfinite(value)) {
        const std::string_view word = word_for(static_cast<double>(value));
        return out + word.copy(out, word.size());
      }
      // A reader may take -0 for an integer, which has no such zero.
      if (value == 0 && std::signbit(value)) return out + std::string_view("-0.0").copy(out, 4);
    }
    if constexpr (std::is_same_v<T, float>) {
      // The one float32 whose shortest decimal, 7.038531e-26, becomes its neighbour in a program
      // that reads it as a double first, as Python does.
      if (std::fabs(value) == 7.0385307e-26f) {
        const std::string_view longer = value < 0 ? "-7.0385307e-26" : "7.0385307e-26";
        return out + longer.copy(out, longer.size());
      }
    }
    return std::to_chars(out, out + kMostDigits, value).ptr;
  }
}

/// The shortest decimal that, read as float32 and then rounded, gives `bits`.
char* write_short(char* out, std::uint16_t bits, StoredFloats floats) {
  const float value = files::float_of_short(bits, floats);
  if (!std::isfinite(value) || value == 0) return write_number(out, value);
  for (int digits = 1;; ++digits) {
    char* end =
        std::to_chars(out, out + kMostDigits, value, std::chars_format::general, digits).ptr;
    float back = 0;
    std::from_chars(out, end, back);
    if (files::short_of_float(back, floats) == bits) return end;
  }
}

}  // namespace

void Writer::text(std::string_view text) {
  if (buffer_.size() + text.size() > kBufferSize) finish();
  if (text.size() > kBufferSize)
    sink_(text.data(), text.size());
  else
    buffer_.append(text);
}

template <class Put>
void Writer::list(std::int64_t count, Put put) {
  text("[");
  char piece[4096];
  char* out = piece;
  for (std::int64_t i = 0; i < count; ++i) {
    if (i != 0) *out++ = ',';
    out = put(out, i);
    if (out + kMostDigits + 1 > piece + sizeof(piece)) {
      text(std::string_view(piece, static_cast<std::size_t>(out - piece)));
      out = piece;
    }
  }
  text(std::string_view(piece, static_cast<std::size_t>(out - piece)));
  text("]");
}

template <class T>
void Writer::numbers(const T* values, std::int64_t count) {
  list(count, [values](char* out, std::int64_t i) { return write_number(out, values[i]); });
}

void Writer::short_floats(const std::string& name, const Tensor& values, files::Stored stored) {
  const float* from = values.data_ptr<float>();
  list(values.numel(), [&](char* out, std::int64_t i) {
    return write_short(out, files::checked_short(name, from[i], stored), stored.floats);
  });
}

void Writer::finish() {
  if (!buffer_.empty()) sink_(buffer_.data(), buffer_.size());
  buffer_.clear();
}

template void Writer::numbers(const float*, std::int64_t);
template void Writer::numbers(const double*, std::int64_t);
template void Writer::numbers(const std::int64_t*, std::int64_t);
template void Writer::numbers(const std::int32_t*, std::int64_t);
template void Writer::numbers(const std::uint8_t*, std::int64_t);
template void Writer::numbers(const bool*, std::int64_t);

}  // namespace json
}  // namespace reel
