// RNN, LSTM and GRU.
//
// Shapes, for sequence length T, batch B, L layers, D directions (2 where bidirectional, else 1),
// input size I, hidden size H:
//   input   [T, B, I], or [B, T, I] with batch_first, or [T, I] without a batch
//   h_0     [L * D, B, H] (c_0 likewise); zeros where left out; [L * D, H] without a batch
//   output  [T, B, D * H] (batch_first: [B, T, D * H]): h_t of the last layer
//   h_n     [L * D, B, H]: the last h of every layer and direction, in that order
//
// forward_with_packed_input() takes and gives a PackedSequence: h_n is the state after the last
// step of each sequence, in the order of the batch before it was sorted, as is h_0.
// forward_with_lengths() takes a padded input and the lengths [B] (int64) of its sequences, in any
// order: padding has no influence, output is zero there, and h_n is the true last state.
//
// Parameters per layer k, with suffix _reverse for the second direction: weight_ih_l{k} [G * H, I]
// (D * H columns above the first layer), weight_hh_l{k} [G * H, H], bias_ih_l{k}, bias_hh_l{k}
// [G * H]; G = 1 (RNN), 4 (LSTM, gates i, f, g, o) or 3 (GRU, gates r, z, n). All start as
// U(-1/sqrt(H), 1/sqrt(H)).
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "cloneable.hpp"
#include "module_holder.hpp"
#include "options.hpp"
#include "packed_sequence.hpp"
#include "recurrent_cell.hpp"

namespace reel {
namespace nn {

/// How a layer's input is led around it: not at all; y = layer(x) + x (He et al., 2015); or
/// y = t layer(x) + (1 - t) x with t = sigmoid(highway_weight x + highway_bias), which starts near
/// 0.27 (Srivastava et al., 2015).
enum class LayerConnection { None, Residual, Highway };

/// What reel's recurrent modules can do that PyTorch's cannot, for the field `extras` of their
/// options. Everything is off at first.
struct RecurrentExtras {
  /// Normalises W_ih x_t and W_hh h, each over all gates, before biases are added, and the LSTM's
  /// c_t where h_t is made of it (Ba et al., 2016). Parameters norm_ih_l{k}, norm_hh_l{k} [G * H],
  /// and for an LSTM norm_c_l{k}, norm_c_bias_l{k} [H].
  REEL_ARG(bool, layer_norm) = false;
  /// Variational dropout (Gal & Ghahramani, 2015), in training: zeroes elements of each layer's
  /// input, the same ones at all time steps of a sequence.
  REEL_ARG(double, input_dropout) = 0.0;
  /// Likewise elements of h where it is multiplied by W_hh.
  REEL_ARG(double, hidden_dropout) = 0.0;
  /// LSTM: what bias_ih + bias_hh of the forget gate start as (Jozefowicz et al., 2015, take 1).
  REEL_ARG(std::optional<double>, forget_bias);
  /// Around each layer but the first. h_n stays the layers' own last state.
  REEL_ARG(LayerConnection, connection) = LayerConnection::None;
  /// GRU: n = tanh(W_in x_t + b_in + W_hn (r h) + b_hn), the reset gate before the product, as in
  /// Cho et al., 2014, and in Keras with reset_after = False.
  REEL_ARG(bool, reset_before) = false;
};

namespace detail {

enum class RecurrentKind { RnnTanh, RnnRelu, Lstm, Gru, GruResetBefore, Custom };

struct RNNOptionsBase {
  RNNOptionsBase(RecurrentKind mode, std::int64_t input_size, std::int64_t hidden_size)
      : mode_(mode), input_size_(input_size), hidden_size_(hidden_size) {}
  REEL_ARG(RecurrentKind, mode);
  REEL_ARG(std::int64_t, input_size);
  REEL_ARG(std::int64_t, hidden_size);
  REEL_ARG(std::int64_t, num_layers) = 1;
  REEL_ARG(bool, bias) = true;
  REEL_ARG(bool, batch_first) = false;
  REEL_ARG(double, dropout) = 0.0;
  REEL_ARG(bool, bidirectional) = false;
  REEL_ARG(std::int64_t, proj_size) = 0;
  REEL_ARG(RecurrentExtras, extras);
  /// Of the kind Custom.
  REEL_ARG(std::shared_ptr<const RecurrentCell>, cell);
};

class RecurrentNet;

/// What the modules share: parameters, checks, and the loop over layers and directions.
template <class Derived>
class RNNImplBase : public Cloneable<Derived> {
 public:
  explicit RNNImplBase(const RNNOptionsBase& options);
  /// Throws Error for sizes that are not positive, a dropout outside [0, 1], or extras that do not
  /// go with the module or with each other.
  void reset() override;
  void reset_parameters();
  void pretty_print(std::ostream& stream) const override;
  /// Nothing to do: weights are laid out where they are used.
  void flatten_parameters() {}
  std::vector<Tensor> all_weights() const { return this->parameters(false); }

  RNNOptionsBase options_base;

 protected:
  RecurrentNet net() const;
};

}  // namespace detail

struct RNNOptions {
  using nonlinearity_t = std::variant<enumtype::kTanh, enumtype::kReLU>;
  RNNOptions(std::int64_t input_size, std::int64_t hidden_size)
      : input_size_(input_size), hidden_size_(hidden_size) {}
  REEL_ARG(std::int64_t, input_size);
  REEL_ARG(std::int64_t, hidden_size);
  REEL_ARG(std::int64_t, num_layers) = 1;
  REEL_ARG(nonlinearity_t, nonlinearity) = kTanh;
  REEL_ARG(bool, bias) = true;
  REEL_ARG(bool, batch_first) = false;
  /// Probability of zeroing an output of each layer but the last, in training.
  REEL_ARG(double, dropout) = 0.0;
  REEL_ARG(bool, bidirectional) = false;
  REEL_ARG(RecurrentExtras, extras);
};

struct LSTMOptions {
  LSTMOptions(std::int64_t input_size, std::int64_t hidden_size)
      : input_size_(input_size), hidden_size_(hidden_size) {}
  REEL_ARG(std::int64_t, input_size);
  REEL_ARG(std::int64_t, hidden_size);
  REEL_ARG(std::int64_t, num_layers) = 1;
  REEL_ARG(bool, bias) = true;
  REEL_ARG(bool, batch_first) = false;
  REEL_ARG(double, dropout) = 0.0;
  REEL_ARG(bool, bidirectional) = false;
  /// Where positive, h_t is projected to this size by weight_hr_l{k} [proj_size, H].
  REEL_ARG(std::int64_t, proj_size) = 0;
  REEL_ARG(RecurrentExtras, extras);
};

struct GRUOptions {
  GRUOptions(std::int64_t input_size, std::int64_t hidden_size)
      : input_size_(input_size), hidden_size_(hidden_size) {}
  REEL_ARG(std::int64_t, input_size);
  REEL_ARG(std::int64_t, hidden_size);
  REEL_ARG(std::int64_t, num_layers) = 1;
  REEL_ARG(bool, bias) = true;
  REEL_ARG(bool, batch_first) = false;
  REEL_ARG(double, dropout) = 0.0;
  REEL_ARG(bool, bidirectional) = false;
  REEL_ARG(RecurrentExtras, extras);
};

/// h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), or relu (Elman, 1990).
/// https://pytorch.org/docs/stable/generated/torch.nn.RNN.html
class RNNImpl : public detail::RNNImplBase<RNNImpl> {
 public:
  RNNImpl(std::int64_t input_size, std::int64_t hidden_size)
      : RNNImpl(RNNOptions(input_size, hidden_size)) {}
  explicit RNNImpl(const RNNOptions& options_);
  /// (output, h_n). Throws ShapeError, naming what was expected and found.
  std::tuple<Tensor, Tensor> forward(const Tensor& input, Tensor hx = {});
  std::tuple<utils::rnn::PackedSequence, Tensor> forward_with_packed_input(
      const utils::rnn::PackedSequence& packed_input, Tensor hx = {});
  std::tuple<Tensor, Tensor> forward_with_lengths(const Tensor& input, const Tensor& lengths,
                                                  Tensor hx = {});
  RNNOptions options;

 protected:
  REEL_FORWARD_HAS_DEFAULT_ARGS({1, AnyValue(Tensor())})
};
REEL_MODULE(RNN);

/// i, f, o = sigmoid(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), g = tanh(likewise),
/// c_t = f c_(t-1) + i g, h_t = o tanh(c_t) (Hochreiter & Schmidhuber, 1997; Gers et al., 2000).
/// https://pytorch.org/docs/stable/generated/torch.nn.LSTM.html
class LSTMImpl : public detail::RNNImplBase<LSTMImpl> {
 public:
  LSTMImpl(std::int64_t input_size, std::int64_t hidden_size)
      : LSTMImpl(LSTMOptions(input_size, hidden_size)) {}
  explicit LSTMImpl(const LSTMOptions& options_);
  /// (output, (h_n, c_n)). Throws ShapeError, naming what was expected and found.
  std::tuple<Tensor, std::tuple<Tensor, Tensor>> forward(
      const Tensor& input, std::optional<std::tuple<Tensor, Tensor>> hx_opt = {});
  std::tuple<utils::rnn::PackedSequence, std::tuple<Tensor, Tensor>> forward_with_packed_input(
      const utils::rnn::PackedSequence& packed_input,
      std::optional<std::tuple<Tensor, Tensor>> hx_opt = {});
  std::tuple<Tensor, std::tuple<Tensor, Tensor>> forward_with_lengths(
      const Tensor& input, const Tensor& lengths,
      std::optional<std::tuple<Tensor, Tensor>> hx_opt = {});
  LSTMOptions options;

 protected:
  REEL_FORWARD_HAS_DEFAULT_ARGS({1, AnyValue(std::optional<std::tuple<Tensor, Tensor>>())})
};
REEL_MODULE(LSTM);

/// r, z = sigmoid(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), n = tanh(W_in x_t + b_in +
/// r (W_hn h_(t-1) + b_hn)), h_t = (1 - z) n + z h_(t-1) (Cho et al., 2014, with the reset gate
/// applied after the product, as in PyTorch; before it with extras).
/// https://pytorch.org/docs/stable/generated/torch.nn.GRU.html
class GRUImpl : public detail::RNNImplBase<GRUImpl> {
 public:
  GRUImpl(std::int64_t input_size, std::int64_t hidden_size)
      : GRUImpl(GRUOptions(input_size, hidden_size)) {}
  explicit GRUImpl(const GRUOptions& options_);
  /// (output, h_n). Throws ShapeError, naming what was expected and found.
  std::tuple<Tensor, Tensor> forward(const Tensor& input, Tensor hx = {});
  std::tuple<utils::rnn::PackedSequence, Tensor> forward_with_packed_input(
      const utils::rnn::PackedSequence& packed_input, Tensor hx = {});
  std::tuple<Tensor, Tensor> forward_with_lengths(const Tensor& input, const Tensor& lengths,
                                                  Tensor hx = {});
  GRUOptions options;

 protected:
  REEL_FORWARD_HAS_DEFAULT_ARGS({1, AnyValue(Tensor())})
};
REEL_MODULE(GRU);

}  // namespace nn
}  // namespace reel
