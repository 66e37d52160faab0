// Num: one kind of number for formulas, whether it stands for a SIMD batch, a plain number or a
// Tensor; and the table of elementary functions with their derivatives.
#pragma once

#include <type_traits>

#include "dtype.hpp"
#include "simd.hpp"
#include "tensor.hpp"

#define REEL_INLINE __attribute__((always_inline)) inline

namespace reel::formula {

template <class V>
struct Element {  // the number type inside V
  using type = V;
};
template <class T, class A>
struct Element<xsimd::batch<T, A>> {
  using type = T;
};

template <class V>
struct MaskOf {
  using type = bool;
};
template <class T, class A>
struct MaskOf<xsimd::batch<T, A>> {
  using type = xsimd::batch_bool<T, A>;
};

/// A SIMD batch or a plain number.
template <class V>
struct Num {
  using T = typename Element<V>::type;
  using Mask = typename MaskOf<V>::type;
  V v;
  Num() = default;
  REEL_INLINE explicit Num(const V& value) : v(value) {}
  REEL_INLINE static Num constant(const Scalar& s) { return Num(V(s.to<T>())); }

  friend REEL_INLINE Num operator+(const Num& a, const Num& b) { return make(a.v + b.v); }
  friend REEL_INLINE Num operator-(const Num& a, const Num& b) { return make(a.v - b.v); }
  friend REEL_INLINE Num operator*(const Num& a, const Num& b) { return make(a.v * b.v); }
  friend REEL_INLINE Num operator/(const Num& a, const Num& b) { return make(a.v / b.v); }
  friend REEL_INLINE Num operator-(const Num& a) { return make(-a.v); }
  friend REEL_INLINE Mask operator<(const Num& a, const Num& b) { return a.v < b.v; }
  friend REEL_INLINE Mask operator<=(const Num& a, const Num& b) { return a.v <= b.v; }
  friend REEL_INLINE Mask operator==(const Num& a, const Num& b) { return a.v == b.v; }
  static REEL_INLINE Num choose(const Mask& m, const Num& a, const Num& b) {
    return make(simd::select(m, a.v, b.v));
  }

 private:
  // Small integers widen in arithmetic; the result goes back to their own type.
  template <class R>
  static REEL_INLINE Num make(const R& r) {
    if constexpr (std::is_same_v<R, V>)
      return Num(r);
    else
      return Num(static_cast<V>(r));
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
#undef REEL_FUNCTION

struct Power {  // a^b
  static constexpr bool costly = true;
  static constexpr unsigned uses_a = kFirst | kSecond, uses_b = kFirst | kResult;
  template <class V>
  static REEL_INLINE Num<V> value(const Num<V>& a, const Num<V>& b) {
    return power(a, b);
  }
  template <class A, class B, class Y>
  static REEL_INLINE A da(const A& a, const B& b, const Y&) {
    return b * power(a, b - 1.0);
  }
  template <class A, class B, class Y>
  static REEL_INLINE Y db(const A& a, const B&, const Y& y) {
    return y * Log::value(a);
  }
};

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
