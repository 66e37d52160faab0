// What the benchmarks of whole nets share: the case to measure, and a contender.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace bench {

/// A recurrent net of `hidden` inputs and units; a character model has Embedding(vocabulary,
/// hidden) in front of it and Linear(., vocabulary) behind.
struct Case {
  std::string cell = "lstm";  // rnn, lstm, gru
  std::int64_t hidden = 64;
  std::int64_t batch = 16;
  std::int64_t steps = 50;
  std::int64_t layers = 1;
  std::int64_t directions = 1;
  std::int64_t vocabulary = 65;
};

/// One library's part in a case, on random data.
class Contender {
 public:
  virtual ~Contender() = default;
  /// What is timed. Returns a number that depends on all of it.
  virtual double run() = 0;
};

/// A program's rivals, each in a file of its own (NAME_torch.cpp, NAME_dnnl.cpp).
std::unique_ptr<Contender> make_torch(const Case& c);
std::unique_ptr<Contender> make_dnnl(const Case& c);

}  // namespace bench
