// What the programs for single sequence tasks share: the command line, a recurrent layer with a
// linear one behind it, and the training loop.
#pragma once

#include <reel/reel.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace task {

struct Settings {
  std::string cell = "lstm";  // rnn, lstm or gru
  std::int64_t hidden = 64, length = 50, batch = 64;
  int steps = 3000, every = 100, seed = 1;
  double rate = 1e-3, clip = 1, limit = 0;
};

/// An option of one program alone: a text, or a count.
struct Extra {
  const char* name;
  const char* help;
  std::variant<std::string*, std::int64_t*> value;
};

/// Reads the command line into `settings`, whose values are the defaults, and seeds the random
/// numbers. The options in `without` have no meaning in the program, and it has none of them. Where
/// the program has to end now, its exit code.
std::optional<int> read_options(int argc, char** argv, const char* about, Settings& settings,
                                const std::vector<std::string>& without = {},
                                const std::vector<Extra>& extras = {});

/// Runs `body`; an exception is printed and gives exit code 1.
int guarded(const char* program, const std::function<int()>& body);

/// A recurrent layer, made by name, and a Linear on all its outputs.
class Net : public reel::nn::Module {
 public:
  /// Throws reel::Error for an unknown cell.
  Net(const Settings& settings, std::int64_t inputs, std::int64_t outputs);
  /// [T, B, inputs] to [T, B, outputs].
  reel::Tensor forward(const reel::Tensor& x);

 private:
  reel::nn::RNN rnn_{nullptr};
  reel::nn::LSTM lstm_{nullptr};
  reel::nn::GRU gru_{nullptr};
  reel::nn::Linear head_{nullptr};
};

struct Batch {
  reel::Tensor input, target;
};
/// The adding problem (Hochreiter & Schmidhuber, 1997): numbers and marks [length, count, 2], where
/// one number of each half is marked; the target [count] is their sum.
Batch adding_problem(std::int64_t length, std::int64_t count);

struct Task {
  const char* name;     // of the program
  const char* measure;  // what `error` computes
  std::int64_t inputs, outputs;
  double chance;  // the error of one who knows nothing
  std::function<Batch(std::int64_t count)> sample;
  std::function<reel::Tensor(const reel::Tensor&output, const reel::Tensor&target)> loss, error;
};

/// Trains a net with Adam on fresh samples until the error on fresh test samples is below
/// settings.limit, which gives exit code 0, or settings.steps have passed, which gives 1.
int train(const Settings& settings, const Task& task);

}  // namespace task
