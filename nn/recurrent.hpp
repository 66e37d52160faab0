// The time loop that all recurrent modules share. For the library's own source files.
#pragma once

#include "../autograd/tensor.hpp"
#include "rnn.hpp"

namespace reel {
namespace nn {
namespace detail {

struct RecurrentWeights {
  Tensor ih, hh;            // [G * H, I], [G * H, H]
  Tensor bias_ih, bias_hh;  // [G * H], or undefined
  Tensor hr;                // [P, H] of a projected LSTM, or undefined
};

struct Direction {
  Tensor output;  // [T, B, H]
  RecurrentState last;
};

/// Number of gates: rows of the weights per hidden unit.
std::int64_t gate_count(RecurrentKind kind);

/// One layer in one direction over input [T, B, I] from the given state; `reverse` runs from the
/// last time step to the first.
Direction run_direction(RecurrentKind kind, const RecurrentWeights& weights, const Tensor& input,
                        const RecurrentState& initial, bool reverse);

}  // namespace detail
}  // namespace nn
}  // namespace reel
