// Temporal order (Hochreiter & Schmidhuber, 1997, task 6a): among symbols of no meaning stand two
// that are X or Y, one in each half; the class after the last step is XX, XY, YX or YY.
#include "shared/task.hpp"

namespace {

using reel::Tensor;

constexpr std::int64_t kOthers = 4, kInputs = kOthers + 2, kClasses = 4;

task::Batch sample(std::int64_t length, std::int64_t count) {
  const Tensor symbols = reel::randint(kOthers, {length, count});
  const Tensor first = reel::randint(length / 10, length / 2, {count}),
               second = reel::randint(length / 2, length - length / 10, {count});
  const Tensor classes = reel::randint(kClasses, {count});
  auto symbol = symbols.accessor<std::int64_t, 2>();
  const auto early = first.accessor<std::int64_t, 1>(), late = second.accessor<std::int64_t, 1>();
  const auto label = classes.accessor<std::int64_t, 1>();
  for (std::int64_t b = 0; b < count; ++b) {
    symbol[early[b]][b] = kOthers + label[b] / 2;
    symbol[late[b]][b] = kOthers + label[b] % 2;
  }
  return {reel::one_hot(symbols, kInputs).to(reel::kFloat32), classes};
}

Tensor loss(const Tensor& output, const Tensor& target) {
  return reel::cross_entropy_loss(output[-1], target);
}
Tensor wrong(const Tensor& output, const Tensor& target) {
  return output[-1].argmax(1).ne(target).to(reel::kFloat32).mean();
}

}  // namespace

int main(int argc, char** argv) {
  task::Settings settings;
  settings.rate = 2e-3;
  settings.limit = 0.01;
  if (const auto code = task::read_options(argc, argv, "Learns which symbol came first", settings))
    return *code;
  return task::guarded("temporal_order", [&] {
    const auto of_length = [&](std::int64_t count) { return sample(settings.length, count); };
    return task::train(settings, {"temporal_order", "share of wrong classes", kInputs, kClasses,
                                  1 - 1.0 / kClasses, of_length, loss, wrong});
  });
}
