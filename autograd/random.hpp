// Random numbers from Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// SC11), a counter-based generator: number k of a stream is a function of (seed, k) alone, so that
// a seed gives the same numbers on every platform and at any thread count.
#pragma once

#include <cstdint>
#include <mutex>

#include "tensor.hpp"

namespace reel {

class Generator {
 public:
  struct State {
    std::uint64_t seed = 0;
    std::uint64_t counter = 0;  // 128-bit blocks used so far
  };
  explicit Generator(std::uint64_t seed = kDefaultSeed) { state_.seed = seed; }
  void manual_seed(std::uint64_t seed) { set_state({seed, 0}); }
  std::uint64_t seed() const { return state().seed; }
  State state() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return state_;
  }
  void set_state(State state) {
    const std::lock_guard<std::mutex> lock(mutex_);
    state_ = state;
  }
  /// Takes `blocks` blocks of four 32-bit words out of the stream.
  State take(std::uint64_t blocks) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const State now = state_;
    state_.counter += blocks;
    return now;
  }
  /// Uniform in [0, 1) with 53 bits.
  double uniform();
  /// Uniform in [0, bound).
  std::uint64_t below(std::uint64_t bound);

  static constexpr std::uint64_t kDefaultSeed = 67280421310721ull;  // PyTorch's

 private:
  mutable std::mutex mutex_;
  State state_;
};

/// The generator behind every random function that is not given one.
Generator& default_generator();
/// Restarts the default generator.
void manual_seed(std::uint64_t seed);

/// t = `value` with probability p, else 0.
void fill_bernoulli(const Tensor& t, double p, double value);

}  // namespace reel
