// Elementwise ops. Inputs broadcast; dtypes are promoted as in PyTorch, and the functions of real
// numbers turn integers into the default float type. A name with an underscore writes the result
// into its operand.
#pragma once

#include <string_view>

#include "../tensor.hpp"

namespace reel {

/// The dtype of an operation on both: a tensor without dimensions counts only where its category
/// (bool, integral, floating) is higher. https://pytorch.org/docs/stable/tensor_attributes.html
ScalarType result_type(const Tensor& a, const Tensor& b);
ScalarType result_type(const Tensor& a, const Scalar& b);

/// a + alpha b
Tensor add(const Tensor& a, const Tensor& b, const Scalar& alpha = 1);
Tensor add(const Tensor& a, const Scalar& b, const Scalar& alpha = 1);
/// a - alpha b
Tensor sub(const Tensor& a, const Tensor& b, const Scalar& alpha = 1);
Tensor sub(const Tensor& a, const Scalar& b, const Scalar& alpha = 1);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Scalar& b);
/// a / b; integers divide as floats.
Tensor div(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Scalar& b);
Tensor neg(const Tensor& self);
Tensor& neg_(const Tensor& self);
Tensor abs(const Tensor& self);
Tensor& abs_(const Tensor& self);
/// -1, 0 or 1; its gradient is zero.
Tensor sign(const Tensor& self);
Tensor& sign_(const Tensor& self);
Tensor square(const Tensor& self);
Tensor& square_(const Tensor& self);
Tensor sqrt(const Tensor& self);
Tensor& sqrt_(const Tensor& self);
/// 1 / sqrt(x)
Tensor rsqrt(const Tensor& self);
Tensor& rsqrt_(const Tensor& self);
/// 1 / x
Tensor reciprocal(const Tensor& self);
Tensor& reciprocal_(const Tensor& self);
Tensor exp(const Tensor& self);
Tensor& exp_(const Tensor& self);
/// e^x - 1, exact near 0
Tensor expm1(const Tensor& self);
Tensor& expm1_(const Tensor& self);
Tensor log(const Tensor& self);
Tensor& log_(const Tensor& self);
/// log(1 + x), exact near 0
Tensor log1p(const Tensor& self);
Tensor& log1p_(const Tensor& self);
Tensor log2(const Tensor& self);
Tensor& log2_(const Tensor& self);
Tensor log10(const Tensor& self);
Tensor& log10_(const Tensor& self);
Tensor sin(const Tensor& self);
Tensor& sin_(const Tensor& self);
Tensor cos(const Tensor& self);
Tensor& cos_(const Tensor& self);
Tensor tan(const Tensor& self);
Tensor& tan_(const Tensor& self);
Tensor asin(const Tensor& self);
Tensor& asin_(const Tensor& self);
Tensor acos(const Tensor& self);
Tensor& acos_(const Tensor& self);
Tensor atan(const Tensor& self);
Tensor& atan_(const Tensor& self);
Tensor sinh(const Tensor& self);
Tensor& sinh_(const Tensor& self);
Tensor cosh(const Tensor& self);
Tensor& cosh_(const Tensor& self);
Tensor tanh(const Tensor& self);
Tensor& tanh_(const Tensor& self);
/// 1 / (1 + exp(-x))
Tensor sigmoid(const Tensor& self);
Tensor& sigmoid_(const Tensor& self);
/// 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x
Tensor erf(const Tensor& self);
Tensor& erf_(const Tensor& self);
/// 1 - erf(x), exact where it is small
Tensor erfc(const Tensor& self);
Tensor& erfc_(const Tensor& self);
/// Rounded down; the gradient is zero, as for the three that follow.
Tensor floor(const Tensor& self);
Tensor& floor_(const Tensor& self);
/// Rounded up.
Tensor ceil(const Tensor& self);
Tensor& ceil_(const Tensor& self);
/// To the nearest integer, halves to the even one.
Tensor round(const Tensor& self);
Tensor& round_(const Tensor& self);
/// Rounded towards zero.
Tensor trunc(const Tensor& self);
Tensor& trunc_(const Tensor& self);
/// x - trunc(x); not for integers.
Tensor frac(const Tensor& self);
Tensor& frac_(const Tensor& self);
/// NaN, inf and -inf replaced: by 0 and the largest and smallest number of the dtype where not
/// given.
Tensor nan_to_num(const Tensor& self, std::optional<double> nan = nullopt,
                  std::optional<double> posinf = nullopt, std::optional<double> neginf = nullopt);
Tensor& nan_to_num_(const Tensor& self, std::optional<double> nan = nullopt,
                    std::optional<double> posinf = nullopt, std::optional<double> neginf = nullopt);

/// self^exponent. Integers to a negative number throw Error; to a tensor's negative elements they
/// give 0 unless they are 1 or -1.
Tensor pow(const Tensor& self, const Scalar& exponent);
Tensor pow(const Tensor& self, const Tensor& exponent);
Tensor pow(const Scalar& base, const Tensor& exponent);
/// The larger and the smaller of two; NaN where one is. A tie gives each half of the gradient.
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);
inline Tensor max(const Tensor& a, const Tensor& b) { return maximum(a, b); }
inline Tensor min(const Tensor& a, const Tensor& b) { return minimum(a, b); }
/// Bounded below by min and above by max, of which one may be left out; max wins where min > max.
/// Throws Error without a bound. https://pytorch.org/docs/stable/generated/torch.clamp.html
Tensor clamp(const Tensor& self, const std::optional<Scalar>& min,
             const std::optional<Scalar>& max = nullopt);
Tensor clamp(const Tensor& self, const std::optional<Tensor>& min,
             const std::optional<Tensor>& max = nullopt);
Tensor& clamp_(const Tensor& self, const std::optional<Scalar>& min,
               const std::optional<Scalar>& max = nullopt);
Tensor& clamp_(const Tensor& self, const std::optional<Tensor>& min,
               const std::optional<Tensor>& max = nullopt);
Tensor clamp_min(const Tensor& self, const Scalar& min);
Tensor clamp_min(const Tensor& self, const Tensor& min);
Tensor& clamp_min_(const Tensor& self, const Scalar& min);
Tensor& clamp_min_(const Tensor& self, const Tensor& min);
Tensor clamp_max(const Tensor& self, const Scalar& max);
Tensor clamp_max(const Tensor& self, const Tensor& max);
Tensor& clamp_max_(const Tensor& self, const Scalar& max);
Tensor& clamp_max_(const Tensor& self, const Tensor& max);
/// a / b, rounded down ("floor") or towards zero ("trunc"): integers stay integers and the
/// gradient is zero. Throws Error for another mode or where an integer is divided by zero.
Tensor div(const Tensor& a, const Tensor& b, std::optional<std::string_view> rounding_mode);
Tensor div(const Tensor& a, const Scalar& b, std::optional<std::string_view> rounding_mode);
/// a / b rounded down.
Tensor floor_divide(const Tensor& a, const Tensor& b);
Tensor floor_divide(const Tensor& a, const Scalar& b);
/// a - b floor(a / b): the sign of b. Throws Error where an integer is divided by zero.
Tensor remainder(const Tensor& a, const Tensor& b);
Tensor remainder(const Tensor& a, const Scalar& b);
Tensor remainder(const Scalar& a, const Tensor& b);
/// a - b trunc(a / b): the sign of a. Throws Error where an integer is divided by zero.
Tensor fmod(const Tensor& a, const Tensor& b);
Tensor fmod(const Tensor& a, const Scalar& b);
/// The angle of the point (x = other, y = self), in (-pi, pi].
Tensor atan2(const Tensor& self, const Tensor& other);
/// sqrt(a^2 + b^2) without overflow; not for integers.
Tensor hypot(const Tensor& a, const Tensor& b);
/// self + weight (end - self); not for integers.
Tensor lerp(const Tensor& self, const Tensor& end, const Scalar& weight);
Tensor lerp(const Tensor& self, const Tensor& end, const Tensor& weight);
/// self + value tensor1 tensor2
Tensor addcmul(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2,
               const Scalar& value = 1);
/// self + value tensor1 / tensor2. Throws DtypeError where both are integers.
Tensor addcdiv(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2,
               const Scalar& value = 1);
/// a where `condition` (bool) holds, else b.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
Tensor where(const Tensor& condition, const Tensor& a, const Scalar& b);
Tensor where(const Tensor& condition, const Scalar& a, const Tensor& b);
Tensor where(const Tensor& condition, const Scalar& a, const Scalar& b);
/// The positions of the nonzero elements, one vector for each dimension.
std::vector<Tensor> where(const Tensor& condition);
/// `value` (a number or a tensor without dimensions) where `mask` (bool) holds, else x.
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Scalar& value);
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value);

/// Comparisons give bool tensors and have no gradient.
Tensor eq(const Tensor& a, const Tensor& b);
Tensor eq(const Tensor& a, const Scalar& b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, const Scalar& b);
Tensor lt(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, const Scalar& b);
Tensor le(const Tensor& a, const Tensor& b);
Tensor le(const Tensor& a, const Scalar& b);
Tensor gt(const Tensor& a, const Tensor& b);
Tensor gt(const Tensor& a, const Scalar& b);
Tensor ge(const Tensor& a, const Tensor& b);
Tensor ge(const Tensor& a, const Scalar& b);
/// Logic on whether elements are not zero (NaN is not).
Tensor logical_and(const Tensor& self, const Tensor& other);
Tensor logical_or(const Tensor& self, const Tensor& other);
Tensor logical_xor(const Tensor& self, const Tensor& other);
Tensor logical_not(const Tensor& self);
/// What kind of number each element is; integers are finite.
Tensor isnan(const Tensor& self);
Tensor isinf(const Tensor& self);
Tensor isfinite(const Tensor& self);
/// Same shape and equal elements.
bool equal(const Tensor& a, const Tensor& b);
/// |a - b| <= atol + rtol |b| everywhere.
bool allclose(const Tensor& a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8,
              bool equal_nan = false);

#define REEL_OPERATOR(symbol, function)                                                      \
  inline Tensor operator symbol(const Tensor& a, const Tensor& b) { return function(a, b); } \
  inline Tensor operator symbol(const Tensor& a, const Scalar& b) { return function(a, b); }
REEL_OPERATOR(+, add)
REEL_OPERATOR(-, sub)
REEL_OPERATOR(*, mul)
REEL_OPERATOR(/, div)
REEL_OPERATOR(%, remainder)
REEL_OPERATOR(==, eq)
REEL_OPERATOR(!=, ne)
REEL_OPERATOR(<, lt)
REEL_OPERATOR(<=, le)
REEL_OPERATOR(>, gt)
REEL_OPERATOR(>=, ge)
#undef REEL_OPERATOR
inline Tensor operator+(const Scalar& a, const Tensor& b) { return add(b, a); }
inline Tensor operator*(const Scalar& a, const Tensor& b) { return mul(b, a); }
/// a - b
Tensor operator-(const Scalar& a, const Tensor& b);
/// a / b
Tensor operator/(const Scalar& a, const Tensor& b);

}  // namespace reel
