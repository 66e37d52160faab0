// Times forward and backward of an LSTM written by a user from public ops (examples/own_cell)
// against nn::LSTM.
#include "../examples/own_cell/own_lstm.hpp"
#include "grid.hpp"

namespace {

/// Forward and backward to the parameters and the input.
template <class Net>
void step(Net& net, const reel::Tensor& data, const reel::Tensor& gradient) {
  for (const reel::Tensor& p : net->parameters()) {
    p.mutable_grad() = reel::Tensor();
    p.impl()->storage->bump_version();  // as if an optimizer had been here
  }
  reel::Tensor x = data.detach();
  x.set_requires_grad(true);
  if constexpr (std::is_same_v<Net, OwnLstm>)
    net->forward(x).backward(gradient);
  else
    std::get<0>(net->forward(x)).backward(gradient);
}

}  // namespace

int main(int argc, char** argv) {
  bench::Grid grid;
  bench::Report report("user_cell", {1e-3, "ms"});
  CLI::App app("An LSTM written by a user against nn::LSTM: forward and backward");
  grid.add_options(app);
  app.remove_option(app.get_option("--cell"));
  app.remove_option(app.get_option("--layers"));
  app.remove_option(app.get_option("--directions"));
  report.add_options(app, 1);
  CLI11_PARSE(app, argc, argv);
  report.start();
  grid.each([&](const bench::Case& c) {
    reel::nn::LSTM ours(c.hidden, c.hidden);
    reel::nn::CellRNN cell(reel::nn::CellRNNOptions(own_cell(), c.hidden, c.hidden));
    OwnLstm fused(c.hidden, c.hidden, true), plain(c.hidden, c.hidden, false);
    const reel::Tensor x = reel::randn({c.steps, c.batch, c.hidden});
    const reel::Tensor gradient = reel::randn({c.steps, c.batch, c.hidden});
    report.time({{"hidden", c.hidden}, {"batch", c.batch}, {"steps", c.steps}},
                {{"nn::LSTM", [&] { step(ours, x, gradient); }},
                 {"own cell", [&] { step(cell, x, gradient); }},
                 {"own loop", [&] { step(fused, x, gradient); }},
                 {"own loop of ops", [&] { step(plain, x, gradient); }}});
  });
  report.finish();
}
