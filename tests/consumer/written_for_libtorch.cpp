// A program for libtorch, with nothing of reel in it: a sine wave through a GRU, fed by a loader.
#include <torch/nn.h>
#include <torch/torch.h>

#include <cstdio>

struct NetImpl : torch::nn::Module {
  NetImpl()
      : gru(register_module("gru", torch::nn::GRU(torch::nn::GRUOptions(1, 16).batch_first(true)))),
        head(register_module("head", torch::nn::Linear(16, 1))) {}
  torch::Tensor forward(torch::Tensor x) {
    return head(std::get<0>(gru(x)).index({torch::indexing::Slice(), -1}));
  }
  torch::nn::GRU gru;
  torch::nn::Linear head;
};
TORCH_MODULE(Net);

struct Waves : torch::data::datasets::Dataset<Waves> {
  torch::data::Example<> get(size_t index) override {
    const auto wave =
        torch::sin(torch::arange(9, torch::kFloat) * 0.5 + static_cast<double>(index));
    return {wave.slice(0, 0, 8).unsqueeze(1), wave.slice(0, 8)};
  }
  torch::optional<size_t> size() const override { return 64; }
};

int main() {
  torch::manual_seed(0);
  auto loader = torch::data::make_data_loader<torch::data::samplers::RandomSampler>(
      Waves().map(torch::data::transforms::Stack<>()),
      torch::data::DataLoaderOptions().batch_size(16).workers(2));
  Net net;
  torch::optim::Adam optimizer(net->parameters(), torch::optim::AdamOptions(1e-2));
  double last = 0;
  for (int epoch = 0; epoch < 40; ++epoch)
    for (auto& batch : *loader) {
      auto loss = torch::mse_loss(net(batch.data), batch.target);
      optimizer.zero_grad();
      loss.backward();
      optimizer.step();
      last = loss.item<double>();
    }
  std::printf("loss %.5f\n", last);
  return last < 0.01 ? 0 : 1;
}
