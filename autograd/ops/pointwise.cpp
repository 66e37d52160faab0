#include "pointwise.hpp"

#include <cmath>

#include "autograd/kernels.hpp"
#include "elementwise.hpp"
#include "ops.hpp"

namespace reel {

namespace {
using detail::promoted;

int category(ScalarType t) { return t == kBool ? 0 : is_floating_point(t) ? 2 : 1; }

template <class F, class... X>
Tensor apply(const char* name, const F& f, const X&... x) {
  return formula::run<true>(name, f, nullptr, x...);
}
template <bool Integers = true, class F, class... X>
Tensor& apply_in_place(const char* op, const char* name, const F& f, const Tensor& self,
                       const X&... x) {
  detail::elementwise<Integers>({op, &self}, name, f, self, x...);
  return const_cast<Tensor&>(self);
}

void no_bool_minus(const char* op, bool found) {
  check<DtypeError>(!found, "[", op,
                    "] subtraction of bool is not supported; use logical_xor() or .to()");
}
void no_bool_minus(const char* op, const Tensor& a, const Tensor& b) {
  no_bool_minus(op, a.scalar_type() == kBool || b.scalar_type() == kBool);
}
void no_bool_minus(const char* op, const Tensor& a, const Scalar& b) {
  no_bool_minus(op, a.scalar_type() == kBool || b.isBoolean());
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
// As it is by default, for any tensors.
bool is_one(const Scalar& s) { return s.isIntegral(false) && s.toLong() == 1; }
void check_alpha(const char* op, ScalarType result, const Scalar& alpha) {
  check<DtypeError>(is_floating_point(result) || !alpha.isFloatingPoint(), "[", op,
                    "] for integral tensors alpha must not be a floating point number, found ",
                    alpha);
  check<DtypeError>(result == kBool || !alpha.isBoolean(), "[", op,
                    "] a boolean alpha is for bool tensors only");
  alpha.check_fits(op, result);
}
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
bool bools(const Tensor& a, const Tensor& b) {
  return a.scalar_type() == kBool && b.scalar_type() == kBool;
}
// Bool arithmetic runs on bytes.
template <class F>
Tensor with_bools(const char* name, const F& f, const Tensor& a, const Tensor& b) {
  if (bools(a, b)) return apply(name, f, a.to(kUInt8), b.to(kUInt8)).to(kBool);
  return apply(name, f, a, b);
}
// alpha b, to be added to `a`.
Scalar addend(const char* op, const Tensor& a, const Scalar& b, const Scalar& alpha) {
  if (!is_one(alpha)) check_alpha(op, result_type(a, b), alpha);
  return times(b, alpha);
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
  check_alpha("add", result_type(a, b), alpha);
  if (bools(a, b)) return alpha.toBool() ? add(a, b) : a.clone();
  return apply("AddBackward0", add_scaled(alpha), a, b);
}
Tensor add(const Tensor& a, const Scalar& b, const Scalar& alpha) {
  const Scalar added = addend("add", a, b, alpha);
  if (a.scalar_type() == kBool && b.isBoolean())
    return logical_or(a, full({}, added.toBool(), kBool));
  return apply("AddBackward0", add_number(added), promoted(a, b));
}
Tensor sub(const Tensor& a, const Tensor& b, const Scalar& alpha) {
  no_bool_minus("sub", a, b);
  if (is_one(alpha)) return apply("SubBackward0", kSub, a, b);
  check_alpha("sub", result_type(a, b), alpha);
  return apply("SubBackward0", add_scaled(minus(alpha)), a, b);
}
Tensor sub(const Tensor& a, const Scalar& b, const Scalar& alpha) {
  no_bool_minus("sub", a, b);
  return apply("SubBackward0", add_number(minus(addend("sub", a, b, alpha))), promoted(a, b));
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
  no_bool_minus("rsub", b, a);
  return apply(
      "RsubBackward1", [a](auto x) { return a - x; }, promoted(b, a));
}
Tensor operator/(const Scalar& a, const Tensor& b) {
  return pointwise(
      "DivBackward0", [a](auto x) { return a / x; }, floating(b));
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
namespace {
Tensor filled(const char* op, const Tensor& x, const Tensor& mask, const Scalar& value) {
  check<DtypeError>(mask.scalar_type() == kBool, "[", op, "] expected a bool mask, found ",
                    dtype_name(mask.scalar_type()));
  if (x.sizes() != mask.sizes()) broadcast_shapes(op, x.sizes(), mask.sizes());
  value.check_fits(op, x.scalar_type());
  return where(mask, full({}, value, x.scalar_type()), x);
}
Tensor filled(const char* op, const Tensor& x, const Tensor& mask, const Tensor& value) {
  check<ShapeError>(value.dim() == 0, "[", op, "] expected a value without dimensions, found ",
                    "shape ", value.sizes());
  if (!x.is_floating_point()) return filled(op, x, mask, value.item());
  check<DtypeError>(mask.scalar_type() == kBool, "[", op, "] expected a bool mask, found ",
                    dtype_name(mask.scalar_type()));
  if (x.sizes() != mask.sizes()) broadcast_shapes(op, x.sizes(), mask.sizes());
  return where(mask, value.to(x.scalar_type()), x);
}
}  // namespace
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Scalar& value) {
  return filled("masked_fill", x, mask, value);
}
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value) {
  return filled("masked_fill", x, mask, value);
}
namespace {
// A number beside a tensor: it counts as in arithmetic.
Tensor number(const Tensor& beside, const Scalar& s) { return full({}, s, result_type(beside, s)); }
}  // namespace
Tensor where(const Tensor& condition, const Tensor& a, const Scalar& b) {
  return where(condition, a, number(a, b));
}
Tensor where(const Tensor& condition, const Scalar& a, const Tensor& b) {
  return where(condition, number(b, a), b);
}
Tensor where(const Tensor& condition, const Scalar& a, const Scalar& b) {
  return where(condition, full({}, a), full({}, b));
}
std::vector<Tensor> where(const Tensor& condition) {
  return nonzero(condition.dim() == 0 ? condition.reshape({1}) : condition).unbind(1);
}

// ---------------------------------------------------------------- in place
namespace {
template <class Other>
void check_fits(const char* op, const Tensor& self, const Other& other) {
  const ScalarType own = self.scalar_type(), result = result_type(self, other);
  check<DtypeError>(
      is_floating_point(own) || (own == kBool ? result == kBool : !is_floating_point(result)), "[",
      op, "] result type ", to_string(result), " can't be cast to the desired output type ",
      to_string(own));
}
}  // namespace
Tensor& Tensor::add_(const Tensor& other, const Scalar& alpha) const {
  check_fits("add_", *this, other);
  if (!is_one(alpha)) check_alpha("add_", result_type(*this, other), alpha);
  if (bools(*this, other)) return detail::write_in_place("add_", *this, add(other, alpha));
  if (is_one(alpha)) return apply_in_place("add_", "AddBackward0", kAdd, *this, other);
  return apply_in_place("add_", "AddBackward0", add_scaled(alpha), *this, other);
}
Tensor& Tensor::add_(const Scalar& other, const Scalar& alpha) const {
  check_fits("add_", *this, other);
  const Scalar added = addend("add_", *this, other, alpha);
  if (scalar_type() == kBool) return detail::write_in_place("add_", *this, add(other, alpha));
  return apply_in_place("add_", "AddBackward0", add_number(added), *this);
}
Tensor& Tensor::sub_(const Tensor& other, const Scalar& alpha) const {
  no_bool_minus("sub_", *this, other);
  check_fits("sub_", *this, other);
  if (is_one(alpha)) return apply_in_place("sub_", "SubBackward0", kSub, *this, other);
  check_alpha("sub_", result_type(*this, other), alpha);
  return apply_in_place("sub_", "SubBackward0", add_scaled(minus(alpha)), *this, other);
}
Tensor& Tensor::sub_(const Scalar& other, const Scalar& alpha) const {
  no_bool_minus("sub_", *this, other);
  check_fits("sub_", *this, other);
  return apply_in_place("sub_", "SubBackward0",
                        add_number(minus(addend("sub_", *this, other, alpha))), *this);
}
Tensor& Tensor::mul_(const Tensor& other) const {
  check_fits("mul_", *this, other);
  if (bools(*this, other)) return detail::write_in_place("mul_", *this, mul(other));
  return apply_in_place("mul_", "MulBackward0", kMul, *this, other);
}
Tensor& Tensor::mul_(const Scalar& other) const {
  check_fits("mul_", *this, other);
  if (scalar_type() == kBool) return detail::write_in_place("mul_", *this, mul(other));
  return apply_in_place("mul_", "MulBackward0", mul_number(other), *this);
}
Tensor& Tensor::div_(const Tensor& other) const {
  detail::check_in_place("div_", *this);
  check_fits("div_", *this, Scalar(1.0));
  return apply_in_place<false>("div_", "DivBackward0", kDiv, *this, other);
}
Tensor& Tensor::div_(const Scalar& other) const {
  check_fits("div_", *this, Scalar(1.0));
  return apply_in_place<false>("div_", "DivBackward0", div_number(other), *this);
}
Tensor& Tensor::masked_fill_(const Tensor& mask, const Tensor& value) const {
  return detail::write_in_place(
      "masked_fill_", *this,
      filled("masked_fill_", detail::before_write(*this, true), mask, value));
}
Tensor& Tensor::masked_fill_(const Tensor& mask, const Scalar& value) const {
  return detail::write_in_place(
      "masked_fill_", *this,
      filled("masked_fill_", detail::before_write(*this, true), mask, value));
}

}  // namespace reel
