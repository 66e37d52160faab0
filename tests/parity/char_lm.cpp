// A character language model: embedding, two LSTM layers, truncated back-propagation through time
// with the state carried from window to window, clipped gradients; then greedy sampling.
#include <map>

#include "support.hpp"

namespace {
namespace char_lm {

struct ModelImpl : torch::nn::Module {
  ModelImpl(int64_t vocabulary, int64_t hidden)
      : embedding(vocabulary, 12),
        lstm(torch::nn::LSTMOptions(12, hidden).num_layers(2).batch_first(true)),
        head(torch::nn::LinearOptions(hidden, vocabulary).bias(true)) {
    register_module("embedding", embedding);
    register_module("lstm", lstm);
    register_module("head", head);
  }
  std::tuple<torch::Tensor, std::tuple<torch::Tensor, torch::Tensor>> forward(
      torch::Tensor x, std::tuple<torch::Tensor, torch::Tensor> state) {
    auto [output, next] = lstm->forward(embedding->forward(x), state);
    output = output.reshape({output.size(0) * output.size(1), output.size(2)});
    return std::make_tuple(head->forward(output), next);
  }
  torch::nn::Embedding embedding;
  torch::nn::LSTM lstm;
  torch::nn::Linear head;
};
TORCH_MODULE(Model);

}  // namespace char_lm
}  // namespace

PARITY_PROGRAM(char_lm) {
  using namespace char_lm;
  const std::string text =
      "a rose is a rose is a rose. the rain in spain stays mainly in the plain. to be or not to "
      "be, "
      "that is the question. all work and no play makes jack a dull boy. what goes up must come "
      "down. never say never. ";
  std::map<char, int64_t> index;
  for (char c : text) index.emplace(c, 0);
  std::string characters;
  for (auto& item : index) {
    item.second = static_cast<int64_t>(characters.size());
    characters += item.first;
  }
  const int64_t batch = 4, window = 8, hidden = 20;
  std::vector<int64_t> numbers;
  for (char c : text) numbers.push_back(index[c]);
  torch::Tensor ids = torch::tensor(numbers);
  const int64_t columns = ids.size(0) / batch;
  ids = ids.narrow(0, 0, columns * batch).view({batch, columns});

  Model model(static_cast<int64_t>(characters.size()), hidden);
  parity::fill(*model);
  torch::optim::Adam optimizer(model->parameters(), torch::optim::AdamOptions(0.01));
  torch::Device device(torch::cuda::is_available() ? torch::kCUDA : torch::kCPU);
  model->to(device);

  int step = 0;
  while (step < 50) {
    auto h = torch::zeros({2, batch, hidden}).to(device);
    auto c = torch::zeros({2, batch, hidden}).to(device);
    for (int64_t i = 0; i + window < columns && step < 50; i += window, ++step) {
      const auto x = ids.slice(1, i, i + window).to(device);
      const auto y = ids.slice(1, i + 1, i + 1 + window).reshape(-1).to(device);
      torch::Tensor logits;
      std::tuple<torch::Tensor, torch::Tensor> state{h.detach(), c.detach()};
      std::tie(logits, state) = model->forward(x, state);
      std::tie(h, c) = state;
      auto loss = torch::nn::functional::cross_entropy(logits, y);
      model->zero_grad();
      loss.backward();
      const double norm = torch::nn::utils::clip_grad_norm_(model->parameters(), 0.5);
      optimizer.step();
      std::printf("step %d loss %.10g norm %.10g\n", step, loss.item<double>(), norm);
    }
  }

  torch::NoGradGuard no_grad;
  model->eval();
  auto h = torch::zeros({2, 1, hidden}), c = torch::zeros({2, 1, hidden});
  std::string sample = "t";
  for (int i = 0; i < 40; ++i) {
    const auto x = torch::full({1, 1}, index[sample.back()], torch::kLong);
    auto [logits, state] = model->forward(x, std::make_tuple(h, c));
    std::tie(h, c) = state;
    const auto p = logits.div(0.8).softmax(-1);
    sample += characters[static_cast<std::size_t>(p.argmax(1).item<int64_t>())];
  }
  std::printf("sample %s\n", sample.c_str());
}
