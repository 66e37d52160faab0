#include "composed.hpp"

#include <algorithm>
#include <limits>

#include "elementwise.hpp"
#include "ops.hpp"

namespace reel {

namespace {
constexpr double kLog2 = 0.69314718055994530942;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class F, class... X>
Tensor real(const char* node, const F& f, const X&... x) {
  return detail::elementwise<false>({}, node, f, x...);
}
}  // namespace

// ---------------------------------------------------------------- pointwise
Tensor logaddexp(const Tensor& self, const Tensor& other) {
  return real(
      "LogaddexpBackward0",
      [](auto a, auto b) {
        const auto low = choose(a < b, a, b);
        const auto high = choose(a < b, b, a);
        // Infinities have no difference.
        return high + log1p(exp(choose(abs(high) == kInfinity, 0.0, low - high)));
      },
      self, other);
}
Tensor logaddexp2(const Tensor& self, const Tensor& other) {
  return logaddexp(self * kLog2, other * kLog2) / kLog2;
}
Tensor xlogy(const Tensor& self, const Tensor& other) {
  return real(
      "XlogyBackward0",
      [](auto x, auto y) {
        const auto finite = choose(y <= 0.0, 1.0, choose(y == kInfinity, 1.0, y));
        return x * log(choose(x == 0.0, finite, y));
      },
      self, other);
}
Tensor xlogy(const Tensor& self, const Scalar& other) {
  return xlogy(self, full({}, other, get_default_dtype()));
}
Tensor logit(const Tensor& self, std::optional<double> eps) {
  const Tensor x = self.is_floating_point() ? self : self.to(get_default_dtype());
  return real(
      "LogitBackward0", [](auto v) { return log(v / (1.0 - v)); },
      eps ? clamp(x, *eps, 1.0 - *eps) : x);
}
Tensor asinh(const Tensor& self) {
  return real(
      "AsinhBackward0",
      [](auto v) {
        const auto size = choose(v < 0.0, -v, v);
        const auto x = choose(size > 1e9, 1.0, size);  // its square is finite
        const auto y = choose(size > 1e9, log(choose(size > 1e9, size, 1.0)) + kLog2,  // never of 0
                              log1p(x + x * x / (sqrt(x * x + 1.0) + 1.0)));
        return choose(v < 0.0, -y, y);
      },
      self);
}
Tensor acosh(const Tensor& self) {
  return real(
      "AcoshBackward0",
      [](auto v) {
        const auto t = choose(v > 1e9, 1.0, v) - 1.0;
        return choose(v > 1e9, log(v) + kLog2, log1p(t + sqrt(t * (t + 2.0))));
      },
      self);
}
Tensor atanh(const Tensor& self) {
  return real(
      "AtanhBackward0", [](auto v) { return (log1p(v) - log1p(-v)) * 0.5; }, self);
}
// Equal numbers give their gradient to the first, as in PyTorch.
Tensor fmax(const Tensor& self, const Tensor& other) {
  return where(logical_or(self >= other, isnan(other)), self, other);
}
Tensor fmin(const Tensor& self, const Tensor& other) {
  return where(logical_or(self <= other, isnan(other)), self, other);
}

// ---------------------------------------------------------------- reductions
Tensor nansum(const Tensor& self, IntArrayRef dim, bool keepdim) {
  return sum(self.masked_fill(isnan(self), 0), dim, keepdim);
}
Tensor nanmean(const Tensor& self, IntArrayRef dim, bool keepdim) {
  detail::check_floating("nanmean", self);
  return nansum(self, dim, keepdim) / sum(logical_not(isnan(self)), dim, keepdim);
}
std::tuple<Tensor, Tensor> aminmax(const Tensor& self, std::optional<std::int64_t> dim,
                                   bool keepdim) {
  const Dims dims = dim ? Dims{*dim} : Dims{};
  return {amin(self, dims, keepdim), amax(self, dims, keepdim)};
}
std::tuple<Tensor, Tensor> std_mean(const Tensor& x) { return {std(x), mean(x)}; }
std::tuple<Tensor, Tensor> std_mean(const Tensor& x, IntArrayRef dim,
                                    std::optional<std::int64_t> correction, bool keepdim) {
  return {std(x, dim, correction, keepdim), mean(x, dim, keepdim)};
}

// ---------------------------------------------------------------- products
Tensor inner(const Tensor& self, const Tensor& other) {
  if (self.dim() == 0 || other.dim() == 0) return self * other;
  check<ShapeError>(self.size(-1) == other.size(-1), "[inner] the last sizes of ", self.sizes(),
                    " and ", other.sizes(), " must be equal");
  return tensordot(self, other, {-1}, {-1});
}
Tensor tensordot(const Tensor& self, const Tensor& other, IntArrayRef dims_self,
                 IntArrayRef dims_other) {
  check<ShapeError>(dims_self.size() == dims_other.size(), "[tensordot] expected as many dims of ",
                    "each, found ", dims_self, " and ", dims_other);
  Dims sizes, left, right;
  std::int64_t summed = 1;
  bool in_left[64] = {}, in_right[64] = {};
  for (std::size_t i = 0; i < dims_self.size(); ++i) {
    const std::size_t a = wrap_dim("tensordot", dims_self[i], static_cast<std::size_t>(self.dim())),
                      b = wrap_dim("tensordot", dims_other[i],
                                   static_cast<std::size_t>(other.dim()));
    check<ShapeError>(!in_left[a] && !in_right[b], "[tensordot] a dim occurs twice in ", dims_self,
                      " or ", dims_other);
    in_left[a] = in_right[b] = true;
    check<ShapeError>(self.sizes()[a] == other.sizes()[b], "[tensordot] dimension ", a, " of ",
                      self.sizes(), " does not fit dimension ", b, " of ", other.sizes());
    summed *= self.sizes()[a];
    right.push_back(static_cast<std::int64_t>(b));
  }
  for (std::int64_t d = 0; d < self.dim(); ++d)
    if (!in_left[d]) {
      left.push_back(d);
      sizes.push_back(self.size(d));
    }
  const std::int64_t rows = count_elements(sizes);
  for (const auto d : dims_self) left.push_back(d < 0 ? d + self.dim() : d);
  std::int64_t cols = 1;
  for (std::int64_t d = 0; d < other.dim(); ++d)
    if (!in_right[d]) {
      right.push_back(d);
      sizes.push_back(other.size(d));
      cols *= other.size(d);
    }
  return mm(self.permute(left).reshape({rows, summed}),
            other.permute(right).reshape({summed, cols}))
      .reshape(sizes);
}
Tensor kron(const Tensor& self, const Tensor& other) {
  const std::int64_t rank = std::max(self.dim(), other.dim());
  Dims a, b, sizes;
  for (std::int64_t d = 0; d < rank; ++d) {
    const std::int64_t m = d + self.dim() < rank ? 1 : self.size(d + self.dim() - rank),
                       n = d + other.dim() < rank ? 1 : other.size(d + other.dim() - rank);
    a.push_back(m);
    a.push_back(1);
    b.push_back(1);
    b.push_back(n);
    sizes.push_back(m * n);
  }
  return (self.reshape(a) * other.reshape(b)).reshape(sizes);
}
Tensor cdist(const Tensor& x1, const Tensor& x2, double p) {
  check<ShapeError>(x1.dim() >= 2 && x2.dim() >= 2 && x1.size(-1) == x2.size(-1),
                    "[cdist] expected shapes [*, n, k] and [*, m, k], found ", x1.sizes(), " and ",
                    x2.sizes());
  return norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, {-1});
}

// ---------------------------------------------------------------- shape
std::vector<Tensor> tensor_split(const Tensor& self, std::int64_t sections, std::int64_t dim) {
  check<ShapeError>(self.dim() > 0, "[tensor_split] expected at least one dimension, found none");
  check(sections > 0, "[tensor_split] the number of sections must be positive, found ", sections);
  const std::int64_t size = self.size(dim);
  std::vector<std::int64_t> sizes;
  for (std::int64_t i = 0; i < sections; ++i)
    sizes.push_back(size / sections + (i < size % sections ? 1 : 0));
  return split_with_sizes(self, sizes, dim);
}
std::vector<Tensor> tensor_split(const Tensor& self, IntArrayRef indices, std::int64_t dim) {
  check<ShapeError>(self.dim() > 0, "[tensor_split] expected at least one dimension, found none");
  std::vector<Tensor> pieces;
  std::int64_t from = 0;
  for (const auto to : indices) {
    pieces.push_back(slice(self, dim, from, to));
    from = to;
  }
  pieces.push_back(slice(self, dim, from));
  return pieces;
}
Tensor dstack(TensorList tensors) {
  std::vector<Tensor> deep;
  for (const Tensor& t : tensors) {
    const Tensor flat = t.dim() == 0 ? t.reshape({1, 1}) : t.dim() == 1 ? t.unsqueeze(0) : t;
    deep.push_back(flat.dim() == 2 ? flat.unsqueeze(2) : flat);
  }
  return cat(deep, 2);
}
Tensor diag_embed(const Tensor& self, std::int64_t offset, std::int64_t dim1, std::int64_t dim2) {
  check<ShapeError>(self.dim() > 0, "[diag_embed] expected at least one dimension, found none");
  const std::int64_t width = self.size(-1) + (offset < 0 ? -offset : offset);
  Dims sizes(self.sizes());
  sizes[sizes.size() - 1] = width;
  sizes.push_back(width);
  const Tensor made = diagonal_scatter(zeros(sizes, self.scalar_type()), self, offset, -2, -1);
  const auto a = static_cast<std::int64_t>(wrap_dim("diag_embed", dim1, sizes.size())),
             b = static_cast<std::int64_t>(wrap_dim("diag_embed", dim2, sizes.size()));
  check<ShapeError>(a != b, "[diag_embed] dim1 and dim2 must differ, both are ", a);
  return made.movedim({-2, -1}, {a, b});
}
Tensor rot90(const Tensor& self, std::int64_t k, IntArrayRef dims) {
  check<ShapeError>(dims.size() == 2 && self.dim() >= 2, "[rot90] expected two dims of at least ",
                    "two, found ", dims, " of ", self.sizes());
  const std::int64_t turns = ((k % 4) + 4) % 4;
  if (turns == 0) return self.clone();
  if (turns == 2) return flip(self, dims);
  return turns == 1 ? flip(self, dims[1]).transpose(dims[0], dims[1])
                    : flip(self, dims[0]).transpose(dims[0], dims[1]);
}
namespace {
// A copy of `self` in which `window` shows `source`.
template <class Window>
Tensor replaced(const char* op, const Tensor& self, const Tensor& source, Window window) {
  const Tensor copy = self.clone(), part = window(copy);
  check<ShapeError>(part.sizes() == source.sizes(), "[", op, "] expected a source of shape ",
                    part.sizes(), ", found ", source.sizes());
  part.copy_(source);
  return copy;
}
}  // namespace
Tensor select_scatter(const Tensor& self, const Tensor& source, std::int64_t dim,
                      std::int64_t index) {
  return replaced("select_scatter", self, source,
                  [&](const Tensor& t) { return t.select(dim, index); });
}
Tensor slice_scatter(const Tensor& self, const Tensor& source, std::int64_t dim,
                     std::optional<std::int64_t> start, std::optional<std::int64_t> end,
                     std::int64_t step) {
  return replaced("slice_scatter", self, source,
                  [&](const Tensor& t) { return t.slice(dim, start, end, step); });
}
Tensor diagonal_scatter(const Tensor& self, const Tensor& source, std::int64_t offset,
                        std::int64_t dim1, std::int64_t dim2) {
  return replaced("diagonal_scatter", self, source,
                  [&](const Tensor& t) { return t.diagonal(offset, dim1, dim2); });
}
Tensor tril_indices(std::int64_t row, std::int64_t col, std::int64_t offset) {
  return nonzero(tril(ones({row, col}, kUInt8), offset)).t().contiguous();
}
Tensor triu_indices(std::int64_t row, std::int64_t col, std::int64_t offset) {
  return nonzero(triu(ones({row, col}, kUInt8), offset)).t().contiguous();
}
Tensor logspace(const Scalar& start, const Scalar& end, std::int64_t steps, double base,
                const TensorOptions& options) {
  const ScalarType dtype = options.has_dtype() ? options.dtype() : get_default_dtype();
  return pow(base, linspace(start, end, steps, kFloat64)).to(options.dtype(dtype));
}

// ---------------------------------------------------------------- indexing
namespace {
// `index`, one number for each row along `dim`, for scatter(). `from_end`: a negative number counts
// from the end.
Tensor spread_index(const char* op, const Tensor& self, std::int64_t dim, const Tensor& index,
                    bool from_end) {
  check<ShapeError>(index.dim() <= 1, "[", op, "] expected a one-dimensional index, found shape ",
                    index.sizes());
  check<DtypeError>(index.scalar_type() == kInt64, "[", op, "] expected int64 indices, found ",
                    dtype_name(index.scalar_type()), "; convert them with .to(reel::kInt64)");
  const std::size_t d = wrap_dim(op, dim, static_cast<std::size_t>(self.dim()));
  if (self.dim() == 0) return index.reshape({});
  Dims sizes(self.sizes()), ones(self.sizes().size(), 1);
  ones[d] = sizes[d] = index.numel();
  const std::int64_t size = self.sizes()[d];
  if (index.numel() != 0) {
    const auto low = index.min().item<std::int64_t>(), high = index.max().item<std::int64_t>();
    const std::int64_t lowest = from_end ? -size : 0;
    check<IndexError>(low >= lowest && high < size, "[", op, "] index ", low < lowest ? low : high,
                      " is out of range: expected values from ", lowest, " to ", size - 1);
  }
  const Tensor at = from_end ? where(index < 0, index + size, index) : index;
  return at.reshape(ones).expand(sizes);
}
}  // namespace
Tensor index_fill(const Tensor& self, std::int64_t dim, const Tensor& index, const Scalar& value) {
  value.check_fits("index_fill", self.scalar_type());
  return scatter(self, dim, spread_index("index_fill", self, dim, index, true), value);
}
Tensor index_fill(const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& value) {
  check<ShapeError>(value.dim() == 0, "[index_fill] expected a value without dimensions, found ",
                    "shape ", value.sizes());
  const Tensor at = spread_index("index_fill", self, dim, index, true);
  return scatter(self, dim, at, value.to(self.scalar_type()).expand(at.sizes()));
}
Tensor index_copy(const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& source) {
  const Tensor at = spread_index("index_copy", self, dim, index, false);
  check<ShapeError>(source.numel() == at.numel() && (source.sizes() == at.sizes() || at.dim() == 0),
                    "[index_copy] expected a source of shape ", at.sizes(), ", found ",
                    source.sizes());
  return scatter(self, dim, at, source.reshape(at.sizes()));
}
Tensor masked_scatter(const Tensor& self, const Tensor& mask, const Tensor& source) {
  check<DtypeError>(mask.scalar_type() == kBool, "[masked_scatter] expected a mask of bool, found ",
                    dtype_name(mask.scalar_type()));
  check<DtypeError>(self.scalar_type() == source.scalar_type(), "[masked_scatter] expected one ",
                    "dtype, found ", dtype_name(self.scalar_type()), " and ",
                    dtype_name(source.scalar_type()));
  const Dims common = broadcast_shapes("masked_scatter", self.sizes(), mask.sizes());
  const Tensor at = nonzero(mask.expand(common).reshape({-1})).reshape({-1});
  check<ShapeError>(source.numel() >= at.numel(), "[masked_scatter] the mask marks ", at.numel(),
                    " elements, the source has ", source.numel());
  return scatter(self.expand(common).reshape({-1}), 0, at,
                 source.reshape({-1}).narrow(0, 0, at.numel()))
      .reshape(common);
}

Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& self, bool out_int32, bool right) {
  const std::int64_t n = sorted_sequence.dim() == 0 ? 0 : sorted_sequence.size(-1);
  const bool shared = sorted_sequence.dim() == 1;
  bool fits = shared || (sorted_sequence.dim() > 1 && sorted_sequence.dim() == self.dim());
  for (std::int64_t d = 0; fits && !shared && d + 1 < self.dim(); ++d)
    fits = sorted_sequence.size(d) == self.size(d);
  check<ShapeError>(fits, "[searchsorted] expected a sequence that is a vector or has the leading ",
                    "sizes of the values ", self.sizes(), ", found ", sorted_sequence.sizes());
  const ScalarType dtype = promote_types(sorted_sequence.scalar_type(), self.scalar_type());
  const Tensor rows = sorted_sequence.detach().to(dtype).contiguous();
  const Tensor values = self.detach().to(dtype).contiguous();
  Tensor out = empty(self.sizes(), kInt64);
  const std::int64_t each = shared ? 0 : self.size(-1);
  dispatch(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < values.numel(); ++i) {
      const T* row = rows.data_ptr<T>() + (each == 0 ? 0 : i / each * n);
      const T v = values.data_ptr<T>()[i];
      // NaN comes last, as in sort().
      const auto before = [](T a, T b) { return !(a >= b); };
      out.data_ptr<std::int64_t>()[i] =
          (right ? std::upper_bound(row, row + n, v) : std::lower_bound(row, row + n, v, before)) -
          row;
    }
  });
  return out_int32 ? out.to(kInt32) : out;
}
Tensor bucketize(const Tensor& self, const Tensor& boundaries, bool out_int32, bool right) {
  check<ShapeError>(boundaries.dim() == 1, "[bucketize] expected a vector of boundaries, found ",
                    boundaries.sizes());
  return searchsorted(boundaries, self, out_int32, right);
}
Tensor isin(const Tensor& elements, const Tensor& test) {
  if (test.numel() == 0) return zeros(elements.sizes(), kBool);
  const Tensor sorted = std::get<0>(sort(test.detach().reshape({-1})));
  const Tensor at = searchsorted(sorted, elements).clamp_max(sorted.numel() - 1);
  return take(sorted, at).eq(elements);
}

// ---------------------------------------------------------------- in place
Tensor& Tensor::index_fill_(std::int64_t dim, const Tensor& index, const Scalar& value) const {
  return detail::write_in_place(
      "index_fill_", *this,
      reel::index_fill(detail::before_write(*this, false), dim, index, value));
}
Tensor& Tensor::index_fill_(std::int64_t dim, const Tensor& index, const Tensor& value) const {
  return detail::write_in_place(
      "index_fill_", *this,
      reel::index_fill(detail::before_write(*this, false), dim, index, value));
}
Tensor& Tensor::index_copy_(std::int64_t dim, const Tensor& index, const Tensor& source) const {
  return detail::write_in_place(
      "index_copy_", *this,
      reel::index_copy(detail::before_write(*this, false), dim, index, source));
}
Tensor& Tensor::masked_scatter_(const Tensor& mask, const Tensor& source) const {
  return detail::write_in_place(
      "masked_scatter_", *this,
      reel::masked_scatter(detail::before_write(*this, false), mask, source));
}

}  // namespace reel
