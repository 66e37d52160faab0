// CellRNN: layers of a recurrent cell of your own.
#pragma once

#include <optional>
#include <tuple>

#include "recurrent_cell.hpp"
#include "rnn.hpp"

namespace reel {
namespace nn {

struct CellRNNOptions {
  CellRNNOptions(RecurrentCell cell, std::int64_t input_size, std::int64_t hidden_size)
      : cell_(std::move(cell)), input_size_(input_size), hidden_size_(hidden_size) {}
  REEL_ARG(RecurrentCell, cell);
  REEL_ARG(std::int64_t, input_size);
  REEL_ARG(std::int64_t, hidden_size);
  REEL_ARG(std::int64_t, num_layers) = 1;
  REEL_ARG(bool, bias) = true;
  REEL_ARG(bool, batch_first) = false;
  /// Probability of zeroing an output of each layer but the last, in training.
  REEL_ARG(double, dropout) = 0.0;
  REEL_ARG(bool, bidirectional) = false;
  /// Without forget_bias and reset_before, whose meaning only the library's own cells know.
  REEL_ARG(RecurrentExtras, extras);
};

/// Layers of `cell`, with the shapes, the parameters' names and the ways to feed them of nn::LSTM
/// (rnn.hpp). Parameters of units are named units_l{k}. A cell with one state has an undefined c.
class CellRNNImpl : public detail::RNNImplBase<CellRNNImpl> {
 public:
  explicit CellRNNImpl(const CellRNNOptions& options_);
  /// (output, (h_n, c_n)). Throws ShapeError, naming what was expected and found.
  std::tuple<Tensor, std::tuple<Tensor, Tensor>> forward(
      const Tensor& input, std::optional<std::tuple<Tensor, Tensor>> hx_opt = {});
  std::tuple<utils::rnn::PackedSequence, std::tuple<Tensor, Tensor>> forward_with_packed_input(
      const utils::rnn::PackedSequence& packed_input,
      std::optional<std::tuple<Tensor, Tensor>> hx_opt = {});
  std::tuple<Tensor, std::tuple<Tensor, Tensor>> forward_with_lengths(
      const Tensor& input, const Tensor& lengths,
      std::optional<std::tuple<Tensor, Tensor>> hx_opt = {});
  CellRNNOptions options;

 protected:
  REEL_FORWARD_HAS_DEFAULT_ARGS({1, AnyValue(std::optional<std::tuple<Tensor, Tensor>>())})
};
REEL_MODULE(CellRNN);

}  // namespace nn
}  // namespace reel
