// What the elementwise ops share. For the library's own files.
#pragma once

#include "../pointwise.hpp"
#include "pointwise.hpp"
#include "view.hpp"

namespace reel::formula {

/// x, where a formula is straight piece by piece: the slope of a piece is a number, but for the
/// gradient of a gradient it stays a function of x, with a derivative of zero.
struct Straight {
  static constexpr bool costly = false;
  static constexpr unsigned uses_a = kFirst;
  template <class V>
  static REEL_INLINE Num<V> value(const Num<V>& x) {
    return x;
  }
  template <class X, class Y>
  static REEL_INLINE auto da([[maybe_unused]] const X& x, const Y&) {
    if constexpr (std::is_same_v<X, Num<Tensor>>)
      return X(x.v.defined() ? detail::beside("SlopeBackward0", x.v, ones({}, x.v.scalar_type()))
                             : Tensor());
    else
      return One{};
  }
};
template <class M, class A, class P>
REEL_INLINE auto straight(const Val<M, A, P>& x) {
  return M::template unary<Straight>(x);
}

/// A cheap function of the table whose result is kept for backward all the same. So its operand may
/// be written in place, as in PyTorch.
template <class Op>
struct Kept : Op {
  static constexpr bool costly = true;
};
template <class Op, class A>
struct Picks<Ex<Kept<Op>, A>> : Picks<Ex<Op, A>> {};
/// The other way round: from the operand again, so that the result may be written in place.
template <class Op>
struct Repeated : Op {
  static constexpr bool costly = false;
};
template <class Op, class M, class A, class P>
REEL_INLINE auto repeated(const Val<M, A, P>& a) {
  return M::template unary<Repeated<Op>>(a);
}
template <class Op, class M, class A, class P>
REEL_INLINE auto kept(const Val<M, A, P>& a) {
  return M::template unary<Kept<Op>>(a);
}

}  // namespace reel::formula

namespace reel::detail {

/// Where an op's result goes: to new memory, or (`op` names the op) into `self`.
struct Into {
  const char* op = nullptr;
  const Tensor* self = nullptr;
};

/// `x` as an operand of an op that writes into `self`.
inline Tensor operand_before_write(const Tensor& self, const Tensor& x, bool reads) {
  return x.is_same(self) ? before_write(self, reads) : without_overlap(self, x);
}

template <bool Integers, class F, std::size_t... K, class... X>
Tensor elementwise_into(const Into& into, const char* name, const F& f, std::index_sequence<K...>,
                        const X&... x) {
  const Tensor& self = *into.self;
  check_in_place(into.op, self);
  const ScalarType dtype = self.scalar_type();
  if ((Integers ? dtype != kBool : is_floating_point(dtype)) && !needs_record(self, x...) &&
      ((x.scalar_type() == dtype) && ...)) {
    const Tensor* memory[] = {&self};
    formula::run<Integers>(name, f, memory, without_overlap(self, x)...);
    self.impl()->storage->bump_version();
    return self;
  }
  using Plan = formula::Plan<F, std::index_sequence<K...>>;
  // With slots the inputs are saved as well: the recorded gradient starts from them again.
  constexpr auto needs = Plan::slots > 0 ? ~formula::Bits{0} : Plan::all_needs;
  return write_in_place(
      into.op, self,
      formula::run<Integers>(name, f, nullptr,
                             operand_before_write(self, x, (needs >> K & 1) != 0)...));
}

/// Every elementwise op and its in-place twin: formula `f` of `x...`. In place it goes straight
/// into the memory where nothing is recorded. Integers: integral tensors are computed as integers
/// and not as floats.
template <bool Integers, class F, class... X>
Tensor elementwise(const Into& into, const char* name, const F& f, const X&... x) {
  if (!into.self) return formula::run<Integers>(name, f, nullptr, x...);
  return elementwise_into<Integers>(into, name, f, std::make_index_sequence<sizeof...(X)>{}, x...);
}

/// The tensor as a dtype in which arithmetic with `s` keeps PyTorch's result type.
inline Tensor promoted(const Tensor& x, const Scalar& s) { return x.to(result_type(x, s)); }

/// Throws DtypeError where `x` is not of floats.
inline void check_floating(const char* op, const Tensor& x) {
  check<DtypeError>(x.is_floating_point(), "[", op, "] is not implemented for ",
                    to_string(x.scalar_type()), " tensors; convert with .to(reel::kFloat32)");
}

}  // namespace reel::detail

// The body of an op and of its in-place twin, from the function of namespace `impl` of its name.
#define REEL_OP_AND_TWIN(name, parameters, arguments)                             \
  Tensor name REEL_WITH_SELF parameters { return impl::name REEL_NEW arguments; } \
  Tensor& name##_ REEL_WITH_SELF parameters {                                     \
    const detail::Into into{#name "_", &self};                                    \
    impl::name REEL_INTO arguments;                                               \
    return const_cast<Tensor&>(self);                                             \
  }
#define REEL_WITH_SELF(...) (const Tensor& self __VA_ARGS__)
#define REEL_NEW(...) (detail::Into{}, self __VA_ARGS__)
#define REEL_INTO(...) (into, self __VA_ARGS__)
