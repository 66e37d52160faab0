// SIMD batches of integers, for formulas. xsimd's compute some things number by number, as the
// 64-bit product, or not at all; these are the compiler's own vectors.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "simd.hpp"

namespace reel::simd {

/// As many integers as a register of A takes. Arithmetic wraps around.
template <class T, class A>
struct Pack {
  static constexpr std::size_t bytes = sizeof(xsimd::batch<float, A>), size = bytes / sizeof(T);
  typedef std::make_unsigned_t<T> Bits __attribute__((vector_size(bytes)));
  typedef T Values __attribute__((vector_size(bytes)));
  /// All bits of a number, or none.
  struct Mask {
    Bits bits;
  };
  Bits bits;

  Pack() = default;
  explicit Pack(T number) : bits(Bits{} + static_cast<std::make_unsigned_t<T>>(number)) {}
  static REEL_INLINE Pack load(const T* p) {
    Pack x;
    std::memcpy(&x.bits, p, bytes);
    return x;
  }
  REEL_INLINE void store(T* p) const { std::memcpy(p, &bits, bytes); }

  friend REEL_INLINE Pack operator+(const Pack& a, const Pack& b) { return of(a.bits + b.bits); }
  friend REEL_INLINE Pack operator-(const Pack& a, const Pack& b) { return of(a.bits - b.bits); }
  friend REEL_INLINE Pack operator*(const Pack& a, const Pack& b) { return of(a.bits * b.bits); }
  friend REEL_INLINE Pack operator-(const Pack& a) { return of(-a.bits); }
  friend REEL_INLINE Mask operator<(const Pack& a, const Pack& b) {
    return {(Bits)((Values)a.bits < (Values)b.bits)};
  }
  friend REEL_INLINE Mask operator<=(const Pack& a, const Pack& b) {
    return {(Bits)((Values)a.bits <= (Values)b.bits)};
  }
  friend REEL_INLINE Mask operator==(const Pack& a, const Pack& b) {
    return {(Bits)(a.bits == b.bits)};
  }
  static REEL_INLINE Pack of(const Bits& bits) {
    Pack x;
    x.bits = bits;
    return x;
  }
};

template <class M, class T, class A>
REEL_INLINE Pack<T, A> select(const M& mask, const Pack<T, A>& a, const Pack<T, A>& b) {
  return Pack<T, A>::of((mask.bits & a.bits) | (~mask.bits & b.bits));
}

template <class T>
struct IntegerLanes {
  using type = Pack<T, xsimd::default_arch>;
  static constexpr std::int64_t count = static_cast<std::int64_t>(type::size);
  static REEL_INLINE type load(const T* p) { return type::load(p); }
  static REEL_INLINE void store(T* p, const type& v) { v.store(p); }
};
template <>
struct Lanes<std::int64_t> : IntegerLanes<std::int64_t> {};
template <>
struct Lanes<std::int32_t> : IntegerLanes<std::int32_t> {};
template <>
struct Lanes<std::uint8_t> : IntegerLanes<std::uint8_t> {};

template <class T, class A>
REEL_INLINE Pack<T, A> abs(const Pack<T, A>& x) {
  if constexpr (std::is_unsigned_v<T>)
    return x;
  else
    return select(x < Pack<T, A>(0), -x, x);
}
template <class T, class A>
REEL_INLINE Pack<T, A> trunc(const Pack<T, A>& x) {
  return x;
}
template <class T, class A>
REEL_INLINE Pack<T, A> at_least(const Pack<T, A>& x, const Pack<T, A>& bound) {
  return select(x < bound, bound, x);
}
template <class T, class A>
REEL_INLINE Pack<T, A> at_most(const Pack<T, A>& x, const Pack<T, A>& bound) {
  return select(bound < x, bound, x);
}

// ---------------------------------------------------------------- number by number
// No instruction divides integers. A divisor of 0 gives 0: callers refuse it, but the unused lanes
// of the last batch hold any number.
struct IntegerPow {  // a negative power is 0 unless the base is 1 or -1
  template <class T>
  static T of(T a, T b) {
    if (b < T(0)) {
      if (a == T(1)) return a;
      return a == static_cast<T>(-1) ? static_cast<T>(b % 2 == 0 ? 1 : -1) : T(0);
    }
    std::uint64_t result = 1, base = static_cast<std::uint64_t>(a);
    for (auto n = static_cast<std::uint64_t>(b); n != 0; n >>= 1, base *= base)
      if (n & 1) result *= base;
    return static_cast<T>(result);
  }
};
struct IntegerFmod {  // the remainder with the sign of `a`
  template <class T>
  static T of(T a, T b) {
    return b == T(0) || (std::is_signed_v<T> && b == static_cast<T>(-1)) ? T(0)
                                                                         : static_cast<T>(a % b);
  }
};
struct IntegerRemainder {  // the remainder with the sign of `b`, as Python's %
  template <class T>
  static T of(T a, T b) {
    const T r = IntegerFmod::of(a, b);
    return r != T(0) && (b < T(0)) != (r < T(0)) ? static_cast<T>(r + b) : r;
  }
};
struct IntegerTruncDivide {  // towards zero
  template <class T>
  static T of(T a, T b) {
    if (b == T(0)) return b;
    // The smallest integer has no negative: it wraps around.
    return std::is_signed_v<T> && b == static_cast<T>(-1)
               ? static_cast<T>(std::uint64_t{0} - static_cast<std::uint64_t>(a))
               : static_cast<T>(a / b);
  }
};
struct IntegerFloorDivide {  // downwards
  template <class T>
  static T of(T a, T b) {
    const T q = IntegerTruncDivide::of(a, b);
    return IntegerFmod::of(a, b) != T(0) && (a < T(0)) != (b < T(0)) ? static_cast<T>(q - 1) : q;
  }
};
template <class F, class T, class A>
__attribute__((noinline)) Pack<T, A> one_by_one(Pack<T, A> a, Pack<T, A> b) {
  T x[Pack<T, A>::size], y[Pack<T, A>::size];
  a.store(x);
  b.store(y);
  for (std::size_t i = 0; i < Pack<T, A>::size; ++i) x[i] = F::of(x[i], y[i]);
  return Pack<T, A>::load(x);
}
#define REEL_ONE_BY_ONE(function, F)                              \
  template <class T, class A>                                     \
  Pack<T, A> function(const Pack<T, A>& a, const Pack<T, A>& b) { \
    return one_by_one<F>(a, b);                                   \
  }
REEL_ONE_BY_ONE(pow, IntegerPow)
REEL_ONE_BY_ONE(fmod, IntegerFmod)
REEL_ONE_BY_ONE(remainder, IntegerRemainder)
REEL_ONE_BY_ONE(trunc_divide, IntegerTruncDivide)
REEL_ONE_BY_ONE(floor_divide, IntegerFloorDivide)
#undef REEL_ONE_BY_ONE

}  // namespace reel::simd
