// Trains a small LSTM to imitate an amplifier (a low-pass filter, then soft clipping) and then runs
// it sample by sample, as an audio callback would: without allocating, and faster than the samples
// come in.
#include <reel/reel.hpp>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <vector>

namespace {

using reel::Tensor;
namespace nn = reel::nn;

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

int run(std::int64_t hidden, int steps, double limit) {
  reel::manual_seed(1);
  nn::LSTM lstm(1, hidden);
  nn::Linear head(hidden, 1);
  std::vector<Tensor> parameters = lstm->parameters();
  for (const Tensor& p : head->parameters()) parameters.push_back(p);
  reel::optim::Adam adam(parameters, reel::optim::AdamOptions(1e-2));
  for (int step = 0; step < steps; ++step) {
    const Tensor x = reel::randn({64, 16, 1});
    adam.zero_grad();
    const Tensor loss = reel::mse_loss(head->forward(std::get<0>(lstm->forward(x))), amplified(x));
    loss.backward();
    adam.step();
    if (step % 100 == 0) std::printf("step %d: loss %.5f\n", step, loss.item<double>());
  }

  constexpr std::int64_t kSamples = 48000;
  const Tensor x = reel::randn({kSamples, 1, 1}), expected = amplified(x);
  const Tensor y = reel::empty({kSamples, 1, 1});
  nn::StreamingRunner runner(lstm, head);
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t t = 0; t < kSamples; ++t)
    runner.step(x.data_ptr<float>() + t, y.data_ptr<float>() + t);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const double error = reel::mse_loss(y, expected).item<double>();
  std::printf("one second of sound at 48 kHz took %.1f ms (%.2f us a sample), error %.5f\n",
              took.count() * 1e3, took.count() / kSamples * 1e6, error);
  if (error <= limit) return 0;
  std::fprintf(stderr, "stream_filter: the error is above %g\n", limit);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains a small LSTM as an audio effect and streams through it");
  std::int64_t hidden = 16;
  int steps = 600;
  double limit = 1e-2;
  app.add_option("--hidden", hidden, "units of the LSTM")->capture_default_str();
  app.add_option("--steps", steps, "training steps")->capture_default_str();
  app.add_option("--limit", limit, "largest mean squared error that counts as success")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    return run(hidden, steps, limit);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "stream_filter: %s\n", e.what());
    return 1;
  }
}
