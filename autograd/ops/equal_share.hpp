// For the library's own files.
#pragma once

#include "../tensor.hpp"

namespace reel::detail {

/// The gradient of a choice `best` among elements of `x`: all elements equal to it share `g`, which
/// has the shape of `best` and broadcasts to that of `x`.
Tensor share_among_equal(const Tensor& x, const Tensor& best, const Tensor& g);

}  // namespace reel::detail
