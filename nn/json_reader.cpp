#include "json_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <system_error>
#include <type_traits>

#include "base64.hpp"
#include "json_text.hpp"

namespace reel {
namespace json {

namespace {

/// A number must be shorter than this: so much is made visible before one is read.
constexpr std::size_t kLongestNumber = 1 << 12;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A number token, and its value as mantissa * 10^exponent as far as that was worked out.
struct Decimal {
  const char* end = nullptr;  // null where the text is not a JSON number
  std::uint64_t mantissa = 0;
  int exponent = 0;
  bool negative = false;
  bool integral = true;
  bool exact = true;  // mantissa and exponent hold the whole value
};

/// Reads digits into `d.mantissa`; `scale` is -1 behind the point.
const char* read_digits(const char* p, Decimal& d, int scale) {
  // 19 digits fit 64 bits.
  constexpr std::uint64_t kFull = 999'999'999'999'999'999;
  for (; is_digit(*p); ++p) {
    if (d.mantissa > kFull) {
      d.exact = false;
      continue;
    }
    d.mantissa = d.mantissa * 10 + static_cast<std::uint64_t>(*p - '0');
    d.exponent += scale;
  }
  return p;
}

/// The text ends with a zero byte, so looking at one byte more is always allowed.
Decimal scan_number(const char* p) {
  Decimal d;
  if (*p == '-') {
    d.negative = true;
    ++p;
  }
  if (*p == '0') {
    ++p;
  } else {
    if (!is_digit(*p)) return d;
    p = read_digits(p, d, 0);
  }
  if (*p == '.') {
    d.integral = false;
    if (!is_digit(*++p)) return d;
    p = read_digits(p, d, -1);
  }
  if (*p == 'e' || *p == 'E') {
    d.integral = false;
    ++p;
    const bool negative = *p == '-';
    if (*p == '-' || *p == '+') ++p;
    if (!is_digit(*p)) return d;
    int exponent = 0;
    for (; is_digit(*p); ++p) {
      if (exponent > 9999)
        d.exact = false;
      else
        exponent = exponent * 10 + (*p - '0');
    }
    d.exponent += negative ? -exponent : exponent;
  }
  d.end = p;
  return d;
}

constexpr double kPowersOfTen[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// The nearest double, where one rounding gives it: both operands of the product or quotient are
/// exact (Clinger, "How to read floating point numbers accurately", 1990).
bool quick_double(const Decimal& d, double& value) {
  if (!d.exact || d.mantissa > (std::uint64_t{1} << 53) || d.exponent < -22 || d.exponent > 22)
    return false;
  value = static_cast<double>(d.mantissa);
  if (d.exponent < 0)
    value /= kPowersOfTen[-d.exponent];
  else
    value *= kPowersOfTen[d.exponent];
  if (d.negative) value = -value;
  return true;
}

/// Whether rounding `value`, itself rounded from a decimal, to float gives the float nearest to
/// the decimal: not certain midway between two floats, or outside the normal range.
bool rounds_safely_to_float(double value) {
  const double size = std::fabs(value);
  if (size == 0) return true;
  if (size < std::numeric_limits<float>::min() || size > std::numeric_limits<float>::max())
    return false;
  // The 29 bits that a float has no room for; midway is a one and zeros.
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  return (bits & 0x1fff'ffff) != 0x1000'0000;
}

}  // namespace

void Reader::expect(char c) {
  if (!take(c)) fail_found(std::string("'") + c + "'");
}

void Reader::fail_found(std::size_t offset, const std::string& what) const {
  const Place place = in_.place() + offset;
  if (in_.visible() <= offset)
    fail(place, "expected ", what, ", found the end of the file: it was cut off");
  const auto byte = static_cast<unsigned char>(in_.at[offset]);
  if (byte > 0x20 && byte < 0x7f) fail(place, "expected ", what, ", found '", in_.at[offset], "'");
  fail(place, "expected ", what, ", found a byte of value ", int{byte});
}

std::size_t Reader::string_length(std::size_t offset) {
  for (std::size_t i = offset + 1;; ++i) {
    if (!in_.ensure(i + 1)) fail_found(i, "'\"'");
    const char c = in_.at[i];
    if (c == '"') return i + 1 - offset;
    if (static_cast<unsigned char>(c) < 0x20) fail_found(i, "a string without control characters");
    if (c == '\\') ++i;
  }
}

std::string_view Reader::string_token() {
  if (next() != '"') fail_found("a string");
  const std::size_t length = string_length(0);
  const std::string_view token(in_.at, length);
  in_.at += length;
  return token;
}

std::string Reader::string() {
  const Place start = place();
  const std::string_view token = string_token();
  bool plain = true;
  for (const char c : token) plain = plain && c != '\\' && static_cast<unsigned char>(c) < 0x80;
  if (plain) return std::string(token.substr(1, token.size() - 2));
  try {
    return unquote(token);
  } catch (const Fault& fault) {
    fail(start + fault.byte, fault.reason);
  }
}

std::int64_t Reader::integer() {
  space();
  in_.ensure(kLongestNumber);
  return number<std::int64_t>();
}

double Reader::real() {
  space();
  in_.ensure(kLongestNumber);
  return number<double>();
}

float Reader::real32() {
  space();
  in_.ensure(kLongestNumber);
  return number<float>();
}

template <class T>
T Reader::number() {
  if constexpr (std::is_floating_point_v<T>) {
    if (*in_.at == '"') {
      const Place start = in_.place();
      const std::string_view word = string_token();
      if (word == "\"nan\"") return std::numeric_limits<T>::quiet_NaN();
      if (word == "\"inf\"") return std::numeric_limits<T>::infinity();
      if (word == "\"-inf\"") return -std::numeric_limits<T>::infinity();
      fail(start, "expected a number, \"nan\", \"inf\" or \"-inf\", found another string");
    }
  }
  const char* start = in_.at;
  const Decimal d = scan_number(start);
  const auto token = [&] {
    return std::string_view(start, static_cast<std::size_t>(d.end - start));
  };
  if (!d.end) {
    if (*start != '-' && !is_digit(*start)) fail_found("a number");
    const char* end = start;
    while (end != in_.end && end - start < 40 && *end != ',' && *end != ']') ++end;
    fail(in_.place(),
         "not a JSON number: ", std::string_view(start, static_cast<std::size_t>(end - start)));
  }
  // Then what was visible may have ended before the number did.
  if (static_cast<std::size_t>(d.end - start) >= kLongestNumber)
    fail(in_.place(), "a number of ", kLongestNumber, " characters or more");
  T value{};
  if constexpr (std::is_floating_point_v<T>) {
    double quick = 0;
    if (quick_double(d, quick) && (std::is_same_v<T, double> || rounds_safely_to_float(quick))) {
      value = static_cast<T>(quick);
    } else {
      const auto result = std::from_chars(start, d.end, value);
      if (result.ec != std::errc{} || !std::isfinite(value))
        fail(in_.place(), token(), " is out of range for ",
             std::is_same_v<T, float> ? "float32" : "float64");
    }
  } else {
    if (!d.integral) fail(in_.place(), "expected an integer, found ", token());
    std::int64_t wide = 0;
    if (std::from_chars(start, d.end, wide).ec != std::errc{} ||
        wide < std::int64_t{std::numeric_limits<T>::min()} ||
        wide > std::int64_t{std::numeric_limits<T>::max()})
      fail(in_.place(), token(), " is out of range: expected ",
           std::int64_t{std::numeric_limits<T>::min()}, " to ",
           std::int64_t{std::numeric_limits<T>::max()});
    value = static_cast<T>(wide);
  }
  in_.at = d.end;
  return value;
}

template <class T>
void Reader::numbers(T* out, std::int64_t count) {
  expect('[');
  std::int64_t done = 0;
  if (!take(']')) {
    do {
      space();
      if (in_.visible() < kLongestNumber) in_.ensure(kLongestNumber);
      if (done == count) fail(in_.place(), "expected ", count, " values by the shape, found more");
      out[done++] = number<T>();
      // The usual case without looking for white space.
    } while (*in_.at == ',' ? (++in_.at, true) : take(','));
    if (!take(']')) fail_found("',' or ']'");
  }
  if (done != count)
    fail(in_.place() - 1, "expected ", count, " values by the shape, found ", done);
}

void Reader::base64(char* out, std::size_t size) {
  if (next() != '"') fail_found("a string of base64");
  const Place start = in_.place();
  ++in_.at;
  std::size_t done = 0;
  while (done != size) {
    // Whole groups of four characters for three bytes.
    const std::size_t groups = std::min((size - done + 2) / 3, std::size_t{1} << 14);
    if (!in_.ensure(4 * groups))
      fail(start, "base64 of ", size, " bytes expected by the shape, found the end of the file");
    const std::size_t made = std::min(3 * groups, size - done);
    const std::size_t bad = decode_base64(in_.at, made, out + done);
    if (bad != 4 * groups) fail_found(bad, "base64 of " + std::to_string(size) + " bytes");
    in_.at += 4 * groups;
    done += made;
  }
  if (in_.at_end() || *in_.at != '"')
    fail_found("'\"' behind base64 of " + std::to_string(size) + " bytes");
  ++in_.at;
}

std::string_view Reader::skip() {
  space();
  int depth = 0;
  std::size_t i = 0;
  while (in_.ensure(i + 1)) {
    const char c = in_.at[i];
    if (c == '"') {
      i += string_length(i);
      if (depth == 0) break;
      continue;
    }
    const bool closes = c == ']' || c == '}';
    if (depth == 0 && (closes || c == ',' || c == ' ' || c == '\n' || c == '\t' || c == '\r'))
      break;
    if ((c == '[' || c == '{') && ++depth > kMaxDepth)
      fail(in_.place() + i, "nested more than ", kMaxDepth, " deep");
    ++i;
    if (closes && --depth == 0) break;
  }
  if (depth != 0) fail_found(i, "']' or '}'");
  if (i == 0) fail_found("a value");
  const std::string_view text(in_.at, i);
  in_.at += i;
  return text;
}

std::string Reader::value(const std::string& what) {
  const Place start = place();
  const std::string_view text = skip();
  try {
    check_value(text);
  } catch (const Fault& fault) {
    fail(start + fault.byte, what, ": ", fault.reason);
  }
  return std::string(text);
}

void Reader::finish() {
  if (next() != '\0' || !in_.at_end()) fail_found("the end of the file");
}

template void Reader::numbers(float*, std::int64_t);
template void Reader::numbers(double*, std::int64_t);
template void Reader::numbers(std::int64_t*, std::int64_t);
template void Reader::numbers(std::int32_t*, std::int64_t);
template void Reader::numbers(std::uint8_t*, std::int64_t);
template void Reader::numbers(bool*, std::int64_t);

}  // namespace json
}  // namespace reel
