// How views and in-place writes are made. For the library's own files.
#pragma once

#include "../tape.hpp"

namespace reel::detail {

/// Sets numel and contiguous from sizes and strides.
void finish_geometry(TensorImpl& impl);
/// A window on the memory of `t`, not recorded. `data` is its first element.
Tensor make_view(const Tensor& t, IntArrayRef sizes, IntArrayRef strides, std::byte* data);

/// Indices [start, start + length) of `t` along `dim`, which must be there: the memory alone, which
/// knows nothing of `t` and of the tape.
Tensor window(const Tensor& t, std::size_t dim, std::int64_t start, std::int64_t length);

/// Neither another tensor nor another view can see this memory, nor somebody who lent it.
inline bool is_sole_owner(const Tensor& t) {
  const TensorImpl& impl = *t.impl();
  return impl.refs.load(std::memory_order_acquire) == 1 && impl.storage->unique() &&
         impl.storage->owned();
}

/// Uninitialised; `numel` is the product of `sizes`.
Tensor empty_dense(const Dims& sizes, std::int64_t numel, ScalarType dtype);

/// Dimensions in the order in which they lie in memory.
struct MemoryOrder {
  Dims order, inverse;
  bool sorted;  // row-major already
  Tensor laid_out(const Tensor& t) const { return sorted ? t : t.permute(order); }
  Tensor restored(const Tensor& t) const { return sorted ? t : t.permute(inverse); }
};
/// That of a tensor whose elements lie without gaps or overlaps, or nothing.
std::optional<MemoryOrder> memory_order(const Tensor& t);

/// `memory`, whose first dimension `slices` cut into pieces, in order: they lie behind one another
/// in memory that belongs to nobody else. Joins them on the tape without copying.
Tensor join_slices(const Tensor& memory, TensorList slices);

/// Refuses to write in place into a leaf that requires a gradient, or a view of one, or into
/// memory that several positions share.
void check_in_place(const char* op, const Tensor& self);
/// Whether several positions of `t` share an element, as in an expanded tensor and in windows that
/// overlap.
bool overlaps_itself(const Tensor& t);
/// Gives `self` the sizes, strides and history of `changed`, a view of before_write(self) that
/// begins at the same element.
Tensor& change_geometry(const char* op, const Tensor& self, const Tensor& changed);
/// `self` as it is now, for an op whose result will be written into `self`: the op's node must not
/// hold `self` itself, whose history it is about to become. With `keep_values` it is a copy, for an
/// op whose gradient reads the old values.
Tensor before_write(const Tensor& self, bool keep_values);
/// self = result, in place: copies the values, raises the version, and makes the history of
/// `result` that of `self` (and, for a view, of the tensor that it shows).
Tensor& write_in_place(const char* op, const Tensor& self, const Tensor& result);
/// After the values of `self` were overwritten by numbers without history: raises the version.
Tensor& forget_history(const Tensor& self);
/// `other`, or a copy where it shares memory with `self` without being the same window.
Tensor without_overlap(const Tensor& self, const Tensor& other);

/// `y`, as the result of an op that `x` takes part in without a share in its value: the gradient by
/// `x` is zeros.
Tensor beside(const char* name, const Tensor& x, const Tensor& y);

}  // namespace reel::detail
