#include "sort.hpp"

#include <algorithm>
#include <limits>

#include "along.hpp"
#include "equal_share.hpp"
#include "ops.hpp"
#include "order.hpp"
#include "view.hpp"

namespace reel {
namespace {

// Calls body(sorter, row, width, r) for each row r along dimension d, with the sorter for its keys.
template <class Body>
void each_row(const Tensor& x, std::size_t d, Body body) {
  const Tensor rows = detail::swap_last(x.detach(), d).contiguous();
  const std::int64_t width = rows.size(-1), count = width == 0 ? 0 : rows.numel() / width;
  check(width <= std::int64_t{0xffffffff}, "[sort] a row of ", width, " elements is too long");
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    order::Sorter<order::Key<T>> sorter;
    for (std::int64_t r = 0; r < count; ++r) body(sorter, rows.data_ptr<T>() + r * width, width, r);
  });
}

// Sizes of x with `length` along dimension d, which comes last.
Dims sizes_with(const Tensor& x, std::size_t d, std::int64_t length) {
  Dims sizes(detail::swap_last(x.detach(), d).sizes());
  sizes[sizes.size() - 1] = length;
  return sizes;
}

// Positions, along dimension d, of the first `count` elements in order.
Tensor positions_in_order(const Tensor& x, std::size_t d, std::int64_t count, bool descending) {
  const Tensor out = empty(sizes_with(x, d, count), kInt64);
  auto* to = out.data_ptr<std::int64_t>();
  if (out.numel() != 0)
    each_row(x, d, [&](auto& sorter, const auto* row, std::int64_t width, std::int64_t) {
      sorter.load(row, width, descending);
      sorter.sort_first(static_cast<std::size_t>(count));
      for (std::int64_t i = 0; i < count; ++i)
        *to++ = static_cast<std::int64_t>(sorter.items[static_cast<std::size_t>(i)].position);
    });
  return detail::swap_back(out, d, x.dim()).contiguous();
}

// The position, along dimension d, of the element that `rank(row, width)` numbers in order.
template <class Rank>
Tensor position_of_rank(const Tensor& x, std::size_t d, Rank rank) {
  const Tensor out = empty(sizes_with(x, d, 1), kInt64);
  each_row(x, d, [&](auto& sorter, const auto* row, std::int64_t width, std::int64_t r) {
    sorter.load(row, width, false);
    out.data_ptr<std::int64_t>()[r] = static_cast<std::int64_t>(
        sorter.select(static_cast<std::size_t>(rank(row, width))).position);
  });
  return detail::swap_back(out, d, x.dim()).contiguous();
}

std::size_t dim_of(const char* op, const Tensor& x, std::int64_t dim) {
  return wrap_dim(op, dim, static_cast<std::size_t>(x.dim()));
}
std::int64_t length(const Tensor& x, std::size_t d) { return x.dim() == 0 ? 1 : x.sizes()[d]; }

std::tuple<Tensor, Tensor> taken_at(const Tensor& x, std::int64_t dim, const Tensor& positions,
                                    bool keepdim) {
  const Tensor values = gather(x, dim, positions);
  if (keepdim) return {values, positions};
  return {values.squeeze(dim), positions.squeeze(dim)};
}

// The middle one of each row; the first NaN where there is one (they come last).
Tensor middle(const Tensor& x, std::size_t d) {
  return position_of_rank(x, d, [](const auto* row, std::int64_t width) {
    std::int64_t missing = 0;
    for (std::int64_t i = 0; i < width; ++i) missing += row[i] != row[i] ? 1 : 0;
    return missing ? width - missing : (width - 1) / 2;
  });
}

}  // namespace

std::tuple<Tensor, Tensor> sort(const Tensor& x, std::int64_t dim, bool descending) {
  const Tensor order = argsort(x, dim, descending);
  return {gather(x, dim, order), order};
}

std::tuple<Tensor, Tensor> sort(const Tensor& x, std::optional<bool>, std::int64_t dim,
                                bool descending) {
  return sort(x, dim, descending);
}

Tensor argsort(const Tensor& x, std::int64_t dim, bool descending) {
  const std::size_t d = dim_of("sort", x, dim);
  return positions_in_order(x, d, length(x, d), descending);
}

std::tuple<Tensor, Tensor> topk(const Tensor& x, std::int64_t k, std::int64_t dim, bool largest,
                                bool) {
  const std::size_t d = dim_of("topk", x, dim);
  check<IndexError>(k >= 0 && k <= length(x, d), "[topk] k = ", k, " is out of range: dimension ",
                    dim, " of shape ", x.sizes(), " has ", length(x, d), " elements");
  if (x.dim() == 0) k = 1;  // as in PyTorch: the result has no dimension to be empty along
  const Tensor order = positions_in_order(x, d, k, largest);
  return {gather(x, dim, order), order};
}

std::tuple<Tensor, Tensor> kthvalue(const Tensor& x, std::int64_t k, std::int64_t dim,
                                    bool keepdim) {
  const std::size_t d = dim_of("kthvalue", x, dim);
  check<IndexError>(k >= 1 && k <= length(x, d), "[kthvalue] k = ", k,
                    " is out of range: expected 1 to ", length(x, d), " for dimension ", dim,
                    " of shape ", x.sizes());
  return taken_at(x, dim, position_of_rank(x, d, [k](const auto*, std::int64_t) { return k - 1; }),
                  keepdim);
}

Tensor median(const Tensor& x) {
  if (x.numel() == 0) {
    check<ShapeError>(x.is_floating_point(), "[median] a tensor without elements, of shape ",
                      x.sizes(), ", has no median among integers");
    // Tied to x by a sum of nothing.
    return sum(x) + std::numeric_limits<double>::quiet_NaN();
  }
  Tensor out;
  {
    NoGradGuard no_grad;
    const Tensor row = x.reshape({-1});
    out = gather(row, 0, middle(row, 0)).reshape({});
  }
  if (needs_record(x))
    record("MedianBackward0", {&x}, {&out},
           [x = Saved(x), out = Saved::result(out)](Backward& pass) {
             pass.add(0, detail::share_among_equal(x.get(pass), out.get(pass), pass.grad()));
           });
  return out;
}

std::tuple<Tensor, Tensor> median(const Tensor& x, std::int64_t dim, bool keepdim) {
  const std::size_t d = dim_of("median", x, dim);
  check<IndexError>(length(x, d) > 0, "[median] expected a non-empty dimension to reduce, found ",
                    "shape ", x.sizes());
  return taken_at(x, dim, middle(x, d), keepdim);
}

namespace {
struct Distinct {
  std::vector<std::int64_t> firsts, counts;  // of each value: where it is first, and how often
  Tensor inverse;                            // of each element: which value it has
};

// Integers from a range not much longer than their list: through a table of the range.
template <class T>
void distinct_in_range(const T* p, std::int64_t n, T least, std::size_t range, Distinct& out) {
  std::vector<std::int64_t> first(range, -1), count(range, 0);
  const auto slot = [&](T v) {
    return static_cast<std::size_t>(static_cast<std::uint64_t>(v) -
                                    static_cast<std::uint64_t>(least));
  };
  for (std::int64_t i = n; i-- > 0;) {
    first[slot(p[i])] = i;
    ++count[slot(p[i])];
  }
  for (std::size_t s = 0; s < range; ++s) {
    if (count[s] == 0) continue;
    out.firsts.push_back(first[s]);
    out.counts.push_back(count[s]);
    first[s] = static_cast<std::int64_t>(out.firsts.size()) - 1;
  }
  if (out.inverse.numel() != n) return;
  for (std::int64_t i = 0; i < n; ++i) out.inverse.data_ptr<std::int64_t>()[i] = first[slot(p[i])];
}
// Anything else: sorted first. NaNs all differ.
template <class T>
void distinct_in_order(const T* p, const Tensor& order, Distinct& out) {
  const auto* from = order.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < order.numel(); ++i) {
    if (i == 0 || p[from[i]] != p[from[i - 1]]) {
      out.firsts.push_back(from[i]);
      out.counts.push_back(0);
    }
    ++out.counts.back();
    if (out.inverse.numel() == order.numel())
      out.inverse.data_ptr<std::int64_t>()[from[i]] =
          static_cast<std::int64_t>(out.firsts.size()) - 1;
  }
}
}  // namespace

std::tuple<Tensor, Tensor, Tensor> unique(const Tensor& x, bool, bool return_inverse,
                                          bool return_counts) {
  const Tensor flat = x.detach().reshape({-1}).contiguous();
  const std::int64_t n = flat.numel();
  Distinct found{{}, {}, empty(return_inverse ? x.sizes() : IntArrayRef({0}), kInt64)};
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* p = flat.data_ptr<T>();
    if constexpr (std::is_integral_v<T>) {
      if (n == 0) return;
      const auto [least, most] = std::minmax_element(p, p + n);
      const std::uint64_t range =
          static_cast<std::uint64_t>(*most) - static_cast<std::uint64_t>(*least);
      if (range < static_cast<std::uint64_t>(2 * n + 256))
        return distinct_in_range(p, n, *least, static_cast<std::size_t>(range) + 1, found);
    }
    distinct_in_order(p, positions_in_order(flat, 0, n, false), found);
  });
  const auto listed = [](std::vector<std::int64_t>& list) {
    return from_blob(list.data(), {static_cast<std::int64_t>(list.size())}, kInt64).clone();
  };
  return {index_select(flat, 0, listed(found.firsts)), found.inverse,
          return_counts ? listed(found.counts) : empty({0}, kInt64)};
}
std::tuple<Tensor, Tensor, Tensor> _unique2(const Tensor& x, bool sorted, bool return_inverse,
                                            bool return_counts) {
  return unique(x, sorted, return_inverse, return_counts);
}

Tensor bincount(const Tensor& x, const Tensor& weights, std::int64_t minlength) {
  check<DtypeError>(is_integral(x.scalar_type(), false), "[bincount] expected integers, found ",
                    dtype_name(x.scalar_type()));
  check<ShapeError>(x.dim() == 1, "[bincount] expected a vector, found shape ", x.sizes());
  check(minlength >= 0, "[bincount] minlength must not be negative, found ", minlength);
  check<ShapeError>(!weights.defined() || weights.sizes() == x.sizes(),
                    "[bincount] the weights must have the shape of the input, ", x.sizes(),
                    ", found ", weights.defined() ? weights.sizes() : IntArrayRef());
  const Tensor values = x.to(kInt64).contiguous();
  std::int64_t count = minlength;
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    const std::int64_t v = values.data_ptr<std::int64_t>()[i];
    check<IndexError>(v >= 0, "[bincount] found ", v, " at position ", i,
                      "; negative values cannot be counted");
    count = std::max(count, v + 1);
  }
  if (!weights.defined()) {
    const Tensor ones_of = ones({values.numel()}, kInt64);
    return zeros({count}, kInt64).index_add(0, values, ones_of);
  }
  const ScalarType dtype = weights.scalar_type() == kFloat32 ? kFloat32 : kFloat64;
  return zeros({count}, dtype).index_add(0, values, weights.detach().to(dtype));
}

}  // namespace reel
