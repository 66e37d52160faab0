// Times one training step of a character model in reel, and in libtorch where that is installed,
// taking turns in one process on one core, over a grid of sizes.
#include <reel/reel.hpp>

#include "grid.hpp"

namespace lib = reel;
#include "models.hpp"

int main(int argc, char** argv) {
  bench::Grid grid;
  bench::Report report("char_lm_step", {1e-3, "ms"});
  CLI::App app("One training step of a character model: reel against libtorch");
  grid.add_options(app);
  report.add_options(app, 2);
  CLI11_PARSE(app, argc, argv);
  report.start();
  grid.each([&](const bench::Case& c) {
    bench::TrainingStep ours(c);
    std::vector<bench::Report::Entry> turns{{"reel", [&] { ours.run(); }}};
#ifdef REEL_HAVE_TORCH
    const auto torch = bench::make_torch(c);
    turns.emplace_back("libtorch", [&] { torch->run(); });
#endif
    report.time(keys(c), turns);
  });
  report.finish();
}
