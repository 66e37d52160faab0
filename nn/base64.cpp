#include "base64.hpp"

#include <array>
#include <cstdint>

namespace reel {

namespace {

constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNone = 64;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  for (auto& value : values) value = kNone;
  for (std::uint8_t i = 0; i < 64; ++i) values[static_cast<unsigned char>(kDigits[i])] = i;
  return values;
}
constexpr std::array<std::uint8_t, 256> kValues = make_values();

std::uint8_t value_of(char c) { return kValues[static_cast<unsigned char>(c)]; }

}  // namespace

void encode_base64(const char* bytes, std::size_t size, std::string& text) {
  const auto* in = reinterpret_cast<const unsigned char*>(bytes);
  const std::size_t had = text.size();
  text.resize(had + (size + 2) / 3 * 4);
  char* out = text.data() + had;
  const auto put = [&out](std::uint32_t group) {
    for (int shift = 18; shift >= 0; shift -= 6) *out++ = kDigits[(group >> shift) & 63];
  };
  std::size_t i = 0;
  for (; i + 3 <= size; i += 3)
    put(std::uint32_t{in[i]} << 16 | std::uint32_t{in[i + 1]} << 8 | in[i + 2]);
  if (i == size) return;
  put(std::uint32_t{in[i]} << 16 | (i + 1 < size ? std::uint32_t{in[i + 1]} << 8 : 0));
  out[-1] = '=';
  if (i + 1 == size) out[-2] = '=';
}

std::size_t decode_base64(const char* text, std::size_t size, char* bytes) {
  std::size_t at = 0;
  for (; size >= 3; size -= 3, at += 4) {
    const std::uint32_t a = value_of(text[at]), b = value_of(text[at + 1]),
                        c = value_of(text[at + 2]), d = value_of(text[at + 3]);
    if (((a | b | c | d) & kNone) != 0) break;
    const std::uint32_t group = a << 18 | b << 12 | c << 6 | d;
    *bytes++ = static_cast<char>(group >> 16);
    *bytes++ = static_cast<char>(group >> 8);
    *bytes++ = static_cast<char>(group);
  }
  if (size == 0) return at;
  // The last group, or one with a bad character: digit by digit.
  const std::size_t digits = size >= 3 ? 4 : size + 1;
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const char c = text[at + i];
    if (i < digits ? value_of(c) == kNone : c != '=') return at + i;
    group = group << 6 | (i < digits ? value_of(c) : 0U);
  }
  // Bits that stand for nothing must be zero: one text for one value.
  if ((group & (size == 1 ? 0xffffU : 0xffU)) != 0) return at + digits - 1;
  *bytes++ = static_cast<char>(group >> 16);
  if (size == 2) *bytes = static_cast<char>(group >> 8);
  return at + 4;
}

}  // namespace reel
