// Repeating, joining, shifting, padding, and the triangles of matrices. All give new memory except
// unflatten, movedim and swapaxes, which are views.
// All throw IndexError for a dimension out of range and ShapeError for sizes that do not fit.
#pragma once

#include <string>

#include "../tensor.hpp"

namespace reel {

/// Dimension `dim` split into `sizes`; one of them may be -1.
Tensor unflatten(const Tensor& x, std::int64_t dim, IntArrayRef sizes);
/// The dimensions `source` moved to the places `destination`; the others keep their order.
Tensor movedim(const Tensor& x, IntArrayRef source, IntArrayRef destination);
/// Other names of movedim() and of transpose().
Tensor moveaxis(const Tensor& x, IntArrayRef source, IntArrayRef destination);
Tensor swapaxes(const Tensor& x, std::int64_t axis0, std::int64_t axis1);
Tensor swapdims(const Tensor& x, std::int64_t dim0, std::int64_t dim1);
/// The whole tensor, repeats[d] times along each dimension; leading entries make new dimensions.
Tensor repeat(const Tensor& x, IntArrayRef repeats);
/// The same, where missing leading entries of `repeats` are 1.
Tensor tile(const Tensor& x, IntArrayRef repeats);
/// Each element of the flattened tensor, or each index along `dim`, `repeats` times in a row; a
/// tensor of repeats has one number for each, or one for all.
Tensor repeat_interleave(const Tensor& x, std::int64_t repeats,
                         std::optional<std::int64_t> dim = nullopt);
Tensor repeat_interleave(const Tensor& x, const Tensor& repeats,
                         std::optional<std::int64_t> dim = nullopt);
/// cat() along dimension 1 (0 for vectors), and along dimension 0 of at least two.
Tensor hstack(TensorList tensors);
Tensor vstack(TensorList tensors);
/// The order of the indices along `dims` reversed.
Tensor flip(const Tensor& x, IntArrayRef dims);
/// Indices moved up by `shifts` along `dims`, those that leave entering at the other end; without
/// `dims` the flattened tensor is shifted.
Tensor roll(const Tensor& x, IntArrayRef shifts, IntArrayRef dims = {});
/// `pad` lists how much to add before and behind the last dimension, then the one before, and so
/// on; negative numbers cut. https://pytorch.org/docs/stable/generated/torch.nn.functional.pad.html
Tensor constant_pad_nd(const Tensor& x, IntArrayRef pad, const Scalar& value = 0);
/// The same with `mode` "constant", or with what the tensor holds: "reflect" (mirrored, the edge
/// not repeated), "replicate" (the edge repeated) or "circular".
Tensor pad(const Tensor& x, IntArrayRef pad, const std::string& mode = "constant",
           std::optional<double> value = nullopt);
/// The lower (upper) triangle of the last two dimensions, `diagonal` above the main one included
/// as the last (first), and zeros.
Tensor tril(const Tensor& x, std::int64_t diagonal = 0);
Tensor triu(const Tensor& x, std::int64_t diagonal = 0);
/// A diagonal of a matrix, or the square matrix with a vector on its diagonal.
Tensor diag(const Tensor& x, std::int64_t diagonal = 0);
/// The sum of a matrix's main diagonal.
Tensor trace(const Tensor& x);

}  // namespace reel
