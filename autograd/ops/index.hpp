// Picking elements: by positions, ranges and tables.
#pragma once

#include "../tensor.hpp"

namespace reel {

namespace indexing {
struct EllipsisIndexType {};
inline constexpr EllipsisIndexType Ellipsis{};
using NoneType = std::nullopt_t;
inline constexpr NoneType None = std::nullopt;

/// start:stop:step; None leaves a bound open. The step must be positive.
struct Slice {
  std::optional<std::int64_t> start, stop;
  std::int64_t step;
  Slice(std::optional<std::int64_t> from = nullopt, std::optional<std::int64_t> to = nullopt,
        std::optional<std::int64_t> by = nullopt)
      : start(from), stop(to), step(by.value_or(1)) {}
};

/// One entry of an index list: None (a new dimension), Ellipsis, an integer, a Slice, or a tensor
/// of int64 positions or a bool mask.
class TensorIndex {
 public:
  enum class Kind { NewDim, Dots, Integer, Range, Tensor };
  TensorIndex(NoneType) : kind_(Kind::NewDim) {}
  TensorIndex(EllipsisIndexType) : kind_(Kind::Dots) {}
  TensorIndex(const char* dots);  // "..."
  template <class T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>, int> = 0>
  TensorIndex(T i) : kind_(Kind::Integer), integer_(static_cast<std::int64_t>(i)) {}
  TensorIndex(indexing::Slice s) : kind_(Kind::Range), slice_(s) {}
  TensorIndex(Tensor t) : kind_(Kind::Tensor), tensor_(std::move(t)) {}
  Kind kind() const { return kind_; }
  std::int64_t integer() const { return integer_; }
  const indexing::Slice& slice() const { return slice_; }
  const Tensor& tensor() const { return tensor_; }

 private:
  Kind kind_;
  std::int64_t integer_ = 0;
  indexing::Slice slice_;
  Tensor tensor_;
};
}  // namespace indexing

/// x[indices...]. Integers, slices, None and Ellipsis give a view; tensors of positions and masks
/// give a copy. Several of them broadcast together; their common shape stands at the place of the
/// first where they are neighbours, else in front.
/// Throws IndexError for too many indices, positions out of range and masks that do not fit.
Tensor index(const Tensor& x, ArrayRef<indexing::TensorIndex> indices);
/// The rows `index` (int64, one-dimensional) along `dim`.
Tensor index_select(const Tensor& x, std::int64_t dim, const Tensor& index);
/// x with alpha times the rows of `source` added at the rows `index` along `dim`.
/// https://pytorch.org/docs/stable/generated/torch.Tensor.index_add_.html
Tensor index_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
                 const Scalar& alpha = 1);
/// out[i][j] = x[i][index[i][j]] for dim 1, and so on. `index` has the rank of x and, except along
/// `dim`, no larger sizes. Throws IndexError for a position below 0 or out of range.
/// https://pytorch.org/docs/stable/generated/torch.gather.html
Tensor gather(const Tensor& x, std::int64_t dim, const Tensor& index);
/// x with out[i][index[i][j]] = source[i][j] (or `value`) for dim 1, and so on: the opposite of
/// gather. `source` has x's dtype and at least the sizes of `index`.
Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source);
Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Scalar& value);
/// With `reduce` "add" or "multiply" instead of replacing; the latter has no gradient.
Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
               std::string_view reduce);
Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Scalar& value,
               std::string_view reduce);
/// scatter() of "sum", "mean", "amax" or "amin" of all that goes to one element, and of that
/// element itself with `include_self`; "prod" has no gradient.
Tensor scatter_reduce(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
                      std::string_view reduce, bool include_self = true);
/// scatter() that adds.
Tensor scatter_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source);
/// gather() after x and `indices` were broadcast except along `dim`; without `dim`, both are
/// flattened.
Tensor take_along_dim(const Tensor& x, const Tensor& indices,
                      std::optional<std::int64_t> dim = nullopt);
/// The elements where `mask` (bool, broadcast with x) holds, as a vector.
Tensor masked_select(const Tensor& x, const Tensor& mask);
/// [*, num_classes] int64 with 1 at each class; num_classes -1 means the largest class + 1.
Tensor one_hot(const Tensor& x, std::int64_t num_classes = -1);
/// Positions of the nonzero elements: [count, rank] int64.
Tensor nonzero(const Tensor& x);
/// weight[indices]: [*] int64 positions of rows of [V, E] give [*, E]. The row `padding_idx` gets
/// no gradient. Throws IndexError for a position out of range.
/// https://pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html
Tensor embedding(const Tensor& weight, const Tensor& indices, std::int64_t padding_idx = -1);

}  // namespace reel
