// How a loss becomes one number. For the library's own source files.
#pragma once

#include "ops.hpp"

namespace reel::detail {

/// The elementwise losses `x`, or their mean or sum.
inline Tensor reduced(const Tensor& x, std::int64_t reduction) {
  switch (reduction) {
    case Reduction::None:
      return x;
    case Reduction::Mean:
      return x.mean();
    case Reduction::Sum:
      return x.sum();
    default:
      throw Error(message("[loss] unknown reduction ", reduction));
  }
}

}  // namespace reel::detail
