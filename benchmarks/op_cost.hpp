// What op_cost's two parts share: the list of ops as each library sees it, and how one op is timed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bench {

struct OpInfo {
  std::string family, name;
  bool small, large;  // whether the per-op cost and the throughput say something about it
  bool gradient;      // whether it has one
};

/// Seconds per op.
struct OpCost {
  double record, backward;
};

/// One op on operands of one size.
class OpTimer {
 public:
  virtual ~OpTimer() = default;
  /// Records `count` ops with gradients on, runs their backward, frees them.
  virtual OpCost record_and_backward(int count) = 0;
  /// Runs the op with gradients off `count` times; seconds per op.
  virtual double forward(int count) = 0;
};

/// One library's ops. The lists of two libraries are the same, in the same order.
class OpLibrary {
 public:
  virtual ~OpLibrary() = default;
  virtual std::vector<OpInfo> ops() const = 0;
  virtual std::unique_ptr<OpTimer> timer(std::size_t op, std::int64_t elements,
                                         bool float64) const = 0;
};

std::unique_ptr<OpLibrary> make_reel_ops();
std::unique_ptr<OpLibrary> make_torch_ops();

}  // namespace bench
