#include "json_writer.hpp"

#include <charconv>
#include <cmath>
#include <type_traits>

namespace reel {
namespace json {

namespace {

/// Longer than any number: -2.2250738585072014e-308 has 24 characters.
constexpr std::size_t kMostDigits = 32;

template <class T>
char* write_number(char* out, T value) {
  if constexpr (std::is_same_v<T, bool>) {
    *out = value ? '1' : '0';
    return out + 1;
  } else {
    if constexpr (std::is_floating_point_v<T>) {
      if (!std::isfinite(value)) {
        const std::string_view word =
            std::isnan(value) ? "\"nan\"" : (value > 0 ? "\"inf\"" : "\"-inf\"");
        return out + word.copy(out, word.size());
      }
    }
    return std::to_chars(out, out + kMostDigits, value).ptr;
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

template <class T>
void Writer::numbers(const T* values, std::int64_t count) {
  text("[");
  bare_numbers(values, count);
  text("]");
}

template <class T>
void Writer::bare_numbers(const T* values, std::int64_t count) {
  char piece[4096];
  char* out = piece;
  for (std::int64_t i = 0; i < count; ++i) {
    if (i != 0) *out++ = ',';
    out = write_number(out, values[i]);
    if (out + kMostDigits + 1 > piece + sizeof(piece)) {
      text(std::string_view(piece, static_cast<std::size_t>(out - piece)));
      out = piece;
    }
  }
  text(std::string_view(piece, static_cast<std::size_t>(out - piece)));
}

void Writer::finish() {
  if (!buffer_.empty()) sink_(buffer_.data(), buffer_.size());
  buffer_.clear();
}

template void Writer::numbers(const float*, std::int64_t);
template void Writer::bare_numbers(const float*, std::int64_t);
template void Writer::numbers(const double*, std::int64_t);
template void Writer::bare_numbers(const double*, std::int64_t);
template void Writer::numbers(const std::int64_t*, std::int64_t);
template void Writer::bare_numbers(const std::int64_t*, std::int64_t);
template void Writer::numbers(const std::int32_t*, std::int64_t);
template void Writer::bare_numbers(const std::int32_t*, std::int64_t);
template void Writer::numbers(const std::uint8_t*, std::int64_t);
template void Writer::bare_numbers(const std::uint8_t*, std::int64_t);
template void Writer::numbers(const bool*, std::int64_t);
template void Writer::bare_numbers(const bool*, std::int64_t);

}  // namespace json
}  // namespace reel
