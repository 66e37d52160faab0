#include "json_reader.hpp"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <system_error>
#include <type_traits>

#include "json_text.hpp"

namespace reel {
namespace json {

namespace {

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

void Reader::fail_found(const std::string& what) const {
  if (at_ == end_) fail(at_, "expected ", what, ", found the end of the file: it was cut off");
  const auto byte = static_cast<unsigned char>(*at_);
  if (byte > 0x20 && byte < 0x7f) fail(at_, "expected ", what, ", found '", *at_, "'");
  fail(at_, "expected ", what, ", found a byte of value ", int{byte});
}

std::string_view Reader::string_token() {
  space();
  if (at_ == end_ || *at_ != '"') fail_found("a string");
  const char* start = at_++;
  while (at_ != end_ && *at_ != '"') {
    if (static_cast<unsigned char>(*at_) < 0x20) fail_found("a string without control characters");
    at_ += *at_ == '\\' && at_ + 1 != end_ ? 2 : 1;
  }
  if (at_ == end_) fail_found("'\"'");
  ++at_;
  return std::string_view(start, static_cast<std::size_t>(at_ - start));
}

std::string Reader::string() {
  const std::string_view token = string_token();
  bool plain = true;
  for (const char c : token) plain = plain && c != '\\' && static_cast<unsigned char>(c) < 0x80;
  if (plain) return std::string(token.substr(1, token.size() - 2));
  try {
    return unquote(token);
  } catch (const Fault& fault) {
    fail(token.data() + fault.byte, fault.reason);
  }
}

std::int64_t Reader::integer() {
  space();
  return number<std::int64_t>();
}

template <class T>
T Reader::number() {
  if constexpr (std::is_floating_point_v<T>) {
    if (*at_ == '"') {
      const char* start = at_;
      const std::string_view word = string_token();
      if (word == "\"nan\"") return std::numeric_limits<T>::quiet_NaN();
      if (word == "\"inf\"") return std::numeric_limits<T>::infinity();
      if (word == "\"-inf\"") return -std::numeric_limits<T>::infinity();
      fail(start, "expected a number, \"nan\", \"inf\" or \"-inf\", found another string");
    }
  }
  const Decimal d = scan_number(at_);
  const char* start = at_;
  if (!d.end) {
    if (*at_ != '-' && !is_digit(*at_)) fail_found("a number");
    while (at_ != end_ && at_ - start < 40 && *at_ != ',' && *at_ != ']') ++at_;
    fail(start,
         "not a JSON number: ", std::string_view(start, static_cast<std::size_t>(at_ - start)));
  }
  at_ = d.end;
  const auto token = [&] {
    return std::string_view(start, static_cast<std::size_t>(d.end - start));
  };
  T value{};
  if constexpr (std::is_floating_point_v<T>) {
    double quick = 0;
    if (quick_double(d, quick) && (std::is_same_v<T, double> || rounds_safely_to_float(quick)))
      return static_cast<T>(quick);
    const auto result = std::from_chars(start, d.end, value);
    if (result.ec != std::errc{} || !std::isfinite(value))
      fail(start, token(), " is out of range for ",
           std::is_same_v<T, float> ? "float32" : "float64");
  } else {
    if (!d.integral) fail(start, "expected an integer, found ", token());
    std::int64_t wide = 0;
    if (std::from_chars(start, d.end, wide).ec != std::errc{} ||
        wide < std::int64_t{std::numeric_limits<T>::min()} ||
        wide > std::int64_t{std::numeric_limits<T>::max()})
      fail(start, token(), " is out of range: expected ",
           std::int64_t{std::numeric_limits<T>::min()}, " to ",
           std::int64_t{std::numeric_limits<T>::max()});
    value = static_cast<T>(wide);
  }
  return value;
}

float Reader::real() {
  space();
  return number<float>();
}

template <class T>
void Reader::numbers(T* out, std::int64_t count) {
  expect('[');
  std::int64_t done = 0;
  if (!take(']')) {
    do {
      space();
      if (done == count) fail(at_, "expected ", count, " values by the shape, found more");
      out[done++] = number<T>();
      // The usual case without looking for white space.
    } while (*at_ == ',' ? (++at_, true) : take(','));
    if (!take(']')) fail_found("',' or ']'");
  }
  if (done != count) fail(at_ - 1, "expected ", count, " values by the shape, found ", done);
}

std::string_view Reader::skip() {
  space();
  const char* start = at_;
  int depth = 0;
  while (at_ != end_) {
    const char c = *at_;
    if (c == '"') {
      string_token();
      if (depth == 0) break;
      continue;
    }
    const bool closes = c == ']' || c == '}';
    if (depth == 0 && (closes || c == ',' || c == ' ' || c == '\n' || c == '\t' || c == '\r'))
      break;
    if ((c == '[' || c == '{') && ++depth > kMaxDepth)
      fail(at_, "nested more than ", kMaxDepth, " deep");
    ++at_;
    if (closes && --depth == 0) break;
  }
  if (depth != 0) fail_found("']' or '}'");
  if (at_ == start) fail_found("a value");
  return std::string_view(start, static_cast<std::size_t>(at_ - start));
}

std::string Reader::value(const std::string& what) {
  const char* start = place();
  const std::string_view text = skip();
  try {
    check_value(text);
  } catch (const Fault& fault) {
    fail(start + fault.byte, what, ": ", fault.reason);
  }
  return std::string(text);
}

void Reader::finish() {
  space();
  if (at_ != end_) fail_found("the end of the file");
}

template void Reader::numbers(float*, std::int64_t);
template void Reader::numbers(double*, std::int64_t);
template void Reader::numbers(std::int64_t*, std::int64_t);
template void Reader::numbers(std::int32_t*, std::int64_t);
template void Reader::numbers(std::uint8_t*, std::int64_t);
template void Reader::numbers(bool*, std::int64_t);

}  // namespace json
}  // namespace reel
