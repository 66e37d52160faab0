// The model: embedding -> recurrent layers -> linear, and how text is sampled from it.
#pragma once

#include <reel/reel.hpp>
#include <string>
#include <utility>
#include <vector>

#include "options.hpp"
#include "text.hpp"

/// What a recurrent network carries from one character to the next: h, and for an LSTM also c,
/// each [layers, stream, hidden].
using State = std::vector<reel::Tensor>;

class CharModelImpl : public reel::nn::Module {
 public:
  CharModelImpl(const Options& options, std::int64_t vocabulary);

  State zero_state(std::int64_t streams) const;

  /// `characters` is int64 [time, stream]. Returns the scores of every character to come next,
  /// [time, stream, vocabulary], and the state after the last one.
  std::pair<reel::Tensor, State> forward(const reel::Tensor& characters, const State& state);

 private:
  std::int64_t layers_;
  std::int64_t hidden_;
  reel::nn::Embedding embedding_{nullptr};
  reel::nn::RNN rnn_{nullptr};  // one of these three
  reel::nn::LSTM lstm_{nullptr};
  reel::nn::GRU gru_{nullptr};
  reel::nn::Dropout dropout_{nullptr};
  reel::nn::Linear head_{nullptr};
};
REEL_MODULE(CharModel);

/// Writes options.sample characters, one at a time, each drawn from
/// softmax(scores / temperature) with random numbers from options.seed, and the prompt before
/// them. The same model and options give the same text. Leaves the model in eval mode. Throws
/// std::runtime_error where the prompt has a byte that is not in the vocabulary.
std::string sample_text(CharModel model, const Vocabulary& vocabulary, const Options& options);
