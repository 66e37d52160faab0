// Learns the adding problem (shared/task.hpp). A net that forgets the first number cannot do better
// than always answering 1.
#include "shared/task.hpp"

namespace {

using reel::Tensor;

Tensor squared_error(const Tensor& output, const Tensor& target) {
  return reel::mse_loss(output[-1].squeeze(1), target);
}

}  // namespace

int main(int argc, char** argv) {
  task::Settings settings;
  settings.limit = 0.01;
  if (const auto code = task::read_options(argc, argv, "Learns the adding problem", settings))
    return *code;
  return task::guarded("adding_problem", [&] {
    const auto of_length = [&](std::int64_t count) {
      return task::adding_problem(settings.length, count);
    };
    return task::train(settings, {"adding_problem", "mean squared error", 2, 1, 1.0 / 6, of_length,
                                  squared_error, squared_error});
  });
}
