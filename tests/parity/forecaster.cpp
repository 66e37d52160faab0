// A forecaster: windows of a standardised series through an LSTM with projected states; the last
// step predicts the next value; then it runs on its own predictions.
#include <cmath>

#include "support.hpp"

namespace {
namespace forecaster {

class Net : public torch::nn::Module {
 public:
  Net(int64_t inputs, int64_t hidden, int64_t projected)
      : lstm(register_module(
            "lstm",
            torch::nn::LSTM(
                torch::nn::LSTMOptions(inputs, hidden).proj_size(projected).batch_first(true)))),
        linear(register_module("linear", torch::nn::Linear(projected, 1))) {}
  torch::Tensor forward(const torch::Tensor& x) {
    const auto output = std::get<0>(lstm(x));
    return linear(output.index({torch::indexing::Slice(), -1}));
  }

 private:
  torch::nn::LSTM lstm;
  torch::nn::Linear linear;
};

}  // namespace forecaster
}  // namespace

PARITY_PROGRAM(forecaster) {
  using namespace forecaster;
  const int64_t n = 80, window = 12;
  std::vector<float> raw;
  for (int64_t i = 0; i < n; ++i) {
    const double t = static_cast<double>(i);
    raw.push_back(static_cast<float>(20 + 0.05 * t + 3 * std::sin(0.4 * t) + std::cos(1.7 * t)));
  }
  torch::Tensor series =
      torch::from_blob(raw.data(), {n}, torch::TensorOptions().dtype(torch::kFloat32)).clone();
  const auto mean = series.mean(), deviation = series.std();
  series = (series - mean) / deviation;
  const auto windows = series.unfold(0, window + 1, 1);
  const auto x = windows.slice(1, 0, window).unsqueeze(2);
  const auto y = windows.slice(1, window).contiguous();

  auto net = std::make_shared<Net>(1, 14, 6);
  parity::fill(*net, 0.5);
  torch::optim::Adagrad optimizer(net->parameters(),
                                  torch::optim::AdagradOptions(0.05).lr_decay(1e-3));
  torch::nn::SmoothL1Loss criterion;
  for (int step = 0; step < 50; ++step) {
    const auto closure = [&]() -> torch::Tensor {
      optimizer.zero_grad();
      auto loss = criterion(net->forward(x), y) + 1e-3 * torch::mse_loss(net->forward(x), y);
      loss.backward();
      return loss;
    };
    const auto loss = optimizer.step(closure);
    std::printf("step %d loss %.10g\n", step, loss.item<double>());
  }

  torch::NoGradGuard no_grad;
  auto recent = series.index({torch::indexing::Slice(-window, torch::indexing::None)});
  for (int i = 0; i < 10; ++i) {
    const auto next = net->forward(recent.view({1, window, 1})).view({1});
    recent = torch::cat({recent.index({torch::indexing::Slice(1)}), next});
  }
  parity::print("forecast", recent * deviation + mean);
  const auto accessor = recent.accessor<float, 1>();
  double sum = 0;
  for (int64_t i = 0; i < accessor.size(0); ++i) sum += accessor[i];
  parity::print("sum", sum);
}
