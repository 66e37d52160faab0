#include "dtype.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <ostream>

namespace reel {

namespace {
struct Names {
  ScalarType type;
  const char* file;
  const char* torch;
  int rank;  // position in the promotion lattice, which is a chain for these types
};
constexpr Names kNames[] = {
    {kUInt8, "uint8", "Byte", 1},       {kInt32, "int32", "Int", 2},
    {kInt64, "int64", "Long", 3},       {kFloat32, "float32", "Float", 4},
    {kFloat64, "float64", "Double", 5}, {kBool, "bool", "Bool", 0},
};
const Names& names(ScalarType t) {
  const auto at = static_cast<std::size_t>(t);
  check<DtypeError>(at < std::size(kNames), "unknown dtype number ", at);
  return kNames[at];
}
std::atomic<ScalarType> default_dtype{kFloat32};
}  // namespace

const char* dtype_name(ScalarType t) { return names(t).file; }
const char* to_string(ScalarType t) { return names(t).torch; }
ScalarType dtype_from_name(const std::string& name) {
  for (const auto& n : kNames)
    if (name == n.file) return n.type;
  throw DtypeError("unknown dtype \"" + name +
                   "\"; expected float32, float64, int64, int32, uint8 or bool");
}
std::ostream& operator<<(std::ostream& out, ScalarType t) { return out << to_string(t); }

ScalarType promote_types(ScalarType a, ScalarType b) {
  return names(a).rank >= names(b).rank ? a : b;
}

ScalarType get_default_dtype() { return default_dtype.load(std::memory_order_relaxed); }
void set_default_dtype(ScalarType t) {
  check<DtypeError>(is_floating_point(t), "[set_default_dtype] expected float32 or float64, found ",
                    dtype_name(t));
  default_dtype.store(t, std::memory_order_relaxed);
}

namespace {
// Whether `s` lies between the bounds; `wraps`: a negative number may stand for its lowest bits.
bool fits(const Scalar& s, double lowest, double highest, bool integral, bool wraps) {
  if (!s.isFloatingPoint() && !integral) return true;
  const double v = s.wrapped<double>();
  if (!integral && !std::isfinite(v)) return true;
  return v <= highest && (v >= lowest || (wraps && v >= -highest));
}
}  // namespace

void Scalar::require_range(double lowest, double highest, bool integral, bool wraps) const {
  check(fits(*this, lowest, highest, integral, wraps), "[Scalar] ", *this,
        " cannot be converted without overflow: expected a number from ", lowest, " to ", highest);
}

void Scalar::check_fits(const char* op, ScalarType t) const {
  const bool fit = dispatch(t, [this](auto tag) {
    using T = typename decltype(tag)::type;
    using Limits = std::numeric_limits<T>;
    return std::is_same_v<T, bool> ||
           fits(*this, static_cast<double>(Limits::lowest()), static_cast<double>(Limits::max()),
                std::is_integral_v<T>, std::is_unsigned_v<T>);
  });
  check(fit, "[", op, "] value ", *this, " cannot be converted to type ", dtype_name(t),
        " without overflow");
}

std::int64_t Scalar::integer_of(double real) {
  constexpr double bound = 9223372036854775808.0;  // 2^63
  if (real != real) return 0;
  if (real >= bound) return std::numeric_limits<std::int64_t>::max();
  return real < -bound ? std::numeric_limits<std::int64_t>::min() : static_cast<std::int64_t>(real);
}

std::ostream& operator<<(std::ostream& out, const Scalar& s) {
  if (s.isFloatingPoint()) return out << s.toDouble();
  if (s.isBoolean()) return out << (s.toBool() ? "true" : "false");
  return out << s.toLong();
}

Device::Device(DeviceType type, int) {
  check(type == kCPU, "reel runs on the CPU only; use reel::kCPU instead of a CUDA device");
}
Device::Device(const std::string& name) {
  check(name == "cpu" || name == "cpu:0", "reel runs on the CPU only; found device \"", name,
        "\", expected \"cpu\"");
}
std::ostream& operator<<(std::ostream& out, const Device& device) { return out << device.str(); }

}  // namespace reel
