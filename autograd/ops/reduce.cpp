#include "reduce.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/kernels.hpp"
#include "equal_share.hpp"
#include "ops.hpp"
#include "reduce_kernels.hpp"
#include "row_math.hpp"
#include "view.hpp"

namespace reel {
namespace {

using kernels::Greater;
using kernels::Less;
using kernels::Plain;
using kernels::Sum;

struct Plan {
  Dims result;  // sizes without the reduced dimensions
  Dims kept;    // sizes with 1 in their place
  Dims order;   // kept dimensions first, reduced ones last
  std::size_t reduced = 0;
  std::int64_t outer = 1, inner = 1;  // elements of the result, and of what each is reduced from
  bool together = true;               // the reduced dimensions are neighbours
  std::int64_t after = 1;             // elements behind them
};

Plan plan(const char* op, const Tensor& x, IntArrayRef dims) {
  const auto rank = static_cast<std::size_t>(x.dim());
  bool chosen[64] = {};
  for (const auto dim : dims) {
    const std::size_t d = wrap_dim(op, dim, rank);
    check<IndexError>(!chosen[d], "[", op, "] dim ", dim,
                      " appears multiple times in the list of dims ", dims);
    chosen[d] = true;
  }
  Plan p;
  for (std::size_t d = 0; d < rank; ++d) {
    const bool gone = dims.empty() || chosen[d];
    p.kept.push_back(gone ? 1 : x.sizes()[d]);
    if (gone) {
      p.inner *= x.sizes()[d];
      ++p.reduced;
    } else {
      p.result.push_back(x.sizes()[d]);
      p.order.push_back(static_cast<std::int64_t>(d));
      p.outer *= x.sizes()[d];
    }
  }
  std::size_t seen = 0;
  for (std::size_t d = 0; d < rank; ++d) {
    const bool gone = dims.empty() || chosen[d];
    if (gone) {
      p.order.push_back(static_cast<std::int64_t>(d));
      ++seen;
    } else {
      p.together = p.together && (seen == 0 || seen == p.reduced);
      if (seen == p.reduced) p.after *= x.sizes()[d];
    }
  }
  return p;
}

// `x` as a contiguous [outer, n, inner] block whose middle is to be reduced.
struct Block {
  Tensor dense;
  std::int64_t outer, n, inner;
};
Block as_block(const Tensor& x, const Plan& p) {
  NoGradGuard no_grad;
  if (!p.together) return {x.permute(p.order).contiguous(), p.outer, p.inner, 1};
  return {x.contiguous(), p.after == 0 ? 0 : p.outer / p.after, p.inner, p.after};
}

// Reduces the block by `row` and `columns` (reduce_kernels.hpp), called with elements as `Plain`.
template <class T, class R, class Row, class Columns>
void reduce(const Block& b, const Tensor& out, Row row, Columns columns) {
  kernels::reduce_block(
      reinterpret_cast<const Plain<T>*>(b.dense.impl()->data), b.outer, b.n, b.inner,
      reinterpret_cast<R*>(out.impl()->data), row,
      [&](const auto* from, std::int64_t cols, R* to) { columns(from, b.n, cols, b.inner, to); });
}

}  // namespace

Tensor sum(const Tensor& x) { return sum(x, IntArrayRef()); }

Tensor sum(const Tensor& x, IntArrayRef dims, bool keepdim, std::optional<ScalarType> result) {
  // Integers are added as int64 whatever they become.
  if (result && !is_integral(*result, true)) return sum(x.to(*result), dims, keepdim);
  if (result) return sum(x.to(*result), dims, keepdim).to(*result);
  const Plan p = plan("sum", x, dims);
  const ScalarType dtype = x.is_floating_point() ? x.scalar_type() : kInt64;
  Tensor out = empty(keepdim ? p.kept : p.result, dtype);
  const Block block = as_block(x, p);
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    reduce<T, Sum<T>>(
        block, out, [](const auto* row, std::int64_t n) { return kernels::sum_row(row, n); },
        [](auto... columns) { kernels::sum_columns(columns...); });
  });
  if (needs_record(x))
    record("SumBackward0", {&x}, {&out}, [own = Dims(x.sizes()), kept = p.kept](Backward& pass) {
      pass.add(0, pass.grad().reshape(kept).expand(own));
    });
  return out;
}

Tensor mean(const Tensor& x) { return mean(x, IntArrayRef()); }
Tensor mean(const Tensor& x, IntArrayRef dims, bool keepdim, std::optional<ScalarType> result) {
  if (result) return mean(x.to(*result), dims, keepdim);
  check<DtypeError>(x.is_floating_point(), "[mean] input must be floating point, found ",
                    dtype_name(x.scalar_type()), "; convert it with .to(reel::kFloat32)");
  const Plan p = plan("mean", x, dims);
  return sum(x, dims, keepdim) / static_cast<double>(p.inner);
}

// ---------------------------------------------------------------- product
namespace {
// [1, y0, y1, ...] along dimension 1, as long as y.
Tensor after_one(const Tensor& y) {
  Dims sizes(y.sizes());
  sizes[1] = 1;
  return cat({ones(sizes, y.scalar_type()), y.narrow(1, 0, y.size(1) - 1)}, 1);
}

// Of [outer, n, inner] along n.
Tensor prod_middle(const Tensor& x) {
  const ScalarType dtype = x.is_floating_point() ? x.scalar_type() : kInt64;
  const Block block{x.detach().contiguous(), x.size(0), x.size(1), x.size(2)};
  Tensor out = empty({x.size(0), x.size(2)}, dtype);
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    reduce<T, Sum<T>>(
        block, out, [](const auto* p, std::int64_t n) { return kernels::product_row(p, n); },
        [](auto... p) { kernels::product_columns(p...); });
  });
  if (needs_record(x))
    record("ProdBackward1", {&x}, {&out}, [x = Saved(x)](Backward& pass) {
      const Tensor factors = x.get(pass);
      const Tensor g = pass.grad().unsqueeze(1);
      if (factors.numel() == 0) return pass.add(0, g.expand(factors.sizes()));
      // The product of the others is that of those before times that of those behind.
      const Tensor before = after_one(cumprod(factors, 1));
      const Tensor behind = flip(after_one(cumprod(flip(factors, 1), 1)), 1);
      pass.add(0, g * before * behind);
    });
  return out;
}
}  // namespace

Tensor prod(const Tensor& x) { return prod(x, IntArrayRef()); }
Tensor prod(const Tensor& x, IntArrayRef dims, bool keepdim, std::optional<ScalarType> result) {
  if (result) return prod(x.to(*result), dims, keepdim).to(*result);
  const Plan p = plan("prod", x, dims);
  const Tensor middle = p.together
                            ? x.reshape({p.after == 0 ? 0 : p.outer / p.after, p.inner, p.after})
                            : x.permute(p.order).reshape({p.outer, p.inner, 1});
  return prod_middle(middle).reshape(keepdim ? p.kept : p.result);
}

// ---------------------------------------------------------------- spread
Tensor var(const Tensor& x) { return var(x, IntArrayRef()); }
Tensor var(const Tensor& x, IntArrayRef dims, std::optional<std::int64_t> correction,
           bool keepdim) {
  check<DtypeError>(x.is_floating_point(), "[var] input must be floating point, found ",
                    dtype_name(x.scalar_type()), "; convert it with .to(reel::kFloat32)");
  const Plan p = plan("var", x, dims);
  const auto freedom = std::max<std::int64_t>(p.inner - correction.value_or(1), 0);
  return sum(square(x - mean(x, dims, true)), dims, keepdim) / static_cast<double>(freedom);
}

Tensor std(const Tensor& x) { return std(x, IntArrayRef()); }
Tensor std(const Tensor& x, IntArrayRef dims, std::optional<std::int64_t> correction,
           bool keepdim) {
  const Tensor variance = var(x, dims, correction, keepdim);
  const Tensor none = variance.detach() == 0;
  return sqrt(variance.masked_fill(none, 1)).masked_fill(none, 0);
}

// ---------------------------------------------------------------- largest and smallest
namespace {
template <class Better>
Tensor extreme(const char* op, const char* node, const Tensor& x, IntArrayRef dims, bool keepdim,
               Better better) {
  const Plan p = plan(op, x, dims);
  check<ShapeError>(p.inner > 0, "[", op,
                    "] expected reduction dim to be specified for a tensor of shape ", x.sizes(),
                    ": it has no elements to choose from");
  const Block block = as_block(x, p);
  Tensor out = empty(keepdim ? p.kept : p.result, x.scalar_type());
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    reduce<T, Plain<T>>(
        block, out,
        [&](const auto* row, std::int64_t n) { return kernels::best_in_row(row, n, better); },
        [&](auto... columns) { kernels::best_columns(columns..., better); });
  });
  if (needs_record(x))
    record(node, {&x}, {&out},
           [x = Saved(x), out = Saved::result(out), kept = p.kept](Backward& pass) {
             pass.add(0, detail::share_among_equal(x.get(pass), out.get(pass).reshape(kept),
                                                   pass.grad().reshape(kept)));
           });
  return out;
}

template <class Better>
Tensor position(const char* op, const Tensor& x, std::optional<std::int64_t> dim, bool keepdim,
                Better better) {
  Dims dims;
  if (dim) dims.push_back(*dim);
  const Plan p = plan(op, x, dims);
  check<IndexError>(p.inner > 0, "[", op,
                    "] expected a non-empty dimension to reduce, found shape ", x.sizes());
  const Block block = as_block(x, p);
  Tensor out = empty(keepdim ? p.kept : p.result, kInt64);
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    reduce<T, std::int64_t>(
        block, out,
        [&](const auto* row, std::int64_t n) { return kernels::best_position(row, n, better); },
        [&](auto... columns) { kernels::best_positions(columns..., better); });
  });
  return out;
}

std::tuple<Tensor, Tensor> taken_at(const Tensor& x, std::int64_t dim, const Tensor& positions,
                                    bool keepdim) {
  const Tensor values = gather(x, dim, positions);
  if (keepdim) return {values, positions};
  return {values.squeeze(dim), positions.squeeze(dim)};
}
}  // namespace

namespace detail {
Tensor share_among_equal(const Tensor& x, const Tensor& best, const Tensor& g) {
  Tensor equal = (x == best).to(x.scalar_type());
  // Where NaN won, all NaNs share.
  if (any(best != best).item<bool>()) equal = equal + (x != x).to(x.scalar_type());
  return equal * (g / sum_to_size(equal, g.sizes()));
}
}  // namespace detail

Tensor max(const Tensor& x) { return extreme("max", "MaxBackward1", x, {}, false, Greater{}); }
Tensor min(const Tensor& x) { return extreme("min", "MinBackward1", x, {}, false, Less{}); }
Tensor amax(const Tensor& x, IntArrayRef dims, bool keepdim) {
  return extreme("amax", "AmaxBackward0", x, dims, keepdim, Greater{});
}
Tensor amin(const Tensor& x, IntArrayRef dims, bool keepdim) {
  return extreme("amin", "AminBackward0", x, dims, keepdim, Less{});
}
Tensor argmax(const Tensor& x, std::optional<std::int64_t> dim, bool keepdim) {
  return position("argmax", x, dim, keepdim, Greater{});
}
Tensor argmin(const Tensor& x, std::optional<std::int64_t> dim, bool keepdim) {
  return position("argmin", x, dim, keepdim, Less{});
}
std::tuple<Tensor, Tensor> max(const Tensor& x, std::int64_t dim, bool keepdim) {
  return taken_at(x, dim, position("max", x, dim, true, Greater{}), keepdim);
}
std::tuple<Tensor, Tensor> min(const Tensor& x, std::int64_t dim, bool keepdim) {
  return taken_at(x, dim, position("min", x, dim, true, Less{}), keepdim);
}

// ---------------------------------------------------------------- logsumexp and norms
Tensor logsumexp(const Tensor& x, IntArrayRef dims, bool keepdim) {
  if (!x.is_floating_point()) return logsumexp(x.to(get_default_dtype()), dims, keepdim);
  const Plan p = plan("logsumexp", x, dims);
  const Block block = as_block(x, p);
  Tensor out = empty(keepdim ? p.kept : p.result, x.scalar_type());
  dispatch_float("logsumexp", x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    reduce<T, T>(
        block, out, [](const T* row, std::int64_t n) { return row::log_sum_exp(row, n); },
        [](auto... columns) { row::log_sum_exp_columns(columns...); });
  });
  if (needs_record(x))
    record("LogsumexpBackward0", {&x}, {&out},
           [x = Saved(x), out = Saved::result(out), kept = p.kept](Backward& pass) {
             // Divided by their sum, which is 1 but for rounding: for large x the result has lost
             // digits that the shares need. Where it is NaN, x is infinite, but not all of it.
             const Tensor share = exp(x.get(pass) - out.get(pass).reshape(kept));
             const Tensor sum = sum_to_size(share, kept);
             pass.add(0, pass.grad().reshape(kept) * share / sum.masked_fill(isnan(sum), 1));
           });
  return out;
}

namespace {
Tensor sum_of_squares(const Tensor& x, const Plan& p, bool keepdim) {
  const Block block = as_block(x, p);
  Tensor out = empty(keepdim ? p.kept : p.result, x.scalar_type());
  dispatch_float("norm", x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    constexpr kernels::Squares of{};
    reduce<T, T>(
        block, out, [&](const T* row, std::int64_t n) { return kernels::sum_row(row, n, of); },
        [&](auto... columns) { kernels::sum_columns(columns..., of); });
  });
  return out;
}

// For 0 < p < inf, p != 1.
Tensor power_norm(const Tensor& x, double p, IntArrayRef dims, bool keepdim) {
  const Plan shape = plan("norm", x, dims);
  Tensor out;
  {
    NoGradGuard no_grad;
    out = p == 2.0 ? sqrt(sum_of_squares(x, shape, keepdim))
                   : pow(sum(pow(abs(x), p), dims, keepdim), 1.0 / p);
  }
  if (needs_record(x))
    record("LinalgVectorNormBackward0", {&x}, {&out},
           [x = Saved(x), out = Saved::result(out), kept = shape.kept, p](Backward& pass) {
             const Tensor v = x.get(pass), n = out.get(pass).reshape(kept);
             const Tensor g = pass.grad().reshape(kept);
             const Tensor size = n.masked_fill(n.detach() == 0, 1);
             if (p == 2.0) return pass.add(0, v * (g / size));
             const Tensor a = abs(v).masked_fill(v.detach() == 0, 1);
             pass.add(0, sign(v) * pow(a, p - 1) * (g * pow(size, 1 - p)));
           });
  return out;
}
}  // namespace

Tensor norm(const Tensor& x, const Scalar& p) { return norm(x, p, IntArrayRef()); }
Tensor norm(const Tensor& x, const std::optional<Scalar>& order, IntArrayRef dims, bool keepdim) {
  check<DtypeError>(x.is_floating_point(), "[norm] input must be floating point, found ",
                    dtype_name(x.scalar_type()), "; convert it with .to(reel::kFloat32)");
  constexpr double inf = std::numeric_limits<double>::infinity();
  const double p = order ? order->toDouble() : 2.0;
  // As in PyTorch, of no elements even the largest and the smallest are 0.
  if (std::isinf(p) && x.numel() == 0) return sum(abs(x), dims, keepdim);
  if (p == inf) return extreme("norm", "AmaxBackward0", abs(x), dims, keepdim, Greater{});
  if (p == -inf) return extreme("norm", "AminBackward0", abs(x), dims, keepdim, Less{});
  if (p == 1.0) return sum(abs(x), dims, keepdim);
  // Through a product with 0, so that the (zero) gradient has a place on the tape.
  if (p == 0.0) return sum((x.detach() != 0).to(x.scalar_type()) + sign(x) * 0.0, dims, keepdim);
  return power_norm(x, p, dims, keepdim);
}

// ---------------------------------------------------------------- truth and counts
namespace {
Tensor truth(const Tensor& x, const Tensor& value) {
  return x.scalar_type() == kUInt8 ? value.to(kUInt8) : value;
}
// For each result, how many of its elements are not zero.
Tensor count(const Tensor& x, IntArrayRef dims, bool keepdim) {
  return sum(x.scalar_type() == kBool ? x : x.detach() != 0, dims, keepdim);
}
}  // namespace
Tensor any(const Tensor& x) { return any(x, {}, false); }
Tensor any(const Tensor& x, IntArrayRef dims, bool keepdim) {
  return truth(x, count(x, dims, keepdim) != 0);
}
Tensor all(const Tensor& x) { return all(x, {}, false); }
Tensor all(const Tensor& x, IntArrayRef dims, bool keepdim) {
  return truth(x, count(x, dims, keepdim) == plan("all", x, dims).inner);
}
Tensor count_nonzero(const Tensor& x, IntArrayRef dims) { return count(x, dims, false); }

Tensor sum_to_size(const Tensor& x, IntArrayRef sizes) {
  if (x.sizes() == sizes) return x;
  const std::size_t rank = x.sizes().size();
  check<ShapeError>(sizes.size() <= rank, "[sum_to_size] cannot sum shape ", x.sizes(), " to ",
                    sizes);
  const std::size_t ahead = rank - sizes.size();
  Dims dims;
  for (std::size_t d = 0; d < rank; ++d) {
    if (d < ahead || (sizes[d - ahead] == 1 && x.sizes()[d] != 1)) {
      dims.push_back(static_cast<std::int64_t>(d));
    } else {
      check<ShapeError>(sizes[d - ahead] == x.sizes()[d], "[sum_to_size] cannot sum shape ",
                        x.sizes(), " to ", sizes);
    }
  }
  return dims.empty() ? x.reshape(sizes) : sum(x, dims, true).reshape(sizes);
}

double sum_of_squares(const Tensor& x) {
  const Tensor dense = x.detach().contiguous();
  return dispatch_float("sum_of_squares", x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* p = dense.data_ptr<T>();
    double parts[8] = {};
    std::int64_t i = 0;
    for (; i + 8 <= dense.numel(); i += 8)
      for (int k = 0; k < 8; ++k)
        parts[k] += static_cast<double>(p[i + k]) * static_cast<double>(p[i + k]);
    for (; i < dense.numel(); ++i)
      parts[0] += static_cast<double>(p[i]) * static_cast<double>(p[i]);
    return ((parts[0] + parts[1]) + (parts[2] + parts[3])) +
           ((parts[4] + parts[5]) + (parts[6] + parts[7]));
  });
}

}  // namespace reel
