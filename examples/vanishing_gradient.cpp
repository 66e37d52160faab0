// How far gradients reach back through time: RNN, LSTM and GRU on the adding problem, with the size
// of dL/dh_t at every time step t, before and after training, as numbers and as a plot.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>

#include "shared/svg.hpp"
#include "shared/task.hpp"

namespace {

using reel::Tensor;
namespace nn = reel::nn;

/// One of the three cells, stepped by hand so that every h_t can keep its gradient.
class Unrolled : public nn::Module {
 public:
  Unrolled(const std::string& kind, std::int64_t hidden)
      : head_(register_module("head", nn::Linear(hidden, 1))) {
    if (kind == "RNN") rnn_ = register_module("rnn", nn::RNNCell(2, hidden));
    if (kind == "LSTM") lstm_ = register_module("lstm", nn::LSTMCell(2, hidden));
    if (kind == "GRU") gru_ = register_module("gru", nn::GRUCell(2, hidden));
  }
  /// The answers [B]; all h_t go to `states`, where given.
  Tensor forward(const Tensor& x, std::vector<Tensor>* states = nullptr) {
    Tensor h;
    std::optional<std::tuple<Tensor, Tensor>> both;
    for (std::int64_t t = 0; t < x.size(0); ++t) {
      if (lstm_) {
        both = lstm_->forward(x[t], both);
        h = std::get<0>(*both);
      } else {
        h = gru_ ? gru_->forward(x[t], h) : rnn_->forward(x[t], h);
      }
      if (!states) continue;
      h.retain_grad();
      states->push_back(h);
    }
    return head_(h).squeeze(1);
  }

 private:
  nn::Linear head_;
  nn::RNNCell rnn_{nullptr};
  nn::LSTMCell lstm_{nullptr};
  nn::GRUCell gru_{nullptr};
};

/// |dL/dh_t| for each t.
std::vector<double> gradient_sizes(Unrolled& net, const task::Batch& batch) {
  std::vector<Tensor> states;
  reel::mse_loss(net.forward(batch.input, &states), batch.target).backward();
  std::vector<double> sizes;
  for (const Tensor& h : states) sizes.push_back(h.grad().to(reel::kFloat64).norm().item<double>());
  net.zero_grad();
  return sizes;
}

/// Trains the net; returns its last error, averaged over the last tenth of the steps.
double learn(Unrolled& net, const task::Settings& settings) {
  const std::vector<Tensor> parameters = net.parameters();
  reel::optim::Adam adam(parameters, reel::optim::AdamOptions(settings.rate));
  double sum = 0;
  const int tail = std::max(settings.steps / 10, 1);
  for (int step = 0; step < settings.steps; ++step) {
    const task::Batch batch = task::adding_problem(settings.length, settings.batch);
    adam.zero_grad();
    const Tensor loss = reel::mse_loss(net.forward(batch.input), batch.target);
    loss.backward();
    nn::utils::clip_grad_norm_(parameters, settings.clip);
    adam.step();
    if (step >= settings.steps - tail) sum += loss.item<double>();
  }
  return sum / tail;
}

int run(const task::Settings& settings, const std::string& file) {
  const char* const kinds[] = {"RNN", "LSTM", "GRU"};
  const char* const colours[] = {"#dc2626", "#2563eb", "#059669"};
  const task::Batch batch = task::adding_problem(settings.length, 256);
  std::vector<plot::Curve> curves;
  for (int k = 0; k < 3; ++k) {
    Unrolled net(kinds[k], settings.hidden);
    const std::string name = kinds[k];
    curves.push_back({name + " before training", colours[k], true, gradient_sizes(net, batch)});
    const double error = learn(net, settings);
    curves.push_back({name + " after training", colours[k], false, gradient_sizes(net, batch)});
    std::printf("%s: training error %.4f after %d steps\n", kinds[k], error, settings.steps);
    std::fflush(stdout);
  }
  std::printf("|dL/dh_t|\n   t");
  for (const plot::Curve& curve : curves)
    std::printf("  %5s %s", curve.name.substr(0, curve.name.find(' ')).c_str(),
                curve.dashed ? "before" : " after");
  for (std::size_t t = 0; t < curves[0].heights.size(); ++t) {
    std::printf("\n%4zu", t + 1);
    for (const plot::Curve& curve : curves) std::printf("  %12.3e", curve.heights[t]);
  }
  std::printf("\n");
  std::ofstream out(file);
  out << plot::log_plot("How far the gradient reaches: |dL/dh_t| on the adding problem",
                        "time step t", "size of the gradient", curves);
  out.close();
  reel::check(out.good(), "cannot write the plot to \"", file, "\"");
  std::printf("the plot is in %s\n", file.c_str());

  // How much of the last step's gradient is left at the first one.
  const auto left = [&](std::size_t curve) {
    return curves[curve].heights.front() / curves[curve].heights.back();
  };
  std::printf("first / last after training: RNN %.2e, LSTM %.2e, GRU %.2e\n", left(1), left(3),
              left(5));
  if (left(1) < left(3) && left(1) < left(5)) return 0;
  std::fprintf(stderr, "vanishing_gradient: the RNN's gradient reaches as far as the others'\n");
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  task::Settings settings;
  settings.steps = 1500;
  std::string file = "vanishing_gradient.svg";
  if (const auto code = task::read_options(argc, argv, "Shows how gradients vanish, and do not",
                                           settings, {"--cell", "--every", "--limit"},
                                           {{"--plot", "file of the plot", &file}}))
    return *code;
  return task::guarded("vanishing_gradient", [&] { return run(settings, file); });
}
