// An LSTM as a user of reel would write it, from public ops alone: nothing here is known to the
// library, and the gradients follow from the ops. Two ways: a loop of one's own over time, and one
// formula that the library's loop runs (own_cell()), which is as fast as nn::LSTM.
#pragma once

#include <cmath>
#include <reel/nn/formula_cell.hpp>
#include <reel/reel.hpp>
#include <vector>

/// The next h and c of every unit from its four gates and its c.
inline constexpr auto kOwnLstm = [](auto i, auto f, auto g, auto o, auto c) {
  const auto next = sigmoid(f) * c + sigmoid(i) * tanh(g);
  return std::make_tuple(sigmoid(o) * tanh(next), next);
};

/// For nn::CellRNN: layers, directions, packed sequences and all else that nn::LSTM can do.
inline reel::nn::RecurrentCell own_cell() { return reel::nn::formula_cell<4>("OwnLstm", kOwnLstm); }

/// x [T, B, inputs] to the hidden states [T, B, hidden], from zero states.
struct OwnLstmImpl : reel::nn::Module {
  /// `fused`: the gates' arithmetic as one formula, pointwise(), rather than op by op.
  OwnLstmImpl(std::int64_t inputs, std::int64_t hidden, bool fused_ = true) : fused(fused_) {
    const double bound = 1 / std::sqrt(static_cast<double>(hidden));
    const auto drawn = [&](reel::IntArrayRef sizes) {
      return reel::empty(sizes).uniform_(-bound, bound);
    };
    input_weight = register_parameter("input_weight", drawn({4 * hidden, inputs}));
    hidden_weight = register_parameter("hidden_weight", drawn({hidden, 4 * hidden}));
    bias = register_parameter("bias", drawn({4 * hidden}));
  }

  reel::Tensor forward(const reel::Tensor& x) {
    // What the inputs add to the gates needs no state: one product for all steps.
    const reel::Tensor from_input = reel::linear(x, input_weight, bias);
    reel::Tensor h = reel::zeros({x.size(1), hidden_weight.size(0)}), c = h;
    std::vector<reel::Tensor> states;
    for (std::int64_t t = 0; t < x.size(0); ++t) {
      const reel::Tensor gates = reel::addmm(from_input[t], h, hidden_weight);
      if (fused) {
        const auto next = reel::pointwise("OwnLstm", kOwnLstm, reel::chunked<4>(gates), c);
        h = next[0];
        c = next[1];
      } else {
        const auto part = gates.chunk(4, 1);
        c = part[1].sigmoid() * c + part[0].sigmoid() * part[2].tanh();
        h = part[3].sigmoid() * c.tanh();
      }
      states.push_back(h);
    }
    return reel::stack(states);
  }

  bool fused;
  reel::Tensor input_weight, hidden_weight, bias;
};
REEL_MODULE(OwnLstm);
