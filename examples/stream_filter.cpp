// Trains a small LSTM to imitate an amplifier (a low-pass filter, then soft clipping), saves it,
// and runs the saved model sample by sample, as an audio callback would: without allocating, and
// faster than the samples come in.
#include <reel/reel.hpp>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <string>

#include "shared/arguments.hpp"

namespace {

using reel::Tensor;
namespace nn = reel::nn;

struct Options {
  std::int64_t hidden = 16;
  int steps = 600;
  double limit = 1e-2;
  std::string out = "stream_filter.json";
};

/// The amplifier: y_t = tanh(3 s_t), s_t = 0.8 s_(t-1) + 0.2 x_t, from rest, over x [T, B, 1].
Tensor amplified(const Tensor& x) {
  const Tensor y = reel::empty(x.sizes());
  const auto in = x.accessor<float, 3>();
  auto out = y.accessor<float, 3>();
  for (std::int64_t b = 0; b < x.size(1); ++b) {
    float s = 0;
    for (std::int64_t t = 0; t < x.size(0); ++t) {
      s = 0.8f * s + 0.2f * in[t][b][0];
      out[t][b][0] = std::tanh(3 * s);
    }
  }
  return y;
}

/// An LSTM and a linear layer, under the names that programs for guitar effects give them.
nn::SequenceModel make_model(std::int64_t hidden) {
  nn::SequenceLayer lstm, head;
  lstm.type = nn::SequenceLayerType::LSTM;
  lstm.name = "rec";
  lstm.input_size = 1;
  lstm.output_size = hidden;
  head.name = "lin";
  head.input_size = hidden;
  head.output_size = 1;
  nn::SequenceModelOptions options;
  options.layers = {lstm, head};
  return nn::SequenceModel(options);
}

void train(nn::SequenceModel& model, int steps) {
  reel::optim::Adam adam(model->parameters(), reel::optim::AdamOptions(1e-2));
  for (int step = 0; step < steps; ++step) {
    const Tensor x = reel::randn({64, 16, 1});
    adam.zero_grad();
    const Tensor loss = reel::mse_loss(model->forward(x), amplified(x));
    loss.backward();
    adam.step();
    if (step % 100 == 0) std::printf("step %d: loss %.5f\n", step, loss.item<double>());
  }
}

int run(const Options& options) {
  reel::manual_seed(1);
  nn::SequenceModel model = make_model(options.hidden);
  train(model, options.steps);
  reel::save(model, options.out);

  constexpr std::int64_t kSamples = 48000;
  const Tensor x = reel::randn({kSamples, 1, 1}), expected = amplified(x);
  const Tensor y = reel::empty({kSamples, 1, 1});
  nn::SequenceRunner runner(reel::load_sequence_model(options.out));
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t t = 0; t < kSamples; ++t)
    runner.step(x.data_ptr<float>() + t, y.data_ptr<float>() + t);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const double error = reel::mse_loss(y, expected).item<double>();
  std::printf("one second of sound at 48 kHz took %.1f ms (%.2f us a sample), error %.5f\n",
              took.count() * 1e3, took.count() / kSamples * 1e6, error);
  std::printf("the model is in %s; reel-model converts it for other programs\n",
              options.out.c_str());
  if (error <= options.limit) return 0;
  std::fprintf(stderr, "stream_filter: the error is above %g\n", options.limit);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains a small LSTM as an audio effect, saves it and streams through it",
               "stream_filter");
  Options options;
  app.add_option("--hidden", options.hidden, "units of the LSTM")
      ->check(arguments::count())
      ->capture_default_str();
  app.add_option("--steps", options.steps, "training steps")
      ->check(arguments::count())
      ->capture_default_str();
  app.add_option("--limit", options.limit, "largest mean squared error that counts as success")
      ->check(arguments::not_negative())
      ->capture_default_str();
  app.add_option("--out", options.out, "file for the model")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    return run(options);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "stream_filter: %s\n", e.what());
    return 1;
  }
}
