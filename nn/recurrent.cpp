// One recurrent layer as ops on the tape: the input projection of all time steps as one product,
// then per step one product and one fused pointwise op. The gradients of the steps' gates lie side
// by side in memory (each step's input is a slice of one tensor), and so do the hidden states,
// which lets the tape form the weight gradient as one product over all steps.
#include "recurrent.hpp"

#include "autograd/kernels.hpp"
#include "autograd/ops/ops.hpp"
#include "autograd/ops/view.hpp"
#include "autograd/pointwise.hpp"

namespace reel {
namespace nn {
namespace detail {
namespace {

const auto kRnnTanh = [](auto a) { return tanh(a); };
const auto kRnnRelu = [](auto a) { return relu(a); };
const auto kLstm = [](auto i, auto f, auto g, auto o, auto c) {
  const auto next = sigmoid(f) * c + sigmoid(i) * tanh(g);
  return std::make_tuple(sigmoid(o) * tanh(next), next);
};
// x: the input's part of the gates, h: the hidden state's
const auto kGru = [](auto xr, auto xz, auto xn, auto hr, auto hz, auto hn, auto h) {
  const auto n = tanh(xn + sigmoid(xr + hr) * hn);
  return n + sigmoid(xz + hz) * (h - n);
};

// `value` written to `memory`, which nobody has read yet, and still connected to its history.
Tensor placed(const Tensor& value, const Tensor& memory) {
  Tensor out = memory.detach();
  kernels::copy(out, value);
  if (needs_record(value))
    record("CloneBackward0", {&value}, {&out}, [](Backward& pass) { pass.pass_on(0); });
  return out;
}

}  // namespace

std::int64_t gate_count(RecurrentKind kind) {
  return kind == RecurrentKind::Lstm ? 4 : kind == RecurrentKind::Gru ? 3 : 1;
}

Direction run_direction(RecurrentKind kind, const RecurrentWeights& w, const Tensor& input,
                        const RecurrentState& initial, bool reverse) {
  const std::int64_t steps = input.size(0), batch = input.size(1), width = w.ih.size(0);
  const bool gru = kind == RecurrentKind::Gru;

  // The hidden state's part of a GRU's candidate is scaled by the reset gate before it meets the
  // input's part, so the two stay apart; elsewhere both biases belong to one sum.
  const Tensor bias = gru || !w.bias_ih.defined() ? w.bias_ih : w.bias_ih + w.bias_hh;
  const Tensor from_input =
      linear(input.reshape({steps * batch, input.size(2)}), w.ih, bias).view({steps, batch, width});
  Tensor from_hidden;
  if (gru)
    from_hidden = w.bias_hh.defined() ? w.bias_hh.expand({steps, batch, width}).contiguous()
                                      : zeros({steps, batch, width}, input.scalar_type());

  // All states in one block: the initial one in front of the first step's (behind the last one's
  // where time runs backwards).
  const Tensor states = empty({steps + 1, batch, initial.h.size(1)}, input.scalar_type());
  const std::int64_t shift = reverse ? 0 : 1;
  RecurrentState state{placed(initial.h, states.select(0, reverse ? steps : 0)), initial.c};
  const auto hidden_weight = std::make_shared<reel::detail::RepeatedWeight>(w.hh);
  std::vector<Tensor> outputs(static_cast<std::size_t>(steps));
  for (std::int64_t k = 0; k < steps; ++k) {
    const std::int64_t t = reverse ? steps - 1 - k : k;
    const Tensor memory = states.select(0, t + shift);
    const Tensor x = from_input.select(0, t);
    switch (kind) {
      case RecurrentKind::RnnTanh:
      case RecurrentKind::RnnRelu: {
        const Tensor* into[] = {&memory};
        const Tensor a = reel::detail::add_linear_into(x, state.h, hidden_weight);
        state.h = kind == RecurrentKind::RnnTanh
                      ? formula::run<false>("RnnTanhBackward0", kRnnTanh, into, a)
                      : formula::run<false>("RnnReluBackward0", kRnnRelu, into, a);
        break;
      }
      case RecurrentKind::Gru: {
        const Tensor* into[] = {&memory};
        const Tensor h =
            reel::detail::add_linear_into(from_hidden.select(0, t), state.h, hidden_weight);
        state.h =
            formula::run<false>("GruBackward0", kGru, into, chunked<3>(x), chunked<3>(h), state.h);
        break;
      }
      case RecurrentKind::Lstm: {
        const Tensor* into[] = {w.hr.defined() ? nullptr : &memory, nullptr};
        const Tensor gates = reel::detail::add_linear_into(x, state.h, hidden_weight);
        auto next = formula::run<false>("LstmBackward0", kLstm, into, chunked<4>(gates), state.c);
        state.c = std::move(next[1]);
        state.h = w.hr.defined() ? placed(linear(next[0], w.hr), memory) : std::move(next[0]);
        break;
      }
    }
    outputs[static_cast<std::size_t>(t)] = state.h;
  }
  return {reel::detail::join_slices(states.narrow(0, shift, steps), outputs), state};
}

}  // namespace detail
}  // namespace nn
}  // namespace reel
