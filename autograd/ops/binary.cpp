// Elementwise ops of two and three operands beyond the four of arithmetic, with their in-place
// twins.
#include <cmath>

#include "elementwise.hpp"
#include "ops.hpp"

namespace reel {

namespace impl {
namespace {

using detail::elementwise;
using detail::Into;
using detail::promoted;

bool integral(const Tensor& a, const Tensor& b) { return !is_floating_point(result_type(a, b)); }

// Division of integers by zero has no value; that of floats is infinite or not a number.
void check_divisor(const char* op, const Tensor& a, const Tensor& b) {
  if (integral(a, b))
    check(b.numel() == 0 || !eq(b, 0).max().item<bool>(), "[", op,
          "] integer division by zero; convert to float first");
}
void check_divisor(const char* op, const Tensor& a, const Scalar& b) {
  check(a.is_floating_point() || b.isFloatingPoint() || b.toLong() != 0, "[", op,
        "] integer division by zero; convert to float first");
}
#define REEL_DIVISION(name, node)                                        \
  Tensor name(const Into& into, const Tensor& a, const Tensor& b) {      \
    check_divisor(#name, a, b);                                          \
    return elementwise<true>(                                            \
        into, node, [](auto x, auto y) { return name(x, y); }, a, b);    \
  }                                                                      \
  Tensor name(const Into& into, const Tensor& a, const Scalar& b) {      \
    check_divisor(#name, a, b);                                          \
    return elementwise<true>(                                            \
        into, node, [b](auto x) { return name(x, b); }, promoted(a, b)); \
  }
REEL_DIVISION(floor_divide, "DivBackward0")
REEL_DIVISION(trunc_divide, "DivBackward0")
REEL_DIVISION(remainder, "RemainderBackward0")
REEL_DIVISION(fmod, "FmodBackward0")
#undef REEL_DIVISION

template <class B>
Tensor div(const Into& into, const Tensor& a, const B& b,
           std::optional<std::string_view> rounding_mode) {
  if (!rounding_mode) {
    if (into.self) return into.self->div_(b);
    return reel::div(a, b);
  }
  check(*rounding_mode == "floor" || *rounding_mode == "trunc",
        "[div] expected rounding_mode to be one of None, \"trunc\" or \"floor\", found \"",
        std::string(*rounding_mode), "\"");
  return *rounding_mode == "floor" ? floor_divide(into, a, b) : trunc_divide(into, a, b);
}

#define REEL_EXTREME(name, node)                                    \
  Tensor name(const Tensor& a, const Tensor& b) {                   \
    if (a.scalar_type() == kBool && b.scalar_type() == kBool)       \
      return impl::name(a.to(kUInt8), b.to(kUInt8)).to(kBool);      \
    return elementwise<true>(                                       \
        {}, node, [](auto x, auto y) { return name(x, y); }, a, b); \
  }
REEL_EXTREME(maximum, "MaximumBackward0")
REEL_EXTREME(minimum, "MinimumBackward0")
#undef REEL_EXTREME

Tensor atan2(const Into& into, const Tensor& a, const Tensor& b) {
  return elementwise<false>(
      into, "Atan2Backward0", [](auto y, auto x) { return atan2(y, x); }, a, b);
}
Tensor hypot(const Into& into, const Tensor& a, const Tensor& b) {
  check<DtypeError>(!integral(a, b), "[hypot] is not implemented for integers; convert with .to()");
  return elementwise<false>(
      into, "HypotBackward0", [](auto x, auto y) { return hypot(x, y); }, a, b);
}

Tensor pow(const Into& into, const Tensor& x, const Scalar& exponent) {
  const char* node = "PowBackward0";
  const double p = exponent.toDouble();
  if (!x.is_floating_point() && !exponent.isFloatingPoint()) {
    check(p >= 0,
          "[pow] integers to negative integer powers are not allowed; convert to float first");
    exponent.check_fits("pow", result_type(x, exponent));
    return elementwise<true>(
        into, node, [exponent](auto v) { return power(v, exponent); }, promoted(x, exponent));
  }
  if (p == 0.0)
    return elementwise<false>(
        into, node, [](auto v) { return sign(v) * 0.0 + 1.0; }, x);
  if (p == 0.5)
    return elementwise<false>(
        into, node, [](auto v) { return formula::repeated<formula::Sqrt>(v); }, x);
  if (p == 2.0)
    return elementwise<false>(
        into, node, [](auto v) { return square(v); }, x);
  if (p == 3.0)
    return elementwise<false>(
        into, node, [](auto v) { return v * v * v; }, x);
  return elementwise<false>(
      into, node, [p](auto v) { return power(v, p); }, x);
}
Tensor pow(const Into& into, const Tensor& x, const Tensor& exponent) {
  return elementwise<true>(
      into, "PowBackward1", [](auto a, auto b) { return power(a, b); }, x, exponent);
}

Tensor clamp(const Into& into, const Tensor& x, const std::optional<Scalar>& min,
             const std::optional<Scalar>& max) {
  check(min || max, "[clamp] at least one of min and max must be given");
  const char* node = "ClampBackward1";
  const Tensor widened = max ? promoted(min ? promoted(x, *min) : x, *max) : promoted(x, *min);
  const Scalar lo = min.value_or(0), hi = max.value_or(0);
  lo.check_fits("clamp", widened.scalar_type());
  hi.check_fits("clamp", widened.scalar_type());
  if (!max)
    return elementwise<true>(
        into, node, [lo](auto v) { return at_least(v, lo); }, widened);
  if (!min)
    return elementwise<true>(
        into, node, [hi](auto v) { return at_most(v, hi); }, widened);
  return elementwise<true>(
      into, node, [lo, hi](auto v) { return at_most(at_least(v, lo), hi); }, widened);
}
// A bound that is not a number makes the result not a number.
const auto kAtLeast = [](auto v, auto lo) { return choose(lo == lo, at_least(v, lo), trunc(lo)); };
const auto kAtMost = [](auto v, auto hi) { return choose(hi == hi, at_most(v, hi), trunc(hi)); };
Tensor clamp(const Into& into, const Tensor& x, const std::optional<Tensor>& min,
             const std::optional<Tensor>& max) {
  check(min || max, "[clamp] at least one of min and max must be given");
  const char* node = "ClampBackward0";
  if (!max) return elementwise<true>(into, node, kAtLeast, x, *min);
  if (!min) return elementwise<true>(into, node, kAtMost, x, *max);
  return elementwise<true>(
      into, node, [](auto v, auto lo, auto hi) { return kAtMost(kAtLeast(v, lo), hi); }, x, *min,
      *max);
}

// From the nearer end, so that weight 1 gives `end` to the last digit.
Tensor lerp(const Into& into, const Tensor& a, const Tensor& end, const Scalar& weight) {
  detail::check_floating("lerp", a);
  const double w = weight.toDouble(), rest = 1.0 - w;
  if (std::abs(w) < 0.5)
    return elementwise<false>(
        into, "LerpBackward0", [w](auto x, auto y) { return x + (y - x) * w; }, a, end);
  return elementwise<false>(
      into, "LerpBackward0", [rest](auto x, auto y) { return y - (y - x) * rest; }, a, end);
}
Tensor lerp(const Into& into, const Tensor& a, const Tensor& end, const Tensor& weight) {
  detail::check_floating("lerp", a);
  return elementwise<false>(
      into, "LerpBackward1",
      [](auto x, auto y, auto w) {
        return choose(abs(w) < 0.5, x + (y - x) * w, y - (y - x) * (1.0 - w));
      },
      a, end, weight);
}
Tensor addcmul(const Into& into, const Tensor& a, const Tensor& b, const Tensor& c,
               const Scalar& value) {
  return elementwise<true>(
      into, "AddcmulBackward0", [value](auto x, auto y, auto z) { return x + y * z * value; }, a, b,
      c);
}
Tensor addcdiv(const Into& into, const Tensor& a, const Tensor& b, const Tensor& c,
               const Scalar& value) {
  check<DtypeError>(!integral(b, c),
                    "[addcdiv] integer division is not supported; convert with .to()");
  return elementwise<false>(
      into, "AddcdivBackward0", [value](auto x, auto y, auto z) { return x + y / z * value; }, a, b,
      c);
}

}  // namespace
}  // namespace impl

// A method and its free function; `parameters` begin with a comma.
#define REEL_OP_AND_METHOD_TWIN(name, parameters, arguments)                      \
  Tensor name REEL_WITH_SELF parameters { return impl::name REEL_NEW arguments; } \
  Tensor& Tensor::name##_ REEL_OTHERS parameters const {                          \
    const Tensor& self = *this;                                                   \
    const detail::Into into{#name "_", this};                                     \
    impl::name REEL_INTO arguments;                                               \
    return const_cast<Tensor&>(self);                                             \
  }
#define REEL_DROP_FIRST(empty, ...) (__VA_ARGS__)
#define REEL_OTHERS(...) REEL_DROP_FIRST(__VA_ARGS__)
REEL_OP_AND_METHOD_TWIN(floor_divide, (, const Tensor& other), (, other))
REEL_OP_AND_METHOD_TWIN(floor_divide, (, const Scalar& other), (, other))
REEL_OP_AND_METHOD_TWIN(remainder, (, const Tensor& other), (, other))
REEL_OP_AND_METHOD_TWIN(remainder, (, const Scalar& other), (, other))
REEL_OP_AND_METHOD_TWIN(fmod, (, const Tensor& other), (, other))
REEL_OP_AND_METHOD_TWIN(fmod, (, const Scalar& other), (, other))
REEL_OP_AND_METHOD_TWIN(div, (, const Tensor& other, std::optional<std::string_view> rounding_mode),
                        (, other, rounding_mode))
REEL_OP_AND_METHOD_TWIN(div, (, const Scalar& other, std::optional<std::string_view> rounding_mode),
                        (, other, rounding_mode))
REEL_OP_AND_METHOD_TWIN(atan2, (, const Tensor& other), (, other))
REEL_OP_AND_METHOD_TWIN(hypot, (, const Tensor& other), (, other))
REEL_OP_AND_METHOD_TWIN(pow, (, const Tensor& exponent), (, exponent))
REEL_OP_AND_METHOD_TWIN(pow, (, const Scalar& exponent), (, exponent))
REEL_OP_AND_METHOD_TWIN(lerp, (, const Tensor& end, const Tensor& weight), (, end, weight))
REEL_OP_AND_METHOD_TWIN(lerp, (, const Tensor& end, const Scalar& weight), (, end, weight))
REEL_OP_AND_METHOD_TWIN(addcmul,
                        (, const Tensor& tensor1, const Tensor& tensor2, const Scalar& value),
                        (, tensor1, tensor2, value))
REEL_OP_AND_METHOD_TWIN(addcdiv,
                        (, const Tensor& tensor1, const Tensor& tensor2, const Scalar& value),
                        (, tensor1, tensor2, value))
REEL_OP_AND_TWIN(clamp, (, const std::optional<Scalar>& min, const std::optional<Scalar>& max),
                 (, min, max))
REEL_OP_AND_TWIN(clamp, (, const std::optional<Tensor>& min, const std::optional<Tensor>& max),
                 (, min, max))

Tensor clamp_min(const Tensor& self, const Scalar& min) {
  return clamp(self, std::optional<Scalar>(min), nullopt);
}
Tensor clamp_min(const Tensor& self, const Tensor& min) {
  return clamp(self, std::optional<Tensor>(min), nullopt);
}
Tensor clamp_max(const Tensor& self, const Scalar& max) {
  return clamp(self, nullopt, std::optional<Scalar>(max));
}
Tensor clamp_max(const Tensor& self, const Tensor& max) {
  return clamp(self, nullopt, std::optional<Tensor>(max));
}
Tensor& clamp_min_(const Tensor& self, const Scalar& min) {
  return clamp_(self, std::optional<Scalar>(min), nullopt);
}
Tensor& clamp_min_(const Tensor& self, const Tensor& min) {
  return clamp_(self, std::optional<Tensor>(min), nullopt);
}
Tensor& clamp_max_(const Tensor& self, const Tensor& max) {
  return clamp_(self, nullopt, std::optional<Tensor>(max));
}
Tensor& clamp_max_(const Tensor& self, const Scalar& max) {
  return clamp_(self, nullopt, std::optional<Scalar>(max));
}
Tensor maximum(const Tensor& a, const Tensor& b) { return impl::maximum(a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return impl::minimum(a, b); }
Tensor pow(const Scalar& base, const Tensor& exponent) {
  return detail::elementwise<true>(
      {}, "PowBackward1", [base](auto v) { return power(base, v); },
      detail::promoted(exponent, base));
}
Tensor remainder(const Scalar& a, const Tensor& b) {
  impl::check_divisor("remainder", full({}, a, a.type()), b);
  return detail::elementwise<true>(
      {}, "RemainderBackward1", [a](auto v) { return remainder(a, v); }, detail::promoted(b, a));
}

}  // namespace reel
