// Times one training step of a character model in reel, and in libtorch where that is installed,
// taking turns in one process on one core, and prints libtorch's time over reel's.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <reel/reel.hpp>

#include "contender.hpp"
#include "timing.hpp"

namespace bench {
namespace {

struct ModelImpl : reel::nn::Module {
  explicit ModelImpl(const Case& c)
      : embedding(register_module("embedding", reel::nn::Embedding(c.vocabulary, c.hidden))),
        head(register_module("head", reel::nn::Linear(c.hidden, c.vocabulary))) {
    namespace nn = reel::nn;
    if (c.cell == "lstm")
      lstm = register_module("net",
                             nn::LSTM(nn::LSTMOptions(c.hidden, c.hidden).num_layers(c.layers)));
    if (c.cell == "gru")
      gru =
          register_module("net", nn::GRU(nn::GRUOptions(c.hidden, c.hidden).num_layers(c.layers)));
    if (c.cell == "rnn")
      rnn =
          register_module("net", nn::RNN(nn::RNNOptions(c.hidden, c.hidden).num_layers(c.layers)));
  }
  reel::Tensor forward(const reel::Tensor& x) {
    const reel::Tensor e = embedding(x);
    if (lstm) return head(std::get<0>(lstm(e)));
    return head(std::get<0>(gru ? gru(e) : rnn(e)));
  }
  reel::nn::Embedding embedding;
  reel::nn::LSTM lstm = nullptr;
  reel::nn::GRU gru = nullptr;
  reel::nn::RNN rnn = nullptr;
  reel::nn::Linear head;
};

class Reel : public Contender {
 public:
  explicit Reel(const Case& c)
      : c_(c),
        model_(std::make_shared<ModelImpl>(c)),
        optimizer_(model_->parameters(), reel::optim::SGDOptions(0.01)),
        x_(reel::randint(c.vocabulary, {c.steps, c.batch})),
        y_(reel::randint(c.vocabulary, {c.steps * c.batch})) {}
  double step() override {
    optimizer_.zero_grad();
    const reel::Tensor logits = model_->forward(x_).view({c_.steps * c_.batch, c_.vocabulary});
    const reel::Tensor loss = reel::nn::functional::cross_entropy(logits, y_);
    loss.backward();
    optimizer_.step();
    return loss.item<double>();
  }

 private:
  Case c_;
  std::shared_ptr<ModelImpl> model_;
  reel::optim::SGD optimizer_;
  reel::Tensor x_, y_;
};

}  // namespace
std::unique_ptr<Contender> make_reel(const Case& c) { return std::make_unique<Reel>(c); }
}  // namespace bench

int main(int argc, char** argv) {
  bench::Case base;
  std::vector<std::int64_t> hidden{64, 128, 256, 512}, batch{1, 16, 32};
  double seconds = 2;
  bool pin = true;
  CLI::App app("One training step of a character model: reel against libtorch");
  app.add_option("--cell", base.cell)->check(CLI::IsMember({"rnn", "lstm", "gru"}));
  app.add_option("--hidden", hidden, "hidden sizes")->delimiter(',');
  app.add_option("--batch", batch, "batch sizes")->delimiter(',');
  app.add_option("--steps", base.steps, "time steps");
  app.add_option("--layers", base.layers);
  app.add_option("--seconds", seconds, "time for each size");
  app.add_flag("--pin,!--no-pin", pin, "stay on one core");
  CLI11_PARSE(app, argc, argv);
  if (pin) bench::pin_to_one_core();
#ifdef REEL_HAVE_TORCH
  const bool rival = true;
#else
  const bool rival = false;
  std::printf("built without libtorch: reel's times only\n");
#endif
  std::printf("%s; %s, T=%lld, %lld layer(s), medians, one thread\n", bench::machine().c_str(),
              base.cell.c_str(), static_cast<long long>(base.steps),
              static_cast<long long>(base.layers));
  std::printf("   H    B   reel ms (quartiles)        libtorch ms (quartiles)    ratio\n");
  for (const auto h : hidden)
    for (const auto b : batch) {
      bench::Case c = base;
      c.hidden = h;
      c.batch = b;
      const auto ours = bench::make_reel(c);
      std::vector<std::function<void()>> turns{[&] { ours->step(); }};
#ifdef REEL_HAVE_TORCH
      const auto theirs = bench::make_torch(c);
      turns.push_back([&] { theirs->step(); });
#endif
      const auto t = bench::interleave(turns, seconds);
      std::printf("%4lld %4lld   %8.3f (%.3f-%.3f)", static_cast<long long>(h),
                  static_cast<long long>(b), t[0].median * 1e3, t[0].low * 1e3, t[0].high * 1e3);
      if (rival)
        std::printf("   %8.3f (%.3f-%.3f)   %6.2f", t[1].median * 1e3, t[1].low * 1e3,
                    t[1].high * 1e3, t[1].median / t[0].median);
      std::printf("\n");
      std::fflush(stdout);
    }
}
