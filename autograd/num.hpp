// Num: one kind of number for formulas, whether it stands for a SIMD batch or a Tensor; and the
// table of elementary functions with their derivatives.
#pragma once

#include <type_traits>

#include "dtype.hpp"
#include "simd_integer.hpp"
#include "simd_math.hpp"
#include "tensor.hpp"

namespace reel::formula {

template <class V>
struct Parts;
template <class T, class A>
struct Parts<xsimd::batch<T, A>> {
  using Element = T;
  using Mask = xsimd::batch_bool<T, A>;
};
template <class T, class A>
struct Parts<simd::Pack<T, A>> {
  using Element = T;
  using Mask = typename simd::Pack<T, A>::Mask;
};

/// A SIMD batch.
template <class V>
struct Num {
  using T = typename Parts<V>::Element;
  using Mask = typename Parts<V>::Mask;
  V v;
  Num() = default;
  REEL_INLINE explicit Num(const V& value) : v(value) {}
  REEL_INLINE static Num constant(const Scalar& s) { return Num(V(s.wrapped<T>())); }

  friend REEL_INLINE Num operator+(const Num& a, const Num& b) { return Num(a.v + b.v); }
  friend REEL_INLINE Num operator-(const Num& a, const Num& b) { return Num(a.v - b.v); }
  friend REEL_INLINE Num operator*(const Num& a, const Num& b) { return Num(a.v * b.v); }
  friend REEL_INLINE Num operator/(const Num& a, const Num& b) { return Num(a.v / b.v); }
  friend REEL_INLINE Num operator-(const Num& a) {
    if constexpr (std::is_floating_point_v<T>)
      return Num(a.v ^ V(T(-0.0)));  // xsimd subtracts from zero, which loses zero's sign
    else
      return Num(-a.v);
  }
  friend REEL_INLINE Mask operator<(const Num& a, const Num& b) { return a.v < b.v; }
  friend REEL_INLINE Mask operator<=(const Num& a, const Num& b) { return a.v <= b.v; }
  friend REEL_INLINE Mask operator==(const Num& a, const Num& b) { return a.v == b.v; }
  static REEL_INLINE Num choose(const Mask& m, const Num& a, const Num& b) {
    return Num(simd::select(m, a.v, b.v));
  }
};

/// A Tensor with recorded arithmetic. An undefined one stands for a value that was not saved
/// because no derivative reads it; what is computed from it is undefined as well.
template <>
struct Num<Tensor> {
  using Mask = Tensor;
  Tensor v;
  Num() = default;
  explicit Num(Tensor value) : v(std::move(value)) {}
  static Num constant(const Scalar& s);
  friend Num operator+(const Num& a, const Num& b);
  friend Num operator-(const Num& a, const Num& b);
  friend Num operator*(const Num& a, const Num& b);
  friend Num operator/(const Num& a, const Num& b);
  friend Num operator-(const Num& a);
  friend Tensor operator<(const Num& a, const Num& b);
  friend Tensor operator<=(const Num& a, const Num& b);
  friend Tensor operator==(const Num& a, const Num& b);
  static Num choose(const Tensor& mask, const Num& a, const Num& b);
};

template <class V>
REEL_INLINE Num<V> operator+(double a, const Num<V>& b) {
  return Num<V>::constant(a) + b;
}
template <class V>
REEL_INLINE Num<V> operator+(const Num<V>& a, double b) {
  return a + Num<V>::constant(b);
}
template <class V>
REEL_INLINE Num<V> operator-(double a, const Num<V>& b) {
  return Num<V>::constant(a) - b;
}
template <class V>
REEL_INLINE Num<V> operator-(const Num<V>& a, double b) {
  return a - Num<V>::constant(b);
}
template <class V>
REEL_INLINE Num<V> operator*(double a, const Num<V>& b) {
  return Num<V>::constant(a) * b;
}
template <class V>
REEL_INLINE Num<V> operator*(const Num<V>& a, double b) {
  return a * Num<V>::constant(b);
}
template <class V>
REEL_INLINE Num<V> operator/(double a, const Num<V>& b) {
  return Num<V>::constant(a) / b;
}
template <class V>
REEL_INLINE Num<V> operator/(const Num<V>& a, double b) {
  return a / Num<V>::constant(b);
}

template <class V>
REEL_INLINE Num<V> choose(const typename Num<V>::Mask& m, const Num<V>& a, const Num<V>& b) {
  return Num<V>::choose(m, a, b);
}
/// 0 where x <= 0, else 1 (also for NaN).
template <class V>
REEL_INLINE Num<V> step(const Num<V>& x) {
  const auto zero = Num<V>::constant(0);
  return choose(x <= zero, zero, Num<V>::constant(1));
}
template <class V>
REEL_INLINE Num<V> sign(const Num<V>& x) {
  const auto zero = Num<V>::constant(0);
  return choose(zero < x, Num<V>::constant(1), choose(x < zero, Num<V>::constant(-1), zero));
}
// Tensors stay functions of x, with a derivative of zero: a gradient of a gradient is zero there,
// and not missing.
template <>
Num<Tensor> step(const Num<Tensor>& x);
template <>
Num<Tensor> sign(const Num<Tensor>& x);

template <class V>
REEL_INLINE Num<V> power(const Num<V>& a, const Num<V>& b) {
  return Num<V>(simd::pow(a.v, b.v));
}
template <>
Num<Tensor> power(const Num<Tensor>& a, const Num<Tensor>& b);

// ---------------------------------------------------------------- the table of operations
// `uses_a`, `uses_b`: what the derivative by the first and by the second operand reads. What it
// does not read arrives as Unread, so that a wrong mask does not compile.
struct Unread {};
struct Zero {};  // derivatives known at compile time
struct One {};
struct MinusOne {};
constexpr unsigned kNothing = 0, kFirst = 1, kSecond = 2, kResult = 4;

struct Add {
  static constexpr bool costly = false;
  static constexpr unsigned uses_a = kNothing, uses_b = kNothing;
  template <class N>
  static REEL_INLINE N value(const N& a, const N& b) {
    return a + b;
  }
  template <class... X>
  static REEL_INLINE One da(const X&...) {
    return {};
  }
  template <class... X>
  static REEL_INLINE One db(const X&...) {
    return {};
  }
};
struct Sub {
  static constexpr bool costly = false;
  static constexpr unsigned uses_a = kNothing, uses_b = kNothing;
  template <class N>
  static REEL_INLINE N value(const N& a, const N& b) {
    return a - b;
  }
  template <class... X>
  static REEL_INLINE One da(const X&...) {
    return {};
  }
  template <class... X>
  static REEL_INLINE MinusOne db(const X&...) {
    return {};
  }
};
struct Mul {
  static constexpr bool costly = false;
  static constexpr unsigned uses_a = kSecond, uses_b = kFirst;
  template <class N>
  static REEL_INLINE N value(const N& a, const N& b) {
    return a * b;
  }
  template <class A, class B, class Y>
  static REEL_INLINE B da(const A&, const B& b, const Y&) {
    return b;
  }
  template <class A, class B, class Y>
  static REEL_INLINE A db(const A& a, const B&, const Y&) {
    return a;
  }
};
struct Div {
  static constexpr bool costly = false;
  static constexpr unsigned uses_a = kSecond, uses_b = kSecond | kResult;
  template <class N>
  static REEL_INLINE N value(const N& a, const N& b) {
    return a / b;
  }
  template <class A, class B, class Y>
  static REEL_INLINE B da(const A&, const B& b, const Y&) {
    return 1.0 / b;
  }
  template <class A, class B, class Y>
  static REEL_INLINE B db(const A&, const B& b, const Y& y) {
    return -(y / b);
  }
};

// A function of the table by its name, also before its row.
struct Cos;
struct Sinh;
struct Cosh;
template <class Op, class V>
REEL_INLINE Num<V> value_of(const Num<V>& x) {
  return Op::value(x);
}

// One row per function: its name; whether its result is worth saving; what its derivative reads;
// its value on batches (in v) ; its derivative in terms of the operand x and the result y.
#define REEL_FUNCTION(Name, method, is_costly, reads, batch_value, derivative)             \
  struct Name {                                                                            \
    static constexpr bool costly = is_costly;                                              \
    static constexpr unsigned uses_a = reads;                                              \
    template <class V>                                                                     \
    static REEL_INLINE Num<V> value(const Num<V>& x) {                                     \
      if constexpr (std::is_same_v<V, Tensor>) {                                           \
        return Num<V>(x.v.defined() ? x.v.method() : Tensor());                            \
      } else {                                                                             \
        return batch_value;                                                                \
      }                                                                                    \
    }                                                                                      \
    template <class X, class Y>                                                            \
    static REEL_INLINE auto da([[maybe_unused]] const X& x, [[maybe_unused]] const Y& y) { \
      return derivative;                                                                   \
    }                                                                                      \
  };
REEL_FUNCTION(Neg, neg, false, kNothing, -x, MinusOne{})
REEL_FUNCTION(Square, square, false, kFirst, x* x, x + x)
REEL_FUNCTION(Abs, abs, false, kFirst, Num<V>(simd::abs(x.v)), sign(x))
REEL_FUNCTION(Relu, relu, false, kResult, choose(x <= Num<V>::constant(0), Num<V>::constant(0), x),
              step(y))
REEL_FUNCTION(Sqrt, sqrt, true, kResult, Num<V>(simd::sqrt(x.v)), 0.5 / y)
REEL_FUNCTION(Exp, exp, true, kResult, Num<V>(simd::exp(x.v)), y)
REEL_FUNCTION(Log, log, true, kFirst, Num<V>(simd::log(x.v)), 1.0 / x)
REEL_FUNCTION(Tanh, tanh, true, kResult, Num<V>(simd::tanh(x.v)), 1.0 - y * y)
REEL_FUNCTION(Sigmoid, sigmoid, true, kResult, Num<V>(simd::sigmoid(x.v)), y*(1.0 - y))
REEL_FUNCTION(Sign, sign, false, kNothing, sign(x), Zero{})
REEL_FUNCTION(Rsqrt, rsqrt, true, kResult, Num<V>(V(typename Num<V>::T(1)) / simd::sqrt(x.v)),
              -0.5 * (y * y * y))
REEL_FUNCTION(Reciprocal, reciprocal, false, kResult, 1.0 / x, -(y* y))
REEL_FUNCTION(Expm1, expm1, true, kResult, Num<V>(simd::expm1(x.v)), y + 1.0)
REEL_FUNCTION(Log1p, log1p, true, kFirst, Num<V>(simd::log1p(x.v)), 1.0 / (x + 1.0))
REEL_FUNCTION(Log2, log2, true, kFirst, Num<V>(simd::log2(x.v)), 1.4426950408889634074 / x)
REEL_FUNCTION(Log10, log10, true, kFirst, Num<V>(simd::log10(x.v)), 0.43429448190325182765 / x)
REEL_FUNCTION(Sin, sin, true, kFirst, Num<V>(simd::sin(x.v)), value_of<Cos>(x))
REEL_FUNCTION(Cos, cos, true, kFirst, Num<V>(simd::cos(x.v)), -value_of<Sin>(x))
REEL_FUNCTION(Tan, tan, true, kResult, Num<V>(simd::tan(x.v)), y* y + 1.0)
REEL_FUNCTION(Asin, asin, true, kFirst, Num<V>(simd::asin(x.v)), value_of<Rsqrt>(1.0 - x * x))
REEL_FUNCTION(Acos, acos, true, kFirst, Num<V>(simd::acos(x.v)), -value_of<Rsqrt>(1.0 - x * x))
REEL_FUNCTION(Atan, atan, true, kFirst, Num<V>(simd::atan(x.v)), 1.0 / (x * x + 1.0))
REEL_FUNCTION(Sinh, sinh, true, kFirst, Num<V>(simd::sinh(x.v)), value_of<Cosh>(x))
REEL_FUNCTION(Cosh, cosh, true, kFirst, Num<V>(simd::cosh(x.v)), value_of<Sinh>(x))
REEL_FUNCTION(Erf, erf, true, kFirst, Num<V>(simd::erf(x.v)),
              1.1283791670955125739 * value_of<Exp>(-(x * x)))
REEL_FUNCTION(Erfc, erfc, true, kFirst, Num<V>(simd::erfc(x.v)),
              -1.1283791670955125739 * value_of<Exp>(-(x * x)))
REEL_FUNCTION(Floor, floor, false, kNothing, Num<V>(simd::floor(x.v)), Zero{})
REEL_FUNCTION(Ceil, ceil, false, kNothing, Num<V>(simd::ceil(x.v)), Zero{})
REEL_FUNCTION(Round, round, false, kNothing, Num<V>(simd::round(x.v)), Zero{})
REEL_FUNCTION(Trunc, trunc, false, kNothing, Num<V>(simd::trunc(x.v)), Zero{})
#undef REEL_FUNCTION

struct Power {  // a^b
  static constexpr bool costly = true;
  static constexpr unsigned uses_a = kFirst | kSecond, uses_b = kFirst | kSecond | kResult;
  template <class V>
  static REEL_INLINE Num<V> value(const Num<V>& a, const Num<V>& b) {
    return power(a, b);
  }
  // x^0 and 0^b are constants where b >= 0, though the factors below are not finite there.
  template <class A, class B, class Y>
  static REEL_INLINE A da(const A& a, const B& b, const Y&) {
    const A zero = A::constant(0.0);
    return choose(b == zero, zero, b * power(a, b - 1.0));
  }
  template <class A, class B, class Y>
  static REEL_INLINE Y db(const A& a, const B& b, const Y& y) {
    const A zero = A::constant(0.0);
    const Y slope = y * Log::value(a);
    return choose(a == zero, choose(zero <= b, zero, slope), slope);
  }
};

// The same table for functions of two operands a and b; by_a and by_b are the two derivatives.
#define REEL_PAIR(Name, method, is_costly, reads_a, reads_b, batch_value, by_a, by_b)    \
  struct Name {                                                                          \
    static constexpr bool costly = is_costly;                                            \
    static constexpr unsigned uses_a = reads_a, uses_b = reads_b;                        \
    template <class V>                                                                   \
    static REEL_INLINE Num<V> value(const Num<V>& a, const Num<V>& b) {                  \
      if constexpr (std::is_same_v<V, Tensor>) {                                         \
        return Num<V>(a.v.defined() && b.v.defined() ? a.v.method : Tensor());           \
      } else {                                                                           \
        return batch_value;                                                              \
      }                                                                                  \
    }                                                                                    \
    template <class A, class B, class Y>                                                 \
    static REEL_INLINE auto da([[maybe_unused]] const A& a, [[maybe_unused]] const B& b, \
                               [[maybe_unused]] const Y& y) {                            \
      return by_a;                                                                       \
    }                                                                                    \
    template <class A, class B, class Y>                                                 \
    static REEL_INLINE auto db([[maybe_unused]] const A& a, [[maybe_unused]] const B& b, \
                               [[maybe_unused]] const Y& y) {                            \
      return by_b;                                                                       \
    }                                                                                    \
  };
/// The derivative of the larger of two: 1 where it is `a`, 0 where `b`, half of each for a tie.
template <class N>
REEL_INLINE N share(const typename N::Mask& tie, const typename N::Mask& lost) {
  return choose(tie, N::constant(0.5), choose(lost, N::constant(0.0), N::constant(1.0)));
}
template <class N>
REEL_INLINE N step_at(const typename N::Mask& taken) {
  return choose(taken, N::constant(1.0), N::constant(0.0));
}
template <class Op, class V>
REEL_INLINE Num<V> value_of(const Num<V>& a, const Num<V>& b) {
  return Op::value(a, b);
}
// The first choice lets NaN in b through; NaN in a loses no comparison.
REEL_PAIR(Maximum, maximum(b.v), false, kFirst | kSecond, kFirst | kSecond,
          choose(b == b, choose(a < b, b, a), b), share<A>(a == b, a < b), share<A>(a == b, b < a))
REEL_PAIR(Minimum, minimum(b.v), false, kFirst | kSecond, kFirst | kSecond,
          choose(b == b, choose(b < a, b, a), b), share<A>(a == b, b < a), share<A>(a == b, a < b))
// A number within its bound b counts as taken, and NaN as not taken.
REEL_PAIR(AtLeast, clamp_min(b.v), false, kFirst | kSecond, kFirst | kSecond,
          Num<V>(simd::at_least(a.v, b.v)), step_at<A>(b <= a), step_at<A>(a < b))
REEL_PAIR(AtMost, clamp_max(b.v), false, kFirst | kSecond, kFirst | kSecond,
          Num<V>(simd::at_most(a.v, b.v)), step_at<A>(a <= b), step_at<A>(b < a))
REEL_PAIR(Atan2, atan2(b.v), false, kFirst | kSecond, kFirst | kSecond,
          Num<V>(simd::atan2(a.v, b.v)), b / (a * a + b * b), -a / (a * a + b * b))
REEL_PAIR(Hypot, hypot(b.v), true, kFirst | kResult, kSecond | kResult,
          Num<V>(simd::hypot(a.v, b.v)), a / y, b / y)
REEL_PAIR(FloorDivide, div(b.v, "floor"), false, kNothing, kNothing,
          Num<V>(simd::floor_divide(a.v, b.v)), Zero{}, Zero{})
REEL_PAIR(TruncDivide, div(b.v, "trunc"), false, kNothing, kNothing,
          Num<V>(simd::trunc_divide(a.v, b.v)), Zero{}, Zero{})
REEL_PAIR(Remainder, remainder(b.v), false, kNothing, kFirst | kSecond,
          Num<V>(simd::remainder(a.v, b.v)), One{}, -value_of<FloorDivide>(a, b))
REEL_PAIR(Fmod, fmod(b.v), false, kNothing, kFirst | kSecond, Num<V>(simd::fmod(a.v, b.v)), One{},
          -value_of<TruncDivide>(a, b))
#undef REEL_PAIR

struct Less {
  template <class N>
  static REEL_INLINE auto value(const N& a, const N& b) {
    return a < b;
  }
};
struct LessEqual {
  template <class N>
  static REEL_INLINE auto value(const N& a, const N& b) {
    return a <= b;
  }
};
struct Equal {
  template <class N>
  static REEL_INLINE auto value(const N& a, const N& b) {
    return a == b;
  }
};

}  // namespace reel::formula
