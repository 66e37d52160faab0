// Stacked LSTMCells in a ModuleList and an RNN of rectified units, on the adding problem; Adamax's
// relatives are not in libtorch, so RMSprop; then the same sequence step by step and as a whole.
#include "support.hpp"

namespace {
namespace cells {

struct StackImpl : torch::nn::Module {
  StackImpl(int64_t inputs, int64_t hidden, int64_t layers) : hidden_(hidden) {
    for (int64_t i = 0; i < layers; ++i)
      cells->push_back(torch::nn::LSTMCell(i == 0 ? inputs : hidden, hidden));
    register_module("cells", cells);
    head = register_module("head", torch::nn::Linear(hidden, 1));
  }
  torch::Tensor forward(const torch::Tensor& x) {  // [T, B, inputs]
    std::vector<std::tuple<torch::Tensor, torch::Tensor>> states;
    for (size_t i = 0; i < cells->size(); ++i)
      states.emplace_back(torch::zeros({x.size(1), hidden_}), torch::zeros({x.size(1), hidden_}));
    torch::Tensor h;
    for (const auto& step : x.unbind(0)) {
      h = step;
      for (size_t i = 0; i < cells->size(); ++i) {
        states[i] = cells->at<torch::nn::LSTMCellImpl>(i).forward(h, states[i]);
        h = std::get<0>(states[i]);
      }
    }
    return head(h);
  }
  torch::nn::ModuleList cells;
  torch::nn::Linear head{nullptr};

 private:
  int64_t hidden_;
};
TORCH_MODULE(Stack);

/// Two channels: numbers, and a mark at two of them, which are to be added.
std::pair<torch::Tensor, torch::Tensor> adding(int64_t steps, int64_t batch, double shift) {
  auto x = torch::zeros({steps, batch, 2});
  x.select(2, 0).copy_(parity::wave({steps, batch}, shift, 0.5) + 0.5);
  for (int64_t b = 0; b < batch; ++b) {
    x[b % steps][b][1] = 1;
    x[(b + steps / 2) % steps][b][1] = 1.0f;
  }
  return {x, (x.select(2, 0) * x.select(2, 1)).sum(0).unsqueeze(1)};
}

}  // namespace cells
}  // namespace

PARITY_PROGRAM(cells) {
  using namespace cells;
  Stack stack(2, 12, 2);
  torch::nn::RNN rnn(torch::nn::RNNOptions(2, 12).nonlinearity(torch::kReLU).num_layers(2));
  torch::nn::Linear head(12, 1);
  parity::fill(*stack, 0.4);
  parity::fill(*rnn, 0.25);
  parity::fill(*head, 0.3);
  std::vector<torch::optim::OptimizerParamGroup> groups{stack->parameters()};
  torch::optim::RMSprop optimizer(groups, torch::optim::RMSpropOptions(2e-3));
  optimizer.add_param_group({rnn->parameters()});
  optimizer.add_param_group({head->parameters()});

  for (int step = 0; step < 50; ++step) {
    const auto [x, y] = adding(10, 8, 0.37 * step);
    const auto first = torch::nn::functional::mse_loss(stack(x), y);
    const auto [output, h_n] = rnn(x, torch::zeros({2, 8, 12}));
    const auto second = torch::nn::functional::mse_loss(head(output[-1]), y);
    optimizer.zero_grad();
    (first + second).backward();
    optimizer.step();
    std::printf("step %d lstm %.10g rnn %.10g\n", step, first.item<double>(),
                second.item<double>());
  }

  torch::NoGradGuard no_grad;
  const auto [x, y] = adding(6, 3, 1.0);
  torch::nn::GRU gru(torch::nn::GRUOptions(2, 5));
  torch::nn::GRUCell cell(2, 5);
  parity::fill(*gru);
  parity::fill(*cell);
  const auto whole = std::get<0>(gru(x));
  auto h = torch::zeros({3, 5});
  for (int64_t t = 0; t < x.size(0); ++t) h = cell(x[t], h);
  parity::print("gru", whole);
  parity::print("cell against gru", (h - whole[-1]).abs().max().lt(1e-6));
}
