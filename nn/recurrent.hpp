// The time loop that all recurrent modules share. For the library's own source files.
#pragma once

#include <vector>

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
  Tensor output;  // [N, H], row for row as the input
  RecurrentState last;
};

/// Number of gates: rows of the weights per hidden unit.
std::int64_t gate_count(RecurrentKind kind);

/// "[name] ..." checks shared by modules over sequences and cells; a state that was left out is
/// zeros, one without a batch gets a dimension of size 1 at `batch_dim`.
Tensor prepared_state(const char* name, const char* which, const Tensor& given,
                      const Dims& expected, bool batched, std::size_t batch_dim,
                      const Tensor& input);

/// One layer in one direction over the rows [N, I] of all time steps, one step behind the other:
/// step t has batch_sizes[t] rows, never more than the step before it, and row b of every step
/// belongs to the same sequence. `initial` has batch_sizes[0] rows, and so has the last state,
/// which is that after the last step of each sequence. `reverse` runs from the last step to the
/// first.
Direction run_direction(RecurrentKind kind, const RecurrentWeights& weights, const Tensor& input,
                        const std::vector<std::int64_t>& batch_sizes, const RecurrentState& initial,
                        bool reverse);

}  // namespace detail
}  // namespace nn
}  // namespace reel
