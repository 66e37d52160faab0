// What a pointwise formula is at compile time, and how it differentiates itself.
//
// A formula is a generic lambda. It is run on `Val<Mode, E>`, where E is a type that spells the
// expression (Ex<Mul, Ex<Sigmoid, In<0>>, In<1>>) and Mode says what a value is:
//   Symbol   nothing: only the type of the result is of interest
//   Forward  a SIMD batch; results of costly functions go to slots where backward wants them
//   Derive   a SIMD batch and its partial derivative by each input it depends on
//   Record   a Tensor and its partials as Tensors, for gradients of gradients
// From E alone follows, at compile time, which inputs and which costly results backward needs.
#pragma once

#include <array>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

#include "num.hpp"

namespace reel::formula {

// ---------------------------------------------------------------- expressions as types
template <int K>
struct In {};
struct Const {};
template <class Op, class... A>
struct Ex {};

template <class... T>
struct List {
  static constexpr int size = sizeof...(T);
};
template <class T, class L>
struct IndexOf;
template <class T, class... L>
struct IndexOf<T, List<L...>> {
  static constexpr int find() {
    constexpr bool same[] = {std::is_same_v<T, L>..., true};
    int i = 0;
    while (!same[i]) ++i;
    return i < static_cast<int>(sizeof...(L)) ? i : -1;
  }
  static constexpr int value = find();
};
template <class L, class T>
struct Append;
template <class... L, class T>
struct Append<List<L...>, T> {
  using type = std::conditional_t<(IndexOf<T, List<L...>>::value >= 0), List<L...>, List<L..., T>>;
};
template <class L, class M>
struct Join {
  using type = L;
};
template <class L, class T, class... M>
struct Join<L, List<T, M...>> : Join<typename Append<L, T>::type, List<M...>> {};

// ---------------------------------------------------------------- what an expression needs
using Bits = std::uint64_t;  // bit k: input k; bit 32 + s: slot candidate s

/// Inputs that E depends on.
template <class E>
struct Inputs;
template <int K>
struct Inputs<In<K>> {
  static constexpr Bits value = Bits{1} << K;
};
template <>
struct Inputs<Const> {
  static constexpr Bits value = 0;
};
template <class Op, class... A>
struct Inputs<Ex<Op, A...>> {
  static constexpr Bits value = (Inputs<A>::value | ...);
};

/// Whether a number known only at run time is part of E: then its type does not identify it.
template <class E>
struct HasConst : std::false_type {};
template <>
struct HasConst<Const> : std::true_type {};
template <class Op, class... A>
struct HasConst<Ex<Op, A...>> : std::bool_constant<(HasConst<A>::value || ...)> {};

template <class E>
struct Savable : std::false_type {};
template <class Op, class... A>
struct Savable<Ex<Op, A...>> : std::bool_constant<Op::costly && !HasConst<Ex<Op, A...>>::value> {};

template <class E>
struct FunctionOf;
template <class Op, class... A>
struct FunctionOf<Ex<Op, A...>> {
  using type = Op;
};
/// Whether the derivative of E follows from its result alone, as that of sigmoid does.
template <class E>
struct FromResult : std::false_type {};
template <class Op, class A>
struct FromResult<Ex<Op, A>>
    : std::bool_constant<Savable<Ex<Op, A>>::value && Op::uses_a == kResult> {};

/// The distinct costly parts of an expression, innermost first.
template <class E>
struct Candidates {
  using type = List<>;
};
template <class L, class... A>
struct CandidatesOf {
  using type = L;
};
template <class L, class A, class... B>
struct CandidatesOf<L, A, B...>
    : CandidatesOf<typename Join<L, typename Candidates<A>::type>::type, B...> {};
template <class Op, class... A>
struct Candidates<Ex<Op, A...>> {
  using parts = typename CandidatesOf<List<>, A...>::type;
  using type = std::conditional_t<Savable<Ex<Op, A...>>::value,
                                  typename Append<parts, Ex<Op, A...>>::type, parts>;
};

/// What must be at hand to know the value of E.
template <class E, class Slots>
struct ValueNeeds;
template <int K, class Slots>
struct ValueNeeds<In<K>, Slots> {
  static constexpr Bits value = Bits{1} << K;
};
template <class Slots>
struct ValueNeeds<Const, Slots> {
  static constexpr Bits value = 0;
};
template <class Op, class... A, class Slots>
struct ValueNeeds<Ex<Op, A...>, Slots> {
  static constexpr Bits find() {
    if constexpr (Savable<Ex<Op, A...>>::value)
      return Bits{1} << (32 + IndexOf<Ex<Op, A...>, Slots>::value);
    else
      return (ValueNeeds<A, Slots>::value | ...);
  }
  static constexpr Bits value = find();
};

/// What must be at hand to know the partial derivative of E by input `k`.
template <class E, class Slots>
struct PartialNeeds {
  static constexpr Bits of(int) { return 0; }
};
template <class Op, class A, class Slots>
struct PartialNeeds<Ex<Op, A>, Slots> {
  static constexpr Bits of(int k) {
    if ((Inputs<A>::value >> k & 1) == 0) return 0;
    Bits bits = PartialNeeds<A, Slots>::of(k);
    if (Op::uses_a & kFirst) bits |= ValueNeeds<A, Slots>::value;
    if (Op::uses_a & kResult) bits |= ValueNeeds<Ex<Op, A>, Slots>::value;
    return bits;
  }
};
template <class Op, class A, class B, class Slots>
struct PartialNeeds<Ex<Op, A, B>, Slots> {
  static constexpr Bits reads(unsigned uses) {
    return (uses & kFirst ? ValueNeeds<A, Slots>::value : 0) |
           (uses & kSecond ? ValueNeeds<B, Slots>::value : 0) |
           (uses & kResult ? ValueNeeds<Ex<Op, A, B>, Slots>::value : 0);
  }
  static constexpr Bits of(int k) {
    Bits bits = 0;
    if (Inputs<A>::value >> k & 1) bits |= PartialNeeds<A, Slots>::of(k) | reads(Op::uses_a);
    if (Inputs<B>::value >> k & 1) bits |= PartialNeeds<B, Slots>::of(k) | reads(Op::uses_b);
    return bits;
  }
};
struct Choose {  // choose(mask, a, b): a where the mask holds, else b
  static constexpr bool costly = false;
};
template <class M, class A, class B, class Slots>
struct PartialNeeds<Ex<Choose, M, A, B>, Slots> {
  static constexpr Bits of(int k) {
    if (((Inputs<A>::value | Inputs<B>::value) >> k & 1) == 0) return 0;
    return ValueNeeds<M, Slots>::value | PartialNeeds<A, Slots>::of(k) |
           PartialNeeds<B, Slots>::of(k);
  }
};
/// Whether E takes one of its operands and leaves others out, so that a partial may be zero because
/// its input was not taken.
template <class E>
struct Picks : std::false_type {};
template <class Op, class... A>
struct Picks<Ex<Op, A...>>
    : std::bool_constant<std::is_same_v<Op, Choose> || std::is_same_v<Op, Relu> ||
                         std::is_same_v<Op, Maximum> || std::is_same_v<Op, Minimum> ||
                         std::is_same_v<Op, AtLeast> || std::is_same_v<Op, AtMost> ||
                         (Picks<A>::value || ...)> {};

// A comparison is a step: its own derivative is zero.
template <class Op>
struct Compare {
  static constexpr bool costly = false;
};
template <class Op, class A, class B>
struct Inputs<Ex<Compare<Op>, A, B>> {
  static constexpr Bits value = 0;
};
template <class Op, class A, class B, class Slots>
struct PartialNeeds<Ex<Compare<Op>, A, B>, Slots> {
  static constexpr Bits of(int) { return 0; }
};

template <class E>
struct IsMask : std::false_type {};
template <class Op, class A, class B>
struct IsMask<Ex<Compare<Op>, A, B>> : std::true_type {};

// ---------------------------------------------------------------- values
/// A value of expression E in some mode. P: the types of its partials, in Derive mode.
template <class Mode, class E, class P = void>
struct Val {
  typename Mode::template Data<E, P> data;
};

/// Only types.
struct Symbol {
  template <class E, class P>
  struct Data {};
  template <class Op, class A>
  static Val<Symbol, Ex<Op, A>> unary(const Val<Symbol, A>&) {
    return {};
  }
  template <class Op, class A, class B>
  static Val<Symbol, Ex<Op, A, B>> binary(const Val<Symbol, A>&, const Val<Symbol, B>&) {
    return {};
  }
  template <class M, class A, class B>
  static Val<Symbol, Ex<Choose, M, A, B>> choose(const Val<Symbol, M>&, const Val<Symbol, A>&,
                                                 const Val<Symbol, B>&) {
    return {};
  }
  template <class E>
  static Val<Symbol, Const> constant(const Val<Symbol, E>&, const Scalar&) {
    return {};
  }
};

/// SIMD values over element type T. With Save the results that backward wants go to their slots.
template <class T, class Plan, bool Save>
struct Forward {
  using V = typename simd::Lanes<T>::type;
  struct Memory {
    T* slot[Plan::slots + 1];  // at the position of the batch
  };
  template <class E, class P>
  struct Data {
    std::conditional_t<IsMask<E>::value, typename Num<V>::Mask, Num<V>> v;
    const Memory* memory;
  };
  template <class E, class R>
  static REEL_INLINE Val<Forward, E> keep(const R& v, const Memory* memory) {
    if constexpr (Save && Plan::template slot_of<E>() >= 0)
      simd::Lanes<T>::store(memory->slot[Plan::template slot_of<E>()], v.v);
    return {{v, memory}};
  }
  template <class Op, class A>
  static REEL_INLINE auto unary(const Val<Forward, A>& a) {
    return keep<Ex<Op, A>>(Op::value(a.data.v), a.data.memory);
  }
  template <class Op, class A, class B>
  static REEL_INLINE auto binary(const Val<Forward, A>& a, const Val<Forward, B>& b) {
    return keep<Ex<Op, A, B>>(Op::value(a.data.v, b.data.v), a.data.memory);
  }
  template <class M, class A, class B>
  static REEL_INLINE auto choose(const Val<Forward, M>& m, const Val<Forward, A>& a,
                                 const Val<Forward, B>& b) {
    return keep<Ex<Choose, M, A, B>>(Num<V>::choose(m.data.v, a.data.v, b.data.v), a.data.memory);
  }
  template <class E>
  static REEL_INLINE Val<Forward, Const> constant(const Val<Forward, E>& like, const Scalar& s) {
    return {{Num<V>::constant(s), like.data.memory}};
  }
};

// ---------------------------------------------------------------- partial derivatives
// A partial's type says where it is 0, 1 or -1, so that these cost nothing.
template <class V>
REEL_INLINE Num<V> times(const Num<V>& a, const Num<V>& b) {
  return a * b;
}
template <class V>
REEL_INLINE Num<V> times(const Num<V>& a, One) {
  return a;
}
template <class V>
REEL_INLINE Num<V> times(const Num<V>& a, MinusOne) {
  return -a;
}
template <class V>
REEL_INLINE Num<V> times(One, const Num<V>& b) {
  return b;
}
template <class V>
REEL_INLINE Num<V> times(MinusOne, const Num<V>& b) {
  return -b;
}
REEL_INLINE One times(One, One) { return {}; }
REEL_INLINE One times(MinusOne, MinusOne) { return {}; }
REEL_INLINE MinusOne times(One, MinusOne) { return {}; }
REEL_INLINE MinusOne times(MinusOne, One) { return {}; }
template <class D>
REEL_INLINE Zero times(Zero, const D&) {
  return {};
}
template <class D>
REEL_INLINE Zero times(const D&, Zero) {
  return {};
}
REEL_INLINE Zero times(Zero, Zero) { return {}; }

template <class V>
REEL_INLINE Num<V> number(const Num<V>& a) {
  return a;
}
template <class V>
REEL_INLINE Num<V> number(Zero) {
  return Num<V>::constant(0.0);
}
template <class V>
REEL_INLINE Num<V> number(One) {
  return Num<V>::constant(1.0);
}
template <class V>
REEL_INLINE Num<V> number(MinusOne) {
  return Num<V>::constant(-1.0);
}

template <class V, class A, class B>
REEL_INLINE auto plus(const A& a, const B& b) {
  if constexpr (std::is_same_v<A, Zero>)
    return b;
  else if constexpr (std::is_same_v<B, Zero>)
    return a;
  else
    return number<V>(a) + number<V>(b);
}

/// Values with their partial derivatives. V is a SIMD batch or Tensor; `Source` gives back what
/// forward saved: `template <class E> bool read(Num<V>&, const Num<V>&... operands) const` for the
/// results of costly functions.
template <class V, class Plan, class Source>
struct Derive {
  template <class E, class P>
  struct Data {
    std::conditional_t<IsMask<E>::value, typename Num<V>::Mask, Num<V>> v;
    P partials;  // std::tuple, one entry per input of the formula
    const Source* source;
  };
  template <class E, class P>
  static REEL_INLINE Val<Derive, E, P> make(const Num<V>& v, const P& partials,
                                            const Source* source) {
    return {{v, partials, source}};
  }
  template <bool Read, class N>
  static REEL_INLINE auto readable(const N& n) {
    if constexpr (Read)
      return n;
    else
      return Unread{};
  }
  template <class Op, class A, class P>
  static REEL_INLINE auto unary(const Val<Derive, A, P>& a) {
    using E = Ex<Op, A>;
    Num<V> y;
    if (!a.data.source->template read<E>(y, a.data.v)) y = Op::value(a.data.v);
    const auto d = Op::da(readable<(Op::uses_a & kFirst) != 0>(a.data.v),
                          readable<(Op::uses_a & kResult) != 0>(y));
    return std::apply(
        [&](const auto&... p) {
          return make<E>(y, std::make_tuple(times(p, d)...), a.data.source);
        },
        a.data.partials);
  }
  template <class Op, class A, class P, class B, class Q>
  static REEL_INLINE auto binary(const Val<Derive, A, P>& a, const Val<Derive, B, Q>& b) {
    Num<V> y;
    if (!a.data.source->template read<Ex<Op, A, B>>(y, a.data.v, b.data.v))
      y = Op::value(a.data.v, b.data.v);
    const auto da = [&] {
      if constexpr (Inputs<A>::value == 0)
        return Zero{};
      else
        return Op::da(readable<(Op::uses_a & kFirst) != 0>(a.data.v),
                      readable<(Op::uses_a & kSecond) != 0>(b.data.v),
                      readable<(Op::uses_a & kResult) != 0>(y));
    }();
    const auto db = [&] {
      if constexpr (Inputs<B>::value == 0)
        return Zero{};  // a number has no derivative
      else
        return Op::db(readable<(Op::uses_b & kFirst) != 0>(a.data.v),
                      readable<(Op::uses_b & kSecond) != 0>(b.data.v),
                      readable<(Op::uses_b & kResult) != 0>(y));
    }();
    return zip<Ex<Op, A, B>>(
        y, a, b, [&](const auto& p, const auto& q) { return plus<V>(times(p, da), times(q, db)); });
  }
  template <class M, class PM, class A, class P, class B, class Q>
  static REEL_INLINE auto choose(const Val<Derive, M, PM>& m, const Val<Derive, A, P>& a,
                                 const Val<Derive, B, Q>& b) {
    const Num<V> y = Num<V>::choose(m.data.v, a.data.v, b.data.v);
    return zip<Ex<Choose, M, A, B>>(y, a, b, [&](const auto& p, const auto& q) {
      if constexpr (std::is_same_v<std::decay_t<decltype(p)>, Zero> &&
                    std::is_same_v<std::decay_t<decltype(q)>, Zero>)
        return Zero{};
      else
        return Num<V>::choose(m.data.v, number<V>(p), number<V>(q));
    });
  }
  template <class E, class P>
  static REEL_INLINE auto constant(const Val<Derive, E, P>& like, const Scalar& s) {
    return std::apply(
        [&](const auto&... p) {
          return make<Const>(Num<V>::constant(s), std::make_tuple(zero_for(p)...),
                             like.data.source);
        },
        like.data.partials);
  }

 private:
  template <class D>
  static REEL_INLINE Zero zero_for(const D&) {
    return {};
  }
  template <class E, class VA, class VB, class F>
  static REEL_INLINE auto zip(const Num<V>& y, const VA& a, const VB& b, F f) {
    return zip_at<E>(y, a, b, f,
                     std::make_index_sequence<std::tuple_size_v<decltype(a.data.partials)>>{});
  }
  template <class E, class VA, class VB, class F, std::size_t... K>
  static REEL_INLINE auto zip_at(const Num<V>& y, const VA& a, const VB& b, F f,
                                 std::index_sequence<K...>) {
    return make<E>(
        y, std::make_tuple(f(std::get<K>(a.data.partials), std::get<K>(b.data.partials))...),
        a.data.source);
  }
};

// Comparisons have a value and no partials.
template <class Op, class A, class B>
auto compare(const Val<Symbol, A>&, const Val<Symbol, B>&) {
  return Val<Symbol, Ex<Compare<Op>, A, B>>{};
}
template <class Op, class T, class Plan, bool Save, class A, class B>
REEL_INLINE auto compare(const Val<Forward<T, Plan, Save>, A>& a,
                         const Val<Forward<T, Plan, Save>, B>& b) {
  return Val<Forward<T, Plan, Save>, Ex<Compare<Op>, A, B>>{
      {Op::value(a.data.v, b.data.v), a.data.memory}};
}
template <class Op, class V, class Plan, class Source, class A, class P, class B, class Q>
REEL_INLINE auto compare(const Val<Derive<V, Plan, Source>, A, P>& a,
                         const Val<Derive<V, Plan, Source>, B, Q>& b) {
  return Val<Derive<V, Plan, Source>, Ex<Compare<Op>, A, B>, std::tuple<>>{
      {Op::value(a.data.v, b.data.v), {}, a.data.source}};
}

// ---------------------------------------------------------------- what a formula is written with
#define REEL_BINARY(symbol, Op)                                                    \
  template <class M, class A, class P, class B, class Q>                           \
  REEL_INLINE auto operator symbol(const Val<M, A, P>& a, const Val<M, B, Q>& b) { \
    return M::template binary<Op>(a, b);                                           \
  }                                                                                \
  template <class M, class A, class P>                                             \
  REEL_INLINE auto operator symbol(const Val<M, A, P>& a, const Scalar& b) {       \
    return M::template binary<Op>(a, M::constant(a, b));                           \
  }                                                                                \
  template <class M, class B, class Q>                                             \
  REEL_INLINE auto operator symbol(const Scalar& a, const Val<M, B, Q>& b) {       \
    return M::template binary<Op>(M::constant(b, a), b);                           \
  }
REEL_BINARY(+, Add)
REEL_BINARY(-, Sub)
REEL_BINARY(*, Mul)
REEL_BINARY(/, Div)
#undef REEL_BINARY

#define REEL_COMPARISON(symbol, Op, first, second)                                 \
  template <class M, class A, class P, class B, class Q>                           \
  REEL_INLINE auto operator symbol(const Val<M, A, P>& a, const Val<M, B, Q>& b) { \
    return compare<Op>(first, second);                                             \
  }                                                                                \
  template <class M, class A, class P>                                             \
  REEL_INLINE auto operator symbol(const Val<M, A, P>& a, const Scalar& s) {       \
    const auto b = M::constant(a, s);                                              \
    return compare<Op>(first, second);                                             \
  }
REEL_COMPARISON(<, Less, a, b)
REEL_COMPARISON(<=, LessEqual, a, b)
REEL_COMPARISON(>, Less, b, a)
REEL_COMPARISON(>=, LessEqual, b, a)
REEL_COMPARISON(==, Equal, a, b)
#undef REEL_COMPARISON

#define REEL_UNARY(function, Op)                     \
  template <class M, class A, class P>               \
  REEL_INLINE auto function(const Val<M, A, P>& a) { \
    return M::template unary<Op>(a);                 \
  }
REEL_UNARY(operator-, Neg)
REEL_UNARY(square, Square)
REEL_UNARY(abs, Abs)
REEL_UNARY(relu, Relu)
REEL_UNARY(sign, Sign)
REEL_UNARY(sqrt, Sqrt)
REEL_UNARY(exp, Exp)
REEL_UNARY(log, Log)
REEL_UNARY(tanh, Tanh)
REEL_UNARY(sigmoid, Sigmoid)
REEL_UNARY(rsqrt, Rsqrt)
REEL_UNARY(reciprocal, Reciprocal)
REEL_UNARY(expm1, Expm1)
REEL_UNARY(log1p, Log1p)
REEL_UNARY(log2, Log2)
REEL_UNARY(log10, Log10)
REEL_UNARY(sin, Sin)
REEL_UNARY(cos, Cos)
REEL_UNARY(tan, Tan)
REEL_UNARY(asin, Asin)
REEL_UNARY(acos, Acos)
REEL_UNARY(atan, Atan)
REEL_UNARY(sinh, Sinh)
REEL_UNARY(cosh, Cosh)
REEL_UNARY(erf, Erf)
REEL_UNARY(erfc, Erfc)
REEL_UNARY(floor, Floor)
REEL_UNARY(ceil, Ceil)
REEL_UNARY(round, Round)
REEL_UNARY(trunc, Trunc)
#undef REEL_UNARY

#define REEL_BINARY_FUNCTION(function, Op)                                  \
  template <class M, class A, class P, class B, class Q>                    \
  REEL_INLINE auto function(const Val<M, A, P>& a, const Val<M, B, Q>& b) { \
    return M::template binary<Op>(a, b);                                    \
  }                                                                         \
  template <class M, class A, class P>                                      \
  REEL_INLINE auto function(const Val<M, A, P>& a, const Scalar& b) {       \
    return M::template binary<Op>(a, M::constant(a, b));                    \
  }                                                                         \
  template <class M, class B, class Q>                                      \
  REEL_INLINE auto function(const Scalar& a, const Val<M, B, Q>& b) {       \
    return M::template binary<Op>(M::constant(b, a), b);                    \
  }
REEL_BINARY_FUNCTION(power, Power)
REEL_BINARY_FUNCTION(maximum, Maximum)
REEL_BINARY_FUNCTION(minimum, Minimum)
REEL_BINARY_FUNCTION(at_least, AtLeast)
REEL_BINARY_FUNCTION(at_most, AtMost)
REEL_BINARY_FUNCTION(atan2, Atan2)
REEL_BINARY_FUNCTION(hypot, Hypot)
REEL_BINARY_FUNCTION(floor_divide, FloorDivide)
REEL_BINARY_FUNCTION(trunc_divide, TruncDivide)
REEL_BINARY_FUNCTION(remainder, Remainder)
REEL_BINARY_FUNCTION(fmod, Fmod)
#undef REEL_BINARY_FUNCTION

/// a where the comparison holds, else b.
template <class Mode, class M, class PM, class A, class P, class B, class Q>
REEL_INLINE auto choose(const Val<Mode, M, PM>& m, const Val<Mode, A, P>& a,
                        const Val<Mode, B, Q>& b) {
  return Mode::choose(m, a, b);
}
template <class Mode, class M, class PM, class A, class P>
REEL_INLINE auto choose(const Val<Mode, M, PM>& m, const Val<Mode, A, P>& a, const Scalar& b) {
  return Mode::choose(m, a, Mode::constant(a, b));
}
template <class Mode, class M, class PM, class B, class Q>
REEL_INLINE auto choose(const Val<Mode, M, PM>& m, const Scalar& a, const Val<Mode, B, Q>& b) {
  return Mode::choose(m, Mode::constant(b, a), b);
}

}  // namespace reel::formula
