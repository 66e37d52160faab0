// Reversing sequences: a GRU encodes, a GRUCell with attention over the encoder's outputs decodes,
// with teacher forcing; AdamW.
#include "support.hpp"

namespace {
namespace seq2seq {

using torch::indexing::Slice;

struct EncoderImpl : torch::nn::Module {
  EncoderImpl(int64_t vocabulary, int64_t hidden)
      : embedding(register_module("embedding", torch::nn::Embedding(vocabulary, hidden))),
        gru(register_module("gru", torch::nn::GRU(hidden, hidden))) {}
  std::tuple<torch::Tensor, torch::Tensor> forward(const torch::Tensor& x) {
    return gru(embedding(x));
  }
  torch::nn::Embedding embedding;
  torch::nn::GRU gru;
};
TORCH_MODULE(Encoder);

struct AttentionImpl : torch::nn::Module {
  explicit AttentionImpl(int64_t hidden)
      : query(register_module("query", torch::nn::Linear(hidden, hidden))),
        key(register_module(
            "key", torch::nn::Linear(torch::nn::LinearOptions(hidden, hidden).bias(false)))),
        score(register_module("score", torch::nn::Linear(hidden, 1))) {}
  /// state [B, H], outputs [B, T, H]; context [B, H] and weights [B, T].
  std::pair<torch::Tensor, torch::Tensor> forward(const torch::Tensor& state,
                                                  const torch::Tensor& outputs) {
    const auto energy = torch::tanh(query(state).unsqueeze(1) + key(outputs));
    const auto weights = torch::softmax(score(energy).squeeze(-1), 1);
    return {torch::bmm(weights.unsqueeze(1), outputs).squeeze(1), weights};
  }
  torch::nn::Linear query, key, score;
};
TORCH_MODULE(Attention);

struct DecoderImpl : torch::nn::Module {
  DecoderImpl(int64_t vocabulary, int64_t hidden)
      : embedding(vocabulary, hidden),
        attention(hidden),
        cell(torch::nn::GRUCellOptions(2 * hidden, hidden)),
        out(2 * hidden, vocabulary) {
    register_module("embedding", embedding);
    register_module("attention", attention);
    register_module("cell", cell);
    register_module("out", out);
  }
  torch::Tensor step(const torch::Tensor& token, torch::Tensor& state,
                     const torch::Tensor& outputs) {
    auto [context, weights] = attention->forward(state, outputs);
    last_weights = weights;
    state = cell(torch::cat({embedding(token), context}, 1), state);
    return out(torch::cat({state, context}, 1));
  }
  torch::nn::Embedding embedding;
  Attention attention;
  torch::nn::GRUCell cell;
  torch::nn::Linear out;
  torch::Tensor last_weights;
};
TORCH_MODULE(Decoder);

}  // namespace seq2seq
}  // namespace

PARITY_PROGRAM(seq2seq) {
  using namespace seq2seq;
  const int64_t vocabulary = 9, hidden = 16, steps = 6, batch = 5, start = 8;
  Encoder encoder(vocabulary, hidden);
  Decoder decoder(vocabulary, hidden);
  parity::fill(*encoder, 0.35);
  parity::fill(*decoder, 0.35);
  auto parameters = encoder->parameters();
  const auto more = decoder->parameters();
  parameters.insert(parameters.end(), more.begin(), more.end());
  torch::optim::AdamW optimizer(
      parameters,
      torch::optim::AdamWOptions(5e-3).betas(std::make_tuple(0.9, 0.99)).weight_decay(0.02));
  torch::nn::CrossEntropyLoss criterion(
      torch::nn::CrossEntropyLossOptions().label_smoothing(0.05).reduction(torch::kSum));

  torch::Tensor source, target;
  for (int step = 0; step < 50; ++step) {
    source = parity::labels({steps, batch}, start, 0.9 * (step % 7));
    target = source.flip({0});
    auto [outputs, state] = encoder(source);
    outputs = outputs.transpose(0, 1);
    state = state.squeeze(0);
    auto token = torch::full({batch}, start, torch::kLong);
    auto loss = torch::zeros({});
    for (int64_t t = 0; t < steps; ++t) {
      loss = loss + criterion(decoder->step(token, state, outputs), target[t]);
      token = target[t];
    }
    loss = loss / (steps * batch);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    std::printf("step %d loss %.10g gradient %.10g\n", step, loss.item<double>(),
                parity::gradient_size(parameters));
  }

  torch::NoGradGuard no_grad;
  auto [outputs, state] = encoder(source);
  outputs = outputs.transpose(0, 1);
  state = state.squeeze(0);
  auto token = torch::full({batch}, start, torch::kLong);
  std::vector<torch::Tensor> guessed;
  for (int64_t t = 0; t < steps; ++t) {
    token = std::get<1>(decoder->step(token, state, outputs).max(1));
    guessed.push_back(token);
  }
  parity::print("guess", torch::stack(guessed).index({Slice(), 0}));
  parity::print("attention", decoder->last_weights);
}
