#include "sort.hpp"

#include <algorithm>
#include <limits>

#include "along.hpp"
#include "equal_share.hpp"
#include "ops.hpp"
#include "view.hpp"

namespace reel {
namespace {

template <class T>
struct Ascending {
  const T* row;
  bool operator()(std::int64_t i, std::int64_t j) const {
    const T a = row[i], b = row[j];
    if (a < b || (b != b && a == a)) return true;
    if (b < a || (a != a && b == b)) return false;
    return i < j;
  }
};
template <class T>
struct Descending {
  const T* row;
  bool operator()(std::int64_t i, std::int64_t j) const {
    const T a = row[i], b = row[j];
    if (a > b || (a != a && b == b)) return true;
    if (b > a || (b != b && a == a)) return false;
    return i < j;
  }
};

// Positions, along dimension d, of the first `count` elements in order.
Tensor positions_in_order(const Tensor& x, std::size_t d, std::int64_t count, bool descending) {
  const Tensor rows = detail::swap_last(x.detach(), d).contiguous();
  Dims sizes(rows.sizes());
  sizes[sizes.size() - 1] = count;
  Tensor out = empty(sizes, kInt64);
  const std::int64_t width = rows.size(-1);
  std::vector<std::int64_t> order(static_cast<std::size_t>(width));
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t r = 0; r * count < out.numel(); ++r) {
      for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
      const T* row = rows.data_ptr<T>() + r * width;
      const auto sort_by = [&](auto before) {
        if (count == width)
          std::sort(order.begin(), order.end(), before);
        else
          std::partial_sort(order.begin(), order.begin() + count, order.end(), before);
      };
      if (descending)
        sort_by(Descending<T>{row});
      else
        sort_by(Ascending<T>{row});
      std::copy_n(order.begin(), count, out.data_ptr<std::int64_t>() + r * count);
    }
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

// Where the values are rising, the middle one of each row.
Tensor middle(const Tensor& x, std::size_t d) {
  const std::int64_t n = length(x, d);
  const Tensor order = positions_in_order(x, d, n, false);
  if (x.dim() == 0) return order;
  const auto axis = static_cast<std::int64_t>(d);
  const Tensor lower = order.narrow(axis, (n - 1) / 2, 1);
  if (!x.is_floating_point()) return lower.contiguous();
  // NaN comes last: the first one among them wins wherever there is one.
  const Tensor nan = gather(x.detach(), axis, order);
  const Tensor numbers = sum(nan == nan, axis, true);
  const Tensor first_nan = gather(order, axis, where(numbers == n, numbers - 1, numbers));
  return where(numbers == n, lower, first_nan).contiguous();
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
  if (x.dim() == 0 && k == 0) return {x.reshape({1}).narrow(0, 0, 0), empty({0}, kInt64)};
  const Tensor order = positions_in_order(x, d, k, largest);
  return {gather(x, dim, order), order};
}

std::tuple<Tensor, Tensor> kthvalue(const Tensor& x, std::int64_t k, std::int64_t dim,
                                    bool keepdim) {
  const std::size_t d = dim_of("kthvalue", x, dim);
  check<IndexError>(k >= 1 && k <= length(x, d), "[kthvalue] k = ", k,
                    " is out of range: expected 1 to ", length(x, d), " for dimension ", dim,
                    " of shape ", x.sizes());
  const Tensor order = positions_in_order(x, d, k, false);
  const Tensor kth =
      x.dim() == 0 ? order.reshape({}) : order.narrow(static_cast<std::int64_t>(d), k - 1, 1);
  return taken_at(x, dim, kth.contiguous(), keepdim);
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

std::tuple<Tensor, Tensor, Tensor> unique(const Tensor& x, bool, bool return_inverse,
                                          bool return_counts) {
  const Tensor flat = x.detach().reshape({-1}).contiguous();
  const Tensor order = positions_in_order(flat, 0, flat.numel(), false);
  const auto* from = order.data_ptr<std::int64_t>();
  const Tensor inverse = empty(return_inverse ? x.sizes() : IntArrayRef({0}), kInt64);
  std::vector<std::int64_t> firsts, counts;
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* p = flat.data_ptr<T>();
    for (std::int64_t i = 0; i < flat.numel(); ++i) {
      if (i == 0 || p[from[i]] != p[from[i - 1]]) {
        firsts.push_back(from[i]);
        counts.push_back(0);
      }
      ++counts.back();
      if (return_inverse)
        inverse.data_ptr<std::int64_t>()[from[i]] = static_cast<std::int64_t>(firsts.size()) - 1;
    }
  });
  const auto listed = [](std::vector<std::int64_t>& list) {
    return from_blob(list.data(), {static_cast<std::int64_t>(list.size())}, kInt64).clone();
  };
  return {index_select(flat, 0, listed(firsts)), inverse,
          return_counts ? listed(counts) : empty({0}, kInt64)};
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
