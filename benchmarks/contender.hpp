// What the benchmarks that compare training steps share: the case to measure, and a contender.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace bench {

/// A character model: Embedding(vocabulary, hidden), a recurrent net, Linear(hidden, vocabulary).
struct Case {
  std::string cell = "lstm";  // rnn, lstm, gru
  std::int64_t hidden = 64;
  std::int64_t batch = 16;
  std::int64_t steps = 50;
  std::int64_t layers = 1;
  std::int64_t vocabulary = 65;
};

/// One library's model of a case, on random data.
class Contender {
 public:
  virtual ~Contender() = default;
  /// Forward, cross-entropy, backward, SGD. Returns the loss.
  virtual double step() = 0;
};

std::unique_ptr<Contender> make_reel(const Case& c);
std::unique_ptr<Contender> make_torch(const Case& c);

}  // namespace bench
