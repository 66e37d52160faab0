// One recurrent layer as ops on the tape: the input projection of all time steps as one product,
// then per step one product and one fused pointwise op. The gradients of the steps' gates lie side
// by side in memory (each step's input is a slice of one tensor), and so do the hidden states,
// which lets the tape form the weight gradient as one product over all steps.
#include "recurrent.hpp"

#include "autograd/kernels.hpp"
#include "autograd/ops/ops.hpp"
#include "autograd/ops/view.hpp"
#include "autograd/pointwise.hpp"
#include "formula_cell.hpp"
#include "recurrent_formula.hpp"

namespace reel {
namespace nn {
namespace detail {
namespace {

// `value` written to `memory`, which nobody has read yet, and still connected to its history.
Tensor placed(const Tensor& value, const Tensor& memory) {
  Tensor out = memory.detach();
  kernels::copy(out, value);
  if (needs_record(value))
    record("CloneBackward0", {&value}, {&out}, [](Backward& pass) { pass.pass_on(0); });
  return out;
}

// Applies `rows` to h and, where there is one, to c.
template <class Rows>
RecurrentState each(const RecurrentState& state, Rows rows) {
  return {rows(state.h), state.c.defined() ? rows(state.c) : Tensor()};
}
RecurrentState narrow(const RecurrentState& state, std::int64_t start, std::int64_t length) {
  return each(state, [&](const Tensor& t) { return t.narrow(0, start, length); });
}
RecurrentState joined(const std::vector<RecurrentState>& parts) {
  std::vector<Tensor> h, c;
  for (const RecurrentState& part : parts) {
    h.push_back(part.h);
    c.push_back(part.c);
  }
  return {cat(h), c[0].defined() ? cat(c) : Tensor()};
}

// What a cell does with `size` rows from `row` on: `h` is what weight_hh multiplies.
using Step = std::function<RecurrentState(std::int64_t row, std::int64_t size, const Tensor& h,
                                          const RecurrentState& state, const Tensor* place)>;

// Rows of x + h W^T at every time step. A weight that is used once is not worth rearranging.
class HiddenProduct {
 public:
  HiddenProduct(const Tensor& weight, bool once)
      : weight_(weight),
        repeated_(once ? nullptr : std::make_shared<reel::detail::RepeatedWeight>(weight)) {}
  // The rows of x from `row` on, as many as h has. Takes over their memory.
  Tensor operator()(const Tensor& x, std::int64_t row, const Tensor& h) const {
    if (repeated_) return reel::detail::add_linear_into(x, row, h, *repeated_);
    return x.narrow(0, row, h.size(0)) + linear(h, weight_);
  }
  Tensor operator()(const Tensor& h) const {
    if (!repeated_) return linear(h, weight_);
    return (*this)(zeros({h.size(0), weight_.size(0)}, h.scalar_type()), 0, h);
  }

 private:
  Tensor weight_;
  std::shared_ptr<reel::detail::RepeatedWeight> repeated_;
};

// An LSTM's step where c is normalised on its way to h.
RecurrentState normed_lstm(const RecurrentWeights& w, const CellStep& s) {
  const Tensor* into[] = {s.place};
  const Tensor c =
      formula::run<false>("LstmCellBackward0", kLstmCell, nullptr, chunked<4>(s.x), s.c);
  const Tensor normed = layer_norm(c, {c.size(1)}, w.norm_c, w.norm_c_bias);
  return {formula::run<false>("LstmOutBackward0", kLstmOut, into, chunked<4>(s.x), normed), c};
}

// What a user's step gives must fit what it was given.
void check_step(const RecurrentCell& cell, const RecurrentState& before,
                const RecurrentState& after) {
  const auto fits = [&](const char* which, const Tensor& old, const Tensor& now) {
    check<ShapeError>(now.defined() && now.sizes() == old.sizes(), "[", cell.name(),
                      "] the step of this cell must give ", which, " of shape ", old.sizes(),
                      ", found ", now.defined() ? now.sizes() : IntArrayRef());
    check<DtypeError>(now.scalar_type() == old.scalar_type(), "[", cell.name(),
                      "] the step of this cell must give ", which, " as ",
                      dtype_name(old.scalar_type()), ", found ", dtype_name(now.scalar_type()));
  };
  fits("h", before.h, after.h);
  if (before.c.defined()) fits("c", before.c, after.c);
}

Step cell_step(const RecurrentCell& cell, bool checked, const RecurrentWeights& w,
               const Tensor& input, bool once) {
  const std::int64_t rows = input.size(0), width = w.hh.size(0);
  const bool apart = cell.apart(), biased = w.bias_ih.defined(), normed = w.norm_ih.defined();
  // The two parts of the gates meet in one sum, and so do their biases, unless the cell keeps them
  // apart: the hidden state's part of a GRU's candidate is scaled by the reset gate first.
  const Tensor bias = apart || !biased ? w.bias_ih : w.bias_ih + w.bias_hh;
  const HiddenProduct product(w.hh, once);
  Tensor from_input, from_hidden;
  if (normed) {
    from_input = layer_norm(linear(input, w.ih), {width}, w.norm_ih, bias);
  } else {
    from_input = linear(input, w.ih, bias);
    if (apart)
      from_hidden = biased ? w.bias_hh.expand({rows, width}).contiguous()
                           : zeros({rows, width}, input.scalar_type());
  }
  return [=, &cell](std::int64_t row, std::int64_t size, const Tensor& h,
                    const RecurrentState& state, const Tensor* place) -> RecurrentState {
    Tensor x, hidden;
    if (normed) {
      const Tensor part = layer_norm(product(h), {width}, w.norm_hh, apart ? w.bias_hh : Tensor());
      x = from_input.narrow(0, row, size);
      if (apart)
        hidden = part;
      else
        x = x + part;
    } else if (apart) {
      x = from_input.narrow(0, row, size);
      hidden = product(from_hidden, row, h);
    } else {
      x = product(from_input, row, h);
    }
    const CellStep given{x, hidden, state.h, state.c, w.units, place, !normed && cell.is_formula()};
    if (w.norm_c.defined()) return normed_lstm(w, given);
    RecurrentState next = cell.step()(given);
    if (checked) check_step(cell, state, next);
    return next;
  };
}

// A GRU's step with the reset gate before the product, which makes two products of it.
Step reset_before_step(const RecurrentWeights& w, const Tensor& input, bool once) {
  const std::int64_t hidden = w.hh.size(1), two = 2 * hidden;
  const Tensor bias = w.bias_ih.defined() ? w.bias_ih + w.bias_hh : Tensor();
  const auto part = [&](std::int64_t start, std::int64_t length) {
    return linear(input, w.ih.narrow(0, start, length),
                  bias.defined() ? bias.narrow(0, start, length) : Tensor());
  };
  const Tensor gates = part(0, two), candidate = part(two, hidden);
  const HiddenProduct of_gates(w.hh.narrow(0, 0, two), once),
      of_candidate(w.hh.narrow(0, two, hidden), once);
  return [=](std::int64_t row, std::int64_t, const Tensor& h, const RecurrentState& state,
             const Tensor* place) -> RecurrentState {
    const Tensor rz = of_gates(gates, row, h);
    const Tensor reset =
        formula::run<false>("GruResetBackward0", kGruReset, nullptr, chunked<2>(rz), h);
    const Tensor n = of_candidate(candidate, row, reset);
    const Tensor* into[] = {place};
    return {formula::run<false>("GruOutBackward0", kGruOut, into, chunked<2>(rz), n, state.h),
            Tensor()};
  };
}

}  // namespace

const RecurrentCell& cell_of(RecurrentKind kind) {
  static const RecurrentCell tanh_cell = formula_cell<1>("RnnTanhBackward0", kRnnTanh),
                             relu_cell = formula_cell<1>("RnnReluBackward0", kRnnRelu),
                             lstm = formula_cell<4>("LstmBackward0", kLstm),
                             gru = formula_cell<3, 0, true>("GruBackward0", kGru),
                             reset_before("GruResetBefore", 3, nullptr);
  switch (kind) {
    case RecurrentKind::RnnTanh:
      return tanh_cell;
    case RecurrentKind::RnnRelu:
      return relu_cell;
    case RecurrentKind::Lstm:
      return lstm;
    case RecurrentKind::Gru:
      return gru;
    case RecurrentKind::GruResetBefore:
    case RecurrentKind::Custom:
      break;
  }
  return reset_before;
}

Tensor prepared_state(const char* name, const char* which, const Tensor& given,
                      const Dims& expected, bool batched, std::size_t batch_dim,
                      const Tensor& input) {
  if (!given.defined()) return zeros(expected, input.scalar_type());
  Dims shown = expected;
  if (!batched) shown.erase(batch_dim);
  check<ShapeError>(given.sizes() == IntArrayRef(shown), "[", name, "] expected ", which,
                    " of size ", shown, batched ? " for batched input" : " for unbatched input",
                    ", got ", given.sizes());
  check<DtypeError>(given.scalar_type() == input.scalar_type(), "[", name, "] expected ", which,
                    " of the input's dtype ", dtype_name(input.scalar_type()), ", got ",
                    dtype_name(given.scalar_type()));
  return batched ? given : given.unsqueeze(static_cast<std::int64_t>(batch_dim));
}

Direction run_direction(RecurrentKind kind, const RecurrentCell& cell, const RecurrentWeights& w,
                        const Tensor& input, const std::vector<std::int64_t>& batch_sizes,
                        const RecurrentState& initial, bool reverse, const Tensor& mask) {
  const std::size_t steps = batch_sizes.size();
  const std::int64_t rows = input.size(0), batch = batch_sizes[0];
  const bool once = steps == 1;
  const Step step = kind == RecurrentKind::GruResetBefore
                        ? reset_before_step(w, input, once)
                        : cell_step(cell, kind == RecurrentKind::Custom, w, input, once);

  // All states in one block: the initial one in front of the first step's (behind the last one's
  // where time runs backwards). A single step needs no block.
  Tensor states;
  RecurrentState state = initial;
  const std::int64_t shift = reverse ? 0 : batch;
  if (!once) {
    states = empty({rows + batch, initial.h.size(1)}, input.scalar_type());
    state.h = placed(initial.h, states.narrow(0, reverse ? rows : 0, batch));
  }
  const RecurrentState first = state;
  std::vector<Tensor> outputs(steps);
  std::vector<RecurrentState> ended;  // last states of sequences, the shortest ones first
  std::int64_t active = batch, row = reverse ? rows : 0;
  if (reverse && batch_sizes[steps - 1] != batch) {
    active = batch_sizes[steps - 1];
    state = narrow(first, 0, active);
  }
  for (std::size_t k = 0; k < steps; ++k) {
    const std::size_t t = reverse ? steps - 1 - k : k;
    const std::int64_t size = batch_sizes[t];
    if (size < active) {
      ended.push_back(narrow(state, size, active - size));
      state = narrow(state, 0, size);
    } else if (size > active) {
      state = joined({state, narrow(first, active, size - active)});
    }
    active = size;
    if (reverse) row -= size;
    const Tensor memory = once ? Tensor() : reel::detail::window(states, 0, row + shift, size);
    const Tensor* place = once || w.hr.defined() ? nullptr : &memory;
    const Tensor h = mask.defined() ? state.h * mask.narrow(0, 0, size) : state.h;
    state = step(row, size, h, state, place);
    if (w.hr.defined()) state.h = linear(state.h, w.hr);
    if (!once && state.h.impl()->data != memory.impl()->data) state.h = placed(state.h, memory);
    outputs[t] = state.h;
    if (!reverse) row += size;
  }
  if (!ended.empty()) {
    ended.push_back(state);
    state = joined({ended.rbegin(), ended.rend()});
  }
  return {once ? state.h : reel::detail::join_slices(states.narrow(0, shift, rows), outputs),
          state};
}

}  // namespace detail
}  // namespace nn
}  // namespace reel
