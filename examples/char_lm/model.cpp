#include "model.hpp"

#include <tuple>

namespace nn = reel::nn;

CharModelImpl::CharModelImpl(const Options& options, std::int64_t vocabulary)
    : layers_(options.layers), hidden_(options.hidden) {
  const std::int64_t width = options.embedding;
  const double between_layers = layers_ > 1 ? options.dropout : 0.0;
  embedding_ = register_module("embedding", nn::Embedding(vocabulary, width));
  if (options.cell == "lstm")
    lstm_ = register_module(
        "rnn",
        nn::LSTM(nn::LSTMOptions(width, hidden_).num_layers(layers_).dropout(between_layers)));
  else if (options.cell == "gru")
    gru_ = register_module(
        "rnn", nn::GRU(nn::GRUOptions(width, hidden_).num_layers(layers_).dropout(between_layers)));
  else
    rnn_ = register_module(
        "rnn", nn::RNN(nn::RNNOptions(width, hidden_).num_layers(layers_).dropout(between_layers)));
  dropout_ = register_module("dropout", nn::Dropout(options.dropout));
  head_ = register_module("head", nn::Linear(hidden_, vocabulary));
}

State CharModelImpl::zero_state(std::int64_t streams) const {
  State state{reel::zeros({layers_, streams, hidden_})};
  if (lstm_) state.push_back(reel::zeros({layers_, streams, hidden_}));
  return state;
}

std::pair<reel::Tensor, State> CharModelImpl::forward(const reel::Tensor& characters,
                                                      const State& state) {
  const reel::Tensor input = dropout_(embedding_(characters));
  reel::Tensor output, h, c;
  if (lstm_) {
    std::tuple<reel::Tensor, reel::Tensor> both;
    std::tie(output, both) = lstm_(input, std::make_tuple(state[0], state[1]));
    std::tie(h, c) = both;
  } else if (gru_) {
    std::tie(output, h) = gru_(input, state[0]);
  } else {
    std::tie(output, h) = rnn_(input, state[0]);
  }
  return {head_(dropout_(output)), lstm_ ? State{h, c} : State{h}};
}

std::string sample_text(CharModel model, const Vocabulary& vocabulary, const Options& options) {
  const reel::NoGradGuard no_grad;
  model->eval();
  reel::manual_seed(static_cast<std::uint64_t>(options.seed));

  // Without a prompt the sample starts as after the end of a line.
  const bool has_newline = vocabulary.bytes().find('\n') != std::string::npos;
  const std::string start = has_newline ? "\n" : vocabulary.bytes().substr(0, 1);
  const reel::Tensor prompt =
      vocabulary.encode(options.prompt.empty() ? start : options.prompt, "the prompt");

  State state = model->zero_state(1);
  reel::Tensor scores;
  const auto feed = [&](const reel::Tensor& character) {
    std::tie(scores, state) = model->forward(character.view({1, 1}), state);
  };
  for (std::int64_t i = 0; i < prompt.numel(); ++i) feed(prompt[i].to(reel::kInt64));

  std::string text = options.prompt;
  for (std::int64_t i = 0; i < options.sample; ++i) {
    const reel::Tensor chances = (scores.view({-1}) / options.temperature).softmax(0);
    const reel::Tensor next = chances.multinomial(1);
    text.push_back(vocabulary[next.item<std::int64_t>()]);
    feed(next);
  }
  return text;
}
