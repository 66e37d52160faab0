// formula_cell(): a recurrent cell written as one formula. An LSTM, for example:
//
//   const auto cell = reel::nn::formula_cell<4>("MyLstm", [](auto i, auto f, auto g, auto o, auto
//   c) {
//     const auto next = sigmoid(f) * c + sigmoid(i) * tanh(g);
//     return std::make_tuple(sigmoid(o) * tanh(next), next);
//   });
//   reel::nn::CellRNN net(reel::nn::CellRNNOptions(cell, 8, 32).num_layers(2).bidirectional(true));
//
// The formula runs on SIMD batches and its derivative follows from it (autograd/pointwise.hpp), so
// that such a cell is as fast as the library's own, which are made in the same way.
#pragma once

#include <array>
#include <type_traits>
#include <utility>

#include "../autograd/pointwise.hpp"
#include "cell_rnn.hpp"

namespace reel {
namespace nn {

namespace detail {
template <class F, class Indices>
struct TakesCount;
template <class F, std::size_t... K>
struct TakesCount<F, std::index_sequence<K...>> {
  template <std::size_t>
  using Any = formula::Val<formula::Symbol, formula::In<0>>;
  static constexpr bool value = std::is_invocable_v<const F&, Any<K>...>;
};
/// Whether F can be called with `count` inputs.
template <class F, int count>
inline constexpr bool takes =
    TakesCount<F, std::make_index_sequence<static_cast<std::size_t>(count)>>::value;
}  // namespace detail

/// A cell of `Gates` gates from the formula `f`, which takes, in this order: the gates' numbers
/// (those of the input's part, then those of the hidden state's, where `Apart`; else their sums),
/// the `Units` numbers of each unit, and the states that it wants: nothing, h, or c, or h and c. It
/// gives h, or the tuple (h, c). A formula of a cell with one state that takes one state takes h;
/// of a cell with two, c. `name` must live as long as the program.
template <int Gates, int Units, bool Apart, class F>
RecurrentCell formula_cell(const char* name, const F& f) {
  static_assert(Gates > 0 && Units >= 0, "a cell has at least one gate");
  constexpr int given = (Apart ? 2 : 1) * Gates + Units;
  constexpr bool wants_none = detail::takes<F, given>, wants_two = detail::takes<F, given + 2>;
  constexpr bool wants_one = detail::takes<F, given + 1>;
  static_assert(wants_none || wants_one || wants_two,
                "a cell's formula takes its gates, its units, and at most two states");
  constexpr int inputs = given + (wants_none ? 0 : wants_one ? 1 : 2);
  using Plan = formula::Plan<F, std::make_index_sequence<static_cast<std::size_t>(inputs)>>;
  static_assert(Plan::outputs <= 2, "a cell's formula gives h, or the tuple (h, c)");
  constexpr bool two = Plan::outputs == 2;
  static_assert(two || !wants_two || wants_one || wants_none,
                "a formula that takes h and c must give the tuple (h, c)");

  const auto step = [name, f](const CellStep& s) -> RecurrentState {
    const Tensor* into[] = {s.place, nullptr};
    const auto run = [&](const auto&... last) -> RecurrentState {
      const auto made = formula::run<false>(name, f, into, last...);
      if constexpr (two)
        return {made[0], made[1]};
      else
        return {made, Tensor()};
    };
    const auto with_states = [&](const auto&... first) {
      if constexpr (wants_none)
        return run(first...);
      else if constexpr (wants_one)
        return run(first..., two ? s.c : s.h);
      else
        return run(first..., s.h, s.c);
    };
    const auto with_units = [&](const auto&... first) {
      if constexpr (Units > 0)
        return with_states(first..., chunked<Units>(s.units));
      else
        return with_states(first...);
    };
    if constexpr (Apart)
      return with_units(Chunked<Gates>{s.x, s.given_up}, Chunked<Gates>{s.hidden, s.given_up});
    else
      return with_units(Chunked<Gates>{s.x, s.given_up});
  };
  RecurrentCell cell(name, Gates, step);
  cell.is_formula_ = true;
  return cell.states(two ? 2 : 1).apart(Apart).units(Units);
}

}  // namespace nn
}  // namespace reel
