// What denormal numbers cost: a training step and a forward pass of an RNN whose state decays
// among them, with and without FlushDenormals, and on ordinary numbers.
#include <reel/reel.hpp>

#include "report.hpp"

namespace {

/// h_t = relu(0.999 h_(t-1)) over 100 steps of a batch of 16, from `start` on.
class Decay {
 public:
  explicit Decay(std::int64_t hidden, double start)
      : rnn_(reel::nn::RNNOptions(1, hidden).nonlinearity(reel::kReLU).bias(false)),
        x_(reel::zeros({100, 16, 1})),
        h_(reel::full({1, 16, hidden}, start)) {
    const reel::NoGradGuard no_grad;
    const auto p = rnn_->named_parameters();
    p["weight_ih_l0"].fill_(0);
    p["weight_hh_l0"].copy_(reel::eye(hidden) * 0.999);
  }
  void forward() {
    const reel::NoGradGuard no_grad;
    rnn_->forward(x_, h_);
  }
  void train() {
    rnn_->zero_grad();
    std::get<0>(rnn_->forward(x_, h_)).sum().backward();
  }

 private:
  reel::nn::RNN rnn_;
  reel::Tensor x_, h_;
};

}  // namespace

int main(int argc, char** argv) {
  std::int64_t hidden = 64;
  bench::Report report("denormals", {1e-3, "ms"});
  CLI::App app("The cost of denormal numbers, and of treating them as zeros");
  app.add_option("--hidden", hidden, "units of the RNN")->capture_default_str();
  report.add_options(app, 1);
  CLI11_PARSE(app, argc, argv);
  report.start();
  Decay denormal(hidden, 1e-39), normal(hidden, 1);
  for (const bool train : {false, true}) {
    const auto run = [train](Decay& net) { train ? net.train() : net.forward(); };
    report.time({{"what", train ? "training step" : "forward"}, {"hidden", hidden}},
                {{"ordinary numbers", [&] { run(normal); }},
                 {"denormal, flushed",
                  [&] {
                    const reel::FlushDenormals guard;
                    run(denormal);
                  }},
                 {"denormal", [&] { run(denormal); }}});
  }
  report.finish();
}
