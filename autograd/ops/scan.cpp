#include "scan.hpp"

#include <algorithm>
#include <vector>

#include "along.hpp"
#include "ops.hpp"
#include "view.hpp"

namespace reel {
namespace {

Tensor widened(const Tensor& x) { return x.is_floating_point() ? x : x.to(kInt64); }

// A contiguous tensor seen as [outer, n, inner], with dimension d in the middle.
struct Block {
  std::int64_t n, inner = 1;
  Block(const Tensor& x, std::size_t d) : n(x.dim() == 0 ? 1 : x.sizes()[d]) {
    for (std::size_t e = d + 1; e < x.sizes().size(); ++e) inner *= x.sizes()[e];
  }
};

// Sums of x so far, along dimension d.
Tensor sum_so_far(const Tensor& x, std::size_t d) {
  const Tensor dense = x.detach().contiguous();
  Tensor out = empty(x.sizes(), x.scalar_type());
  const Block block(x, d);
  const std::int64_t n = block.n, inner = block.inner;
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < x.numel(); i += n * inner) {
      const T* from = dense.data_ptr<T>() + i;
      T* to = out.data_ptr<T>() + i;
      if (inner == 1) {
        T total = 0;
        for (std::int64_t j = 0; j < n; ++j) to[j] = total = static_cast<T>(total + from[j]);
        continue;
      }
      std::copy(from, from + inner, to);
      for (std::int64_t r = 1; r < n; ++r) {
        const T* before = to + (r - 1) * inner;
        T* __restrict now = to + r * inner;
        for (std::int64_t j = 0; j < inner; ++j)
          now[j] = static_cast<T>(before[j] + from[r * inner + j]);
      }
    }
  });
  if (needs_record(x))
    record("CumsumBackward0", {&x}, {&out}, [axis = static_cast<std::int64_t>(d)](Backward& pass) {
      pass.add(0, flip(cumsum(flip(pass.grad(), axis), axis), axis), true);
    });
  return out;
}

// [first, y0, y1, ...] along the last dimension, as long as y.
Tensor delayed(const Tensor& y, double first) {
  Dims sizes(y.sizes());
  sizes[sizes.size() - 1] = 1;
  return cat({full(sizes, first, y.scalar_type()), y.narrow(-1, 0, y.size(-1) - 1)}, -1);
}
Tensor reversed(const Tensor& y) { return flip(y, -1); }

// s_i = a_i s_{i-1} + b_i with s_{-1} = start, along the last dimension; b may be left out.
// The gradient is a recurrence of the same kind, backwards.
Tensor recurrence(const Tensor& a, const Tensor& b, double start) {
  Tensor out = empty(a.sizes(), a.scalar_type());
  const Tensor factors = a.detach().contiguous();
  const Tensor terms = b.defined() ? b.detach().contiguous() : b;
  const std::int64_t width = a.size(-1);
  dispatch(a.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* f = factors.data_ptr<T>();
    const T* t = terms.defined() ? terms.data_ptr<T>() : nullptr;
    T* to = out.data_ptr<T>();
    for (std::int64_t i = 0; i < a.numel(); i += width) {
      T state = static_cast<T>(start);
      if (t)
        for (std::int64_t j = i; j < i + width; ++j)
          to[j] = state = static_cast<T>(f[j] * state + t[j]);
      else
        for (std::int64_t j = i; j < i + width; ++j) to[j] = state = static_cast<T>(f[j] * state);
    }
  });
  if (needs_record(a, b))
    record("CumprodBackward0", {&a, &b}, {&out},
           [a = Saved(a), s = Saved::result(out), start](Backward& pass) {
             const Tensor r =
                 reversed(recurrence(delayed(reversed(a.get(pass)), 0), reversed(pass.grad()), 0));
             if (pass.needs(0)) pass.add(0, r * delayed(s.get(pass), start));
             if (pass.needs(1)) pass.add(1, r);
           });
  return out;
}

// Positions, along dimension d, of the best so far; the last of equal ones, and of NaNs.
template <class Better>
std::tuple<Tensor, Tensor> extreme_so_far(const char* op, const char* node, const Tensor& x,
                                          std::int64_t dim, Better better) {
  const std::size_t d = wrap_dim(op, dim, static_cast<std::size_t>(x.dim()));
  const Tensor dense = x.detach().contiguous(), index = empty(x.sizes(), kInt64);
  Tensor values = empty(x.sizes(), x.scalar_type());
  const Block block(x, d);
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto wins = [&](T v, T best) {
      return better(v, best) || v != v;  // nothing is better than NaN
    };
    for (std::int64_t i = 0; i < x.numel(); i += block.n * block.inner) {
      const T* from = dense.data_ptr<T>() + i;
      auto* to = index.data_ptr<std::int64_t>() + i;
      T* value = values.data_ptr<T>() + i;
      if (block.inner == 1) {
        T best = from[0];
        std::int64_t at = 0;
        for (std::int64_t j = 0; j < block.n; ++j) {
          if (wins(from[j], best)) {  // seldom, or nearly always: a branch is well foreseen
            best = from[j];
            at = j;
          }
          to[j] = at;
          value[j] = best;
        }
        continue;
      }
      std::vector<T> best(from, from + block.inner);
      std::fill(to, to + block.inner, 0);
      std::copy(from, from + block.inner, value);
      for (std::int64_t r = 1; r < block.n; ++r)
        for (std::int64_t j = 0; j < block.inner; ++j) {
          const std::int64_t k = r * block.inner + j;
          const auto column = static_cast<std::size_t>(j);
          const bool now = wins(from[k], best[column]);
          if (now) best[column] = from[k];
          to[k] = now ? r : to[k - block.inner];
          value[k] = best[column];
        }
    }
  });
  if (needs_record(x))
    record(node, {&x}, {&values}, [dim, index = Saved(index)](Backward& pass) {
      const Tensor g = pass.grad();
      pass.add(0, scatter_add(zeros_like(g), dim, index.value(pass), g));
    });
  return {values, index};
}

}  // namespace

Tensor cumsum(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype) {
  if (dtype) return cumsum(x.to(*dtype), dim).to(*dtype);
  const std::size_t d = wrap_dim("cumsum", dim, static_cast<std::size_t>(x.dim()));
  return sum_so_far(widened(x), d);
}

Tensor cumprod(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype) {
  if (dtype) return cumprod(x.to(*dtype), dim).to(*dtype);
  const std::size_t d = wrap_dim("cumprod", dim, static_cast<std::size_t>(x.dim()));
  if (x.numel() == 0) return widened(x).clone();
  return detail::swap_back(recurrence(detail::swap_last(widened(x), d), Tensor(), 1), d, x.dim());
}

namespace {
void check_same_dtype(const char* op, const Tensor& self, std::optional<ScalarType> dtype) {
  check<DtypeError>(!dtype || *dtype == self.scalar_type(), "[", op, "] expected the dtype of the ",
                    "tensor, ", dtype_name(self.scalar_type()), ", found ",
                    dtype_name(dtype.value_or(self.scalar_type())));
}
}  // namespace
Tensor& Tensor::cumsum_(std::int64_t dim, std::optional<ScalarType> dtype) const {
  check_same_dtype("cumsum_", *this, dtype);
  return detail::write_in_place("cumsum_", *this,
                                reel::cumsum(detail::before_write(*this, true), dim));
}
Tensor& Tensor::cumprod_(std::int64_t dim, std::optional<ScalarType> dtype) const {
  check_same_dtype("cumprod_", *this, dtype);
  return detail::write_in_place("cumprod_", *this,
                                reel::cumprod(detail::before_write(*this, true), dim));
}

std::tuple<Tensor, Tensor> cummax(const Tensor& x, std::int64_t dim) {
  return extreme_so_far("cummax", "CummaxBackward0", x, dim, [](auto a, auto b) { return a >= b; });
}
std::tuple<Tensor, Tensor> cummin(const Tensor& x, std::int64_t dim) {
  return extreme_so_far("cummin", "CumminBackward0", x, dim, [](auto a, auto b) { return a <= b; });
}

}  // namespace reel
