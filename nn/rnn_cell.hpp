// RNNCell, LSTMCell and GRUCell: one time step of RNN, LSTM and GRU (see rnn.hpp).
//
// Shapes, for batch B, input size I, hidden size H: input [B, I], or [I] without a batch; h and c
// [B, H], or [H]; zeros where left out. Parameters: weight_ih [G * H, I], weight_hh [G * H, H],
// bias_ih and bias_hh [G * H], with the gates in the order of rnn.hpp; all start as
// U(-1/sqrt(H), 1/sqrt(H)).
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <tuple>
#include <variant>

#include "rnn.hpp"

namespace reel {
namespace nn {

namespace detail {

struct RNNCellOptionsBase {
  RNNCellOptionsBase(RecurrentKind mode, std::int64_t input_size, std::int64_t hidden_size,
                     bool bias)
      : mode_(mode), input_size_(input_size), hidden_size_(hidden_size), bias_(bias) {}
  REEL_ARG(RecurrentKind, mode);
  REEL_ARG(std::int64_t, input_size);
  REEL_ARG(std::int64_t, hidden_size);
  REEL_ARG(bool, bias);
};

/// What the three cells share.
template <class Derived>
class RNNCellImplBase : public Cloneable<Derived> {
 public:
  explicit RNNCellImplBase(const RNNCellOptionsBase& options);
  /// Throws Error for sizes that are not positive.
  void reset() override;
  void reset_parameters();
  void pretty_print(std::ostream& stream) const override;

  RNNCellOptionsBase options_base;
  Tensor weight_ih, weight_hh, bias_ih, bias_hh;

 protected:
  RecurrentState step(const Tensor& input, const RecurrentState& state) const;
};

}  // namespace detail

struct RNNCellOptions {
  using nonlinearity_t = std::variant<enumtype::kTanh, enumtype::kReLU>;
  RNNCellOptions(std::int64_t input_size, std::int64_t hidden_size)
      : input_size_(input_size), hidden_size_(hidden_size) {}
  REEL_ARG(std::int64_t, input_size);
  REEL_ARG(std::int64_t, hidden_size);
  REEL_ARG(bool, bias) = true;
  REEL_ARG(nonlinearity_t, nonlinearity) = kTanh;
};

struct LSTMCellOptions {
  LSTMCellOptions(std::int64_t input_size, std::int64_t hidden_size)
      : input_size_(input_size), hidden_size_(hidden_size) {}
  REEL_ARG(std::int64_t, input_size);
  REEL_ARG(std::int64_t, hidden_size);
  REEL_ARG(bool, bias) = true;
};

struct GRUCellOptions {
  GRUCellOptions(std::int64_t input_size, std::int64_t hidden_size)
      : input_size_(input_size), hidden_size_(hidden_size) {}
  REEL_ARG(std::int64_t, input_size);
  REEL_ARG(std::int64_t, hidden_size);
  REEL_ARG(bool, bias) = true;
};

/// h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu.
/// https://pytorch.org/docs/stable/generated/torch.nn.RNNCell.html
class RNNCellImpl : public detail::RNNCellImplBase<RNNCellImpl> {
 public:
  RNNCellImpl(std::int64_t input_size, std::int64_t hidden_size)
      : RNNCellImpl(RNNCellOptions(input_size, hidden_size)) {}
  explicit RNNCellImpl(const RNNCellOptions& options_);
  /// h'. Throws ShapeError or DtypeError, naming what was expected and found.
  Tensor forward(const Tensor& input, Tensor hx = {});
  RNNCellOptions options;

 protected:
  REEL_FORWARD_HAS_DEFAULT_ARGS({1, AnyValue(Tensor())})
};
REEL_MODULE(RNNCell);

/// (h', c') of the LSTM's step.
/// https://pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html
class LSTMCellImpl : public detail::RNNCellImplBase<LSTMCellImpl> {
 public:
  LSTMCellImpl(std::int64_t input_size, std::int64_t hidden_size)
      : LSTMCellImpl(LSTMCellOptions(input_size, hidden_size)) {}
  explicit LSTMCellImpl(const LSTMCellOptions& options_);
  /// (h', c'). Throws ShapeError or DtypeError, naming what was expected and found.
  std::tuple<Tensor, Tensor> forward(const Tensor& input,
                                     std::optional<std::tuple<Tensor, Tensor>> hx_opt = {});
  LSTMCellOptions options;

 protected:
  REEL_FORWARD_HAS_DEFAULT_ARGS({1, AnyValue(std::optional<std::tuple<Tensor, Tensor>>())})
};
REEL_MODULE(LSTMCell);

/// h' of the GRU's step.
/// https://pytorch.org/docs/stable/generated/torch.nn.GRUCell.html
class GRUCellImpl : public detail::RNNCellImplBase<GRUCellImpl> {
 public:
  GRUCellImpl(std::int64_t input_size, std::int64_t hidden_size)
      : GRUCellImpl(GRUCellOptions(input_size, hidden_size)) {}
  explicit GRUCellImpl(const GRUCellOptions& options_);
  /// h'. Throws ShapeError or DtypeError, naming what was expected and found.
  Tensor forward(const Tensor& input, Tensor hx = {});
  GRUCellOptions options;

 protected:
  REEL_FORWARD_HAS_DEFAULT_ARGS({1, AnyValue(Tensor())})
};
REEL_MODULE(GRUCell);

}  // namespace nn
}  // namespace reel
