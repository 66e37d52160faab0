// Times one step of an optimizer over many parameters: reel, libtorch, and a loop that reads and
// writes as many bytes and computes next to nothing.
#include "optimizer_step.hpp"

#include <reel/reel.hpp>

#include "report.hpp"

namespace lib = reel;
#include "optimizers.hpp"

namespace {

/// Twelve bytes of traffic per element: two reads and a write.
__attribute__((target_clones("default", "avx2", "avx512f"))) void update(float* to,
                                                                         const float* from,
                                                                         std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) to[i] += 1e-9f * from[i];
}
/// Four bytes per element.
__attribute__((target_clones("default", "avx2", "avx512f"))) std::uint32_t read(
    const std::uint32_t* from, std::int64_t n) {
  std::uint32_t sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += from[i];
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> names{"sgd", "momentum", "adam", "adamw", "norm", "clip"};
  std::int64_t count = 10'000'000, tensors = 1;
  bench::Report report("optimizer_step", {1e-3, "ms"});
  CLI::App app("One optimizer step: reel, the memory's speed, libtorch");
  app.add_option("--optimizer", names)->delimiter(',')->capture_default_str();
  app.add_option("--parameters", count, "numbers in all")->capture_default_str();
  app.add_option("--tensors", tensors, "tensors that they are spread over")->capture_default_str();
  report.add_options(app, 2);
  CLI11_PARSE(app, argc, argv);
  report.start();
  for (const auto& name : names) {
    bench::OptimizerStep ours(name, count, tensors);
    const reel::Tensor to = reel::zeros({count}), from = reel::zeros({count});
    // A norm reads four bytes per parameter; to clip is to read them again, and write.
    const std::int64_t bytes = name == "sgd"        ? 12
                               : name == "momentum" ? 20
                               : name == "norm"     ? 4
                               : name == "clip"     ? 12
                                                    : 28;
    volatile std::uint32_t sum = 0;
    std::vector<bench::Report::Entry> turns{
        {"reel", [&] { ours.run(); }},
        {"memory", [&] {
           for (std::int64_t left = count * bytes / 4; left > 0;) {
             const std::int64_t n = std::min(left, name == "norm" ? count : count * 3);
             if (name == "norm")
               sum = read(reinterpret_cast<const std::uint32_t*>(from.data_ptr<float>()), n);
             else
               update(to.data_ptr<float>(), from.data_ptr<float>(), n / 3);
             left -= n;
           }
         }}};
#ifdef REEL_HAVE_TORCH
    const auto torch = bench::make_torch_optimizer(name, count, tensors);
    turns.emplace_back("libtorch", [&] { torch->run(); });
#endif
    report.time({{"optimizer", name},
                 {"parameters", count},
                 {"tensors", tensors},
                 {"bytes_per_parameter", bytes}},
                turns);
  }
  report.finish();
}
