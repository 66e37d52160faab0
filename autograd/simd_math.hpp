// Elementary functions on SIMD batches that are too long to be copied into every kernel: each is a
// function of its own, called once per batch. The library has those for its own instruction set
// from simd_math.cpp alone: else a file compiled for size would give its slow ones to all. Largest
// errors are measured in simd_test.cpp.
#pragma once

#include "simd.hpp"

// What depends on its operands alone may be left out where nobody reads it, as in a derivative.
#define REEL_CALLED __attribute__((noinline, const, visibility("hidden")))

namespace reel::simd {

/// c[0] + c[1] x + c[2] x^2 ...
template <class T, class A, std::size_t N>
Batch<T, A> polynomial(const Batch<T, A>& x, const T (&c)[N]) {
  Batch<T, A> y(c[N - 1]);
  for (std::size_t i = N - 1; i-- > 0;) y = xsimd::fma(y, x, Batch<T, A>(c[i]));
  return y;
}

// What the functions below leave to libm: the elements of `result` where `wrong` says so become
// f(x...). One by one, so that no element's bits depend on its neighbours.
template <class T, class A, class F, class... X>
Batch<T, A> mend(const Batch<T, A>& result, const xsimd::batch_bool<T, A>& wrong, F f,
                 const X&... x) {
  if (!xsimd::any(wrong)) return result;
  constexpr std::size_t n = Batch<T, A>::size;
  alignas(64) T to[n], from[sizeof...(X)][n];
  result.store_aligned(to);
  std::size_t k = 0;
  (x.store_aligned(from[k++]), ...);
  alignas(64) bool lanes[n];
  wrong.store_aligned(lanes);
  for (std::size_t i = 0; i < n; ++i) {
    if (!lanes[i]) continue;
    if constexpr (sizeof...(X) == 1)
      to[i] = f(from[0][i]);
    else
      to[i] = f(from[0][i], from[1][i]);
  }
  return Batch<T, A>::load_aligned(to);
}

#if defined(__FMA__) || defined(__aarch64__)
#define REEL_FUSES true
#else
#define REEL_FUSES false
#endif
/// x y + z, rounded once whatever the instruction set (xsimd's fma may round twice).
template <class T, class A>
Batch<T, A> fused(const Batch<T, A>& x, const Batch<T, A>& y, const Batch<T, A>& z) {
#if defined(__AVX512F__)
  if constexpr (sizeof(x) == 64) {
    if constexpr (std::is_same_v<T, float>)
      return Batch<T, A>(_mm512_fmadd_ps(x, y, z));
    else
      return Batch<T, A>(_mm512_fmadd_pd(x, y, z));
  }
#endif
  if constexpr (REEL_FUSES) {
    return xsimd::fma(x, y, z);
  } else {
    constexpr std::size_t n = Batch<T, A>::size;
    alignas(64) T a[n], b[n], c[n];
    x.store_aligned(a);
    y.store_aligned(b);
    z.store_aligned(c);
    for (std::size_t i = 0; i < n; ++i) c[i] = std::fma(a[i], b[i], c[i]);
    return Batch<T, A>::load_aligned(c);
  }
}

// ---------------------------------------------------------------- exponentials and logarithms
template <class T, class A>
REEL_CALLED Batch<T, A> expm1(Batch<T, A> x) {
  using B = Batch<T, A>;
  const B y = xsimd::expm1(x);
  const auto far = x > B(std::is_same_v<T, float> ? T(88) : T(708));  // infinite too soon
  // xsimd makes 0.0 of -0.0.
  return xsimd::copysign(xsimd::any(far) ? B(xsimd::select(far, simd::exp(x), y)) : y, x);
}
template <class T, class A>
REEL_CALLED Batch<T, A> log1p(Batch<T, A> x) {
  return xsimd::copysign(xsimd::log1p(x), x);  // xsimd makes 0.0 of -0.0
}
template <class A>
REEL_CALLED Batch<float, A> log2(Batch<float, A> x) {
  return xsimd::log2(x);
}
template <class A>
REEL_CALLED Batch<double, A> log2(Batch<double, A> x) {
  return with_denormals(
      x, [](const auto& v) { return xsimd::log2(v); }, 1.0);
}
template <class A>
REEL_CALLED Batch<float, A> log10(Batch<float, A> x) {
  return xsimd::log10(x);
}
template <class A>
REEL_CALLED Batch<double, A> log10(Batch<double, A> x) {
  return with_denormals(
      x, [](const auto& v) { return xsimd::log10(v); }, 0.30102999566398119521);
}

// ---------------------------------------------------------------- angles
/// x = quarters * pi/2 + rest, |rest| <= pi/4, for |x| up to kFarthest: beyond, libm knows pi with
/// enough digits.
template <class B>
struct Reduced {
  B quarters, rest;
};
constexpr double kFarthest = 1e6;

template <class A>
Reduced<Batch<float, A>> reduce_angle(const Batch<float, A>& x) {
  constexpr std::size_t n = Batch<float, A>::size;
  constexpr double round =
      6755399441055744.0;  // 1.5 * 2^52: adding it leaves no room for fractions
  alignas(64) float rest[n], quarters[n];
  x.store_aligned(rest);
  for (std::size_t i = 0; i < n; ++i) {
    const double v = static_cast<double>(rest[i]);
    const double k = (v * 0.636619772367581382 + round) - round;
    quarters[i] = static_cast<float>(k);
    rest[i] = static_cast<float>((v - k * 1.57079632673412561) - k * 6.07710050650619225e-11);
  }
  return {Batch<float, A>::load_aligned(quarters), Batch<float, A>::load_aligned(rest)};
}
// pi/2 in three parts, the first two of 33 bits: their products with a quarter count are exact.
template <class A>
Reduced<Batch<double, A>> reduce_angle(const Batch<double, A>& x) {
  using B = Batch<double, A>;
  const B k = xsimd::nearbyint(x * B(0.636619772367581382)) + B(0.0);  // no -0.0
  const B a = x - k * B(1.57079632673412561), b = a - k * B(6.07710050630396598e-11);
  return {k, b - k * B(2.02226624879595063e-21)};
}

// sin and cos for |x| <= pi/4, by Chebyshev interpolation.
inline constexpr float kSin32[] = {-1.66666646502920818e-01f, 8.33274593638042189e-03f,
                                   -1.95873870684644554e-04f};
inline constexpr float kCos32[] = {4.16666646474573785e-02f, -1.38883006969038993e-03f,
                                   2.45474372101932005e-05f};
inline constexpr double kSin64[] = {-1.66666666666666657e-01, 8.33333333333092542e-03,
                                    -1.98412698367224182e-04, 2.75573160838163581e-06,
                                    -2.50511279440141876e-08, 1.59178485248082617e-10};
inline constexpr double kCos64[] = {4.16666666666666644e-02, -1.38888888888873824e-03,
                                    2.48015872987430700e-05, -2.75573172600088370e-07,
                                    2.08761438279931326e-09, -1.13824567780613059e-11};
template <class T, class A>
Batch<T, A> sin_near(const Batch<T, A>& x) {
  const Batch<T, A> z = x * x;
  Batch<T, A> p;
  if constexpr (std::is_same_v<T, float>)
    p = polynomial(z, kSin32);
  else
    p = polynomial(z, kSin64);
  return xsimd::copysign(xsimd::fma(x * z, p, x), x);  // -0.0 keeps its sign
}
template <class T, class A>
Batch<T, A> cos_near(const Batch<T, A>& x) {
  using B = Batch<T, A>;
  const B z = x * x;
  B p;
  if constexpr (std::is_same_v<T, float>)
    p = polynomial(z, kCos32);
  else
    p = polynomial(z, kCos64);
  return xsimd::fma(z * z, p, xsimd::fma(z, B(T(-0.5)), B(T(1))));
}

/// Whether the whole number k is odd.
template <class T, class A>
xsimd::batch_bool<T, A> odd(const Batch<T, A>& k) {
  const Batch<T, A> half = k * Batch<T, A>(T(0.5));
  return xsimd::floor(half) != half;
}
// sin(x + shift * pi/2)
template <class T, class A>
Batch<T, A> shifted_sin(const Batch<T, A>& x, T shift) {
  using B = Batch<T, A>;
  const auto [quarters, rest] = reduce_angle(x);
  const B k = quarters + B(shift);
  const B y = xsimd::select(odd(k), cos_near(rest), sin_near(rest));
  return xsimd::select(odd(xsimd::floor(k * B(T(0.5)))), -y, y);
}
template <class T, class A>
xsimd::batch_bool<T, A> far_angle(const Batch<T, A>& x) {
  return !(xsimd::abs(x) <= Batch<T, A>(T(kFarthest)));
}

template <class T, class A>
REEL_CALLED Batch<T, A> sin(Batch<T, A> x) {
  return mend(
      shifted_sin(x, T(0)), far_angle(x), [](T v) { return std::sin(v); }, x);
}
template <class T, class A>
REEL_CALLED Batch<T, A> cos(Batch<T, A> x) {
  return mend(
      shifted_sin(x, T(1)), far_angle(x), [](T v) { return std::cos(v); }, x);
}
template <class T, class A>
REEL_CALLED Batch<T, A> tan(Batch<T, A> x) {
  const auto [quarters, rest] = reduce_angle(x);
  const Batch<T, A> s = sin_near(rest), c = cos_near(rest);
  const auto turned = odd(quarters);
  return mend(
      Batch<T, A>(xsimd::select(turned, -c, s) / xsimd::select(turned, s, c)), far_angle(x),
      [](T v) { return std::tan(v); }, x);
}

#define REEL_BY_XSIMD(name)                     \
  template <class T, class A>                   \
  REEL_CALLED Batch<T, A> name(Batch<T, A> x) { \
    return xsimd::name(x);                      \
  }
REEL_BY_XSIMD(asin)
REEL_BY_XSIMD(acos)
REEL_BY_XSIMD(atan)
REEL_BY_XSIMD(sinh)
REEL_BY_XSIMD(cosh)
#undef REEL_BY_XSIMD

/// The angle of the point (x, y), from the arc tangent of the smaller coordinate over the larger.
template <class T, class A>
REEL_CALLED Batch<T, A> atan2(Batch<T, A> y, Batch<T, A> x) {
  using B = Batch<T, A>;
  constexpr T pi = static_cast<T>(3.14159265358979323846L);
  const B across = xsimd::abs(x), up = xsimd::abs(y);
  const auto steep = up > across;
  const B large = xsimd::select(steep, up, across), small = xsimd::select(steep, across, up);
  B ratio = small / large;
  ratio = xsimd::select(large == B(T(0)), B(T(0)), ratio);
  ratio = xsimd::select(small == large && large != B(T(0)), B(T(1)), ratio);  // infinities too
  B angle = xsimd::atan(ratio);
  angle = xsimd::select(steep, B(pi / 2) - angle, angle);
  angle = xsimd::select(xsimd::copysign(B(T(1)), x) < B(T(0)), B(pi) - angle, angle);
  angle = xsimd::copysign(angle, y);
  return xsimd::select(x == x && y == y, angle, x + y);
}

/// sqrt(x^2 + y^2) without overflow between; infinite where x or y is, even beside NaN.
template <class T, class A>
Batch<T, A> hypot(const Batch<T, A>& x, const Batch<T, A>& y) {
  using B = Batch<T, A>;
  const B a = xsimd::abs(x), b = xsimd::abs(y);
  const B large = xsimd::select(a > b, a, b), small = xsimd::select(a > b, b, a);
  const B ratio = small / large, zero(T(0)), infinity(std::numeric_limits<T>::infinity());
  B z = large * xsimd::sqrt(xsimd::fma(ratio, ratio, B(T(1))));
  z = xsimd::select(large == zero, large, z);
  z = xsimd::select(x == x && y == y, z, x + y);
  return xsimd::select(a == infinity || b == infinity, infinity, z);
}

// ---------------------------------------------------------------- error function
// e^(x^2) erfc(x) (1 + 2x) as a polynomial of (x - 4) / (x + 4), for x up to 10.2 and 28: Chebyshev
// interpolation, relative error 2^-30 and 2^-55.
inline constexpr float kScaledErfc32[] = {1.232995119e+00f,  -1.396211329e-01f, 1.537965881e-02f,
                                          6.809794439e-02f,  -1.010383606e-01f, 9.371950252e-02f,
                                          -6.635203584e-02f, 3.723337563e-02f,  -1.602194313e-02f,
                                          5.020826750e-03f,  -1.162561740e-03f, -6.506400301e-04f};
inline constexpr double kScaledErfc64[] = {
    1.23299511862555256e+00,  -1.39621116840562970e-01, 1.53796521026199565e-02,
    6.80970542547437857e-02,  -1.01039066036305442e-01, 9.37328349966076446e-02,
    -6.63303658126162127e-02, 3.71675155647855082e-02,  -1.61977340462222952e-02,
    5.03196974247573179e-03,  -7.57773429091875201e-04, -1.99255476253683939e-04,
    1.50622603955669570e-04,  -2.44031263960246959e-05, -1.12256873277014867e-05,
    5.71745417764632341e-06,  3.02649753255068968e-07,  -8.34111343909562240e-07,
    6.17872573161623948e-08,  1.14194796901136474e-07,  -7.61702134910111673e-09,
    -1.31767112003328873e-08, -1.66423437292354164e-09};
// erf(x) / x - 1 as a polynomial of x^2, for x up to 1 and 0.85.
inline constexpr float kErfNear32[] = {1.283791658e-01f,  -3.761262667e-01f, 1.128359472e-01f,
                                       -2.685421201e-02f, 5.189087423e-03f,  -8.016864287e-04f,
                                       7.875875063e-05f};
inline constexpr double kErfNear64[] = {
    1.28379167095512559e-01,  -3.76126389031833486e-01, 1.12837916709325942e-01,
    -2.68661706402556454e-02, 5.22397757126981995e-03,  -8.54832350667776315e-04,
    1.20551903370212963e-04,  -1.49219216534207982e-05, 1.63991232629773716e-06,
    -1.56971155710041425e-07, 1.06756937067139478e-08};

template <class T, class A>
Batch<T, A> erf_near(const Batch<T, A>& x) {
  if constexpr (std::is_same_v<T, float>)
    return xsimd::fma(x, polynomial(x * x, kErfNear32), x);
  else
    return xsimd::fma(x, polynomial(x * x, kErfNear64), x);
}

/// 1 - erf(x), with all its digits where that is small.
template <class T, class A>
REEL_CALLED Batch<T, A> erfc(Batch<T, A> x) {
  using B = Batch<T, A>;
  constexpr bool single = std::is_same_v<T, float>;
  const B last(single ? T(10.2) : T(28));  // beyond, the result is 0
  B a = xsimd::abs(x);
  a = xsimd::select(a > last, last, a);
  // (a - 4) / (a + 4) so that small a keep their digits.
  const B t = xsimd::fma(a / (a + B(T(4))), B(T(2)), B(T(-1)));
  B scaled;
  if constexpr (single)
    scaled = polynomial(t, kScaledErfc32);
  else
    scaled = polynomial(t, kScaledErfc64);
  const B square = a * a, rest = fused(a, a, -square);  // a^2 in two parts
  B e;                                                  // e^(-a^2)
  if constexpr (single) {
    e = simd::exp<true>(-square, rest);
  } else {
    e = simd::exp(-square);
    e = xsimd::fnma(e, rest, e);
  }
  const B y = scaled / xsimd::fma(a, B(T(2)), B(T(1))) * e;
  const B far = xsimd::select(x < B(T(0)), B(T(2)) - y, y);
  const auto small = a < B(T(0.5));
  return xsimd::any(small) ? xsimd::select(small, B(T(1)) - erf_near(x), far) : far;
}

template <class A>
REEL_CALLED Batch<double, A> erf(Batch<double, A> x) {
  using B = Batch<double, A>;
  const B a = xsimd::abs(x);
  const B near = erf_near(x);
  const auto far = a > B(0.85);
  return xsimd::any(far) ? xsimd::select(far, xsimd::copysign(B(1.0) - simd::erfc(a), x), near)
                         : near;
}
// Beyond 1, erf is 1 minus a polynomial that interpolates erfc up to 3.92, where 1 is the nearest.
inline constexpr float kErfcFar32[] = {
    5.033536406e-04f,  -3.878101009e-03f, 1.392897855e-02f,  -3.060008645e-02f, 4.504737155e-02f,
    -4.510588281e-02f, 2.844687941e-02f,  -6.499152849e-03f, -7.345193494e-03f, 9.037615042e-03f,
    -3.340892333e-03f, -1.592594051e-03f, 1.628860136e-03f,  -1.139237217e-05f, -2.197394715e-04f};
template <class A>
Batch<float, A> erf(const Batch<float, A>& x) {
  using B = Batch<float, A>;
  const B near = erf_near(x);
  const B a = xsimd::abs(x);
  const B bounded = xsimd::select(a > B(3.92f), B(3.92f), a);
  const B u = xsimd::fma(bounded, B(0.684931506849315f), B(-1.6849315068493151f));
  const B far = B(1.f) - polynomial(u, kErfcFar32);
  return xsimd::select(a > B(1.f), xsimd::copysign(far, x), near);
}

// ---------------------------------------------------------------- powers and remainders
/// a^b, computed in double precision where a is positive and both are finite.
template <class A>
REEL_CALLED Batch<float, A> pow(Batch<float, A> a, Batch<float, A> b) {
  using F = Batch<float, A>;
  using D = Batch<double, A>;
  const F most(std::numeric_limits<float>::max());
  constexpr std::size_t n = F::size;
  alignas(64) float narrow_a[n], narrow_b[n];
  alignas(64) double wide_a[n], wide_b[n];
  a.store_aligned(narrow_a);
  b.store_aligned(narrow_b);
  for (std::size_t i = 0; i < n; ++i) wide_a[i] = static_cast<double>(narrow_a[i]);
  for (std::size_t i = 0; i < n; ++i) wide_b[i] = static_cast<double>(narrow_b[i]);
  for (std::size_t i = 0; i < n; i += D::size)
    simd::exp(D(D::load_aligned(wide_b + i) * xsimd::log(D::load_aligned(wide_a + i))))
        .store_aligned(wide_a + i);
  for (std::size_t i = 0; i < n; ++i) narrow_a[i] = static_cast<float>(wide_a[i]);
  const auto plain = a > F(0.f) && a <= most && xsimd::abs(b) <= most;
  return mend(
      F::load_aligned(narrow_a), !plain, [](float x, float y) { return std::pow(x, y); }, a, b);
}
/// A number to twice the precision, as the sum of two of which `lo` is small beside `hi`.
template <class B>
struct Pair {
  B hi, lo;
};
/// a + b for |a| >= |b|, or a = 0: the sum, and what its rounding left out.
template <class B>
Pair<B> exact_sum(const B& a, const B& b) {
  const B sum = a + b;
  return {sum, (a - sum) + b};
}
template <class B>
Pair<B> exact_product(const B& a, const B& b) {
  const B product = a * b;
  return {product, fused(a, b, -product)};
}

// log((1 + s) / (1 - s)) / s as 2 + 2/3 z + z^2 times this polynomial of z = s^2, for z up to
// 0.0295, and e^r as 1 + r + r^2 times that of r, for |r| up to log(2) / 2: Chebyshev
// interpolation, relative errors 2^-66 of the logarithm and 2^-56.
inline constexpr double kLogSeries64[] = {0.4,
                                          0.28571428571429364,
                                          0.22222222221655885,
                                          0.18181818335392802,
                                          0.1538459496251843,
                                          0.1333480469384731,
                                          0.11706236339491206,
                                          0.11723178623876518};
inline constexpr double kExpSeries64[] = {
    0.5000000000000001,     0.16666666666666669,    0.04166666666662413,    0.008333333333330062,
    0.0013888888917213717,  0.00019841269863053618, 2.4801521295954376e-05, 2.7557268459997064e-06,
    2.7620088445409746e-07, 2.510038549551032e-08};
// log(2), the first part with 11 zeros at its end: its product with an exponent is exact.
constexpr double kLog2High = 0.6931471805598903, kLog2Low = 5.497923018708371e-14;

/// The logarithm of positive finite x: the error is below 2^-63 of it, as a power of 700 needs.
template <class A>
Pair<Batch<double, A>> exact_log(const Batch<double, A>& x) {
  using B = Batch<double, A>;
  using U = Batch<std::uint64_t, A>;
  // x = 2^e m with m between sqrt(1/2) and sqrt(2).
  const auto tiny = x < B(2.2250738585072014e-308);
  const U bits = xsimd::bitwise_cast<U>(B(xsimd::select(tiny, x * B(18014398509481984.0), x)));
  const U k = (bits - U(0x3fe6a09e667f3bcdu) + U(std::uint64_t{1024} << 52)) >> 52;  // e + 1024
  const B m = xsimd::bitwise_cast<B>(U(bits - ((k - U(1024)) << 52)));
  // The number 2^52 + k, from its bits.
  const B e = xsimd::bitwise_cast<B>(U(k | U(0x4330000000000000u))) -
              xsimd::select(tiny, B(4503599627371574.0), B(4503599627371520.0));

  // s = (m - 1) / (m + 1)
  const B f = m - B(1.0), d = m + B(1.0), rest_of_d = m - (d - B(1.0)), inverse = B(1.0) / d;
  const B s = f * inverse;
  const B s_lo = fused(-s, rest_of_d, fused(-s, d, f)) * inverse;
  const Pair<B> z = exact_product(s, s);
  const B z_lo = fused(s + s, s_lo, z.lo);

  // 2/3 z + z^2 P(z), then its product with s, then 2 s on top.
  constexpr double third = 0.6666666666666666, third_lo = 3.700743415417188e-17;
  const Pair<B> first = exact_product(z.hi, B(third));
  const Pair<B> u = exact_sum(first.hi, B(z.hi * z.hi * polynomial(z.hi, kLogSeries64)));
  const B u_lo = u.lo + fused(z.hi, B(third_lo), fused(z_lo, B(third), first.lo));
  const Pair<B> v = exact_product(s, u.hi);
  const B v_lo = fused(s_lo, u.hi, fused(s, u_lo, v.lo));
  const Pair<B> near = exact_sum(B(s + s), v.hi);
  const B near_lo = near.lo + (v_lo + (s_lo + s_lo));

  const Pair<B> y = exact_sum(B(e * B(kLog2High)), near.hi);
  return {y.hi, y.lo + fused(e, B(kLog2Low), near_lo)};
}

/// e^(x + less), for a small `less`.
template <class A>
Batch<double, A> exp_sum(const Batch<double, A>& x, const Batch<double, A>& less) {
  using B = Batch<double, A>;
  const B c = xsimd::max(B(-800.0), xsimd::min(B(800.0), x));
  const B n = xsimd::nearbyint(c * B(1.44269504088896341));
  // Beyond these ends the result is 0 or infinite, whatever is left.
  const B r =
      fused(-n, B(kLog2High), c) + xsimd::select(c == x, fused(-n, B(kLog2Low), less), B(0.0));
  const B y = fused(r * r, polynomial(r, kExpSeries64), r) + B(1.0);
#if defined(__AVX512F__)
  if constexpr (sizeof(B) == 64) return B(_mm512_scalef_pd(y, n));
#endif
  // In two steps: through the denormals to zero and up to infinity.
  const auto power = [](const B& k) {
    using U = Batch<std::uint64_t, A>;
    return xsimd::bitwise_cast<B>(U(xsimd::bitwise_cast<U>(B(k + B(4503599627371519.0))) << 52));
  };
  const B half = xsimd::trunc(n * B(0.5));
  return y * power(half) * power(n - half);
}

/// a^b = e^(b log |a|), with the sign of a where b is odd.
template <class A>
REEL_CALLED Batch<double, A> pow(Batch<double, A> a, Batch<double, A> b) {
  using B = Batch<double, A>;
  const auto by_libm = [](double x, double y) { return std::pow(x, y); };
  if constexpr (!REEL_FUSES) {
    return mend(a, a == a || a != a, by_libm, a, b);
  } else {
    const B most(std::numeric_limits<double>::max()), size = xsimd::abs(a);
    const Pair<B> log = exact_log(size);
    // Larger exponents than 2^65 change no result, and their product with a logarithm is finite.
    const B bounded = xsimd::max(B(-0x1p65), xsimd::min(B(0x1p65), b));
    const Pair<B> product = exact_product(bounded, log.hi);
    B y = exp_sum(product.hi, fused(bounded, log.lo, product.lo));
    const auto negative = a < B(0.0);
    if (xsimd::any(negative)) {
      const B signed_y = xsimd::select(odd(b), -y, y);
      const B nan(std::numeric_limits<double>::quiet_NaN());
      y = xsimd::select(negative, xsimd::select(xsimd::trunc(b) == b, signed_y, nan), y);
    }
    const auto plain = size > B(0.0) && size <= most && xsimd::abs(b) <= most;
    return mend(y, !plain, by_libm, a, b);
  }
}

/// The remainder with the sign of `a`. Exact: as long as the quotient is an exact integer, so is
/// a - q b, and where rounding made q one too many, b is given back.
template <class T, class A>
REEL_CALLED Batch<T, A> fmod(Batch<T, A> a, Batch<T, A> b) {
  using B = Batch<T, A>;
  const B quotient = a / b;
  B r = fused(-xsimd::trunc(quotient), b, a);
  r = xsimd::select(r * xsimd::copysign(B(T(1)), a) < B(T(0)),
                    r + xsimd::copysign(xsimd::abs(b), a), r);
  r = xsimd::select(xsimd::abs(a) < xsimd::abs(b), a, r);  // where b is infinite too
  const B limit(std::is_same_v<T, float> ? T(1 << 23) : T(std::int64_t{1} << 52));
  return mend(
      xsimd::copysign(r, a), !(xsimd::abs(quotient) < limit),
      [](T x, T y) { return std::fmod(x, y); }, a, b);
}
/// The remainder with the sign of `b`.
template <class T, class A>
Batch<T, A> remainder(const Batch<T, A>& a, const Batch<T, A>& b) {
  using B = Batch<T, A>;
  const B r = simd::fmod(a, b), zero(T(0));
  const auto crossed = (r < zero && b > zero) || (r > zero && b < zero);
  return xsimd::select(crossed, r + b, r);
}
template <class T, class A>
Batch<T, A> trunc_divide(const Batch<T, A>& a, const Batch<T, A>& b) {
  return xsimd::trunc(a / b);
}
/// a / b rounded down, from the exact remainder: a / b itself may round up to the next integer.
template <class T, class A>
Batch<T, A> floor_divide(const Batch<T, A>& a, const Batch<T, A>& b) {
  using B = Batch<T, A>;
  const B r = simd::fmod(a, b), zero(T(0)), ratio = a / b;
  B q = (a - r) / b;
  const auto crossed = (r < zero && b > zero) || (r > zero && b < zero);
  q = xsimd::select(crossed, q - B(T(1)), q);
  q = xsimd::select(q == zero, xsimd::copysign(zero, ratio), xsimd::nearbyint(q));
  return xsimd::select(b == zero, ratio, q);
}

#ifdef REEL_SIMD_MATH
#define REEL_BATCH(T) Batch<T, xsimd::default_arch>
#define REEL_ONE(function)                                      \
  REEL_SIMD_MATH REEL_BATCH(float) function(REEL_BATCH(float)); \
  REEL_SIMD_MATH REEL_BATCH(double) function(REEL_BATCH(double));
#define REEL_TWO(function)                                                         \
  REEL_SIMD_MATH REEL_BATCH(float) function(REEL_BATCH(float), REEL_BATCH(float)); \
  REEL_SIMD_MATH REEL_BATCH(double) function(REEL_BATCH(double), REEL_BATCH(double));
REEL_ONE(expm1)
REEL_ONE(log1p)
REEL_ONE(log2)
REEL_ONE(log10)
REEL_ONE(sin)
REEL_ONE(cos)
REEL_ONE(tan)
REEL_ONE(asin)
REEL_ONE(acos)
REEL_ONE(atan)
REEL_ONE(sinh)
REEL_ONE(cosh)
REEL_ONE(erfc)
REEL_TWO(atan2)
REEL_TWO(pow)
REEL_TWO(fmod)
REEL_SIMD_MATH REEL_BATCH(double) erf(REEL_BATCH(double));
#undef REEL_TWO
#undef REEL_ONE
#undef REEL_BATCH
#endif

}  // namespace reel::simd
#undef REEL_CALLED
#undef REEL_FUSES
