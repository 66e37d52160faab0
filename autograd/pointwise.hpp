// pointwise(): the primitive behind every elementwise op and every recurrent cell.
//
//   auto [h, c] = reel::pointwise("LstmCell", [](auto i, auto f, auto g, auto o, auto c0) {
//     auto c1 = sigmoid(f) * c0 + sigmoid(i) * tanh(g);
//     return std::make_tuple(sigmoid(o) * tanh(c1), c1);
//   }, reel::chunked<4>(gates), c);
//
// One pass over memory forward, one backward; the derivative follows from the formula (see
// formula.hpp). A formula may use + - * /, numbers, comparisons with choose(), and the functions
// of the table in num.hpp. It must hold no state besides captured numbers.
#pragma once

#include "formula.hpp"
#include "pointwise_driver.hpp"

namespace reel {

/// Stands for N inputs of a formula: the N equal pieces of the tensor's last dimension, in order.
template <int N>
struct Chunked {
  const Tensor& tensor;
  /// Nobody reads this memory again if nobody else holds the tensor, the op that made it included:
  /// what backward needs may be written over it, and the gradient in a pass that frees the graph.
  bool given_up = false;
};
template <int N>
Chunked<N> chunked(const Tensor& t) {
  return {t};
}

namespace formula {

/// `x`, loaded by itself: a wide load of neighbours that were just stored one by one would stall.
template <class X>
REEL_INLINE X alone(const X& x) {
  return *static_cast<const volatile X*>(&x);
}

template <class E>
std::tuple<E> as_outputs(const Val<Symbol, E>&);
template <class... E>
std::tuple<E...> as_outputs(const std::tuple<Val<Symbol, E>...>&);

/// What is known of formula F with inputs K... at compile time.
template <class F, class Indices>
struct Plan;
template <class F, std::size_t... K>
struct Plan<F, std::index_sequence<K...>> {
  using Outputs =
      decltype(as_outputs(std::declval<F>()(Val<Symbol, In<static_cast<int>(K)>>{}...)));
  static constexpr int inputs = sizeof...(K);
  static constexpr int outputs = std::tuple_size_v<Outputs>;
  static constexpr bool single = !detail::IsTuple<decltype(std::declval<F>()(
      Val<Symbol, In<static_cast<int>(K)>>{}...))>::value;

  template <class... E>
  static typename CandidatesOf<List<>, E...>::type candidates_of(const std::tuple<E...>&);
  using Slots = decltype(candidates_of(std::declval<Outputs>()));
  template <class... E>
  static constexpr Bits needs_of(int k, const std::tuple<E...>*) {
    return (PartialNeeds<E, Slots>::of(k) | ...);
  }
  /// Inputs (low bits) and slot candidates (from bit 32) that the gradient by input k reads.
  static constexpr Bits needs(int k) { return needs_of(k, static_cast<const Outputs*>(nullptr)); }
  static constexpr Bits all_needs = (needs(static_cast<int>(K)) | ... | 0);

  template <class E, class... O>
  static constexpr int find_output(const std::tuple<O...>*) {
    return IndexOf<E, List<O...>>::value;
  }
  /// The output that is this very expression, where backward reads it; else -1.
  template <class E>
  static constexpr int output_of() {
    if constexpr (IndexOf<E, Slots>::value < 0)
      return -1;
    else
      return all_needs >> (32 + IndexOf<E, Slots>::value) & 1
                 ? find_output<E>(static_cast<const Outputs*>(nullptr))
                 : -1;
  }
  template <class... S>
  static constexpr int number_slots(int until, const List<S...>*) {
    constexpr int wanted[] = {
        ((all_needs >> (32 + IndexOf<S, Slots>::value) & 1) != 0 && output_of<S>() < 0 ? 1 : 0)...,
        0};
    int n = 0;
    for (int i = 0; i < until; ++i) n += wanted[i];
    return n;
  }
  /// The slot that keeps the result of E for backward; -1 where none does.
  template <class E>
  static constexpr int slot_of() {
    constexpr int at = IndexOf<E, Slots>::value;
    if constexpr (at < 0)
      return -1;
    else
      return (all_needs >> (32 + at) & 1) != 0 && output_of<E>() < 0
                 ? number_slots(at, static_cast<const Slots*>(nullptr))
                 : -1;
  }
  static constexpr int slots = number_slots(Slots::size, static_cast<const Slots*>(nullptr));

  /// For each slot the input whose memory it may take where that is given up, or -1: one whose
  /// value no gradient reads, to any order, since every kept result that it is part of is all that
  /// the derivative of its function needs.
  template <class... S>
  static constexpr std::array<std::int8_t, slots + 1> places(const List<S...>*) {
    constexpr bool kept[] = {(slot_of<S>() >= 0)..., false},
                   from_result[] = {FromResult<S>::value..., false};
    constexpr Bits reads[] = {Inputs<S>::value..., 0};
    Bits free = ~all_needs;
    for (int i = 0; i < Slots::size; ++i)
      if (kept[i] && !from_result[i]) free &= ~reads[i];
    std::array<std::int8_t, slots + 1> over{};
    int n = 0;
    for (int i = 0; i < Slots::size; ++i) {
      if (!kept[i]) continue;
      over[static_cast<std::size_t>(n)] = -1;
      for (int k = 0; k < inputs && from_result[i]; ++k) {
        if ((reads[i] & free) >> k & 1) {
          over[static_cast<std::size_t>(n)] = static_cast<std::int8_t>(k);
          free &= ~(Bits{1} << k);
          break;
        }
      }
      ++n;
    }
    return over;
  }

  template <class... S>
  static constexpr std::uint32_t outputs_read([[maybe_unused]] int k, const List<S...>*) {
    return ((needs(k) >> (32 + IndexOf<S, Slots>::value) & 1 && output_of<S>() >= 0
                 ? std::uint32_t{1} << (output_of<S>() < 0 ? 0 : output_of<S>())
                 : 0u) |
            ... | 0u);
  }
};

/// What forward saved, for Derive on SIMD batches.
template <class T, class Plan>
struct SavedLanes {
  const T* slot[Plan::slots + 1];
  const T* output[Plan::outputs];
  template <class E, class... A>
  REEL_INLINE bool read(Num<typename simd::Lanes<T>::type>& y, const A&...) const {
    if constexpr (Plan::template slot_of<E>() >= 0) {
      y.v = simd::Lanes<T>::load(slot[Plan::template slot_of<E>()]);
      return true;
    } else if constexpr (Plan::template output_of<E>() >= 0) {
      y.v = simd::Lanes<T>::load(output[Plan::template output_of<E>()]);
      return true;
    } else {
      return false;
    }
  }
};
/// The same for Record: outputs that were saved, and results that say all about their function's
/// derivative, since the values that they were computed from may be gone. Everything else is
/// computed again.
template <class Plan>
struct SavedTensors {
  const Tensor *outputs, *slots;
  template <class E, class... A>
  bool read(Num<Tensor>& y, const Num<Tensor>& operand, const A&...) const {
    if constexpr (Plan::template output_of<E>() >= 0)
      y.v = outputs[Plan::template output_of<E>()];
    else if constexpr (Plan::template slot_of<E>() >= 0 && FromResult<E>::value)
      y.v = detail::restored(operand.v, slots[Plan::template slot_of<E>()], slope<E>);
    return y.v.defined();
  }
  template <class E>
  static Tensor slope(const Tensor& y) {
    return FunctionOf<E>::type::da(Unread{}, Num<Tensor>(y)).v;
  }
};

/// `partial` times the gradient `g` of an expression E. What was not taken gets nothing, even where
/// the gradient of what was is infinite.
template <class E, class V, class D>
REEL_INLINE auto taken(const D& partial, const Num<V>& g) {
  if constexpr (Picks<E>::value && std::is_same_v<D, Num<V>>) {
    const Num<V> zero = Num<V>::constant(0);
    if constexpr (std::is_same_v<V, Tensor>) {
      if (partial.v.defined() && !partial.v.requires_grad())
        return Num<V>::choose(partial == zero, zero, partial * g);
      // A partial that is 0 at this point has a derivative of its own, which a constant would lose.
      const Num<V> bounded = Num<V>::choose(g - g == zero, g, zero);
      return partial * Num<V>::choose(partial == zero, bounded, g);
    } else {
      return Num<V>::choose(partial == zero, zero, partial * g);
    }
  } else {
    return times(partial, g);
  }
}

/// Sum over the outputs of gradient times partial.
template <class V, class A>
REEL_INLINE auto fold(const A& a) {
  return a;
}
template <class V, class A, class B, class... C>
REEL_INLINE auto fold(const A& a, const B& b, const C&... c) {
  return fold<V>(plus<V>(a, b), c...);
}

template <class F, class Indices>
struct Kernels;
template <class F, std::size_t... K>
struct Kernels<F, std::index_sequence<K...>> {
  using P = Plan<F, std::index_sequence<K...>>;

  // operands: inputs, outputs, slots
  template <class T, bool Save>
  static void forward(const void* context, const detail::Run& run) {
    using Mode = Forward<T, P, Save>;
    using L = simd::Lanes<T>;
    const F& f = *static_cast<const F*>(context);
    T* at[P::inputs + P::outputs + P::slots];
    std::int64_t step[P::inputs + P::outputs + P::slots];
    constexpr int operands = P::inputs + P::outputs + (Save ? P::slots : 0);
    for (int k = 0; k < operands; ++k) {
      at[k] = reinterpret_cast<T*>(alone(run.data[k]));
      step[k] = alone(run.step[k]);
    }
    for (std::int64_t i = 0; i < run.n; i += L::count) {
      typename Mode::Memory memory;
      if constexpr (Save)
        for (int s = 0; s < P::slots; ++s)
          memory.slot[s] = at[P::inputs + P::outputs + s] + i * step[P::inputs + P::outputs + s];
      const auto result = f(Val<Mode, In<static_cast<int>(K)>>{
          {Num<typename Mode::V>(L::load(at[K] + i * step[K])), &memory}}...);
      if constexpr (P::single) {
        L::store(at[P::inputs] + i * step[P::inputs], result.data.v.v);
      } else {
        store_all<L>(at + P::inputs, step + P::inputs, i, result,
                     std::make_index_sequence<P::outputs>{});
      }
    }
  }
  template <class L, class T, class R, std::size_t... O>
  static REEL_INLINE void store_all(T* const* at, const std::int64_t* step, std::int64_t i,
                                    const R& result, std::index_sequence<O...>) {
    (L::store(at[O] + i * step[O], std::get<O>(result).data.v.v), ...);
  }

  // operands: inputs, slots, outputs, gradients of outputs, gradients of inputs (some absent)
  template <class T>
  static void backward(const void* context, const detail::Run& run) {
    using L = simd::Lanes<T>;
    using V = typename L::type;
    using Source = SavedLanes<T, P>;
    using Mode = Derive<V, P, Source>;
    constexpr int slots = P::inputs, outs = slots + P::slots, grads = outs + P::outputs,
                  wanted = grads + P::outputs, all = wanted + P::inputs;
    const F& f = *static_cast<const F*>(context);
    T* at[all];
    std::int64_t step[all];
    for (int k = 0; k < all; ++k) {
      at[k] = reinterpret_cast<T*>(alone(run.data[k]));
      step[k] = alone(run.step[k]);
    }
    const bool update[] = {run.update[K]...};
    for (std::int64_t i = 0; i < run.n; i += L::count) {
      Source source;
      for (int s = 0; s < P::slots; ++s) source.slot[s] = at[slots + s] + i * step[slots + s];
      for (int o = 0; o < P::outputs; ++o) source.output[o] = at[outs + o] + i * step[outs + o];
      Num<V> g[P::outputs];
      for (int o = 0; o < P::outputs; ++o) g[o].v = L::load(at[grads + o] + i * step[grads + o]);
      const auto result = f(input<Mode, K>(Num<V>(L::load(at[K] + i * step[K])), &source)...);
      (give<L, K>(at[wanted + static_cast<int>(K)], i * step[wanted + static_cast<int>(K)],
                  update[K], gradient<V, K>(result, g)),
       ...);
    }
  }
  template <class Mode, std::size_t I, class V, class Source>
  static REEL_INLINE auto input(const Num<V>& v, const Source* source) {
    const auto partials = std::make_tuple(std::conditional_t<I == K, One, Zero>{}...);
    return Mode::template make<In<static_cast<int>(I)>>(v, partials, source);
  }
  template <class L, std::size_t I, class T, class V>
  static REEL_INLINE void give(T* p, std::int64_t offset, bool add, const Num<V>& g) {
    if (!p) return;
    L::store(p + offset, add ? V(L::load(p + offset) + g.v) : g.v);
  }
  template <class V, std::size_t I, class R>
  static REEL_INLINE Num<V> gradient(const R& result, const Num<V>* g) {
    if constexpr (P::single)
      return number<V>(taken<std::tuple_element_t<0, typename P::Outputs>>(
          std::get<I>(result.data.partials), g[0]));
    else
      return gradient_of<V, I>(result, g, std::make_index_sequence<P::outputs>{});
  }
  template <class V, std::size_t I, class R, std::size_t... O>
  static REEL_INLINE Num<V> gradient_of(const R& result, const Num<V>* g,
                                        std::index_sequence<O...>) {
    return number<V>(fold<V>(times(std::get<I>(std::get<O>(result).data.partials), g[O])...));
  }

  // Its time is that of the ops it calls, so it is compiled for size.
  __attribute__((cold)) static void record(const void* context, const Tensor* inputs,
                                           const Tensor* outputs, const Tensor* slots,
                                           const Tensor* grads, Tensor* results) {
    using Source = SavedTensors<P>;
    using Mode = Derive<Tensor, P, Source>;
    const F& f = *static_cast<const F*>(context);
    const Source source{outputs, slots};
    Num<Tensor> g[P::outputs];
    for (int o = 0; o < P::outputs; ++o) g[o].v = grads[o];
    const auto result = f(input<Mode, K>(Num<Tensor>(inputs[K]), &source)...);
    ((results[K] = gradient<Tensor, K>(result, g).v), ...);
  }

  /// Integers: the formula is compiled for integral tensors too.
  template <bool Integers>
  static const detail::PointwiseOp& op() {
    static const detail::PointwiseOp table = [] {
      detail::PointwiseOp t;
      t.inputs = P::inputs;
      t.outputs = P::outputs;
      t.slots = P::slots;
      static_assert(P::slots <= detail::kMostSlots, "too many costly functions in one formula");
      constexpr auto over = P::places(static_cast<const typename P::Slots*>(nullptr));
      for (int s = 0; s < P::slots; ++s) t.slot_over[s] = over[static_cast<std::size_t>(s)];
      for (int k = 0; k < P::inputs; ++k) {
        t.reads_inputs[k] = static_cast<std::uint32_t>(P::needs(k));
        t.reads_outputs[k] = P::outputs_read(k, static_cast<const typename P::Slots*>(nullptr));
      }
      t.lanes[index(kFloat32)] = simd::Lanes<float>::count;
      t.lanes[index(kFloat64)] = simd::Lanes<double>::count;
      t.forward[index(kFloat32)] = forward<float, false>;
      t.forward[index(kFloat64)] = forward<double, false>;
      t.forward_save[index(kFloat32)] = forward<float, P::slots != 0>;
      t.forward_save[index(kFloat64)] = forward<double, P::slots != 0>;
      t.backward[index(kFloat32)] = backward<float>;
      t.backward[index(kFloat64)] = backward<double>;
      if constexpr (Integers) {
        t.lanes[index(kInt64)] = simd::Lanes<std::int64_t>::count;
        t.lanes[index(kInt32)] = simd::Lanes<std::int32_t>::count;
        t.lanes[index(kUInt8)] = simd::Lanes<std::uint8_t>::count;
        t.forward[index(kInt64)] = forward<std::int64_t, false>;
        t.forward[index(kInt32)] = forward<std::int32_t, false>;
        t.forward[index(kUInt8)] = forward<std::uint8_t, false>;
      }
      t.record = record;
      return t;
    }();
    return table;
  }
  static constexpr std::size_t index(ScalarType t) { return static_cast<std::size_t>(t); }
};

template <class X>
struct Arity {
  static constexpr int value = 1;
};
template <int N>
struct Arity<Chunked<N>> {
  static constexpr int value = N;
};
inline detail::Argument argument(const Tensor& t) { return {&t, 1, false}; }
template <int N>
detail::Argument argument(const Chunked<N>& c) {
  return {&c.tensor, N, c.given_up};
}

template <bool Integers, class F, class... X>
auto run(const char* name, const F& f, const Tensor* const* into, const X&... x) {
  static_assert(std::is_trivially_copyable_v<F> && sizeof(F) <= detail::kFormulaBytes,
                "a formula may capture a few numbers by value and nothing else");
  constexpr std::size_t arity = (Arity<X>::value + ...);
  static_assert(arity <= detail::kMostInputs, "too many inputs for one formula");
  using Made = Kernels<F, std::make_index_sequence<arity>>;
  const detail::Argument arguments[] = {argument(x)...};
  std::array<Tensor, static_cast<std::size_t>(Made::P::outputs)> outputs;
  detail::run_pointwise(name, Made::template op<Integers>(), &f, std::is_empty_v<F> ? 0 : sizeof(F),
                        arguments, sizeof...(X), into, outputs.data());
  if constexpr (Made::P::single)
    return std::move(outputs[0]);
  else
    return outputs;
}

}  // namespace formula

/// Applies formula `f` elementwise to the broadcast inputs; returns a Tensor, or a std::array of
/// Tensors where f returns a tuple. Inputs are promoted to their common dtype, integral ones to
/// the default float type. `name` appears in grad_fn()->name() and in errors. Throws ShapeError
/// where the shapes do not broadcast.
template <class F, class... X>
auto pointwise(const char* name, const F& f, const X&... x) {
  return formula::run<false>(name, f, nullptr, x...);
}

}  // namespace reel
