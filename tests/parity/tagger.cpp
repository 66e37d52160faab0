// A bidirectional tagger: sentences padded by hand, tags of padding ignored, classes weighted, two
// parameter groups, and a decay of the learning rate written by hand.
#include "support.hpp"

namespace {
namespace tagger {

class TaggerImpl : public torch::nn::Cloneable<TaggerImpl> {
 public:
  TaggerImpl(int64_t words, int64_t tags) : words_(words), tags_(tags) { reset(); }
  void reset() override {
    embed = register_module("embed", torch::nn::Embedding(words_, 9));
    lstm = register_module(
        "lstm", torch::nn::LSTM(torch::nn::LSTMOptions(9, 11).bidirectional(true).num_layers(1)));
    norm =
        register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({22}).eps(1e-4)));
    out = register_module("out", torch::nn::Linear(22, tags_));
  }
  /// [T, B] words to [T, B, tags] log-probabilities.
  torch::Tensor forward(torch::Tensor words) {
    auto features = std::get<0>(lstm(embed(words)));
    return torch::log_softmax(out(torch::relu(norm(features))), 2);
  }
  torch::nn::Embedding embed{nullptr};
  torch::nn::LSTM lstm{nullptr};
  torch::nn::LayerNorm norm{nullptr};
  torch::nn::Linear out{nullptr};

 private:
  int64_t words_, tags_;
};
TORCH_MODULE(Tagger);

}  // namespace tagger
}  // namespace

PARITY_PROGRAM(tagger) {
  using namespace tagger;
  namespace F = torch::nn::functional;
  const int64_t words = 25, tags = 5;
  std::vector<torch::Tensor> sentences, targets;
  for (int64_t length : {7, 3, 1, 5}) {
    sentences.push_back(parity::labels({length}, words, static_cast<double>(length)));
    targets.push_back(sentences.back().remainder(tags));
  }
  const auto x = torch::nn::utils::rnn::pad_sequence(sentences);
  const auto y = torch::nn::utils::rnn::pad_sequence(targets, false, -1);

  Tagger model(words, tags);
  parity::fill(*model, 0.5);
  auto copy = std::dynamic_pointer_cast<TaggerImpl>(model->clone());

  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(model->embed->parameters(), std::make_unique<torch::optim::SGDOptions>(0.3));
  std::vector<torch::Tensor> rest;
  for (const auto& p : model->named_parameters())
    if (p.key().rfind("embed.", 0) != 0) rest.push_back(p.value());
  groups.emplace_back(rest);
  torch::optim::SGD optimizer(
      groups, torch::optim::SGDOptions(0.1).momentum(0.8).nesterov(true).weight_decay(1e-3));

  const auto weight = torch::tensor({1.0, 2.0, 0.5, 1.0, 1.5}, torch::kFloat);
  for (int step = 0; step < 50; ++step) {
    optimizer.zero_grad();
    const auto scores = model->forward(x);
    const auto loss = F::nll_loss(
        scores.view({-1, tags}), y.reshape({-1}),
        F::NLLLossFuncOptions().weight(weight).ignore_index(-1).reduction(torch::kMean));
    loss.backward();
    optimizer.step();
    if (step % 20 == 19)
      for (auto& group : optimizer.param_groups()) {
        auto& options = static_cast<torch::optim::SGDOptions&>(group.options());
        options.lr(options.lr() * 0.5);
      }
    const auto mask = y.ne(-1);
    const auto right =
        scores.argmax(2).eq(y).logical_and(mask).sum().item<float>() / mask.sum().item<float>();
    std::printf("step %d loss %.10g right %.6g\n", step, loss.item<double>(), right);
  }
  torch::NoGradGuard no_grad;
  parity::print("first weights still in the clone", copy->forward(x));
  std::printf("parameters");
  for (const auto& p : copy->named_parameters()) std::printf(" %s", p.key().c_str());
  std::printf("\n");
}
