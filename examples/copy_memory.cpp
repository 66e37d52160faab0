// Copy memory (Hochreiter & Schmidhuber, 1997; Arjovsky et al., 2015): symbols to remember, then
// `length` blank steps, then a cue, after which the symbols have to be said again in order.
#include <cmath>

#include "shared/task.hpp"

namespace {

using reel::Tensor;

constexpr std::int64_t kSymbols = 8, kBlank = kSymbols, kCue = kSymbols + 1;
constexpr std::int64_t kInputs = kSymbols + 2;

/// Symbols, blanks, the cue, and room for the answer; the target is the symbols [kept, B].
task::Batch sample(std::int64_t kept, std::int64_t blanks, std::int64_t count) {
  const Tensor symbols = reel::randint(kSymbols, {kept, count});
  const Tensor line = reel::full({2 * kept + blanks, count}, kBlank, reel::kInt64);
  line.slice(0, 0, kept).copy_(symbols);
  line[kept + blanks - 1].fill_(kCue);
  return {reel::one_hot(line, kInputs).to(reel::kFloat32), symbols};
}

Tensor answer(const Tensor& output, const Tensor& target) {
  return output.slice(0, output.size(0) - target.size(0)).reshape({-1, kSymbols});
}
Tensor loss(const Tensor& output, const Tensor& target) {
  return reel::cross_entropy_loss(answer(output, target), target.reshape({-1}));
}
Tensor wrong(const Tensor& output, const Tensor& target) {
  return answer(output, target).argmax(1).ne(target.reshape({-1})).to(reel::kFloat32).mean();
}

}  // namespace

int main(int argc, char** argv) {
  task::Settings settings;
  settings.length = 10;
  settings.rate = 1e-2;
  settings.limit = 0.01;
  std::int64_t symbols = 3;
  if (const auto code =
          task::read_options(argc, argv, "Learns to repeat symbols after a pause", settings, {},
                             {{"--symbols", "symbols to remember", &symbols}}))
    return *code;
  return task::guarded("copy_memory", [&] {
    return task::train(
        settings,
        {"copy_memory", "share of wrong symbols", kInputs, kSymbols, 1 - 1.0 / kSymbols,
         [&](std::int64_t count) { return sample(symbols, settings.length, count); }, loss, wrong});
  });
}
