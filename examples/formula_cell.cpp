// A recurrent cell of one's own, written as one formula: first nn::LSTM once more, which must give
// the same numbers, then an LSTM whose gates see the cell's state through peepholes (Gers &
// Schmidhuber, 2000), two layers of which learn the adding problem.
#include <reel/nn/formula_cell.hpp>

#include <cmath>
#include <cstdio>

#include "shared/task.hpp"

namespace {

using reel::Tensor;
namespace nn = reel::nn;

nn::RecurrentCell my_lstm() {
  return nn::formula_cell<4>("MyLstm", [](auto i, auto f, auto g, auto o, auto c) {
    const auto next = sigmoid(f) * c + sigmoid(i) * tanh(g);
    return std::make_tuple(sigmoid(o) * tanh(next), next);
  });
}

/// Four gates, and three learned numbers for each unit.
nn::RecurrentCell peephole_lstm() {
  return nn::formula_cell<4, 3>(
      "PeepholeLstm", [](auto i, auto f, auto g, auto o, auto to_i, auto to_f, auto to_o, auto c) {
        const auto next = sigmoid(f + to_f * c) * c + sigmoid(i + to_i * c) * tanh(g);
        return std::make_tuple(sigmoid(o + to_o * next) * tanh(next), next);
      });
}

/// Largest difference between nn::LSTM and the formula, in the output and in all gradients.
double largest_difference() {
  nn::LSTM lstm(nn::LSTMOptions(3, 20).num_layers(2).bidirectional(true));
  nn::CellRNN mine(nn::CellRNNOptions(my_lstm(), 3, 20).num_layers(2).bidirectional(true));
  lstm->to(reel::kDouble);
  mine->to(reel::kDouble);
  mine->load_state_dict(lstm->state_dict());
  const Tensor x = reel::randn({9, 4, 3}, reel::kDouble),
               weight = reel::randn({9, 4, 40}, reel::kDouble);
  const auto answers = [&](auto& net) {
    const Tensor y = std::get<0>(net->forward(x));
    std::vector<Tensor> all = reel::autograd::grad({y}, net->parameters(), {weight});
    all.push_back(y.detach());
    return all;
  };
  const auto wanted = answers(lstm), found = answers(mine);
  double largest = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    largest = std::max(largest, (wanted[i] - found[i]).abs().max().template item<double>());
  return largest;
}

int run(const task::Settings& settings) {
  const double difference = largest_difference();
  std::printf("largest difference between nn::LSTM and the formula: %.2e\n", difference);
  if (!(difference < 1e-12)) {
    std::fprintf(stderr, "formula_cell: the formula is not nn::LSTM\n");
    return 1;
  }

  nn::CellRNN net(nn::CellRNNOptions(peephole_lstm(), 2, settings.hidden).num_layers(2));
  nn::Linear head(settings.hidden, 1);
  std::vector<Tensor> parameters = net->parameters();
  for (const Tensor& p : head->parameters()) parameters.push_back(p);
  reel::optim::Adam adam(parameters, reel::optim::AdamOptions(settings.rate));
  double error = 0;
  for (int step = 1; step <= settings.steps; ++step) {
    const task::Batch batch = task::adding_problem(settings.length, settings.batch);
    adam.zero_grad();
    const Tensor output = std::get<0>(net->forward(batch.input));
    const Tensor loss = reel::mse_loss(head->forward(output[-1]).squeeze(1), batch.target);
    loss.backward();
    nn::utils::clip_grad_norm_(parameters, settings.clip);
    adam.step();
    error = loss.item<double>();
    if (step % settings.every == 0) std::printf("step %d: error %.5f\n", step, error);
  }
  if (error < settings.limit) return 0;
  std::fprintf(stderr, "formula_cell: the error is %g, not below %g\n", error, settings.limit);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  task::Settings settings;
  settings.hidden = 24;
  settings.length = 12;
  settings.steps = 600;
  settings.rate = 1e-2;
  settings.limit = 0.02;
  if (const auto code =
          task::read_options(argc, argv, "A recurrent cell of one's own", settings, {"--cell"}))
    return *code;
  return task::guarded("formula_cell", [&] { return run(settings); });
}
