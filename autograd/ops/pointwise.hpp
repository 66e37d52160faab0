// Elementwise ops. Inputs broadcast; dtypes are promoted as in PyTorch, and the functions of real
// numbers turn integers into the default float type.
#pragma once

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
Tensor neg(const Tensor& x);
Tensor abs(const Tensor& x);
/// -1, 0 or 1; its gradient is zero.
Tensor sign(const Tensor& x);
Tensor square(const Tensor& x);
Tensor sqrt(const Tensor& x);
/// x^exponent, elementwise.
Tensor pow(const Tensor& x, const Scalar& exponent);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor tanh(const Tensor& x);
/// 1 / (1 + exp(-x))
Tensor sigmoid(const Tensor& x);
/// max(x, 0); its gradient at 0 is 0.
Tensor relu(const Tensor& x);
/// a where `condition` (bool) holds, else b.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
/// `value` where `mask` (bool) holds, else x.
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Scalar& value);

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
