#include "index.hpp"

#include <cstring>
#include <string>

#include "autograd/kernels.hpp"
#include "ops.hpp"
#include "view.hpp"

namespace reel {
namespace {

Tensor as_positions(const char* op, const Tensor& index) {
  check<DtypeError>(index.scalar_type() == kInt64 || index.scalar_type() == kInt32, "[", op,
                    "] expected int64 or int32 indices, found ", dtype_name(index.scalar_type()),
                    "; convert them with .to(reel::kInt64)");
  return index.to(kInt64).contiguous();
}

void check_range(const char* op, const Tensor& positions, std::int64_t size) {
  const auto* p = positions.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < positions.numel(); ++i)
    check<IndexError>(p[i] >= -size && p[i] < size, "[", op, "] index ", p[i], " at position ", i,
                      " is out of range: expected values from ", -size, " to ", size - 1);
}

// Rows of `table` [V, row] at `positions`, and its adjoint.
void gather_rows(const Tensor& table, const Tensor& positions, const Tensor& out) {
  const std::int64_t size = table.size(0);
  const std::size_t row = size == 0 ? 0 : table.nbytes() / static_cast<std::size_t>(size);
  const auto* p = positions.data_ptr<std::int64_t>();
  std::byte* to = out.impl()->data;
  for (std::int64_t i = 0; i < positions.numel(); ++i, to += row)
    std::memcpy(to,
                table.impl()->data + static_cast<std::size_t>(p[i] < 0 ? p[i] + size : p[i]) * row,
                row);
}
void add_rows(const Tensor& table, const Tensor& positions, const Tensor& rows,
              std::int64_t skipped) {
  const std::int64_t size = table.size(0), width = size == 0 ? 0 : table.numel() / size;
  const auto* p = positions.data_ptr<std::int64_t>();
  dispatch(table.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* to = table.data_ptr<T>();
    const T* from = rows.data_ptr<T>();
    for (std::int64_t i = 0; i < positions.numel(); ++i, from += width) {
      const std::int64_t at = p[i] < 0 ? p[i] + size : p[i];
      if (at == skipped) continue;
      T* row = to + at * width;
      for (std::int64_t j = 0; j < width; ++j) row[j] = static_cast<T>(row[j] + from[j]);
    }
  });
}

Tensor take_rows(const char* node, const Tensor& table, const Tensor& positions, const Dims& shape,
                 std::int64_t skipped);

// A table of zeros to which the rows `g` are added at `positions`.
Tensor spread_rows(const Tensor& g, const Tensor& positions, const Dims& table_sizes,
                   const Dims& shape, std::int64_t skipped) {
  Tensor table = zeros(table_sizes, g.scalar_type());
  add_rows(table, positions, g.detach().contiguous(), skipped);
  if (needs_record(g))
    record("EmbeddingDenseBackward0", {&g}, {&table}, [=](Backward& pass) {
      pass.add(0, take_rows("EmbeddingBackward0", pass.grad(), positions, shape, skipped));
    });
  return table;
}

Tensor take_rows(const char* node, const Tensor& table, const Tensor& positions, const Dims& shape,
                 std::int64_t skipped) {
  Tensor out = empty(shape, table.scalar_type());
  gather_rows(table.detach().contiguous(), positions, out);
  if (needs_record(table))
    record(node, {&table}, {&out}, [=, own = Dims(table.sizes())](Backward& pass) {
      if (pass.recording())
        return pass.add(0, spread_rows(pass.grad(), positions, own, shape, skipped));
      const Backward::Target target = pass.target(0);
      const bool direct = target.memory.is_contiguous();
      const Tensor memory = direct ? target.memory : zeros(own, target.memory.scalar_type());
      if (direct && !target.accumulate) kernels::fill(memory, 0);
      add_rows(memory, positions, pass.grad().contiguous(), skipped);
      if (direct) return;
      if (target.accumulate)
        kernels::add_into(target.memory, memory);
      else
        kernels::copy(target.memory, memory);
    });
  return out;
}

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
  check_range("index_select", positions, x.sizes()[d]);
  const auto axis = static_cast<std::int64_t>(d);
  const Tensor table = d == 0 ? x : x.transpose(0, axis);
  Dims shape(table.sizes());
  shape[0] = positions.numel();
  const Tensor rows = take_rows("IndexSelectBackward0", table, positions, shape, -1);
  return d == 0 ? rows : rows.transpose(0, axis);
}

Tensor nonzero(const Tensor& x) {
  const Tensor mask = x.detach().ne(0).contiguous();
  const bool* p = mask.data_ptr<bool>();
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < mask.numel(); ++i) count += p[i] ? 1 : 0;
  const std::int64_t rank = x.dim();
  const Tensor out = empty({count, rank}, kInt64);
  auto* to = out.data_ptr<std::int64_t>();
  const Dims steps = contiguous_strides(x.sizes());
  for (std::int64_t i = 0; i < mask.numel(); ++i) {
    if (!p[i]) continue;
    std::int64_t rest = i;
    for (std::size_t d = 0; d < steps.size(); ++d) {
      *to++ = rest / steps[d];
      rest %= steps[d];
    }
  }
  return out;
}

Tensor index(const Tensor& x, ArrayRef<indexing::TensorIndex> indices) {
  using Kind = indexing::TensorIndex::Kind;
  std::int64_t used = 0, tensors = 0;
  bool dots = false;
  for (const auto& i : indices) {
    check<IndexError>(i.kind() != Kind::Dots || !dots, "[index] only one Ellipsis is allowed");
    dots = dots || i.kind() == Kind::Dots;
    if (i.kind() == Kind::Integer || i.kind() == Kind::Range) ++used;
    if (i.kind() == Kind::Tensor) {
      used += i.tensor().scalar_type() == kBool ? i.tensor().dim() : 1;
      ++tensors;
    }
  }
  check<IndexError>(used <= x.dim(), "[index] too many indices for a tensor of shape ", x.sizes(),
                    ": ", used);
  check(tensors <= 1, "[index] at most one tensor in an index list is supported, found ", tensors,
        "; index one dimension after the other");
  Tensor result = x;
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
      case Kind::Tensor: {
        Tensor positions = i.tensor();
        if (positions.scalar_type() == kBool) {
          const auto rank = positions.dim();
          check<ShapeError>(rank > 0, "[index] a mask without dimensions is not supported");
          Dims joined;
          for (std::int64_t d = 0; d < result.dim(); ++d) {
            if (d >= dim && d < dim + rank)
              check<IndexError>(result.size(d) == positions.size(d - dim),
                                "[index] the shape of the mask ", positions.sizes(),
                                " does not match the shape of the indexed tensor ", result.sizes(),
                                " from dimension ", dim);
            if (d > dim && d < dim + rank)
              joined[joined.size() - 1] *= result.size(d);
            else
              joined.push_back(result.size(d));
          }
          result = result.reshape(joined);
          positions = nonzero(positions.reshape({-1})).reshape({-1});
        }
        const Dims shape(positions.sizes());
        Dims sizes(result.sizes());
        result = index_select(result, dim, positions.reshape({-1}));
        sizes.erase(static_cast<std::size_t>(dim));
        for (std::size_t d = 0; d < shape.size(); ++d)
          sizes.insert(static_cast<std::size_t>(dim) + d, shape[d]);
        result = result.reshape(sizes);
        dim += static_cast<std::int64_t>(shape.size());
        break;
      }
    }
  }
  return result;
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

// ---------------------------------------------------------------- in place
namespace {
// x with `value` at the row-major `positions`, whose shape is that of `value`.
Tensor put(const Tensor& x, const Tensor& positions, const Tensor& value) {
  Tensor out = x.detach().clone();
  const Tensor dense = value.detach().contiguous();
  const auto* p = positions.data_ptr<std::int64_t>();
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < positions.numel(); ++i)
      out.data_ptr<T>()[p[i]] = dense.data_ptr<T>()[i];
  });
  if (needs_record(x, value))
    record("IndexPutBackward0", {&x, &value}, {&out}, [positions](Backward& pass) {
      const Tensor g = pass.grad();
      if (pass.needs(0)) pass.add(0, put(g, positions, zeros(positions.sizes(), g.scalar_type())));
      if (pass.needs(1))
        pass.add(
            1,
            index_select(g.reshape({-1}), 0, positions.reshape({-1})).reshape(positions.sizes()));
    });
  return out;
}
}  // namespace

Tensor& Tensor::index_put_(ArrayRef<indexing::TensorIndex> indices, const Tensor& value) const {
  bool window = true;
  for (const auto& i : indices) window = window && i.kind() != indexing::TensorIndex::Kind::Tensor;
  const auto fitted = [&](IntArrayRef sizes) {
    return static_cast<std::size_t>(value.dim()) > sizes.size() ? value.reshape(sizes)
                                                                : value.expand(sizes);
  };
  if (window) {
    const Tensor part = reel::index(*this, indices);
    part.copy_(fitted(part.sizes()));
  } else {
    const Tensor positions = reel::index(arange(numel()).view(sizes()), indices).contiguous();
    detail::write_in_place("index_put_", *this,
                           put(detail::before_write(*this, false), positions,
                               fitted(positions.sizes()).to(scalar_type())));
  }
  return const_cast<Tensor&>(*this);
}
Tensor& Tensor::index_put_(ArrayRef<indexing::TensorIndex> indices, const Scalar& value) const {
  return index_put_(indices, full({}, value, scalar_type()));
}

}  // namespace reel
