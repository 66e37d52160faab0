// Pieces of a tensor along a dimension.
#include <algorithm>

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

}  // namespace reel
