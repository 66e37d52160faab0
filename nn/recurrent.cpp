// One recurrent layer as ops on the tape: the input projection of all time steps as one product,
// then per step one product and one fused pointwise op. The gradients of the steps' gates lie side
// by side in memory (each step's input is a slice of one tensor), and so do the hidden states,
// which lets the tape form the weight gradient as one product over all steps.
#include "recurrent.hpp"

#include "autograd/kernels.hpp"
#include "autograd/ops/ops.hpp"
#include "autograd/ops/view.hpp"
#include "autograd/pointwise.hpp"
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

}  // namespace

std::int64_t gate_count(RecurrentKind kind) {
  return kind == RecurrentKind::Lstm ? 4 : kind == RecurrentKind::Gru ? 3 : 1;
}

Tensor prepared_state(const char* name, const char* which, const Tensor& given,
                      const Dims& expected, bool batched, std::size_t batch_dim,
                      const Tensor& input) {
  if (!given.defined()) return zeros(expected, input.scalar_type());
  Dims shown = expected;
  if (!batched) shown.erase(batch_dim);
  check<ShapeError>(given.sizes() == IntArrayRef(shown), "[", name, "] expected ", which,
                    " of size ", shown, ", got ", given.sizes());
  check<DtypeError>(given.scalar_type() == input.scalar_type(), "[", name, "] expected ", which,
                    " of the input's dtype ", dtype_name(input.scalar_type()), ", got ",
                    dtype_name(given.scalar_type()));
  return batched ? given : given.unsqueeze(static_cast<std::int64_t>(batch_dim));
}

Direction run_direction(RecurrentKind kind, const RecurrentWeights& w, const Tensor& input,
                        const std::vector<std::int64_t>& batch_sizes, const RecurrentState& initial,
                        bool reverse) {
  const std::size_t steps = batch_sizes.size();
  const std::int64_t rows = input.size(0), batch = batch_sizes[0];
  const bool gru = kind == RecurrentKind::Gru, once = steps == 1;

  // The hidden state's part of a GRU's candidate is scaled by the reset gate before it meets the
  // input's part, so the two stay apart; elsewhere both biases belong to one sum.
  const Tensor bias = gru || !w.bias_ih.defined() ? w.bias_ih : w.bias_ih + w.bias_hh;
  const Tensor from_input = linear(input, w.ih, bias);
  Tensor from_hidden;
  if (gru)
    from_hidden = w.bias_hh.defined() ? w.bias_hh.expand({rows, w.hh.size(0)}).contiguous()
                                      : zeros({rows, w.hh.size(0)}, input.scalar_type());
  // A weight that is used once is not worth rearranging.
  const auto hidden_weight = once ? nullptr : std::make_shared<reel::detail::RepeatedWeight>(w.hh);
  const auto add_hidden = [&](const Tensor& x, const Tensor& h) {
    return once ? x + linear(h, w.hh) : reel::detail::add_linear_into(x, h, hidden_weight);
  };

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
    const Tensor memory = once ? Tensor() : states.narrow(0, row + shift, size);
    const Tensor x = from_input.narrow(0, row, size);
    const Tensor* place = once ? nullptr : &memory;
    switch (kind) {
      case RecurrentKind::RnnTanh:
      case RecurrentKind::RnnRelu: {
        const Tensor* into[] = {place};
        const Tensor a = add_hidden(x, state.h);
        state.h = kind == RecurrentKind::RnnTanh
                      ? formula::run<false>("RnnTanhBackward0", kRnnTanh, into, a)
                      : formula::run<false>("RnnReluBackward0", kRnnRelu, into, a);
        break;
      }
      case RecurrentKind::Gru: {
        const Tensor* into[] = {place};
        const Tensor h = add_hidden(from_hidden.narrow(0, row, size), state.h);
        state.h =
            formula::run<false>("GruBackward0", kGru, into, chunked<3>(x), chunked<3>(h), state.h);
        break;
      }
      case RecurrentKind::Lstm: {
        const Tensor* into[] = {w.hr.defined() ? nullptr : place, nullptr};
        const Tensor gates = add_hidden(x, state.h);
        auto next = formula::run<false>("LstmBackward0", kLstm, into, chunked<4>(gates), state.c);
        state.c = std::move(next[1]);
        state.h = std::move(next[0]);
        if (w.hr.defined()) {
          state.h = linear(state.h, w.hr);
          if (!once) state.h = placed(state.h, memory);
        }
        break;
      }
    }
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
