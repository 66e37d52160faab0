// SIMD loops over one contiguous row, shared by softmax and cross entropy. For the library's own
// source files.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "../simd.hpp"

namespace reel::row {
namespace {

/// The largest value; NaN where there is one.
template <class T>
T max(const T* x, std::int64_t n) {
  using L = simd::Lanes<T>;
  T best = -std::numeric_limits<T>::infinity();
  T check = 0;  // NaN once a NaN (or infinity) was seen
  std::int64_t i = 0;
  if (n >= L::count) {
    auto top = L::load(x);
    auto sum = top * typename L::type(T(0));
    for (i = L::count; i + L::count <= n; i += L::count) {
      const auto v = L::load(x + i);
      top = xsimd::max(top, v);
      sum = xsimd::fma(v, typename L::type(T(0)), sum);
    }
    alignas(64) T lanes[L::count];
    L::store(lanes, top);
    best = *std::max_element(lanes, lanes + L::count);
    check = xsimd::hadd(sum);
  }
  for (; i < n; ++i) {
    if (x[i] > best) best = x[i];
    check += x[i] * T(0);
  }
  if (check == check) return best;
  for (i = 0; i < n; ++i)
    if (x[i] != x[i]) return x[i];
  for (best = x[0], i = 1; i < n; ++i) best = std::max(best, x[i]);
  return best;
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
void minus(const T* x, T shift, T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] - shift;
}

}  // namespace
}  // namespace reel::row
