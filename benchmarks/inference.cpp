// Times the forward pass of a recurrent net over sequences, without gradients: reel, oneDNN's RNN
// primitives and libtorch.
#include <reel/reel.hpp>

#include "grid.hpp"

namespace lib = reel;
#include "models.hpp"

int main(int argc, char** argv) {
  bench::Grid grid;
  bench::Report report("inference", {1e-3, "ms"});
  CLI::App app("Forward over sequences without gradients: reel, oneDNN, libtorch");
  grid.add_options(app);
  report.add_options(app, 2);
  CLI11_PARSE(app, argc, argv);
  report.start();
  grid.each([&](const bench::Case& c) {
    bench::Inference ours(c);
    std::vector<bench::Report::Entry> turns{{"reel", [&] { ours.run(); }}};
#ifdef REEL_HAVE_DNNL
    const auto dnnl = bench::make_dnnl(c);
    turns.emplace_back("oneDNN", [&] { dnnl->run(); });
#endif
#ifdef REEL_HAVE_TORCH
    const auto torch = bench::make_torch(c);
    turns.emplace_back("libtorch", [&] { torch->run(); });
#endif
    report.time(keys(c), turns);
  });
  report.finish();
}
