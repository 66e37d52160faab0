#include "index.hpp"

#include <cstring>
#include <string>

#include "autograd/kernels.hpp"
#include "gathered.hpp"
#include "ops.hpp"
#include "view.hpp"

namespace reel {
namespace {
using detail::copy_rows;
using detail::spread_rows;
using detail::take_rows;

Tensor as_positions(const char* op, const Tensor& index) {
  check<DtypeError>(index.scalar_type() == kInt64 || index.scalar_type() == kInt32, "[", op,
                    "] expected int64 or int32 indices, found ", dtype_name(index.scalar_type()),
                    "; convert them with .to(reel::kInt64)");
  const Tensor own = index.detach().to(kInt64).contiguous();
  // Who lent the memory may write other indices to it before backward.
  return own.impl()->storage->owned() ? own : own.clone();
}

// From `lowest` on: 0, or -size where a negative number counts from the end.
void check_range(const char* op, const Tensor& positions, std::int64_t lowest, std::int64_t size) {
  const auto* p = positions.data_ptr<std::int64_t>();
  // The sign bit, once some p + size or last - p had it. Unsigned, as any number may be given.
  std::uint64_t outside = 0;
  const auto count = static_cast<std::uint64_t>(size);
  for (std::int64_t i = 0; i < positions.numel(); ++i) {
    const auto at = static_cast<std::uint64_t>(p[i]);
    outside |= (at - static_cast<std::uint64_t>(lowest)) | (count - 1 - at);
  }
  for (std::int64_t i = 0; outside >> 63 != 0 && i < positions.numel(); ++i)
    check<IndexError>(p[i] >= lowest && p[i] < size, "[", op, "] index ", p[i], " at position ", i,
                      " is out of range: expected values from ", lowest, " to ", size - 1);
}

// A contiguous tensor as `outer` times size(d) rows of `row` bytes.
struct Layers {
  std::size_t outer = 1, size, row;
  Layers(IntArrayRef sizes, std::size_t d, std::size_t element) : row(element) {
    for (std::size_t e = 0; e < d; ++e) outer *= static_cast<std::size_t>(sizes[e]);
    for (std::size_t e = d + 1; e < sizes.size(); ++e) row *= static_cast<std::size_t>(sizes[e]);
    size = static_cast<std::size_t>(sizes[d]);
  }
  std::size_t bytes() const { return size * row; }
};

}  // namespace

namespace indexing {
TensorIndex::TensorIndex(const char* dots) : kind_(Kind::Dots) {
  check(std::string(dots) == "...", "[index] expected \"...\", found \"", dots, "\"");
}
}  // namespace indexing

Tensor index_select(const Tensor& x, std::int64_t dim, const Tensor& index) {
  const std::size_t d = wrap_dim("index_select", dim, static_cast<std::size_t>(x.dim()));
  check<ShapeError>(
      x.dim() > 0 && index.dim() <= 1,
      "[index_select] expected a tensor with dimensions and a one-dimensional index, found shapes ",
      x.sizes(), " and ", index.sizes());
  const Tensor positions = as_positions("index_select", index);
  check_range("index_select", positions, 0, x.sizes()[d]);
  Dims shape(x.sizes());
  shape[d] = positions.numel();
  if (d == 0) return take_rows("IndexSelectBackward0", x, positions, shape, -1);
  Tensor out = empty(shape, x.scalar_type());
  const Tensor dense = x.detach().contiguous();
  const Layers layers(x.sizes(), d, x.element_size());
  const auto count = static_cast<std::size_t>(positions.numel());
  const auto* p = positions.data_ptr<std::int64_t>();
  if (d + 1 == x.sizes().size()) {  // single elements
    dispatch(x.scalar_type(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* to = out.data_ptr<T>();
      const T* from = dense.data_ptr<T>();
      for (std::size_t i = 0; i < layers.outer; ++i, from += layers.size, to += count)
        for (std::size_t k = 0; k < count; ++k) to[k] = from[p[k]];
    });
  } else {
    for (std::size_t i = 0; i < layers.outer; ++i)
      copy_rows(out.impl()->data + i * count * layers.row, dense.impl()->data + i * layers.bytes(),
                p, positions.numel(), x.sizes()[d], layers.row);
  }
  if (needs_record(x))
    record("IndexSelectBackward0", {&x}, {&out},
           [at = Saved(positions), own = Dims(x.sizes()),
            axis = static_cast<std::int64_t>(d)](Backward& pass) {
             const Tensor g = pass.grad();
             pass.add(0, index_add(zeros(own, g.scalar_type()), axis, at.value(pass), g));
           });
  return out;
}

Tensor nonzero(const Tensor& x) {
  const Tensor mask = x.detach().ne(0).contiguous();
  const bool* p = mask.data_ptr<bool>();
  const auto count = sum(mask).item<std::int64_t>();
  const Dims sizes = x.dim() == 0 ? Dims{1} : Dims(x.sizes());
  const auto rank = static_cast<std::size_t>(x.dim()), last = sizes.size() - 1;
  const Tensor out = empty({count, x.dim()}, kInt64);
  auto* to = out.data_ptr<std::int64_t>();
  if (rank == 0) return out;
  // Every element is written where the next position goes, which moves on behind a marked one.
  std::int64_t found = 0, at[64] = {};
  while (found < count) {
    for (std::int64_t j = 0; j < sizes[last] && found < count; ++j) {
      for (std::size_t d = 0; d < last; ++d) to[d] = at[d];
      to[last] = j;
      const bool marked = *p++;
      found += marked;
      to += marked ? rank : 0;
    }
    for (std::size_t d = last; d-- > 0;) {
      if (++at[d] < sizes[d]) break;
      at[d] = 0;
    }
  }
  return out;
}

// ---------------------------------------------------------------- index lists
namespace {

using Kind = indexing::TensorIndex::Kind;

// An integer, or a tensor of one without dimensions, which stands for it.
bool selects(const indexing::TensorIndex& i) {
  return i.kind() == Kind::Integer || (i.kind() == Kind::Tensor && i.tensor().dim() == 0 &&
                                       is_integral(i.tensor().scalar_type(), false));
}

// One tensor of positions that takes the place of a dimension.
struct Pick {
  std::int64_t dim;
  Tensor positions;
};

// The positions that `mask` marks, one tensor for each of its dimensions.
void add_mask(std::vector<Pick>& picks, const Tensor& x, std::int64_t dim, const Tensor& mask) {
  const std::int64_t rank = mask.dim();
  for (std::int64_t d = 0; d < rank; ++d)
    check<IndexError>(x.size(dim + d) == mask.size(d), "[index] the shape of the mask ",
                      mask.sizes(), " does not match the shape of the indexed tensor ", x.sizes(),
                      " from dimension ", dim);
  const Tensor marked = nonzero(mask);
  for (std::int64_t d = 0; d < rank; ++d)
    picks.push_back({dim + d, marked.select(1, d).contiguous()});
}

// x with the dimensions of `picks` replaced.
Tensor pick(const Tensor& x, const std::vector<Pick>& picks) {
  Dims common;
  for (const Pick& p : picks) common = broadcast_shapes("index", common, p.positions.sizes());
  bool picked[64] = {};
  Dims order, rest;
  std::int64_t rows = 1;
  for (const Pick& p : picks) {
    picked[p.dim] = true;
    order.push_back(p.dim);
    rows *= x.size(p.dim);
  }
  for (std::int64_t d = 0; d < x.dim(); ++d)
    if (!picked[d]) {
      order.push_back(d);
      rest.push_back(x.size(d));
    }
  Tensor row = zeros(common, kInt64);
  for (const Pick& p : picks) {
    const std::int64_t size = x.size(p.dim);
    if (count_elements(common) != 0) check_range("index", p.positions, -size, size);
    row = row * size + where(p.positions < 0, p.positions + size, p.positions);
  }
  Dims shape = common;
  for (const auto size : rest) shape.push_back(size);
  const Tensor table = x.permute(order).reshape({rows, count_elements(rest)});
  const Tensor taken = take_rows("IndexBackward0", table, row.contiguous(), shape, -1);

  // Neighbours leave their common shape at the place of the first.
  const std::int64_t first = picks.front().dim;
  const auto wide = static_cast<std::int64_t>(common.size());
  const bool neighbours = picks.back().dim - first + 1 == static_cast<std::int64_t>(picks.size());
  if (!neighbours || first == 0) return taken;
  Dims places;
  for (std::int64_t d = 0; d < first; ++d) places.push_back(wide + d);
  for (std::int64_t d = 0; d < wide; ++d) places.push_back(d);
  for (std::int64_t d = wide + first; d < taken.dim(); ++d) places.push_back(d);
  return taken.permute(places);
}

}  // namespace

Tensor index(const Tensor& x, ArrayRef<indexing::TensorIndex> indices) {
  std::int64_t used = 0;
  bool dots = false;
  for (const auto& i : indices) {
    check<IndexError>(i.kind() != Kind::Dots || !dots, "[index] only one Ellipsis is allowed");
    dots = dots || i.kind() == Kind::Dots;
    if (i.kind() == Kind::Range || selects(i))
      ++used;
    else if (i.kind() == Kind::Tensor)
      used += i.tensor().scalar_type() == kBool ? i.tensor().dim() : 1;
  }
  check<IndexError>(used <= x.dim(), "[index] too many indices for a tensor of shape ", x.sizes(),
                    ": ", used);
  Tensor result = x;
  std::vector<Pick> picks;
  std::int64_t dim = 0;
  for (const auto& i : indices) {
    switch (i.kind()) {
      case Kind::NewDim:
        result = result.unsqueeze(dim++);
        break;
      case Kind::Dots:
        dim += x.dim() - used;
        break;
      case Kind::Integer:
        result = result.select(dim, i.integer());
        break;
      case Kind::Range:
        result = result.slice(dim++, i.slice().start, i.slice().stop, i.slice().step);
        break;
      case Kind::Tensor:
        if (selects(i)) {
          result = result.select(dim, i.tensor().item<std::int64_t>());
        } else if (i.tensor().scalar_type() == kBool) {
          // A mask without dimensions keeps all or nothing, in a new dimension.
          const Tensor mask = i.tensor().dim() == 0 ? i.tensor().reshape({1}) : i.tensor();
          if (i.tensor().dim() == 0) result = result.unsqueeze(dim);
          add_mask(picks, result, dim, mask);
          dim += mask.dim();
        } else {
          picks.push_back({dim++, as_positions("index", i.tensor())});
        }
        break;
    }
  }
  if (!picks.empty()) return pick(result, picks);
  return result.is_same(x) ? x.expand(x.sizes()) : result;  // a tensor of its own in any case
}

Tensor embedding(const Tensor& weight, const Tensor& indices, std::int64_t padding_idx) {
  check<ShapeError>(weight.dim() == 2, "[embedding] expected a weight of shape [V, E], found ",
                    weight.sizes());
  const Tensor positions = as_positions("embedding", indices);
  const auto* p = positions.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < positions.numel(); ++i)
    check<IndexError>(p[i] >= 0 && p[i] < weight.size(0), "[embedding] index ", p[i],
                      " at position ", i, " is out of range: the table has ", weight.size(0),
                      " rows");
  Dims shape(indices.sizes());
  shape.push_back(weight.size(1));
  return take_rows("EmbeddingBackward0", weight, positions, shape, padding_idx);
}

// ---------------------------------------------------------------- writing to positions
namespace {
// x with `value` at the row-major `positions`, whose shape is that of `value`.
Tensor put(const char* node, const Tensor& x, const Tensor& positions, const Tensor& value) {
  Tensor out = x.detach().clone();
  const Tensor dense = value.detach().contiguous();
  const auto* p = positions.data_ptr<std::int64_t>();
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < positions.numel(); ++i)
      out.data_ptr<T>()[p[i]] = dense.data_ptr<T>()[i];
  });
  if (needs_record(x, value))
    record(node, {&x, &value}, {&out}, [node, positions](Backward& pass) {
      const Tensor g = pass.grad();
      if (pass.needs(0))
        pass.add(0, put(node, g, positions, zeros(positions.sizes(), g.scalar_type())));
      if (pass.needs(1))
        pass.add(
            1, take_rows("TakeBackward0", g.reshape({-1}), positions, Dims(positions.sizes()), -1));
    });
  return out;
}

// x with `value` added at the row-major `positions`, of the same number.
Tensor put_added(const Tensor& x, const Tensor& positions, const Tensor& value) {
  return x +
         spread_rows(value, positions, {x.numel()}, Dims(positions.sizes()), -1).reshape(x.sizes());
}

}  // namespace

Tensor index_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
                 const Scalar& alpha) {
  const std::size_t d = wrap_dim("index_add", dim, static_cast<std::size_t>(x.dim()));
  check<DtypeError>(x.scalar_type() == source.scalar_type(), "[index_add] expected the tensor and ",
                    "the source to have the same dtype, found ", dtype_name(x.scalar_type()),
                    " and ", dtype_name(source.scalar_type()));
  check<ShapeError>(index.dim() <= 1, "[index_add] expected a one-dimensional index, found shape ",
                    index.sizes());
  const Tensor positions = as_positions("index_add", index);
  if (x.dim() == 0)
    return index_add(x.reshape({1}), 0, index, source.reshape({-1}), alpha).reshape({});
  Dims wanted(x.sizes());
  wanted[d] = index.numel();
  check<ShapeError>(source.sizes() == wanted, "[index_add] expected a source of shape ", wanted,
                    ", found ", source.sizes());
  check_range("index_add", positions, 0, x.sizes()[d]);
  if (alpha.toDouble() != 1.0) {
    // As in PyTorch, the factor of integers is an integer.
    const Scalar by = x.is_floating_point() ? alpha : Scalar(alpha.toLong());
    return index_add(x, dim, index, (source * by).to(x.scalar_type()));
  }
  Tensor out = empty(x.sizes(), x.scalar_type());
  kernels::copy(out, x.detach());
  const Tensor added = source.detach().contiguous();
  const Layers layers(x.sizes(), d, 1);
  const auto* p = positions.data_ptr<std::int64_t>();
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* from = added.data_ptr<T>();
    for (std::size_t i = 0; i < layers.outer; ++i) {
      T* to = out.data_ptr<T>() + i * layers.bytes();
      for (std::int64_t k = 0; k < positions.numel(); ++k, from += layers.row) {
        T* row = to + static_cast<std::size_t>(p[k]) * layers.row;
        for (std::size_t j = 0; j < layers.row; ++j) row[j] = static_cast<T>(row[j] + from[j]);
      }
    }
  });
  if (needs_record(x, source))
    record("IndexAddBackward0", {&x, &source}, {&out},
           [dim, at = Saved(positions)](Backward& pass) {
             const Tensor g = pass.grad();
             if (pass.needs(0)) pass.add(0, g);
             if (pass.needs(1)) pass.add(1, index_select(g, dim, at.value(pass)));
           });
  return out;
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  check<DtypeError>(mask.scalar_type() == kBool, "[masked_select] expected a mask of bool, found ",
                    dtype_name(mask.scalar_type()));
  const Dims common = broadcast_shapes("masked_select", x.sizes(), mask.sizes());
  const Tensor marked = nonzero(mask.expand(common).reshape({-1})).reshape({-1});
  return index_select(x.expand(common).reshape({-1}), 0, marked);
}

Tensor one_hot(const Tensor& x, std::int64_t num_classes) {
  check<DtypeError>(x.scalar_type() == kInt64, "[one_hot] expected int64 classes, found ",
                    dtype_name(x.scalar_type()), "; convert them with .to(reel::kInt64)");
  check<ShapeError>(x.numel() > 0 || num_classes > 0,
                    "[one_hot] num_classes cannot be inferred from a tensor without elements");
  std::int64_t count = num_classes;
  if (count == -1) count = x.max().item<std::int64_t>() + 1;
  check(count > 0, "[one_hot] num_classes must be positive or -1, found ", num_classes);
  if (x.numel() > 0) {
    const auto least = x.min().item<std::int64_t>(), most = x.max().item<std::int64_t>();
    check<IndexError>(least >= 0 && most < count, "[one_hot] class ", least < 0 ? least : most,
                      " is out of range: expected 0 to ", count - 1);
  }
  Dims sizes(x.sizes());
  sizes.push_back(count);
  return scatter(zeros(sizes, kInt64), -1, x.unsqueeze(-1), Scalar(1));
}

// ---------------------------------------------------------------- in place
Tensor& Tensor::index_put_(ArrayRef<indexing::TensorIndex> indices, const Tensor& value,
                           bool accumulate) const {
  bool window = true;
  for (const auto& i : indices) window = window && (i.kind() != Kind::Tensor || selects(i));
  const auto fitted = [&](IntArrayRef sizes) {
    return static_cast<std::size_t>(value.dim()) > sizes.size() ? value.reshape(sizes)
                                                                : value.expand(sizes);
  };
  if (window) {
    const Tensor part = reel::index(*this, indices);
    if (accumulate)
      part.add_(fitted(part.sizes()));
    else
      part.copy_(fitted(part.sizes()));
  } else {
    const Tensor positions = reel::index(arange(numel()).view(sizes()), indices).contiguous();
    const Tensor before = detail::before_write(*this, false);
    const Tensor values = fitted(positions.sizes()).to(scalar_type());
    detail::write_in_place("index_put_", *this,
                           accumulate ? put_added(before, positions, values)
                                      : put("IndexPutBackward0", before, positions, values));
  }
  return const_cast<Tensor&>(*this);
}
Tensor& Tensor::index_put_(ArrayRef<indexing::TensorIndex> indices, const Tensor& value) const {
  return index_put_(indices, value, false);
}
Tensor& Tensor::index_put_(ArrayRef<indexing::TensorIndex> indices, const Scalar& value) const {
  return index_put_(indices, full({}, value, scalar_type()));
}

Tensor& Tensor::index_add_(std::int64_t dim, const Tensor& index, const Tensor& source,
                           const Scalar& alpha) const {
  return detail::write_in_place(
      "index_add_", *this,
      reel::index_add(detail::before_write(*this, false), dim, index, source, alpha));
}
}  // namespace reel
