#include "scan.hpp"

#include "along.hpp"
#include "ops.hpp"
#include "view.hpp"

namespace reel {
namespace {

Tensor widened(const Tensor& x) { return x.is_floating_point() ? x : x.to(kInt64); }

// Calls kernel(from, to, n) for each row of the last dimension.
template <class Kernel>
Tensor map_rows(const Tensor& x, ScalarType result, Kernel kernel) {
  const Tensor dense = x.detach().contiguous();
  Tensor out = empty(x.sizes(), result);
  if (x.numel() == 0) return out;
  const std::int64_t width = x.size(-1), rows = x.numel() / width;
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < rows; ++i)
      kernel(dense.data_ptr<T>() + i * width, out.impl()->data, i * width, width);
  });
  return out;
}

Tensor sum_so_far(const Tensor& x) {
  Tensor out = map_rows(x, x.scalar_type(),
                        [](const auto* from, std::byte* memory, std::int64_t at, std::int64_t n) {
                          using T = std::decay_t<decltype(*from)>;
                          T* to = reinterpret_cast<T*>(memory) + at;
                          T total = 0;
                          for (std::int64_t j = 0; j < n; ++j)
                            to[j] = total = static_cast<T>(total + from[j]);
                        });
  if (needs_record(x))
    record("CumsumBackward0", {&x}, {&out},
           [](Backward& pass) { pass.add(0, flip(cumsum(flip(pass.grad(), -1), -1), -1), true); });
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
    T state = 0;
    for (std::int64_t i = 0; i < a.numel(); ++i) {
      if (i % width == 0) state = static_cast<T>(start);
      to[i] = state = static_cast<T>(f[i] * state + (t ? t[i] : T(0)));
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

template <class Better>
std::tuple<Tensor, Tensor> extreme_so_far(const char* op, const Tensor& x, std::int64_t dim,
                                          Better better) {
  const std::size_t d = wrap_dim(op, dim, static_cast<std::size_t>(x.dim()));
  const Tensor positions =
      map_rows(detail::swap_last(x.detach(), d), kInt64,
               [better](const auto* from, std::byte* memory, std::int64_t at, std::int64_t n) {
                 auto* to = reinterpret_cast<std::int64_t*>(memory) + at;
                 std::int64_t best = 0;
                 for (std::int64_t j = 0; j < n; ++j) {
                   const bool nan = from[j] != from[j];
                   if (nan || (from[best] == from[best] && better(from[j], from[best]))) best = j;
                   to[j] = best;
                 }
               });
  const Tensor index = detail::swap_back(positions, d, x.dim()).contiguous();
  return {gather(x, dim, index), index};
}

}  // namespace

Tensor cumsum(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype) {
  if (dtype) return cumsum(x.to(*dtype), dim).to(*dtype);
  const std::size_t d = wrap_dim("cumsum", dim, static_cast<std::size_t>(x.dim()));
  return detail::swap_back(sum_so_far(detail::swap_last(widened(x), d)), d, x.dim());
}

Tensor cumprod(const Tensor& x, std::int64_t dim, std::optional<ScalarType> dtype) {
  if (dtype) return cumprod(x.to(*dtype), dim).to(*dtype);
  const std::size_t d = wrap_dim("cumprod", dim, static_cast<std::size_t>(x.dim()));
  if (x.numel() == 0) return widened(x).clone();
  return detail::swap_back(recurrence(detail::swap_last(widened(x), d), Tensor(), 1), d, x.dim());
}

Tensor& Tensor::cumsum_(std::int64_t dim) const {
  return detail::write_in_place("cumsum_", *this,
                                reel::cumsum(detail::before_write(*this, true), dim));
}
Tensor& Tensor::cumprod_(std::int64_t dim) const {
  return detail::write_in_place("cumprod_", *this,
                                reel::cumprod(detail::before_write(*this, true), dim));
}

std::tuple<Tensor, Tensor> cummax(const Tensor& x, std::int64_t dim) {
  return extreme_so_far("cummax", x, dim, [](auto a, auto b) { return a >= b; });
}
std::tuple<Tensor, Tensor> cummin(const Tensor& x, std::int64_t dim) {
  return extreme_so_far("cummin", x, dim, [](auto a, auto b) { return a <= b; });
}

}  // namespace reel
