#include "reduce.hpp"

#include <algorithm>
#include <cmath>

#include "autograd/kernels.hpp"
#include "autograd/simd.hpp"
#include "ops.hpp"
#include "view.hpp"

namespace reel {
namespace {

template <class T>
using Sum = std::conditional_t<std::is_floating_point_v<T>, T, std::int64_t>;

template <class T>
T total(const simd::Batch<T, typename simd::Lanes<T>::type::arch_type>& v) {
  return xsimd::hadd(v);
}

// Sum of n contiguous values. Four running sums per block and halving between blocks keep the
// rounding error of long sums small.
template <class T>
Sum<T> sum_row(const T* p, std::int64_t n) {
  if constexpr (!std::is_floating_point_v<T>) {
    std::int64_t s = 0;
    for (std::int64_t i = 0; i < n; ++i) s += static_cast<std::int64_t>(p[i]);
    return s;
  } else {
    using L = simd::Lanes<T>;
    constexpr std::int64_t block = 64 * L::count;
    if (n > block) {
      const std::int64_t half = (n / 2 + block - 1) / block * block;
      return sum_row(p, half) + sum_row(p + half, n - half);
    }
    auto a = typename L::type(T(0)), b = a, c = a, d = a;
    std::int64_t i = 0;
    for (; i + 4 * L::count <= n; i += 4 * L::count) {
      a += L::load(p + i);
      b += L::load(p + i + L::count);
      c += L::load(p + i + 2 * L::count);
      d += L::load(p + i + 3 * L::count);
    }
    for (; i + L::count <= n; i += L::count) a += L::load(p + i);
    T s = total<T>((a + b) + (c + d));
    for (; i < n; ++i) s += p[i];
    return s;
  }
}

// out[j] = sum over rows of x[row][j], a few rows at a time, in halves.
template <class T>
void sum_columns(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride, Sum<T>* out,
                 bool add) {
  constexpr std::int64_t kRows = 64;
  if (rows > kRows) {
    const std::int64_t half = (rows / 2 + kRows - 1) / kRows * kRows;
    sum_columns(x, half, cols, stride, out, add);
    std::vector<Sum<T>> second(static_cast<std::size_t>(cols));
    sum_columns(x + half * stride, rows - half, cols, stride, second.data(), false);
    for (std::int64_t j = 0; j < cols; ++j) out[j] += second[static_cast<std::size_t>(j)];
    return;
  }
  if (!add) std::fill(out, out + cols, Sum<T>(0));
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* row = x + r * stride;
    for (std::int64_t j = 0; j < cols; ++j) out[j] += static_cast<Sum<T>>(row[j]);
  }
}

struct Plan {
  Dims result;  // sizes without the reduced dimensions
  Dims kept;    // sizes with 1 in their place
  Dims order;   // kept dimensions first, reduced ones last
  std::size_t reduced = 0;
  std::int64_t outer = 1, inner = 1;
  bool leading = true;   // the reduced dimensions come first
  bool trailing = true;  // they come last
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
  for (std::size_t d = 0; d < rank; ++d) {
    const bool gone = dims.empty() || chosen[d];
    if (gone) p.order.push_back(static_cast<std::int64_t>(d));
    p.leading = p.leading && gone == (d < p.reduced);
    p.trailing = p.trailing && gone == (d >= rank - p.reduced);
  }
  return p;
}

// `x` as [outer, inner] rows to be reduced, contiguous.
Tensor as_rows(const Tensor& x, const Plan& p) {
  NoGradGuard no_grad;
  return p.trailing ? x.contiguous() : x.permute(p.order).contiguous();
}

}  // namespace

Tensor sum(const Tensor& x) { return sum(x, {}, false); }

Tensor sum(const Tensor& x, IntArrayRef dims, bool keepdim) {
  const Plan p = plan("sum", x, dims);
  const ScalarType dtype = x.is_floating_point() ? x.scalar_type() : kInt64;
  Tensor out = empty(keepdim ? p.kept : p.result, dtype);
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    auto* to = reinterpret_cast<Sum<T>*>(out.impl()->data);
    if (p.leading && !p.trailing && x.is_contiguous()) {
      sum_columns(x.data_ptr<T>(), p.inner, p.outer, p.outer, to, false);
    } else {
      const Tensor rows = as_rows(x, p);
      const T* from = rows.data_ptr<T>();
      for (std::int64_t i = 0; i < p.outer; ++i) to[i] = sum_row(from + i * p.inner, p.inner);
    }
  });
  if (needs_record(x))
    record("SumBackward0", {&x}, {&out}, [own = Dims(x.sizes()), kept = p.kept](Backward& pass) {
      pass.add(0, pass.grad().reshape(kept).expand(own));
    });
  return out;
}

Tensor mean(const Tensor& x) { return mean(x, {}, false); }
Tensor mean(const Tensor& x, IntArrayRef dims, bool keepdim) {
  check<DtypeError>(x.is_floating_point(), "[mean] input must be floating point, found ",
                    dtype_name(x.scalar_type()), "; convert it with .to(reel::kFloat32)");
  const Plan p = plan("mean", x, dims);
  return sum(x, dims, keepdim) / static_cast<double>(p.inner);
}

namespace {
template <class Better>
Tensor extreme(const char* op, const char* node, const Tensor& x, Better better) {
  check<ShapeError>(x.numel() > 0, "[", op,
                    "] expected reduction dim to be specified for a tensor of shape ", x.sizes(),
                    ": it has no elements");
  const Tensor dense = x.detach().contiguous();
  Tensor out = empty({}, x.scalar_type());
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* p = dense.data_ptr<T>();
    T best = p[0];
    for (std::int64_t i = 1; i < dense.numel() && best == best; ++i)
      if (better(p[i], best) || p[i] != p[i]) best = p[i];
    *out.data_ptr<T>() = best;
  });
  if (needs_record(x))
    record(node, {&x}, {&out}, [x = Saved(x), out = Saved::result(out)](Backward& pass) {
      const Tensor all = x.get(pass);
      const Tensor best = out.get(pass);
      const bool nan = best.item<double>() != best.item<double>();
      const Tensor mask = (nan ? all != all : all == best).to(all.scalar_type());
      pass.add(0, mask * (pass.grad() / mask.sum()));
    });
  return out;
}
}  // namespace
Tensor max(const Tensor& x) {
  return extreme("max", "MaxBackward1", x, [](auto a, auto b) { return a > b; });
}
Tensor min(const Tensor& x) {
  return extreme("min", "MinBackward1", x, [](auto a, auto b) { return a < b; });
}

Tensor argmax(const Tensor& x, std::optional<std::int64_t> dim, bool keepdim) {
  Dims dims;
  if (dim) dims.push_back(*dim);
  const Plan p = plan("argmax", x, dims);
  check<IndexError>(p.inner > 0, "[argmax] expected a non-empty dimension to reduce, found shape ",
                    x.sizes());
  const Tensor rows = as_rows(x, p);
  Tensor out = empty(keepdim && dim ? p.kept : p.result, kInt64);
  dispatch(x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* from = rows.data_ptr<T>();
    auto* to = out.data_ptr<std::int64_t>();
    for (std::int64_t i = 0; i < p.outer; ++i) {
      const T* row = from + i * p.inner;
      std::int64_t best = 0;
      for (std::int64_t j = 1; j < p.inner && row[best] == row[best]; ++j)
        if (row[j] > row[best] || row[j] != row[j]) best = j;
      to[i] = best;
    }
  });
  return out;
}

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
