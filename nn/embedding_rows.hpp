// For the library's own source files.
#pragma once

#include "../autograd/tensor.hpp"

namespace reel {
namespace nn {
namespace functional {

/// Scales the rows of `weight` that `indices` name, in place, to at most `max_norm` in the norm of
/// that order. Throws, before anything is changed, IndexError for an index out of range and
/// DtypeError for indices that are no integers.
void renormalise_rows(const Tensor& weight, const Tensor& indices, double max_norm, double order);

}  // namespace functional
}  // namespace nn
}  // namespace reel
