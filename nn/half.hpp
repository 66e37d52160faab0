// float16 and bfloat16: only files hold them. Private to the library.
#pragma once

#include <cstdint>
#include <cstring>

namespace reel {

/// The value of IEEE 754 binary16 bits; exact.
float float_of_half(std::uint16_t bits);
/// The nearest binary16, ties to even; too large becomes infinity, a NaN stays one.
std::uint16_t half_of_float(float value);

/// The value of bfloat16 bits: the upper half of a float32.
inline float float_of_bfloat(std::uint16_t bits) {
  const std::uint32_t wide = std::uint32_t{bits} << 16;
  float value = 0;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}
/// The nearest bfloat16, ties to even; a NaN stays one.
std::uint16_t bfloat_of_float(float value);

}  // namespace reel
