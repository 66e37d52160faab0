// SIMD loops over one contiguous row, or over the rows of several columns at once, for what is
// made of exponentials: softmax, logsumexp, cross entropy. For the library's own source files.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "../simd.hpp"
#include "reduce_kernels.hpp"

namespace reel::row {
namespace {

/// The largest value; NaN where there is one.
template <class T>
T max(const T* x, std::int64_t n) {
  if (n == 0) return -std::numeric_limits<T>::infinity();
  return kernels::best_in_row(x, n, kernels::Greater{});
}

/// y = exp(x - shift); returns the sum of y.
template <class T>
T exp_minus(const T* x, T shift, T* y, std::int64_t n) {
  using L = simd::Lanes<T>;
  using V = typename L::type;
  V sum(T(0));
  std::int64_t i = 0;
  for (; i + L::count <= n; i += L::count) {
    const V e = simd::exp(V(L::load(x + i) - V(shift)));
    L::store(y + i, e);
    sum += e;
  }
  T total = xsimd::hadd(sum);
  if (i < n) {
    alignas(64) T lanes[L::count];
    for (std::int64_t k = 0; k < L::count; ++k) lanes[k] = i + k < n ? x[i + k] - shift : T(0);
    L::store(lanes, simd::exp(L::load(lanes)));
    for (std::int64_t k = 0; i < n; ++i, ++k) total += y[i] = lanes[k];
  }
  return total;
}
template <class T>
void scale(T* y, T by, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] *= by;
}
template <class T>
void minus(const T* x, T shift, T less, T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = (x[i] - shift) - less;
}

/// What is taken from the exponents, given the largest: nothing where that is infinite.
template <class T>
T shift_for(T top) {
  return std::isinf(top) ? T(0) : top;
}
/// log(sum(exp(x))).
template <class T>
T log_sum_exp(const T* x, std::int64_t n) {
  if (n == 0) return -std::numeric_limits<T>::infinity();
  constexpr std::int64_t kBlock = 1024;
  T scratch[kBlock];
  const T shift = shift_for(max(x, n));
  T total = 0;
  for (std::int64_t i = 0; i < n; i += kBlock)
    total += exp_minus(x + i, shift, scratch, std::min(kBlock, n - i));
  return std::log(total) + shift;
}

// ---------------------------------------------------------------- columns
/// y = exp(x - shift) and sum += y, number by number.
template <class T>
void exp_minus_each(const T* x, const T* shift, T* y, T* sum, std::int64_t n) {
  using L = simd::Lanes<T>;
  using V = typename L::type;
  std::int64_t i = 0;
  for (; i + L::count <= n; i += L::count) {
    const V e = simd::exp(V(L::load(x + i) - L::load(shift + i)));
    L::store(y + i, e);
    L::store(sum + i, L::load(sum + i) + e);
  }
  if (i == n) return;
  alignas(64) T lanes[L::count];
  for (std::int64_t k = 0; k < L::count; ++k) lanes[k] = i + k < n ? x[i + k] - shift[i + k] : T(0);
  L::store(lanes, simd::exp(L::load(lanes)));
  for (std::int64_t k = 0; i < n; ++i, ++k) sum[i] += y[i] = lanes[k];
}
/// The same of `rows` rows of at most kColumns columns, with `stride` from row to row, in x and in
/// y, which may be null; top: the largest of each column.
template <class T>
void exp_minus_columns(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
                       const T* shift, T* y, T* sum) {
  T scratch[kernels::kColumns];
  std::fill(sum, sum + cols, T(0));
  for (std::int64_t r = 0; r < rows; ++r)
    exp_minus_each(x + r * stride, shift, y ? y + r * stride : scratch, sum, cols);
}
template <class T>
void log_sum_exp_columns(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
                         T* out) {
  if (rows == 0) return std::fill(out, out + cols, -std::numeric_limits<T>::infinity());
  T shift[kernels::kColumns], sum[kernels::kColumns];
  kernels::best_columns(x, rows, cols, stride, shift, kernels::Greater{});
  for (std::int64_t j = 0; j < cols; ++j) shift[j] = shift_for(shift[j]);
  exp_minus_columns(x, rows, cols, stride, shift, static_cast<T*>(nullptr), sum);
  for (std::int64_t j = 0; j < cols; ++j) out[j] = std::log(sum[j]) + shift[j];
}
/// y = softmax(x) down each column, or its logarithm.
template <class T>
void softmax_columns(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride, T* y,
                     bool logarithm) {
  T top[kernels::kColumns], sum[kernels::kColumns];
  kernels::best_columns(x, rows, cols, stride, top, kernels::Greater{});
  exp_minus_columns(x, rows, cols, stride, top, y, sum);
  if (logarithm)
    for (std::int64_t j = 0; j < cols; ++j) sum[j] = std::log(sum[j]);
  else
    for (std::int64_t j = 0; j < cols; ++j) sum[j] = T(1) / sum[j];
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* from = x + r * stride;
    T* to = y + r * stride;
    if (logarithm)
      for (std::int64_t j = 0; j < cols; ++j) to[j] = (from[j] - top[j]) - sum[j];
    else
      for (std::int64_t j = 0; j < cols; ++j) to[j] *= sum[j];
  }
}

// ---------------------------------------------------------------- gradients
/// to = y (g - sum(g y)) for each column, where y is its softmax; to = g - exp(y) sum(g) where y is
/// the logarithm. At most kColumns columns.
template <class T>
void softmax_gradient(const T* y, const T* g, std::int64_t rows, std::int64_t cols,
                      std::int64_t stride, T* to, bool logarithm) {
  T sum[kernels::kColumns], zero[kernels::kColumns] = {}, ignored[kernels::kColumns];
  std::fill(sum, sum + cols, T(0));
  std::fill(ignored, ignored + cols, T(0));
  for (std::int64_t at = 0; at < rows * stride; at += stride)
    for (std::int64_t j = 0; j < cols; ++j) sum[j] += logarithm ? g[at + j] : g[at + j] * y[at + j];
  for (std::int64_t at = 0; at < rows * stride; at += stride) {
    if (logarithm) {
      exp_minus_each(y + at, zero, to + at, ignored, cols);
      for (std::int64_t j = 0; j < cols; ++j) to[at + j] = g[at + j] - to[at + j] * sum[j];
    } else {
      for (std::int64_t j = 0; j < cols; ++j) to[at + j] = y[at + j] * (g[at + j] - sum[j]);
    }
  }
}
/// The same for one row of n.
template <class T>
void softmax_gradient(const T* y, const T* g, std::int64_t n, T* to, bool logarithm) {
  if (logarithm) {
    const T sum = kernels::sum_row(g, n);
    exp_minus(y, T(0), to, n);
    for (std::int64_t j = 0; j < n; ++j) to[j] = g[j] - to[j] * sum;
    return;
  }
  for (std::int64_t j = 0; j < n; ++j) to[j] = g[j] * y[j];
  const T sum = kernels::sum_row(to, n);
  for (std::int64_t j = 0; j < n; ++j) to[j] -= y[j] * sum;
}

}  // namespace
}  // namespace reel::row
