// A recurrent cell of one's own: registered parameters and buffers, default arguments of forward,
// apply, clone, tied weights, saving and loading.
#include <sstream>

#include "support.hpp"

namespace {
namespace custom_module {

/// A minimal gated unit: f = sigmoid(W_f [x, h] + b_f), h' = (1 - f) h + f tanh(W_h [x, f h] +
/// b_h).
struct MinimalUnitImpl : torch::nn::Cloneable<MinimalUnitImpl> {
  MinimalUnitImpl(int64_t inputs, int64_t hidden) : inputs_(inputs), hidden_(hidden) { reset(); }
  void reset() override {
    w_f = register_parameter("w_f", torch::empty({hidden_, inputs_ + hidden_}));
    w_h = register_parameter("w_h", torch::empty({hidden_, inputs_ + hidden_}));
    b_f = register_parameter("b_f", torch::zeros(hidden_));
    b_h = register_parameter("b_h", torch::Tensor(), /*requires_grad=*/false);
    steps = register_buffer("steps", torch::zeros({}, torch::kLong));
    torch::nn::init::constant_(w_f, 0.1);
    torch::nn::init::eye_(w_h);
  }
  torch::Tensor forward(torch::Tensor x, torch::Tensor h = {}) {
    if (!h.defined()) h = torch::zeros({x.size(0), hidden_}, x.options());
    const auto f = torch::sigmoid(torch::addmm(b_f, torch::cat({x, h}, 1), w_f.t()));
    const auto c = torch::tanh(torch::linear(torch::cat({x, f * h}, 1), w_h));
    steps.add_(1);
    return (1 - f) * h + f * c;
  }
  void pretty_print(std::ostream& stream) const override {
    stream << "MinimalUnit(" << inputs_ << ", " << hidden_ << ")";
  }
  torch::Tensor w_f, w_h, b_f, b_h, steps;

 protected:
  FORWARD_HAS_DEFAULT_ARGS({1, torch::nn::AnyValue(torch::Tensor())})

 private:
  int64_t inputs_, hidden_;
};
TORCH_MODULE(MinimalUnit);

struct TiedImpl : torch::nn::Module {
  TiedImpl(int64_t vocabulary, int64_t size)
      : embedding(register_module("embedding", torch::nn::Embedding(vocabulary, size))),
        layers(register_module("layers", torch::nn::ModuleList())),
        bias(register_parameter("bias", torch::zeros(vocabulary))) {
    for (int i = 0; i < 2; ++i) layers->push_back(MinimalUnit(size, size));
  }
  torch::Tensor forward(const torch::Tensor& words) {
    std::vector<torch::Tensor> states(layers->size()), outputs;
    for (int64_t t = 0; t < words.size(0); ++t) {
      auto x = embedding(words[t]);
      for (size_t i = 0; i < layers->size(); ++i)
        x = states[i] = layers[i]->as<MinimalUnit>()->forward(x, states[i]);
      outputs.push_back(x);
    }
    return torch::nn::functional::linear(torch::stack(outputs, 0), embedding->weight, bias);
  }
  torch::nn::Embedding embedding;
  torch::nn::ModuleList layers;
  torch::Tensor bias;
};
TORCH_MODULE(Tied);

}  // namespace custom_module
}  // namespace

PARITY_PROGRAM(custom_module) {
  using namespace custom_module;
  const int64_t vocabulary = 7, size = 10;
  Tied model(vocabulary, size);
  parity::fill(*model, 0.4);
  model->apply([](torch::nn::Module& module) {
    if (auto* unit = module.as<MinimalUnit>()) {
      torch::NoGradGuard no_grad;
      unit->b_f.fill_(-0.5);
    }
  });
  torch::optim::SGD optimizer(model->parameters(), torch::optim::SGDOptions(0.2).momentum(0.9));
  for (int step = 0; step < 50; ++step) {
    const auto words = parity::labels({8, 3}, vocabulary, 0.2 * (step % 4));
    const auto scores = model->forward(words.slice(0, 0, 7));
    const auto loss =
        torch::nn::functional::cross_entropy(scores.flatten(0, 1), words.slice(0, 1, 8).flatten());
    optimizer.zero_grad();
    loss.backward();
    torch::nn::utils::clip_grad_norm_(model->parameters(), 1.0, 2.0);
    optimizer.step();
    std::printf("step %d loss %.10g\n", step, loss.item<double>());
  }

  for (const auto& p : model->named_parameters())
    std::printf("parameter %s %lld\n", p.key().c_str(), static_cast<long long>(p.value().numel()));
  for (const auto& b : model->named_buffers())
    std::printf("buffer %s %lld\n", b.key().c_str(),
                static_cast<long long>(b.value().item<int64_t>()));
  for (const auto& child : model->named_children()) std::printf("child %s\n", child.key().c_str());
  std::ostringstream printed;
  printed << MinimalUnit(2, 3);
  std::printf("printed %s\n", printed.str().c_str());

  const auto words = parity::labels({4, 2}, vocabulary);
  const auto before = model->forward(words);
  std::stringstream stream;
  torch::save(model, stream);
  Tied other(vocabulary, size);
  torch::load(other, stream);
  parity::print("after loading", (other->forward(words) - before).abs().max());

  auto unit = std::dynamic_pointer_cast<MinimalUnitImpl>(model->layers[0]->clone());
  torch::nn::Sequential rest(MinimalUnit(unit), torch::nn::Linear(size, 2));
  parity::fill(*rest[1], 0.2);
  parity::print("in a Sequential", rest->forward(parity::wave({3, size})));
  model->to(torch::kDouble);
  std::printf("converted %d\n",
              model->bias.dtype() == torch::kFloat64 && unit->w_f.dtype() == torch::kFloat32);
}
