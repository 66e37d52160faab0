// Elementary functions of one operand, with their in-place twins.
#include <limits>

#include "elementwise.hpp"
#include "ops.hpp"

namespace reel {

namespace impl {
namespace {

using detail::elementwise;
using detail::Into;

// Functions of real numbers: integers become floats. Derivatives: the table in num.hpp.
#define REEL_REAL(name, node)                                       \
  Tensor name(const Into& into, const Tensor& x) {                  \
    return elementwise<false>(                                      \
        into, node "Backward0", [](auto v) { return name(v); }, x); \
  }
REEL_REAL(sqrt, "Sqrt")
REEL_REAL(rsqrt, "Rsqrt")
REEL_REAL(exp, "Exp")
REEL_REAL(expm1, "Expm1")
REEL_REAL(log, "Log")
REEL_REAL(log1p, "Log1P")
REEL_REAL(log2, "Log2")
REEL_REAL(log10, "Log10")
REEL_REAL(sin, "Sin")
REEL_REAL(cos, "Cos")
REEL_REAL(tan, "Tan")
REEL_REAL(asin, "Asin")
REEL_REAL(acos, "Acos")
REEL_REAL(atan, "Atan")
REEL_REAL(sinh, "Sinh")
REEL_REAL(cosh, "Cosh")
REEL_REAL(tanh, "Tanh")
REEL_REAL(sigmoid, "Sigmoid")
REEL_REAL(erf, "Erf")
REEL_REAL(erfc, "Erfc")
#undef REEL_REAL
Tensor reciprocal(const Into& into, const Tensor& x) {
  return elementwise<false>(
      into, "ReciprocalBackward0", [](auto v) { return formula::kept<formula::Reciprocal>(v); }, x);
}

// Integers are whole already.
#define REEL_ROUNDING(name, node)                                         \
  Tensor name(const Into& into, const Tensor& x) {                        \
    check<DtypeError>(x.scalar_type() != kBool,                           \
                      "[" #name "] is not implemented for bool tensors"); \
    if (!x.is_floating_point()) return into.self ? x : x.clone();         \
    return elementwise<false>(                                            \
        into, node "Backward0", [](auto v) { return name(v); }, x);       \
  }
REEL_ROUNDING(floor, "Floor")
REEL_ROUNDING(ceil, "Ceil")
REEL_ROUNDING(round, "Round")
REEL_ROUNDING(trunc, "Trunc")
#undef REEL_ROUNDING

Tensor frac(const Into& into, const Tensor& x) {
  detail::check_floating("frac", x);
  return elementwise<false>(
      into, "FracBackward0", [](auto v) { return v - trunc(v); }, x);
}
Tensor neg(const Into& into, const Tensor& x) {
  check<DtypeError>(x.scalar_type() != kBool,
                    "[neg] negation of a bool tensor is not supported; use logical_not");
  return elementwise<true>(
      into, "NegBackward0", [](auto v) { return -v; }, x);
}
Tensor abs(const Into& into, const Tensor& x) {
  return elementwise<true>(
      into, "AbsBackward0", [](auto v) { return abs(v); }, x);
}
Tensor sign(const Into& into, const Tensor& x) {
  if (x.scalar_type() == kBool) return into.self ? x : x.clone();
  return elementwise<true>(
      into, "SignBackward0", [](auto v) { return sign(v); }, x);
}
Tensor square(const Into& into, const Tensor& x) {
  return elementwise<true>(
      into, "PowBackward0", [](auto v) { return square(v); },
      x.scalar_type() == kBool ? x.to(kInt64) : x);
}
Tensor nan_to_num(const Into& into, const Tensor& x, std::optional<double> nan,
                  std::optional<double> posinf, std::optional<double> neginf) {
  if (!x.is_floating_point()) return into.self ? x : x.clone();
  const bool single = x.scalar_type() == kFloat32;
  const double most = single ? static_cast<double>(std::numeric_limits<float>::max())
                             : std::numeric_limits<double>::max();
  const double missing = nan.value_or(0.0), up = posinf.value_or(most),
               down = neginf.value_or(-most), infinity = std::numeric_limits<double>::infinity();
  return elementwise<false>(
      into, "NanToNumBackward0",
      [=](auto v) {
        const auto bounded = choose(v == infinity, up, choose(v == -infinity, down, v));
        return choose(v == v, bounded, missing);
      },
      x);
}

}  // namespace
}  // namespace impl

REEL_OP_AND_TWIN(sqrt, (), ())
REEL_OP_AND_TWIN(rsqrt, (), ())
REEL_OP_AND_TWIN(reciprocal, (), ())
REEL_OP_AND_TWIN(exp, (), ())
REEL_OP_AND_TWIN(expm1, (), ())
REEL_OP_AND_TWIN(log, (), ())
REEL_OP_AND_TWIN(log1p, (), ())
REEL_OP_AND_TWIN(log2, (), ())
REEL_OP_AND_TWIN(log10, (), ())
REEL_OP_AND_TWIN(sin, (), ())
REEL_OP_AND_TWIN(cos, (), ())
REEL_OP_AND_TWIN(tan, (), ())
REEL_OP_AND_TWIN(asin, (), ())
REEL_OP_AND_TWIN(acos, (), ())
REEL_OP_AND_TWIN(atan, (), ())
REEL_OP_AND_TWIN(sinh, (), ())
REEL_OP_AND_TWIN(cosh, (), ())
REEL_OP_AND_TWIN(tanh, (), ())
REEL_OP_AND_TWIN(sigmoid, (), ())
REEL_OP_AND_TWIN(erf, (), ())
REEL_OP_AND_TWIN(erfc, (), ())
REEL_OP_AND_TWIN(floor, (), ())
REEL_OP_AND_TWIN(ceil, (), ())
REEL_OP_AND_TWIN(round, (), ())
REEL_OP_AND_TWIN(trunc, (), ())
REEL_OP_AND_TWIN(frac, (), ())
REEL_OP_AND_TWIN(neg, (), ())
REEL_OP_AND_TWIN(abs, (), ())
REEL_OP_AND_TWIN(sign, (), ())
REEL_OP_AND_TWIN(square, (), ())
REEL_OP_AND_TWIN(nan_to_num,
                 (, std::optional<double> nan, std::optional<double> posinf,
                  std::optional<double> neginf),
                 (, nan, posinf, neginf))

// Here and not among the composed ops: those are compiled for size, and the sine of the first file
// that has one is linked for all.
Tensor sinc(const Tensor& self) {
  return pointwise(
      "SincBackward0",
      [](auto v) {
        const auto angle = choose(v == 0.0, 1.0, v * 3.14159265358979323846);
        return choose(v == 0.0, 1.0, sin(angle) / angle);
      },
      self);
}

}  // namespace reel
