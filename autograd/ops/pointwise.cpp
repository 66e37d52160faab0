#include "pointwise.hpp"

#include <cmath>

#include "autograd/kernels.hpp"
#include "autograd/pointwise.hpp"
#include "ops.hpp"
#include "view.hpp"

namespace reel {

namespace {
int category(ScalarType t) { return t == kBool ? 0 : is_floating_point(t) ? 2 : 1; }

template <class F, class... X>
Tensor apply(const char* name, const F& f, const X&... x) {
  return formula::run<true>(name, f, nullptr, x...);
}

// The tensor as a dtype in which arithmetic with `s` keeps PyTorch's result type.
Tensor promoted(const Tensor& x, const Scalar& s) { return x.to(result_type(x, s)); }

// The in-place twin of an elementwise op: straight into the memory where nothing is recorded.
template <class F, class... X>
Tensor& apply_in_place(const char* op, const char* name, const F& f, const Tensor& self,
                       const X&... x) {
  detail::check_in_place(op, self);
  if (!needs_record(self, x...) && ((x.scalar_type() == self.scalar_type()) && ...)) {
    const Tensor* into[] = {&self};
    formula::run<true>(name, f, into, self, detail::without_overlap(self, x)...);
    self.impl()->storage->bump_version();
    return const_cast<Tensor&>(self);
  }
  constexpr bool reads_self =
      (formula::Plan<F, std::make_index_sequence<1 + sizeof...(X)>>::all_needs & 1) != 0;
  return detail::write_in_place(
      op, self,
      apply(name, f, detail::before_write(self, reads_self), detail::without_overlap(self, x)...));
}

void no_bool_minus(const Tensor& a) {
  check<DtypeError>(a.scalar_type() != kBool,
                    "[sub] subtraction of bool tensors is not supported; use logical ops or .to()");
}

const auto kAdd = [](auto a, auto b) { return a + b; };
const auto kSub = [](auto a, auto b) { return a - b; };
const auto kMul = [](auto a, auto b) { return a * b; };
const auto kDiv = [](auto a, auto b) { return a / b; };
auto add_scaled(const Scalar& alpha) {
  return [alpha](auto a, auto b) { return a + b * alpha; };
}
auto add_number(const Scalar& s) {
  return [s](auto a) { return a + s; };
}
auto mul_number(const Scalar& s) {
  return [s](auto a) { return a * s; };
}
auto div_number(const Scalar& s) {
  return [s](auto a) { return a / s; };
}
bool is_one(const Scalar& s) { return s.toDouble() == 1.0; }
Scalar times(const Scalar& a, const Scalar& b) {
  if (a.isFloatingPoint() || b.isFloatingPoint()) return a.toDouble() * b.toDouble();
  // Wraps around, as integer tensors do.
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a.toLong()) *
                                   static_cast<std::uint64_t>(b.toLong()));
}
Scalar minus(const Scalar& a) {
  return a.isFloatingPoint() ? Scalar(-a.toDouble()) : Scalar(-a.toLong());
}
// Division always works on floats.
Tensor floating(const Tensor& x) { return x.is_floating_point() ? x : x.to(get_default_dtype()); }
// Bool arithmetic runs on bytes.
template <class F>
Tensor with_bools(const char* name, const F& f, const Tensor& a, const Tensor& b) {
  if (a.scalar_type() == kBool && b.scalar_type() == kBool)
    return apply(name, f, a.to(kUInt8), b.to(kUInt8)).to(kBool);
  return apply(name, f, a, b);
}
}  // namespace

ScalarType result_type(const Tensor& a, const Tensor& b) {
  const ScalarType x = a.scalar_type(), y = b.scalar_type();
  if (x == y) return x;
  const bool x_dims = a.dim() > 0, y_dims = b.dim() > 0;
  if (x_dims != y_dims) {
    const ScalarType strong = x_dims ? x : y, weak = x_dims ? y : x;
    if (category(weak) <= category(strong)) return strong;
  }
  return promote_types(x, y);
}
ScalarType result_type(const Tensor& a, const Scalar& b) {
  const ScalarType x = a.scalar_type();
  if (category(b.type()) <= category(x)) return x;
  return b.isFloatingPoint() ? get_default_dtype() : b.type();
}

Tensor add(const Tensor& a, const Tensor& b, const Scalar& alpha) {
  if (is_one(alpha)) return with_bools("AddBackward0", kAdd, a, b);
  return apply("AddBackward0", add_scaled(alpha), a, b);
}
Tensor add(const Tensor& a, const Scalar& b, const Scalar& alpha) {
  return apply("AddBackward0", add_number(times(b, alpha)), promoted(a, b));
}
Tensor sub(const Tensor& a, const Tensor& b, const Scalar& alpha) {
  no_bool_minus(a);
  no_bool_minus(b);
  if (is_one(alpha)) return apply("SubBackward0", kSub, a, b);
  return apply("SubBackward0", add_scaled(minus(alpha)), a, b);
}
Tensor sub(const Tensor& a, const Scalar& b, const Scalar& alpha) {
  no_bool_minus(a);
  return apply("SubBackward0", add_number(minus(times(b, alpha))), promoted(a, b));
}
Tensor mul(const Tensor& a, const Tensor& b) { return with_bools("MulBackward0", kMul, a, b); }
Tensor mul(const Tensor& a, const Scalar& b) {
  if (a.scalar_type() == kBool && b.isBoolean()) return b.toBool() ? a.clone() : zeros_like(a);
  return apply("MulBackward0", mul_number(b), promoted(a, b));
}
Tensor div(const Tensor& a, const Tensor& b) {
  const ScalarType common = result_type(a, b);
  const ScalarType dtype = is_floating_point(common) ? common : get_default_dtype();
  return pointwise("DivBackward0", kDiv, a.to(dtype), b.to(dtype));
}
Tensor div(const Tensor& a, const Scalar& b) {
  return pointwise("DivBackward0", div_number(b), floating(a));
}
Tensor operator-(const Scalar& a, const Tensor& b) {
  no_bool_minus(b);
  return apply(
      "RsubBackward1", [a](auto x) { return a - x; }, promoted(b, a));
}
Tensor operator/(const Scalar& a, const Tensor& b) {
  return pointwise(
      "DivBackward0", [a](auto x) { return a / x; }, floating(b));
}
Tensor neg(const Tensor& x) {
  check<DtypeError>(x.scalar_type() != kBool,
                    "[neg] negation of a bool tensor is not supported; use logical_not");
  return apply(
      "NegBackward0", [](auto v) { return -v; }, x);
}
Tensor abs(const Tensor& x) {
  return apply(
      "AbsBackward0", [](auto v) { return abs(v); }, x);
}
Tensor square(const Tensor& x) {
  return apply(
      "PowBackward0", [](auto v) { return square(v); }, x);
}
Tensor sqrt(const Tensor& x) {
  return pointwise(
      "SqrtBackward0", [](auto v) { return sqrt(v); }, x);
}
Tensor exp(const Tensor& x) {
  return pointwise(
      "ExpBackward0", [](auto v) { return exp(v); }, x);
}
Tensor log(const Tensor& x) {
  return pointwise(
      "LogBackward0", [](auto v) { return log(v); }, x);
}
Tensor tanh(const Tensor& x) {
  return pointwise(
      "TanhBackward0", [](auto v) { return tanh(v); }, x);
}
Tensor sigmoid(const Tensor& x) {
  return pointwise(
      "SigmoidBackward0", [](auto v) { return sigmoid(v); }, x);
}
Tensor relu(const Tensor& x) {
  return apply(
      "ReluBackward0", [](auto v) { return relu(v); }, x);
}

Tensor sign(const Tensor& x) {
  return apply(
      "SignBackward0", [](auto v) { return sign(v); }, x);
}

Tensor pow(const Tensor& x, const Scalar& exponent) {
  const double p = exponent.toDouble();
  if (!x.is_floating_point() && !exponent.isFloatingPoint()) {
    check(p >= 0,
          "[pow] integers to negative integer powers are not allowed; convert to float first");
    Tensor result = ones_like(x);
    for (std::int64_t i = 0; i < exponent.toLong(); ++i) result = result * x;
    return result;
  }
  if (p == 0.0)
    return pointwise(
        "PowBackward0", [](auto v) { return sign(v) * 0.0 + 1.0; }, x);
  if (p == 2.0) return square(x.is_floating_point() ? x : floating(x));
  return pointwise(
      "PowBackward0", [p](auto v) { return power(v, p); }, x);
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  check<DtypeError>(condition.scalar_type() == kBool, "[where] expected a bool condition, found ",
                    dtype_name(condition.scalar_type()));
  const ScalarType dtype = result_type(a, b);
  if (dtype == kBool) return where(condition, a.to(kUInt8), b.to(kUInt8)).to(kBool);
  return apply(
      "WhereBackward0", [](auto c, auto x, auto y) { return choose(c == Scalar(0), y, x); },
      condition.to(dtype), a.to(dtype), b.to(dtype));
}
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Scalar& value) {
  check<DtypeError>(mask.scalar_type() == kBool, "[masked_fill] expected a bool mask, found ",
                    dtype_name(mask.scalar_type()));
  return where(mask, full({}, value, x.scalar_type()), x);
}

// ---------------------------------------------------------------- comparisons
namespace {
template <class F>
Tensor compare(const char* op, const Tensor& a, const Tensor& b, F f) {
  NoGradGuard no_grad;
  const ScalarType dtype = result_type(a, b);
  const Dims shape = broadcast_shapes(op, a.sizes(), b.sizes());
  const Tensor x = a.to(dtype).expand(shape).contiguous(),
               y = b.to(dtype).expand(shape).contiguous();
  const Tensor out = empty(shape, kBool);
  dispatch(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T *p = x.data_ptr<T>(), *q = y.data_ptr<T>();
    bool* r = out.data_ptr<bool>();
    for (std::int64_t i = 0; i < out.numel(); ++i) r[i] = f(p[i], q[i]);
  });
  return out;
}
Tensor as_tensor(const Tensor& like, const Scalar& s) { return full({}, s, result_type(like, s)); }
}  // namespace
#define REEL_COMPARE(name, symbol)                                          \
  Tensor name(const Tensor& a, const Tensor& b) {                           \
    return compare(#name, a, b, [](auto x, auto y) { return x symbol y; }); \
  }                                                                         \
  Tensor name(const Tensor& a, const Scalar& b) { return name(a, as_tensor(a, b)); }
REEL_COMPARE(eq, ==)
REEL_COMPARE(ne, !=)
REEL_COMPARE(lt, <)
REEL_COMPARE(le, <=)
REEL_COMPARE(gt, >)
REEL_COMPARE(ge, >=)
#undef REEL_COMPARE

namespace {
bool all_true(const Tensor& t) {
  const bool* p = t.data_ptr<bool>();
  for (std::int64_t i = 0; i < t.numel(); ++i)
    if (!p[i]) return false;
  return true;
}
}  // namespace
bool equal(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() && all_true(eq(a, b));
}
bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  NoGradGuard no_grad;
  const Dims shape = broadcast_shapes("allclose", a.sizes(), b.sizes());
  const Tensor x = a.to(kFloat64).expand(shape).contiguous(),
               y = b.to(kFloat64).expand(shape).contiguous();
  const double *p = x.data_ptr<double>(), *q = y.data_ptr<double>();
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    if (p[i] == q[i] || (equal_nan && std::isnan(p[i]) && std::isnan(q[i]))) continue;
    if (!(std::isfinite(q[i]) && std::abs(p[i] - q[i]) <= atol + rtol * std::abs(q[i])))
      return false;
  }
  return true;
}

// ---------------------------------------------------------------- in place
namespace {
void check_fits(const char* op, const Tensor& self, const Scalar& s) {
  const ScalarType result = result_type(self, s);
  check<DtypeError>(is_floating_point(self.scalar_type()) || !is_floating_point(result), "[", op,
                    "] result type ", to_string(result),
                    " can't be cast to the desired output type ", to_string(self.scalar_type()));
}
}  // namespace
Tensor& Tensor::add_(const Tensor& other, const Scalar& alpha) const {
  if (is_one(alpha)) return apply_in_place("add_", "AddBackward0", kAdd, *this, other);
  return apply_in_place("add_", "AddBackward0", add_scaled(alpha), *this, other);
}
Tensor& Tensor::add_(const Scalar& other, const Scalar& alpha) const {
  check_fits("add_", *this, other);
  return apply_in_place("add_", "AddBackward0", add_number(times(other, alpha)), *this);
}
Tensor& Tensor::sub_(const Tensor& other, const Scalar& alpha) const {
  return add_(other, minus(alpha));
}
Tensor& Tensor::sub_(const Scalar& other, const Scalar& alpha) const {
  return add_(other, minus(alpha));
}
Tensor& Tensor::mul_(const Tensor& other) const {
  return apply_in_place("mul_", "MulBackward0", kMul, *this, other);
}
Tensor& Tensor::mul_(const Scalar& other) const {
  check_fits("mul_", *this, other);
  return apply_in_place("mul_", "MulBackward0", mul_number(other), *this);
}
Tensor& Tensor::div_(const Tensor& other) const {
  return detail::write_in_place("div_", *this, reel::div(detail::before_write(*this, true), other));
}
Tensor& Tensor::div_(const Scalar& other) const {
  return detail::write_in_place("div_", *this, reel::div(detail::before_write(*this, true), other));
}
Tensor& Tensor::masked_fill_(const Tensor& mask, const Scalar& value) const {
  return detail::write_in_place("masked_fill_", *this,
                                reel::masked_fill(detail::before_write(*this, true), mask, value));
}

}  // namespace reel
