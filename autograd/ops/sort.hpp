// Order: sorting, the k-th of a row, distinct values, counts.
//
// Sorting is stable; NaN counts as larger than every number. The gradient of a value goes to the
// element that it was.
#pragma once

#include "../tensor.hpp"

namespace reel {

/// The rows along `dim` in ascending or descending order, and the positions they had.
std::tuple<Tensor, Tensor> sort(const Tensor& x, std::int64_t dim = -1, bool descending = false);
std::tuple<Tensor, Tensor> sort(const Tensor& x, std::optional<bool> stable, std::int64_t dim = -1,
                                bool descending = false);
Tensor argsort(const Tensor& x, std::int64_t dim = -1, bool descending = false);
/// Stable whether or not `stable` asks for it, as sort() is.
template <class B, OnlyBool<B> = 0>
Tensor argsort(const Tensor& x, B, std::int64_t dim = -1, bool descending = false) {
  return argsort(x, dim, descending);
}
/// The k largest (smallest) elements along `dim` and their positions; in order whether or not
/// `sorted` asks for it. Throws IndexError where the row is shorter than k.
std::tuple<Tensor, Tensor> topk(const Tensor& x, std::int64_t k, std::int64_t dim = -1,
                                bool largest = true, bool sorted = true);
/// The k-th smallest element along `dim`, counted from 1, and its position.
std::tuple<Tensor, Tensor> kthvalue(const Tensor& x, std::int64_t k, std::int64_t dim = -1,
                                    bool keepdim = false);
/// The middle element, the lower one of two; NaN where there is one (or nothing). Equal elements
/// share the gradient.
Tensor median(const Tensor& x);
/// The same along `dim`, with its position, to which the gradient goes.
std::tuple<Tensor, Tensor> median(const Tensor& x, std::int64_t dim, bool keepdim = false);
/// The distinct values, in ascending order whether or not `sorted` asks for it; for each element
/// the position of its value among them; and how often each value occurs. The latter two are empty
/// where not asked for. https://pytorch.org/docs/stable/generated/torch.unique.html
std::tuple<Tensor, Tensor, Tensor> unique(const Tensor& x, bool sorted = true,
                                          bool return_inverse = false, bool return_counts = false);
/// libtorch's name of unique().
std::tuple<Tensor, Tensor, Tensor> _unique2(const Tensor& x, bool sorted = true,
                                            bool return_inverse = false,
                                            bool return_counts = false);
/// How often each of 0, 1, ... occurs in a vector of nonnegative integers, or the sum of the
/// `weights` at its places; at least `minlength` entries.
Tensor bincount(const Tensor& x, const Tensor& weights = Tensor(), std::int64_t minlength = 0);

}  // namespace reel
