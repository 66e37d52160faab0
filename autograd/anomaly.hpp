// Anomaly mode: finding the op that makes the first value that is not finite.
#pragma once

#include <atomic>

#include "tape.hpp"

namespace reel {

namespace anomaly {
extern std::atomic<bool> switched_on;
/// One relaxed load: all that anomaly mode costs while it is off.
inline bool enabled() { return switched_on.load(std::memory_order_relaxed); }

// Throw AutogradError for a value that is not finite.
void check_seed(const Tensor& gradient, std::size_t root);
void check_forward(const Node& node, ArrayRef<const Tensor*> outputs);
void check_gradient(const Node& node, std::size_t input, const Tensor& gradient);
}  // namespace anomaly

namespace autograd {

/// While on, in all threads, the result of every op that is recorded and every gradient that a
/// backward rule gives is searched for NaN and infinity. The first one throws AutogradError, which
/// names the op, its shapes, the element and the node's number (see graph_text()).
/// https://pytorch.org/docs/stable/autograd.html#anomaly-detection
struct AnomalyMode {
  static bool is_enabled() { return anomaly::enabled(); }
  static void set_enabled(bool on);
};

/// Anomaly mode for a scope.
class DetectAnomalyGuard {
 public:
  DetectAnomalyGuard() : before_(AnomalyMode::is_enabled()) { AnomalyMode::set_enabled(true); }
  ~DetectAnomalyGuard() { AnomalyMode::set_enabled(before_); }
  DetectAnomalyGuard(const DetectAnomalyGuard&) = delete;
  DetectAnomalyGuard& operator=(const DetectAnomalyGuard&) = delete;

 private:
  bool before_;
};

}  // namespace autograd
}  // namespace reel
