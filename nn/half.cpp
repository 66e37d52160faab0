#include "half.hpp"

namespace reel {

namespace {
std::uint32_t bits_of(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}
float float_of(std::uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}
/// `bits` without the lowest `count`, rounded to nearest even.
std::uint32_t rounded(std::uint32_t bits, int count) {
  const std::uint32_t half = std::uint32_t{1} << (count - 1);
  const std::uint32_t odd = (bits >> count) & 1;
  return (bits + half - 1 + odd) >> count;
}
constexpr std::uint32_t kInfinity = 0x7f80'0000;
}  // namespace

float float_of_half(std::uint16_t bits) {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000U} << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fU, mantissa = bits & 0x3ffU;
  if (exponent == 0x1f) return float_of(sign | kInfinity | mantissa << 13);
  if (exponent != 0) return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
  // 2^-24 times the mantissa, which a float holds exactly.
  const float size = static_cast<float>(mantissa) * 0x1p-24F;
  return float_of(sign | bits_of(size));
}

std::uint16_t half_of_float(float value) {
  const std::uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000U;
  const std::uint32_t size = bits & 0x7fff'ffffU;
  std::uint32_t half = 0;
  if (size > kInfinity) {
    half = 0x7e00U | (size >> 13 & 0x3ffU);  // quiet, with what fits of the payload
  } else if (size >= bits_of(65520.0F)) {
    half = 0x7c00;
  } else if (size >= bits_of(0x1p-14F)) {
    half = rounded(size - (std::uint32_t{112} << 23), 13);
  } else {
    // A denormal counts steps of 2^-24; adding 0.5 lets the processor round to one of them.
    half = bits_of(float_of(size) + 0.5F) - bits_of(0.5F);
  }
  return static_cast<std::uint16_t>(sign | half);
}

std::uint16_t bfloat_of_float(float value) {
  const std::uint32_t bits = bits_of(value);
  if ((bits & 0x7fff'ffffU) > kInfinity) return static_cast<std::uint16_t>(bits >> 16 | 0x40U);
  return static_cast<std::uint16_t>(rounded(bits, 16));
}

}  // namespace reel
