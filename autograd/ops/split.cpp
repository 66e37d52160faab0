// Pieces of a tensor along a dimension, and tensors joined along one.
#include <algorithm>

#include "autograd/kernels.hpp"
#include "autograd/tape.hpp"
#include "ops.hpp"

namespace reel {

namespace {
void check_divisible(const char* op, const Tensor& t) {
  check<ShapeError>(t.dim() > 0, "[", op, "] expects a tensor with at least one dimension");
}
}  // namespace
std::vector<Tensor> split_with_sizes(const Tensor& t, IntArrayRef sizes, std::int64_t dim) {
  check_divisible("split", t);
  std::vector<Tensor> pieces;
  const std::int64_t length = t.size(dim);
  std::int64_t at = 0;
  bool fits = true;
  for (const auto size : sizes) {
    fits = fits && size >= 0 && size <= length - at;
    if (!fits) break;
    pieces.push_back(narrow(t, dim, at, size));
    at += size;
  }
  check<ShapeError>(fits && at == length, "[split] sizes ", sizes, " must sum to ", length,
                    ", the size of dimension ", dim, " of shape ", t.sizes());
  return pieces;
}

std::vector<Tensor> split(const Tensor& t, IntArrayRef sizes, std::int64_t dim) {
  return split_with_sizes(t, sizes, dim);
}
std::vector<Tensor> split(const Tensor& t, std::int64_t split_size, std::int64_t dim) {
  check_divisible("split", t);
  check<ShapeError>(split_size > 0 || (split_size == 0 && t.size(dim) == 0),
                    "[split] split_size must be positive, found ", split_size);
  Dims sizes;
  std::vector<std::int64_t> list;
  const std::int64_t size = t.size(dim);
  if (size == 0) return {t};
  for (std::int64_t at = 0; at < size; at += split_size)
    list.push_back(std::min(split_size, size - at));
  return split_with_sizes(t, list, dim);
}

std::vector<Tensor> chunk(const Tensor& t, std::int64_t chunks, std::int64_t dim) {
  check_divisible("chunk", t);
  check(chunks > 0, "[chunk] expects chunks to be greater than 0, found ", chunks);
  const std::int64_t size = t.size(dim);
  if (size == 0)
    return split_with_sizes(t, std::vector<std::int64_t>(static_cast<std::size_t>(chunks)), dim);
  return split(t, size / chunks + (size % chunks != 0 ? 1 : 0), dim);
}

std::vector<Tensor> unbind(const Tensor& t, std::int64_t dim) {
  check_divisible("unbind", t);
  std::vector<Tensor> pieces;
  for (std::int64_t i = 0; i < t.size(dim); ++i) pieces.push_back(select(t, dim, i));
  return pieces;
}

Tensor cat(TensorList tensors, std::int64_t dim) {
  check(tensors.size() > 0, "[cat] expected a non-empty list of tensors");
  // As in PyTorch, an empty one-dimensional tensor joins with anything.
  const auto skipped = [](const Tensor& t) { return t.dim() == 1 && t.numel() == 0; };
  const Tensor* first = nullptr;
  ScalarType dtype = tensors[0].scalar_type();
  for (const Tensor& t : tensors) {
    dtype = promote_types(dtype, t.scalar_type());
    if (!first && !skipped(t)) first = &t;
  }
  if (!first) first = &tensors[0];
  check<ShapeError>(first->dim() > 0,
                    "[cat] tensors without dimensions cannot be joined; use stack()");
  const std::size_t d = wrap_dim("cat", dim, static_cast<std::size_t>(first->dim()));
  Dims sizes(first->sizes());
  sizes[d] = 0;
  std::vector<Tensor> parts;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    if (skipped(t) && first->dim() != 1) continue;
    bool fits = t.sizes().size() == sizes.size();
    for (std::size_t e = 0; fits && e < sizes.size(); ++e)
      fits = e == d || t.sizes()[e] == sizes[e];
    check<ShapeError>(fits, "[cat] sizes of tensors must match except in dimension ", d, ": found ",
                      t.sizes(), " at position ", i, " after ", first->sizes());
    sizes[d] += t.sizes()[d];
    parts.push_back(t.to(dtype));
  }
  Tensor out = empty(sizes, dtype);
  const auto axis = static_cast<std::int64_t>(d);
  bool recorded = false;
  std::vector<const Tensor*> inputs;
  {
    std::int64_t at = 0;
    const bool enabled = GradMode::is_enabled();
    NoGradGuard no_grad;
    for (const Tensor& t : parts) {
      kernels::copy(out.narrow(axis, at, t.sizes()[d]), t);
      at += t.sizes()[d];
      inputs.push_back(&t);
      recorded = recorded || (enabled && tracks(t));
    }
  }
  if (recorded && is_floating_point(dtype)) {
    std::vector<std::int64_t> lengths;
    for (const Tensor& t : parts) lengths.push_back(t.sizes()[d]);
    record("CatBackward0", inputs, {&out}, [axis, lengths = std::move(lengths)](Backward& pass) {
      const Tensor g = pass.grad();
      const bool owned = pass.grad_owned();
      std::int64_t at = 0;
      for (std::size_t i = 0; i < lengths.size(); at += lengths[i], ++i)
        if (pass.needs(i)) pass.add(i, g.narrow(axis, at, lengths[i]), owned);
    });
  }
  return out;
}

Tensor stack(TensorList tensors, std::int64_t dim) {
  check(tensors.size() > 0, "[stack] expected a non-empty list of tensors");
  const auto at = static_cast<std::int64_t>(
      wrap_dim("stack", dim, static_cast<std::size_t>(tensors[0].dim()) + 1));
  std::vector<Tensor> rows;
  for (const Tensor& t : tensors) {
    check<ShapeError>(t.sizes() == tensors[0].sizes(),
                      "[stack] expects each tensor to be equal size, but got ", tensors[0].sizes(),
                      " at entry 0 and ", t.sizes(), " at entry ", rows.size());
    rows.push_back(unsqueeze(t, at));
  }
  return cat(rows, at);
}

}  // namespace reel
