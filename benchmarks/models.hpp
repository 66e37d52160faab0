// The nets that reel and libtorch are compared on: one source for both, since it is the same API.
// A file that includes this says first which library it means: `namespace lib = reel;`.
#pragma once

#include <memory>
#include <vector>

#include "contender.hpp"

namespace bench {
namespace {

struct NetImpl : lib::nn::Module {
  explicit NetImpl(const Case& c) {
    namespace nn = lib::nn;
    const bool both = c.directions == 2;
    if (c.cell == "lstm")
      lstm = register_module(
          "net",
          nn::LSTM(nn::LSTMOptions(c.hidden, c.hidden).num_layers(c.layers).bidirectional(both)));
    if (c.cell == "gru")
      gru = register_module(
          "net",
          nn::GRU(nn::GRUOptions(c.hidden, c.hidden).num_layers(c.layers).bidirectional(both)));
    if (c.cell == "rnn")
      rnn = register_module(
          "net",
          nn::RNN(nn::RNNOptions(c.hidden, c.hidden).num_layers(c.layers).bidirectional(both)));
  }
  lib::Tensor forward(const lib::Tensor& x) {
    if (lstm) return std::get<0>(lstm(x));
    return std::get<0>(gru ? gru(x) : rnn(x));
  }
  lib::nn::LSTM lstm = nullptr;
  lib::nn::GRU gru = nullptr;
  lib::nn::RNN rnn = nullptr;
};

struct CharModelImpl : lib::nn::Module {
  explicit CharModelImpl(const Case& c)
      : embedding(register_module("embedding", lib::nn::Embedding(c.vocabulary, c.hidden))),
        net(register_module("rnn", std::make_shared<NetImpl>(c))),
        head(register_module("head", lib::nn::Linear(c.hidden * c.directions, c.vocabulary))) {}
  lib::Tensor forward(const lib::Tensor& x) { return head(net->forward(embedding(x))); }
  lib::nn::Embedding embedding;
  std::shared_ptr<NetImpl> net;
  lib::nn::Linear head;
};

void drop_gradients(const std::vector<lib::Tensor>& parameters) {
  for (const lib::Tensor& p : parameters) p.mutable_grad() = lib::Tensor();
}

/// Forward, cross-entropy, backward, SGD.
class TrainingStep : public Contender {
 public:
  explicit TrainingStep(const Case& c)
      : rows_(c.steps * c.batch),
        vocabulary_(c.vocabulary),
        model_(std::make_shared<CharModelImpl>(c)),
        parameters_(model_->parameters()),
        optimizer_(parameters_, lib::optim::SGDOptions(0.01)),
        x_(lib::randint(c.vocabulary, {c.steps, c.batch})),
        y_(lib::randint(c.vocabulary, {rows_})) {}
  double run() override {
    drop_gradients(parameters_);
    const lib::Tensor logits = model_->forward(x_).view({rows_, vocabulary_});
    const lib::Tensor loss = lib::nn::functional::cross_entropy(logits, y_);
    loss.backward();
    optimizer_.step();
    return loss.item<double>();
  }

 private:
  std::int64_t rows_, vocabulary_;
  std::shared_ptr<CharModelImpl> model_;
  std::vector<lib::Tensor> parameters_;
  lib::optim::SGD optimizer_;
  lib::Tensor x_, y_;
};

/// The net alone: forward and backward, to the input too.
class ModuleStep : public Contender {
 public:
  explicit ModuleStep(const Case& c)
      : net_(std::make_shared<NetImpl>(c)),
        parameters_(net_->parameters()),
        x_(lib::randn({c.steps, c.batch, c.hidden})),
        gradient_(lib::randn({c.steps, c.batch, c.hidden * c.directions})) {}
  double run() override {
    drop_gradients(parameters_);
    lib::Tensor x = x_.detach();
    x.set_requires_grad(true);
    const lib::Tensor y = net_->forward(x);
    y.backward(gradient_);
    return static_cast<double>(*x.grad().data_ptr<float>());
  }
  const std::vector<lib::Tensor>& parameters() const { return parameters_; }

 private:
  std::shared_ptr<NetImpl> net_;
  std::vector<lib::Tensor> parameters_;
  lib::Tensor x_, gradient_;
};

/// The net alone, forward without gradients.
class Inference : public Contender {
 public:
  explicit Inference(const Case& c)
      : net_(std::make_shared<NetImpl>(c)), x_(lib::randn({c.steps, c.batch, c.hidden})) {
    net_->eval();
  }
  double run() override {
    const lib::NoGradGuard no_grad;
    const lib::Tensor y = net_->forward(x_);
    return static_cast<double>(*y.data_ptr<float>());
  }

 private:
  std::shared_ptr<NetImpl> net_;
  lib::Tensor x_;
};

}  // namespace
}  // namespace bench
