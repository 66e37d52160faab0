// Views and rearrangements. Views share the memory of their input and copy nothing.
// All throw IndexError for a dimension out of range and ShapeError for sizes that do not fit.
#pragma once

#include "../tensor.hpp"

namespace reel {

/// The same elements in row-major order under other sizes; one size may be -1. view() throws where
/// the memory does not allow it, reshape() then copies.
Tensor view(const Tensor& t, IntArrayRef sizes);
Tensor reshape(const Tensor& t, IntArrayRef sizes);
Tensor flatten(const Tensor& t, std::int64_t start_dim = 0, std::int64_t end_dim = -1);
Tensor transpose(const Tensor& t, std::int64_t dim0, std::int64_t dim1);
Tensor permute(const Tensor& t, IntArrayRef dims);
/// The transpose of a matrix; vectors and scalars are returned as they are.
Tensor t(const Tensor& self);
Tensor squeeze(const Tensor& t);
Tensor squeeze(const Tensor& t, std::int64_t dim);
Tensor squeeze(const Tensor& t, IntArrayRef dims);
Tensor unsqueeze(const Tensor& t, std::int64_t dim);
/// The elements whose index along dim2 exceeds that along dim1 by `offset`, as a last dimension.
/// https://pytorch.org/docs/stable/generated/torch.diagonal.html
Tensor diagonal(const Tensor& t, std::int64_t offset = 0, std::int64_t dim1 = 0,
                std::int64_t dim2 = 1);
/// Repeats dimensions of size 1 by a zero stride; -1 keeps a size.
Tensor expand(const Tensor& t, IntArrayRef sizes);
/// A window of any sizes and strides (in elements) on the memory of `t`. Throws where it would
/// reach beyond that memory.
Tensor as_strided(const Tensor& t, IntArrayRef sizes, IntArrayRef strides,
                  std::optional<std::int64_t> storage_offset = nullopt);
/// Indices start to start + length along `dim`.
Tensor narrow(const Tensor& t, std::int64_t dim, std::int64_t start, std::int64_t length);
/// One index along `dim`, which disappears.
Tensor select(const Tensor& t, std::int64_t dim, std::int64_t index);
/// Every step-th index from start to below end; negative bounds count from the back, and bounds
/// beyond the size are moved to it.
Tensor slice(const Tensor& t, std::int64_t dim = 0, std::optional<std::int64_t> start = nullopt,
             std::optional<std::int64_t> end = nullopt, std::int64_t step = 1);
/// All windows of `size` indices along `dimension`, `step` apart; the windows' own dimension comes
/// last. https://pytorch.org/docs/stable/generated/torch.Tensor.unfold.html
Tensor unfold(const Tensor& t, std::int64_t dimension, std::int64_t size, std::int64_t step);
std::vector<Tensor> split(const Tensor& t, std::int64_t split_size, std::int64_t dim = 0);
std::vector<Tensor> split(const Tensor& t, IntArrayRef sizes, std::int64_t dim = 0);
std::vector<Tensor> split_with_sizes(const Tensor& t, IntArrayRef sizes, std::int64_t dim = 0);
/// At most `chunks` pieces of ceil(size / chunks).
std::vector<Tensor> chunk(const Tensor& t, std::int64_t chunks, std::int64_t dim = 0);
std::vector<Tensor> unbind(const Tensor& t, std::int64_t dim = 0);
/// Joins along an existing dimension.
Tensor cat(TensorList tensors, std::int64_t dim = 0);
/// Joins tensors of one shape along a new dimension.
Tensor stack(TensorList tensors, std::int64_t dim = 0);

}  // namespace reel
