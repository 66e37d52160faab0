// A recurrent cell of one's own: an LSTM from public ops (own_lstm.hpp) learns to remember the
// first number of a sequence, and is set beside nn::LSTM with the same weights: same outputs, same
// gradients.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "../shared/arguments.hpp"
#include "own_lstm.hpp"

namespace {

struct Task {
  reel::Tensor x;  // [T, B, 1], evenly spread over [-1, 1]
  reel::Tensor y;  // [B, 1]: the first of each
};
Task draw(std::int64_t steps, std::int64_t batch) {
  const reel::Tensor x = reel::rand({steps, batch, 1}) * 2 - 1;
  return {x, x[0]};
}

double largest_difference(const reel::Tensor& a, const reel::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

/// The largest difference between the two nets' outputs and gradients of the same weights.
double against_library(OwnLstm& own, const reel::Tensor& x) {
  const std::int64_t hidden = own->hidden_weight.size(0);
  reel::nn::LSTM lstm(x.size(2), hidden);
  {
    const reel::NoGradGuard no_grad;
    const auto p = lstm->named_parameters();
    p["weight_ih_l0"].copy_(own->input_weight);
    p["weight_hh_l0"].copy_(own->hidden_weight.t());
    p["bias_ih_l0"].copy_(own->bias);
    p["bias_hh_l0"].zero_();
  }
  const reel::Tensor mine = own->forward(x), theirs = std::get<0>(lstm->forward(x));
  const reel::Tensor weights = reel::randn(mine.sizes());
  own->zero_grad();
  (mine * weights).sum().backward();
  (theirs * weights).sum().backward();
  const auto p = lstm->named_parameters();
  return std::max({largest_difference(mine, theirs),
                   largest_difference(own->input_weight.grad(), p["weight_ih_l0"].grad()),
                   largest_difference(own->hidden_weight.grad(), p["weight_hh_l0"].grad().t()),
                   largest_difference(own->bias.grad(), p["bias_ih_l0"].grad())});
}

int run(std::int64_t hidden, std::int64_t steps, std::int64_t length, bool plain, double limit) {
  reel::manual_seed(1);
  OwnLstm net(1, hidden, !plain);
  reel::nn::Linear head(hidden, 1);
  std::vector<reel::Tensor> parameters = net->parameters();
  for (const reel::Tensor& p : head->parameters()) parameters.push_back(p);
  reel::optim::Adam optimizer(parameters, reel::optim::AdamOptions(1e-2));
  double error = 0;
  for (std::int64_t step = 1; step <= steps; ++step) {
    const Task task = draw(length, 32);
    const reel::Tensor guess = head->forward(net->forward(task.x)[length - 1]);
    const reel::Tensor loss = reel::mse_loss(guess, task.y);
    optimizer.zero_grad();
    loss.backward();
    reel::nn::utils::clip_grad_norm_(parameters, 1);
    optimizer.step();
    error = loss.item<double>();
    if (step % 50 == 0)
      std::printf("step %4lld  mean squared error %.4f\n", static_cast<long long>(step), error);
  }
  const double difference = against_library(net, draw(length, 8).x);
  std::printf("largest difference from nn::LSTM, outputs and gradients: %.2g\n", difference);
  if (difference < 1e-3 && error <= limit) return 0;
  std::fprintf(stderr, "own_cell: the error is above %g, or the difference above 0.001\n", limit);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t steps = 500, length = 10, hidden = 32;
  double limit = 1;
  bool plain = false;
  CLI::App app{"An LSTM of one's own, from public ops, learns to remember.", "own_cell"};
  const auto add = [&app](const char* name, std::int64_t& value, const char* help) {
    app.add_option(name, value, help)->check(arguments::count())->capture_default_str();
  };
  add("--steps", steps, "training steps");
  add("--length", length, "of the sequences");
  add("--hidden", hidden, "units");
  app.add_option("--limit", limit, "largest mean squared error that counts as success")
      ->check(arguments::not_negative())
      ->capture_default_str();
  app.add_flag("--plain", plain, "op by op, not as one formula");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(hidden, steps, length, plain, limit);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "own_cell: %s\n", e.what());
    return 1;
  }
}
