// Element types, their promotion, Scalar (one number of any of them), Device and TensorOptions.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>

#include "error.hpp"

namespace reel {

/// Element types, with PyTorch's names. Default is float32.
enum class ScalarType : std::int8_t { Byte, Int, Long, Float, Double, Bool };

constexpr ScalarType kUInt8 = ScalarType::Byte, kByte = kUInt8;
constexpr ScalarType kInt32 = ScalarType::Int, kInt = kInt32;
constexpr ScalarType kInt64 = ScalarType::Long, kLong = kInt64;
constexpr ScalarType kFloat32 = ScalarType::Float, kFloat = kFloat32, kF32 = kFloat32;
constexpr ScalarType kFloat64 = ScalarType::Double, kDouble = kFloat64, kF64 = kFloat64;
constexpr ScalarType kBool = ScalarType::Bool;

using Dtype = ScalarType;

constexpr bool is_floating_point(ScalarType t) { return t == kFloat32 || t == kFloat64; }
constexpr bool is_integral(ScalarType t, bool include_bool) {
  return t == kUInt8 || t == kInt32 || t == kInt64 || (include_bool && t == kBool);
}
constexpr std::size_t element_size(ScalarType t) {
  return t == ScalarType::Byte || t == ScalarType::Bool   ? 1
         : t == ScalarType::Int || t == ScalarType::Float ? 4
                                                          : 8;
}
/// "float32", "int64", ...: the name in files and messages.
const char* dtype_name(ScalarType t);
/// "Float", "Long", ...: PyTorch's C++ name, used when a tensor is printed.
const char* to_string(ScalarType t);
/// The dtype called `name` in files; throws DtypeError for any other text.
ScalarType dtype_from_name(const std::string& name);
std::ostream& operator<<(std::ostream& out, ScalarType t);

/// The dtype of an operation on both, by PyTorch's lattice: bool < uint8 < int32 < int64 <
/// float32 < float64.
ScalarType promote_types(ScalarType a, ScalarType b);

ScalarType get_default_dtype();
/// float32 or float64; throws DtypeError for others.
void set_default_dtype(ScalarType t);

template <class T>
struct dtype_of;
template <>
struct dtype_of<std::uint8_t> {
  static constexpr ScalarType value = kUInt8;
};
template <>
struct dtype_of<std::int32_t> {
  static constexpr ScalarType value = kInt32;
};
template <>
struct dtype_of<std::int64_t> {
  static constexpr ScalarType value = kInt64;
};
template <>
struct dtype_of<long long> {
  static constexpr ScalarType value = kInt64;
};
template <>
struct dtype_of<float> {
  static constexpr ScalarType value = kFloat32;
};
template <>
struct dtype_of<double> {
  static constexpr ScalarType value = kFloat64;
};
template <>
struct dtype_of<bool> {
  static constexpr ScalarType value = kBool;
};

template <class T>
struct Tag {
  using type = T;
};

/// Calls `f(Tag<T>{})` with the C++ type of `t`.
template <class F>
decltype(auto) dispatch(ScalarType t, F&& f) {
  switch (t) {
    case ScalarType::Byte:
      return f(Tag<std::uint8_t>{});
    case ScalarType::Int:
      return f(Tag<std::int32_t>{});
    case ScalarType::Long:
      return f(Tag<std::int64_t>{});
    case ScalarType::Float:
      return f(Tag<float>{});
    case ScalarType::Double:
      return f(Tag<double>{});
    case ScalarType::Bool:
      return f(Tag<bool>{});
  }
  throw DtypeError("unknown dtype");
}
/// The same for the two floating types; throws DtypeError naming `op` for the others.
template <class F>
decltype(auto) dispatch_float(const char* op, ScalarType t, F&& f) {
  if (t == kFloat32) return f(Tag<float>{});
  if (t == kFloat64) return f(Tag<double>{});
  throw DtypeError(detail::message("[", op, "] expected a floating point tensor, found ",
                                   dtype_name(t), "; convert it with .to(reel::kFloat32)"));
}

/// One number: floating, integral or boolean, as written by the caller.
class Scalar {
 public:
  Scalar() : Scalar(std::int64_t{0}) {}
  template <class T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
  Scalar(T value) {
    if constexpr (std::is_same_v<T, bool>) {
      kind_ = kBool;
      integer_ = value ? 1 : 0;
    } else if constexpr (std::is_integral_v<T>) {
      kind_ = kInt64;
      integer_ = static_cast<std::int64_t>(value);
    } else {
      kind_ = kFloat64;
      real_ = static_cast<double>(value);
    }
  }
  bool isFloatingPoint() const { return kind_ == kFloat64; }
  bool isIntegral(bool include_bool) const {
    return kind_ == kInt64 || (include_bool && kind_ == kBool);
  }
  bool isBoolean() const { return kind_ == kBool; }
  ScalarType type() const { return kind_; }
  /// The number as a T. Throws Error where a T cannot hold it; as in PyTorch, a negative number
  /// that an unsigned T could hold without its sign wraps around.
  template <class T>
  T to() const {
    if constexpr (std::is_same_v<T, bool>) {
      return toBool();
    } else if constexpr (std::is_same_v<T, double>) {
      return wrapped<double>();
    } else {
      require_range(static_cast<double>(std::numeric_limits<T>::lowest()),
                    static_cast<double>(std::numeric_limits<T>::max()), std::is_integral_v<T>,
                    std::is_unsigned_v<T>);
      return wrapped<T>();
    }
  }
  /// The same without a check: the lowest bits of an integer, infinity for a float out of range.
  template <class T>
  T wrapped() const {
    if (kind_ != kFloat64) return static_cast<T>(integer_);
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
      return static_cast<T>(integer_of(real_));
    else
      return static_cast<T>(real_);
  }
  double toDouble() const { return to<double>(); }
  float toFloat() const { return to<float>(); }
  std::int64_t toLong() const { return to<std::int64_t>(); }
  int toInt() const { return to<int>(); }
  bool toBool() const { return kind_ == kFloat64 ? real_ != 0.0 : integer_ != 0; }
  /// Throws Error, naming `op`, where to<T>() would for the C++ type of `t`.
  void check_fits(const char* op, ScalarType t) const;

 private:
  void require_range(double lowest, double highest, bool integral, bool negatives_wrap) const;
  // The nearest int64, 0 for NaN.
  static std::int64_t integer_of(double real);

  ScalarType kind_;
  union {
    double real_;
    std::int64_t integer_;
  };
};
std::ostream& operator<<(std::ostream& out, const Scalar& s);

enum class DeviceType : std::int8_t { CPU, CUDA };
constexpr DeviceType kCPU = DeviceType::CPU;
constexpr DeviceType kCUDA = DeviceType::CUDA;

/// Where a tensor lives. Only the CPU exists: any other device throws Error.
class Device {
 public:
  using Type = DeviceType;
  Device(DeviceType type = kCPU, int index = -1);
  Device(const std::string& name);
  Device(const char* name) : Device(std::string(name)) {}
  DeviceType type() const { return kCPU; }
  std::int8_t index() const { return -1; }
  bool has_index() const { return false; }
  bool is_cpu() const { return true; }
  bool is_cuda() const { return false; }
  std::string str() const { return "cpu"; }
  friend bool operator==(const Device&, const Device&) { return true; }
  friend bool operator!=(const Device&, const Device&) { return false; }
};
std::ostream& operator<<(std::ostream& out, const Device& device);

/// How a tensor's elements lie in memory: at strides.
enum class Layout : std::int8_t { Strided };
constexpr Layout kStrided = Layout::Strided;

/// dtype, device and requires_grad of a tensor to be made; fluent, as in libtorch.
class TensorOptions {
 public:
  TensorOptions() = default;
  TensorOptions(ScalarType t) : dtype_(t) {}
  TensorOptions(Device) {}
  TensorOptions(DeviceType t) : TensorOptions(Device(t)) {}
  TensorOptions dtype(ScalarType t) const {
    TensorOptions r = *this;
    r.dtype_ = t;
    return r;
  }
  template <class T>
  TensorOptions dtype() const {
    return dtype(dtype_of<T>::value);
  }
  TensorOptions device(Device, int = -1) const { return *this; }
  TensorOptions device(DeviceType t, int index = -1) const { return device(Device(t, index)); }
  TensorOptions layout(Layout) const { return *this; }
  TensorOptions requires_grad(bool on) const {
    TensorOptions r = *this;
    r.requires_grad_ = on;
    return r;
  }
  ScalarType dtype() const { return dtype_ ? *dtype_ : get_default_dtype(); }
  std::optional<ScalarType> dtype_opt() const { return dtype_; }
  bool has_dtype() const { return dtype_.has_value(); }
  Device device() const { return Device(); }
  Layout layout() const { return kStrided; }
  bool requires_grad() const { return requires_grad_; }

 private:
  std::optional<ScalarType> dtype_;
  bool requires_grad_ = false;
};
inline TensorOptions dtype(ScalarType t) { return TensorOptions(t); }
inline TensorOptions device(Device d) { return TensorOptions(d); }
inline TensorOptions requires_grad(bool on = true) { return TensorOptions().requires_grad(on); }

template <class T>
using optional = std::optional<T>;
using std::nullopt;
using nullopt_t = std::nullopt_t;

}  // namespace reel
