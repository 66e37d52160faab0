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
#include <limits>
#include <type_traits>

/// For what a kernel does with each batch: a call would store and load all its registers.
#define REEL_INLINE __attribute__((always_inline)) inline

namespace reel::simd {

/// What a kernel computes with: a batch of numbers. Integers: simd_integer.hpp.
template <class T>
struct Lanes;
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
// 2^n for integral n in [-126, 127], built from the exponent bits.
template <class A>
Batch<float, A> power_of_two(const Batch<float, A>& n) {
  const auto bits = (xsimd::to_int(n) + Batch<std::int32_t, A>(127)) << 23;
  return xsimd::bitwise_cast<Batch<float, A>>(bits);
}

/// e^x. Cephes' reduction and polynomial; the scale is applied in two steps (or by the instruction
/// that does so), so that results reach through the denormals to zero and up to infinity. NaN stays
/// NaN. Less: e^(x - less), for a small
/// `less`.
template <bool Less = false, class A>
REEL_INLINE Batch<float, A> exp(const Batch<float, A>& x,
                                [[maybe_unused]] const Batch<float, A>& less = {}) {
  using B = Batch<float, A>;
  const B c = xsimd::max(B(-104.f), xsimd::min(B(89.f), x));  // NaN as second operand stays
  const B n = xsimd::nearbyint(c * B(1.44269504088896341f));
  B r = xsimd::fma(n, B(-0.693359375f), c);
  r = xsimd::fma(n, B(2.12194440e-4f), r);
  if constexpr (Less) r -= less;
  B p = xsimd::fma(B(1.9875691500e-4f), r, B(1.3981999507e-3f));
  p = xsimd::fma(p, r, B(8.3334519073e-3f));
  p = xsimd::fma(p, r, B(4.1665795894e-2f));
  p = xsimd::fma(p, r, B(1.6666665459e-1f));
  p = xsimd::fma(p, r, B(5.0000001201e-1f));
  const B y = xsimd::fma(p, r * r, r) + B(1.f);
#if defined(__AVX512F__)
  if constexpr (sizeof(B) == 64) return B(_mm512_scalef_ps(y, n));
#endif
  const B half = xsimd::trunc(n * B(0.5f));
  return y * power_of_two(half) * power_of_two(n - half);
}
template <class A>
Batch<double, A> exp(const Batch<double, A>& x) {
  using B = Batch<double, A>;
  const B y = xsimd::exp(x);
  const auto far = xsimd::abs(x) > B(708.0);  // xsimd's is 0 or infinite too soon
  if (!xsimd::any(far)) return y;
  const B half = xsimd::exp(x * B(0.5));
  return xsimd::select(far, half * half, y);
}

/// tanh: an odd polynomial (Cephes) near zero, 1 - 2 / (e^2|x| + 1) beyond.
template <class A>
REEL_INLINE Batch<float, A> tanh(const Batch<float, A>& x) {
  using B = Batch<float, A>;
  const B z = x * x;
  B p = xsimd::fma(B(-5.70498872745e-3f), z, B(2.06390887954e-2f));
  p = xsimd::fma(p, z, B(-5.37397155531e-2f));
  p = xsimd::fma(p, z, B(1.33314422036e-1f));
  p = xsimd::fma(p, z, B(-3.33332819422e-1f));
  const B near = xsimd::fma(p * z, x, x);
  const B magnitude = xsimd::abs(x);
  const B far = B(1.f) - B(2.f) / (exp(magnitude + magnitude) + B(1.f));
  return xsimd::copysign(xsimd::select(magnitude < B(0.625f), near, far), x);
}
template <class A>
Batch<double, A> tanh(const Batch<double, A>& x) {
  return xsimd::tanh(x);
}

// xsimd's logarithms of doubles know no denormal numbers; `two` is the logarithm of 2.
template <class A, class F>
Batch<double, A> with_denormals(const Batch<double, A>& x, F logarithm, double two) {
  using B = Batch<double, A>;
  const B y = logarithm(x);
  const auto tiny = x > B(0.0) && x < B(2.2250738585072014e-308);
  if (!xsimd::any(tiny)) return y;
  return xsimd::select(tiny, logarithm(x * B(18014398509481984.0)) - B(54 * two), y);  // 2^54
}

/// 1 / (1 + e^-x), from e^-|x| so that neither side loses digits.
template <class T, class A>
REEL_INLINE Batch<T, A> sigmoid(const Batch<T, A>& x) {
  using B = Batch<T, A>;
  const B e = exp(-xsimd::abs(x));
  return xsimd::select(x < B(T(0)), e, B(T(1))) / (B(T(1)) + e);
}
template <class A>
Batch<float, A> log(const Batch<float, A>& x) {
  return xsimd::log(x);
}
template <class A>
Batch<double, A> log(const Batch<double, A>& x) {
  return with_denormals(
      x, [](const auto& v) { return xsimd::log(v); }, 0.69314718055994530942);
}
template <class T, class A>
Batch<T, A> sqrt(const Batch<T, A>& x) {
  return xsimd::sqrt(x);
}
template <class T, class A>
Batch<T, A> abs(const Batch<T, A>& x) {
  return xsimd::abs(x);
}
template <class T, class A>
Batch<T, A> floor(const Batch<T, A>& x) {
  return xsimd::floor(x);
}
template <class T, class A>
Batch<T, A> ceil(const Batch<T, A>& x) {
  return xsimd::ceil(x);
}
template <class T, class A>
Batch<T, A> trunc(const Batch<T, A>& x) {
  return xsimd::trunc(x);
}
/// The larger, or the smaller, of x and a bound; what is not a number stays so.
template <class T, class A>
REEL_INLINE Batch<T, A> at_least(const Batch<T, A>& x, const Batch<T, A>& bound) {
  return xsimd::max(bound, x);  // NaN as second operand stays
}
template <class T, class A>
REEL_INLINE Batch<T, A> at_most(const Batch<T, A>& x, const Batch<T, A>& bound) {
  return xsimd::min(bound, x);
}
/// To the nearest integer, halves to the even one.
template <class T, class A>
Batch<T, A> round(const Batch<T, A>& x) {
  return xsimd::nearbyint(x);
}

}  // namespace reel::simd
