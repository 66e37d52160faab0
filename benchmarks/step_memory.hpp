// The rival of step_memory.
#pragma once

#include "contender.hpp"

namespace bench {

/// A library whose tensors' bytes can be counted.
class MemoryContender {
 public:
  virtual ~MemoryContender() = default;
  virtual std::unique_ptr<Contender> make(const Case& c) = 0;
  /// Gives back what is kept for reuse; the highest value counts from here.
  virtual void reset() = 0;
  virtual std::int64_t peak() = 0;
};
std::unique_ptr<MemoryContender> make_torch_memory();

}  // namespace bench
