// The three recurrent modules behind one face, for the tests.
#pragma once

#include <string>
#include <tuple>
#include <utility>

#include "nn/nn.hpp"
#include "tests/fixture.hpp"

namespace reel::test {

/// RNN, LSTM and GRU behind one face: states are lists (h, and c for the LSTM).
class Recurrent {
 public:
  Recurrent(const std::string& kind, const json& options) {
    const std::int64_t in = options.at("input_size"), hidden = options.at("hidden_size");
    if (kind == "lstm")
      lstm_ = nn::LSTM(with(nn::LSTMOptions(in, hidden), options)
                           .proj_size(options.value("proj_size", std::int64_t{0})));
    else if (kind == "gru")
      gru_ = nn::GRU(with(nn::GRUOptions(in, hidden), options));
    else if (kind == "rnn_relu")
      rnn_ = nn::RNN(with(nn::RNNOptions(in, hidden).nonlinearity(reel::kReLU), options));
    else
      rnn_ = nn::RNN(with(nn::RNNOptions(in, hidden).nonlinearity(reel::kTanh), options));
  }
  nn::Module& module() {
    if (lstm_) return *lstm_;
    if (gru_) return *gru_;
    return *rnn_;
  }
  /// The output and the last states.
  Tensors forward(const Tensor& x, const Tensors& state = {}) {
    if (lstm_) {
      const auto [y, last] = state.empty() ? lstm_->forward(x)
                                           : lstm_->forward(x, std::make_tuple(state[0], state[1]));
      return {y, std::get<0>(last), std::get<1>(last)};
    }
    const Tensor h = state.empty() ? Tensor() : state[0];
    const auto [y, last] = gru_ ? gru_->forward(x, h) : rnn_->forward(x, h);
    return {y, last};
  }
  /// The same over a packed sequence, and over a padded one with its lengths.
  std::pair<nn::utils::rnn::PackedSequence, Tensors> forward(
      const nn::utils::rnn::PackedSequence& x, const Tensors& state) {
    if (lstm_) {
      const auto [y, last] =
          state.empty() ? lstm_->forward_with_packed_input(x)
                        : lstm_->forward_with_packed_input(x, std::make_tuple(state[0], state[1]));
      return {y, {std::get<0>(last), std::get<1>(last)}};
    }
    const Tensor h = state.empty() ? Tensor() : state[0];
    const auto [y, last] =
        gru_ ? gru_->forward_with_packed_input(x, h) : rnn_->forward_with_packed_input(x, h);
    return {y, {last}};
  }
  Tensors forward(const Tensor& x, const Tensor& lengths, const Tensors& state) {
    if (lstm_) {
      const auto [y, last] = state.empty() ? lstm_->forward_with_lengths(x, lengths)
                                           : lstm_->forward_with_lengths(
                                                 x, lengths, std::make_tuple(state[0], state[1]));
      return {y, std::get<0>(last), std::get<1>(last)};
    }
    const Tensor h = state.empty() ? Tensor() : state[0];
    const auto [y, last] = gru_ ? gru_->forward_with_lengths(x, lengths, h)
                                : rnn_->forward_with_lengths(x, lengths, h);
    return {y, last};
  }
  std::size_t states() const { return lstm_ ? 2 : 1; }

 private:
  template <class Options>
  static Options with(Options made, const json& options) {
    made.num_layers(options.value("num_layers", std::int64_t{1}));
    made.bias(options.value("bias", true));
    made.batch_first(options.value("batch_first", false));
    made.bidirectional(options.value("bidirectional", false));
    made.dropout(options.value("dropout", 0.0));
    return made;
  }
  nn::LSTM lstm_{nullptr};
  nn::GRU gru_{nullptr};
  nn::RNN rnn_{nullptr};
};

}  // namespace reel::test
