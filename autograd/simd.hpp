// SIMD batches and the elementary functions on them. Everything is a template over the batch's
// instruction set, so objects compiled for different sets never share an instantiation.
#pragma once

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wuninitialized"  // false alarms in GCC 12's own AVX-512 header
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <xsimd/xsimd.hpp>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <cmath>
#include <cstdint>
#include <type_traits>

namespace reel::simd {

/// What a kernel computes with: a batch for the floating types, the plain number for the others.
template <class T>
struct Lanes {
  using type = T;
  static constexpr std::int64_t count = 1;
  static type load(const T* p) { return *p; }
  static void store(T* p, type v) { *p = v; }
};
template <>
struct Lanes<float> {
  using type = xsimd::batch<float>;
  static constexpr std::int64_t count = static_cast<std::int64_t>(type::size);
  static type load(const float* p) { return type::load_unaligned(p); }
  static void store(float* p, const type& v) { v.store_unaligned(p); }
};
template <>
struct Lanes<double> {
  using type = xsimd::batch<double>;
  static constexpr std::int64_t count = static_cast<std::int64_t>(type::size);
  static type load(const double* p) { return type::load_unaligned(p); }
  static void store(double* p, const type& v) { v.store_unaligned(p); }
};

template <class T, class A>
using Batch = xsimd::batch<T, A>;

template <class M, class T, class A>
Batch<T, A> select(const M& mask, const Batch<T, A>& a, const Batch<T, A>& b) {
  return xsimd::select(mask, a, b);
}
template <class T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
T select(bool mask, T a, T b) {
  return mask ? a : b;
}

// 2^n for integral n in [-126, 127], built from the exponent bits.
template <class A>
Batch<float, A> power_of_two(const Batch<float, A>& n) {
  const auto bits = (xsimd::to_int(n) + Batch<std::int32_t, A>(127)) << 23;
  return xsimd::bitwise_cast<Batch<float, A>>(bits);
}

/// e^x. Cephes' reduction and polynomial; the scale is applied in two steps, so that results reach
/// through the denormals to zero and up to infinity. NaN stays NaN.
template <class A>
Batch<float, A> exp(const Batch<float, A>& x) {
  using B = Batch<float, A>;
  const B c = xsimd::select(x > B(89.f), B(89.f), xsimd::select(x < B(-104.f), B(-104.f), x));
  const B n = xsimd::nearbyint(c * B(1.44269504088896341f));
  B r = xsimd::fma(n, B(-0.693359375f), c);
  r = xsimd::fma(n, B(2.12194440e-4f), r);
  B p = xsimd::fma(B(1.9875691500e-4f), r, B(1.3981999507e-3f));
  p = xsimd::fma(p, r, B(8.3334519073e-3f));
  p = xsimd::fma(p, r, B(4.1665795894e-2f));
  p = xsimd::fma(p, r, B(1.6666665459e-1f));
  p = xsimd::fma(p, r, B(5.0000001201e-1f));
  const B y = xsimd::fma(p, r * r, r) + B(1.f);
  const B half = xsimd::trunc(n * B(0.5f));
  const B scaled = y * power_of_two(half) * power_of_two(n - half);
  return xsimd::select(x == x, scaled, x);
}
template <class A>
Batch<double, A> exp(const Batch<double, A>& x) {
  return xsimd::exp(x);
}

/// tanh: an odd polynomial (Cephes) near zero, 1 - 2 / (e^2|x| + 1) beyond.
template <class A>
Batch<float, A> tanh(const Batch<float, A>& x) {
  using B = Batch<float, A>;
  const B z = x * x;
  B p = xsimd::fma(B(-5.70498872745e-3f), z, B(2.06390887954e-2f));
  p = xsimd::fma(p, z, B(-5.37397155531e-2f));
  p = xsimd::fma(p, z, B(1.33314422036e-1f));
  p = xsimd::fma(p, z, B(-3.33332819422e-1f));
  const B near = xsimd::fma(p * z, x, x);
  const B magnitude = xsimd::abs(x);
  const B far = B(1.f) - B(2.f) / (exp(magnitude + magnitude) + B(1.f));
  return xsimd::select(magnitude < B(0.625f), near, xsimd::copysign(far, x));
}
template <class A>
Batch<double, A> tanh(const Batch<double, A>& x) {
  return xsimd::tanh(x);
}

/// 1 / (1 + e^-x), from e^-|x| so that neither side loses digits.
template <class T, class A>
Batch<T, A> sigmoid(const Batch<T, A>& x) {
  using B = Batch<T, A>;
  const B e = exp(-xsimd::abs(x));
  return xsimd::select(x < B(T(0)), e, B(T(1))) / (B(T(1)) + e);
}
template <class T, class A>
Batch<T, A> log(const Batch<T, A>& x) {
  return xsimd::log(x);
}
template <class T, class A>
Batch<T, A> sqrt(const Batch<T, A>& x) {
  return xsimd::sqrt(x);
}
template <class T, class A>
Batch<T, A> abs(const Batch<T, A>& x) {
  return xsimd::abs(x);
}
template <class T, std::enable_if_t<std::is_integral_v<T>, int> = 0>
T abs(T x) {
  if constexpr (std::is_unsigned_v<T>)
    return x;
  else
    return x < 0 ? static_cast<T>(-x) : x;
}
template <class T, class A>
Batch<T, A> pow(const Batch<T, A>& x, const Batch<T, A>& y) {
  // Element by element through libm: exact for integral powers, negative bases and specials.
  constexpr std::size_t n = Batch<T, A>::size;
  alignas(64) T a[n], b[n];
  x.store_aligned(a);
  y.store_aligned(b);
  for (std::size_t i = 0; i < n; ++i) a[i] = std::pow(a[i], b[i]);
  return Batch<T, A>::load_aligned(a);
}

}  // namespace reel::simd
