// What a second thread gains in a training step of a character model, and whether the bits are the
// same.
#include <reel/reel.hpp>

#include "grid.hpp"

namespace lib = reel;
#include "models.hpp"

int main(int argc, char** argv) {
  bench::Grid grid;
  int threads = 2;
  bench::Report report("thread_speedup", {1e-3, "ms"});
  CLI::App app("One training step on several threads against one");
  grid.add_options(app);
  app.add_option("--threads", threads)->check(CLI::PositiveNumber)->capture_default_str();
  report.add_options(app, 2);
  app.remove_option(app.get_option("--pin"));
  CLI11_PARSE(app, argc, argv);
  report.start(bench::Clock::kWall);
  bool equal = true;
  grid.each([&](const bench::Case& c) {
    // The same model twice, each trained by one of the two.
    reel::manual_seed(1);
    bench::TrainingStep several(c);
    reel::manual_seed(1);
    bench::TrainingStep one(c);
    const auto run = [](bench::TrainingStep& step, int n) {
      reel::set_num_threads(n);
      return step.run();
    };
    bool same = true;
    for (int i = 0; i < 3; ++i) same = run(several, threads) == run(one, 1) && same;
    equal = equal && same;
    report.time(keys(c),
                {{std::to_string(threads) + " threads", [&] { run(several, threads); }},
                 {"1 thread", [&] { run(one, 1); }}},
                0, {{"same_bits", same}});
  });
  report.finish();
  if (!equal) std::printf("the losses differ in bits\n");
  return equal ? 0 : 1;
}
