#include "linalg.hpp"

#include <algorithm>

#include "autograd/gemm.hpp"
#include "autograd/kernels.hpp"
#include "autograd/simd.hpp"
#include "gathered.hpp"
#include "ops.hpp"
#include "view.hpp"

namespace reel {
namespace {

void same_float(const char* op, const Tensor& a, const Tensor& b) {
  check<DtypeError>(a.scalar_type() == b.scalar_type(), "[", op,
                    "] expected both operands to have the same dtype, but got ",
                    dtype_name(a.scalar_type()), " and ", dtype_name(b.scalar_type()));
}

// Integer products are rare: a plain loop.
void multiply_integers(const Tensor& a, const Tensor& b, const Tensor& out) {
  dispatch(a.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Tensor x = a.detach().contiguous(), y = b.detach().contiguous();
    const T *p = x.data_ptr<T>(), *q = y.data_ptr<T>();
    T* r = out.data_ptr<T>();
    const std::int64_t n = a.size(0), k = a.size(1), m = b.size(1);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < m; ++j) {
        std::int64_t s = 0;
        for (std::int64_t l = 0; l < k; ++l)
          s += static_cast<std::int64_t>(p[i * k + l]) * static_cast<std::int64_t>(q[l * m + j]);
        r[i * m + j] = static_cast<T>(s);
      }
  });
}

Tensor product(const Tensor& a, const Tensor& b) {
  Tensor out = empty({a.size(0), b.size(1)}, a.scalar_type());
  if (a.is_floating_point())
    gemm(a, b, out);
  else
    multiply_integers(a, b, out);
  return out;
}

// The number of rows of a tensor of shape `sizes`: the product of all but the last.
std::int64_t rows_of(IntArrayRef sizes) { return count_elements(sizes.slice(0, sizes.size() - 1)); }

}  // namespace

Tensor mm(const Tensor& a, const Tensor& b) {
  check<ShapeError>(a.dim() == 2 && b.dim() == 2, "[mm] expected two matrices, found shapes ",
                    a.sizes(), " and ", b.sizes());
  check<ShapeError>(a.size(1) == b.size(0), "[mm] last dim of first ", a.sizes(),
                    " must equal first dim of second ", b.sizes(), ": ", a.size(1), " vs ",
                    b.size(0));
  same_float("mm", a, b);
  Tensor out = product(a, b);
  if (needs_record(a, b))
    record(
        "MmBackward0", {&a, &b}, {&out},
        [a = tracks(b) ? Saved(a) : Saved(), b = tracks(a) ? Saved(b) : Saved()](Backward& pass) {
          const Tensor g = pass.grad();
          if (pass.needs(0)) pass.add_product(0, g, b.get(pass).t());
          if (pass.needs(1)) pass.add_row_product(1, a.get(pass), g);
        });
  return out;
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  check<ShapeError>(
      a.dim() == 3 && b.dim() == 3 && a.size(0) == b.size(0) && a.size(2) == b.size(1),
      "[bmm] expected shapes [b, n, k] and [b, k, m], found ", a.sizes(), " and ", b.sizes());
  same_float("bmm", a, b);
  Tensor out = empty({a.size(0), a.size(1), b.size(2)}, a.scalar_type());
  {
    NoGradGuard no_grad;
    for (std::int64_t i = 0; i < a.size(0); ++i) {
      if (a.is_floating_point())
        gemm(a.select(0, i), b.select(0, i), out.select(0, i));
      else
        multiply_integers(a.select(0, i), b.select(0, i), out.select(0, i));
    }
  }
  if (needs_record(a, b))
    record(
        "BmmBackward0", {&a, &b}, {&out},
        [a = tracks(b) ? Saved(a) : Saved(), b = tracks(a) ? Saved(b) : Saved()](Backward& pass) {
          const Tensor g = pass.grad();
          if (pass.needs(0)) pass.add(0, bmm(g, b.get(pass).transpose(1, 2)), true);
          if (pass.needs(1)) pass.add(1, bmm(a.get(pass).transpose(1, 2), g), true);
        });
  return out;
}

Tensor matmul(const Tensor& a, const Tensor& b) {
  const auto x = a.dim(), y = b.dim();
  check<ShapeError>(x > 0 && y > 0,
                    "[matmul] both arguments need at least 1 dimension, found shapes ", a.sizes(),
                    " and ", b.sizes());
  const std::int64_t k = a.size(-1), other = b.size(y == 1 ? 0 : -2);
  check<ShapeError>(k == other, "[matmul] last dim of first ", a.sizes(), " must equal ",
                    y == 1 ? "the dim" : "the second to last dim", " of second ", b.sizes(), ": ",
                    k, " vs ", other);
  if (x == 1 && y == 1) return mm(a.unsqueeze(0), b.unsqueeze(1)).reshape({});
  if (x == 1) return matmul(a.unsqueeze(0), b).squeeze(-2);
  if (y == 1) return matmul(a, b.unsqueeze(1)).squeeze(-1);
  if (x == 2 && y == 2) return mm(a, b);
  if (y == 2) {  // one matrix for all: a single product over all rows
    Dims sizes(a.sizes());
    sizes[sizes.size() - 1] = b.size(1);
    return mm(a.reshape({rows_of(sizes), k}), b).reshape(sizes);
  }
  const auto batch = [](const Tensor& t) {
    return IntArrayRef(t.sizes().data(), t.sizes().size() - 2);
  };
  const Dims lead = broadcast_shapes("matmul", batch(a), batch(b));
  const auto flat = [&](const Tensor& t) {
    Dims sizes = lead;
    sizes.push_back(t.size(-2));
    sizes.push_back(t.size(-1));
    return t.expand(sizes).reshape({count_elements(lead), t.size(-2), t.size(-1)});
  };
  Dims sizes = lead;
  sizes.push_back(a.size(-2));
  sizes.push_back(b.size(-1));
  return bmm(flat(a), flat(b)).reshape(sizes);
}

// beta x + alpha y, of the shape of y; x is not read where beta is 0, as its NaNs must not count.
static Tensor weighted_sum(const char* op, const Tensor& x, const Tensor& y, const Scalar& beta,
                           const Scalar& alpha) {
  check<ShapeError>(broadcast_shapes(op, x.sizes(), y.sizes()) == y.sizes(), "[", op,
                    "] an input of shape ", x.sizes(), " does not broadcast to the product's, ",
                    y.sizes());
  // As in PyTorch, factors of integers are integers.
  if (!y.is_floating_point() && (beta.isFloatingPoint() || alpha.isFloatingPoint()))
    return weighted_sum(op, x, y, beta.toLong(), alpha.toLong());
  const Tensor scaled = alpha.toDouble() == 1.0 ? y : y * alpha;
  if (beta.toDouble() == 0.0) return detail::beside("AddBackward0", x, scaled);
  return beta.toDouble() == 1.0 ? x + scaled : x * beta + scaled;
}

// input + a b, for an input of the product's own shape: the product is added to a copy of it, and
// the input's gradient is the result's, in the same memory.
static Tensor addmm_whole(const Tensor& input, const Tensor& a, const Tensor& b) {
  Tensor out = empty(input.sizes(), input.scalar_type());
  kernels::copy(out, input.detach());
  gemm(a.detach(), b.detach(), out, true);
  if (needs_record(input, a, b)) {
    Node& node = record("AddmmBackward0", {&input, &a, &b}, {&out},
                        [left = tracks(b) ? Saved(a) : Saved(),
                         right = tracks(a) ? Saved(b) : Saved()](Backward& pass) {
                          const Tensor g = pass.grad();
                          if (pass.recording())
                            pass.add(0, g);
                          else
                            pass.add_region();
                          if (pass.needs(1)) pass.add_product(1, g, right.get(pass).t());
                          if (pass.needs(2)) pass.add_row_product(2, left.get(pass), g);
                        });
    node.region = Region{};
  }
  return out;
}

Tensor addmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
             const Scalar& alpha) {
  const bool plain =
      alpha.toDouble() == 1.0 && beta.toDouble() == 1.0 && a.dim() == 2 && b.dim() == 2 &&
      a.size(1) == b.size(0) && input.sizes() == IntArrayRef{a.size(0), b.size(1)} &&
      is_floating_point(input.scalar_type()) && input.scalar_type() == a.scalar_type() &&
      input.scalar_type() == b.scalar_type();
  if (plain) return addmm_whole(input, a, b);
  return weighted_sum("addmm", input, mm(a, b), beta, alpha);
}

Tensor baddbmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
               const Scalar& alpha) {
  return weighted_sum("baddbmm", input, bmm(a, b), beta, alpha);
}

Tensor& Tensor::addmm_(const Tensor& a, const Tensor& b, const Scalar& beta,
                       const Scalar& alpha) const {
  return detail::write_in_place("addmm_", *this,
                                reel::addmm(detail::before_write(*this, true), a, b, beta, alpha));
}
Tensor& Tensor::baddbmm_(const Tensor& a, const Tensor& b, const Scalar& beta,
                         const Scalar& alpha) const {
  return detail::write_in_place(
      "baddbmm_", *this, reel::baddbmm(detail::before_write(*this, true), a, b, beta, alpha));
}

Tensor mv(const Tensor& matrix, const Tensor& vector) {
  check<ShapeError>(matrix.dim() == 2 && vector.dim() == 1 && matrix.size(1) == vector.size(0),
                    "[mv] expected shapes [n, k] and [k], found ", matrix.sizes(), " and ",
                    vector.sizes());
  return mm(matrix, vector.unsqueeze(1)).squeeze(1);
}

namespace {
// Four running sums per block and halves of what is longer, as kernels::sum_row.
template <class T>
T dot_row(const T* p, const T* q, std::int64_t n) {
  using L = simd::Lanes<T>;
  constexpr std::int64_t block = 128 * L::count;
  if (n > block) {
    const std::int64_t half = (n / 2 + block - 1) / block * block;
    return dot_row(p, q, half) + dot_row(p + half, q + half, n - half);
  }
  const auto product = [&](std::int64_t i) { return L::load(p + i) * L::load(q + i); };
  auto a = typename L::type(T(0)), b = a, c = a, d = a;
  std::int64_t i = 0;
  for (; i + 4 * L::count <= n; i += 4 * L::count) {
    a += product(i);
    b += product(i + L::count);
    c += product(i + 2 * L::count);
    d += product(i + 3 * L::count);
  }
  T sum = xsimd::hadd((a + b) + (c + d));
  for (; i < n; ++i) sum += p[i] * q[i];
  return sum;
}
}  // namespace

Tensor dot(const Tensor& a, const Tensor& b) {
  check<ShapeError>(a.dim() == 1 && b.dim() == 1 && a.size(0) == b.size(0),
                    "[dot] expected two vectors of one length, found shapes ", a.sizes(), " and ",
                    b.sizes());
  same_float("dot", a, b);
  if (!a.is_floating_point()) return mm(a.unsqueeze(0), b.unsqueeze(1)).reshape({});
  const Tensor x = a.is_contiguous() ? a : a.detach().contiguous(),
               y = b.is_contiguous() ? b : b.detach().contiguous();
  Tensor out = empty({}, a.scalar_type());
  dispatch_float("dot", a.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    *out.data_ptr<T>() = dot_row(x.data_ptr<T>(), y.data_ptr<T>(), x.numel());
  });
  if (needs_record(a, b))
    record(
        "DotBackward0", {&a, &b}, {&out},
        [a = tracks(b) ? Saved(a) : Saved(), b = tracks(a) ? Saved(b) : Saved()](Backward& pass) {
          if (pass.needs(0)) pass.add(0, pass.grad() * b.get(pass), true);
          if (pass.needs(1)) pass.add(1, pass.grad() * a.get(pass), true);
        });
  return out;
}

Tensor outer(const Tensor& a, const Tensor& b) {
  check<ShapeError>(a.dim() == 1 && b.dim() == 1, "[outer] expected two vectors, found shapes ",
                    a.sizes(), " and ", b.sizes());
  return a.unsqueeze(1) * b;
}

Tensor addmv(const Tensor& self, const Tensor& matrix, const Tensor& vector, const Scalar& beta,
             const Scalar& alpha) {
  return weighted_sum("addmv", self, mv(matrix, vector), beta, alpha);
}
Tensor addr(const Tensor& self, const Tensor& u, const Tensor& v, const Scalar& beta,
            const Scalar& alpha) {
  return weighted_sum("addr", self, outer(u, v), beta, alpha);
}

Tensor bilinear(const Tensor& x1, const Tensor& x2, const Tensor& weight, const Tensor& bias) {
  check<ShapeError>(weight.dim() == 3 && x1.dim() >= 1 && x1.dim() == x2.dim() &&
                        x1.size(-1) == weight.size(1) && x2.size(-1) == weight.size(2),
                    "[bilinear] expected shapes [*, i], [*, j] and [out, i, j], found ", x1.sizes(),
                    ", ", x2.sizes(), " and ", weight.sizes());
  Dims sizes(x1.sizes());
  for (std::size_t d = 0; d + 1 < sizes.size(); ++d)
    check<ShapeError>(sizes[d] == x2.sizes()[d], "[bilinear] the leading sizes of ", x1.sizes(),
                      " and ", x2.sizes(), " differ");
  const std::int64_t out = weight.size(0), i = weight.size(1), j = weight.size(2);
  check<ShapeError>(!bias.defined() || (bias.dim() == 1 && bias.size(0) == out),
                    "[bilinear] expected a bias of shape [", out, "], found ",
                    bias.defined() ? bias.sizes() : IntArrayRef());
  sizes[sizes.size() - 1] = out;
  const std::int64_t rows = rows_of(sizes);
  const Tensor left = mm(x1.reshape({rows, i}), weight.transpose(0, 1).reshape({i, out * j}));
  const Tensor both = bmm(left.reshape({rows, out, j}), x2.reshape({rows, j, 1})).reshape(sizes);
  return bias.defined() ? both + bias : both;
}

namespace {
// linear() of rows that were taken from a table with fewer rows: the table is multiplied, and rows
// are taken from the product. Backward sums the gradient by row of the table first, and leaves x
// out, unless x's own gradient is wanted. Undefined where an infinite number is about, which would
// count for rows that were not taken, even times 0.
Tensor linear_of_rows(const Tensor& x, const Tensor& weight, const Tensor& bias,
                      const detail::GatheredRows& from) {
  const std::int64_t in = weight.size(1), width = weight.size(0);
  Dims sizes(x.sizes());
  sizes[sizes.size() - 1] = width;
  Tensor products = empty({from.table.size(0), width}, x.scalar_type());
  gemm_plus_row(from.table.detach().contiguous(), weight.detach().t(), bias, products);
  if (kernels::has_nonfinite(products)) return Tensor();
  Tensor out = empty(sizes, x.scalar_type());
  detail::gather_rows(products, from.positions, out);
  record(bias.defined() ? "AddmmBackward0" : "MmBackward0", {&x, &weight, &bias, &from.table},
         {&out},
         [from, in, width, shape = Dims(x.sizes()), w = Saved(weight), table = Saved(from.table),
          at = Saved(from.positions)](Backward& pass) {
           const Tensor g = pass.grad().reshape({-1, width});
           if (pass.recording() || pass.restricted() || from.watched(pass.node().edges[0])) {
             const Tensor taken = empty(shape, g.scalar_type());  // x, which was not kept
             detail::gather_rows(table.value(pass).detach().contiguous(), at.value(pass), taken);
             const Edge& up = pass.node().edges[0];
             if (pass.recording()) taken.impl()->set_history(up.node, up.nr);
             if (pass.needs(0)) pass.add(0, matmul(g, w.get(pass)).reshape(shape), true);
             pass.add_row_product(1, g, taken.reshape({-1, in}));
             if (pass.needs(2)) pass.add(2, g.sum(0), true);
             return;
           }
           const Tensor sums = zeros({from.table.size(0), width}, g.scalar_type());
           detail::add_rows(sums, at.value(pass), g.contiguous(), -1);
           pass.add_row_product(1, sums, table.value(pass).contiguous());
           if (pass.needs(2)) pass.add(2, sums.sum(0), true);
           if (!pass.needs(3)) return;
           const Tensor kept = from.skipped < 0 ? sums : sums.clone();
           if (from.skipped >= 0) kept.select(0, from.skipped).zero_();
           pass.add_product(3, kept, w.value(pass));
         });
  return out;
}
}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  check<ShapeError>(weight.dim() == 2 && x.dim() >= 1 && x.size(-1) == weight.size(1),
                    "[linear] input of shape ", x.sizes(), " does not fit a weight of shape ",
                    weight.sizes(), ": the input's last size must be ",
                    weight.dim() == 2 ? weight.size(1) : -1);
  check<ShapeError>(!bias.defined() || (bias.dim() == 1 && bias.size(0) == weight.size(0)),
                    "[linear] expected a bias of shape [", weight.size(0), "], found ",
                    bias.defined() ? bias.sizes() : IntArrayRef());
  same_float("linear", x, weight);
  if (bias.defined()) same_float("linear", x, bias);
  if (!x.is_floating_point()) {
    const Tensor products = matmul(x, weight.t());
    return bias.defined() ? products + bias : products;
  }
  if (needs_record(x))
    if (const auto rows = detail::gathered_rows(x);
        rows && rows->positions.numel() > rows->table.size(0))
      if (const Tensor out = linear_of_rows(x, weight, bias, *rows); out.defined()) return out;
  const std::int64_t in = weight.size(1), width = weight.size(0);
  Dims sizes(x.sizes());
  sizes[sizes.size() - 1] = width;
  const std::int64_t rows = rows_of(sizes);
  const Tensor flat = x.dim() == 2 ? x : x.reshape({rows, in});
  Tensor out = empty({rows, width}, x.scalar_type());
  gemm_plus_row(flat, weight.detach().t(), bias, out);
  if (needs_record(flat, weight, bias))
    record(bias.defined() ? "AddmmBackward0" : "MmBackward0", {&flat, &weight, &bias}, {&out},
           [x = tracks(weight) ? Saved(flat) : Saved(),
            w = tracks(flat) ? Saved(weight) : Saved()](Backward& pass) {
             const Tensor g = pass.grad();
             if (pass.needs(0)) pass.add_product(0, g, w.get(pass));
             if (pass.needs(1)) pass.add_row_product(1, g, x.get(pass));
             if (pass.needs(2)) pass.add(2, g.sum(0), true);
           });
  return x.dim() == 2 ? out : out.view(sizes);
}

namespace detail {

RepeatedWeight::RepeatedWeight(const Tensor& w)
    : weight(w), forward(w.detach().t()), backward(std::make_shared<PackedOperand>(w.detach())) {}

Tensor add_linear_into(const Tensor& input, std::int64_t row, const Tensor& x, RepeatedWeight& w) {
  const Tensor out = window(input, 0, row, x.size(0));
  w.forward.multiply(x, out, true);
  if (needs_record(input, x, w.weight)) {
    Node& node =
        record("AddmmBackward0", {&input, &x, &w.weight}, {&out},
               [row, after = input.size(0) - row - x.size(0), x = Saved(x), saved = Saved(w.weight),
                packed = w.backward](Backward& pass) {
                 const Tensor& g = pass.node().outputs[0].slot.sum;
                 const Tensor& weight = saved.value(pass);
                 if (pass.recording()) {
                   const auto rest = [&](std::int64_t n) { return g.new_zeros({n, g.size(1)}); };
                   if (pass.needs(0)) pass.add(0, cat({rest(row), g, rest(after)}));
                   pass.add_product(1, g, weight);
                 } else {
                   pass.add_region();
                   if (pass.needs(1)) {
                     const Backward::Target into = pass.target(1);
                     packed->multiply(g, into.memory, into.accumulate);
                   }
                 }
                 pass.add_row_product(2, g, x.value(pass));
               });
    node.region = Region{0, row, x.size(0), false};  // of the input's gradient: it lies there
  }
  return out;
}

}  // namespace detail
}  // namespace reel
