// libtorch's part of char_lm_step.
#include <torch/torch.h>

#include "contender.hpp"

namespace bench {
namespace {

struct ModelImpl : torch::nn::Module {
  explicit ModelImpl(const Case& c)
      : embedding(register_module("embedding", torch::nn::Embedding(c.vocabulary, c.hidden))),
        head(register_module("head", torch::nn::Linear(c.hidden, c.vocabulary))) {
    namespace nn = torch::nn;
    if (c.cell == "lstm")
      lstm = register_module("net",
                             nn::LSTM(nn::LSTMOptions(c.hidden, c.hidden).num_layers(c.layers)));
    if (c.cell == "gru")
      gru =
          register_module("net", nn::GRU(nn::GRUOptions(c.hidden, c.hidden).num_layers(c.layers)));
    if (c.cell == "rnn")
      rnn =
          register_module("net", nn::RNN(nn::RNNOptions(c.hidden, c.hidden).num_layers(c.layers)));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor e = embedding(x);
    if (lstm) return head(std::get<0>(lstm(e)));
    return head(std::get<0>(gru ? gru(e) : rnn(e)));
  }
  torch::nn::Embedding embedding;
  torch::nn::LSTM lstm = nullptr;
  torch::nn::GRU gru = nullptr;
  torch::nn::RNN rnn = nullptr;
  torch::nn::Linear head;
};

class Torch : public Contender {
 public:
  explicit Torch(const Case& c)
      : c_(c),
        model_(std::make_shared<ModelImpl>(c)),
        optimizer_(model_->parameters(), torch::optim::SGDOptions(0.01)),
        x_(torch::randint(c.vocabulary, {c.steps, c.batch})),
        y_(torch::randint(c.vocabulary, {c.steps * c.batch})) {
    at::set_num_threads(1);
  }
  double step() override {
    optimizer_.zero_grad();
    const torch::Tensor logits = model_->forward(x_).view({c_.steps * c_.batch, c_.vocabulary});
    const torch::Tensor loss = torch::nn::functional::cross_entropy(logits, y_);
    loss.backward();
    optimizer_.step();
    return loss.item<double>();
  }

 private:
  Case c_;
  std::shared_ptr<ModelImpl> model_;
  torch::optim::SGD optimizer_;
  torch::Tensor x_, y_;
};

}  // namespace
std::unique_ptr<Contender> make_torch(const Case& c) { return std::make_unique<Torch>(c); }
}  // namespace bench
