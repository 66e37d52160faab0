// Comparisons and logic: bool results without gradients.
#include <cmath>

#include "autograd/kernels.hpp"
#include "autograd/tape.hpp"
#include "ops.hpp"
#include "view.hpp"

namespace reel {

namespace {
// An operand in the common dtype: one number for all positions, or one for each in order.
struct Operand {
  Tensor tensor;
  bool single;
  Operand(const Tensor& t, ScalarType dtype, const Dims& shape)
      : tensor(t.to(dtype)), single(t.numel() == 1) {
    if (!single && (t.sizes() != IntArrayRef(shape) || !t.is_contiguous()))
      tensor = tensor.expand(shape).contiguous();
  }
};

// r must not overlap the inputs, so that the loops compile to SIMD. A function of its own: bool
// and uint8 share it.
template <class T, class F>
__attribute__((noinline)) void compare_all(const T* p, bool one_p, const T* q, bool one_q,
                                           bool* __restrict r, std::int64_t n, F f) {
  if (one_p) {
    const T x = *p;
    for (std::int64_t i = 0; i < n; ++i) r[i] = f(x, one_q ? *q : q[i]);
  } else if (one_q) {
    const T y = *q;
    for (std::int64_t i = 0; i < n; ++i) r[i] = f(p[i], y);
  } else {
    for (std::int64_t i = 0; i < n; ++i) r[i] = f(p[i], q[i]);
  }
}

// f(a, b), or f(b, a) where they are swapped.
template <class F>
Tensor compare(const char* op, const Tensor& a, const Tensor& b, F f, bool swapped = false) {
  NoGradGuard no_grad;
  const ScalarType dtype = result_type(a, b);
  const Dims shape = broadcast_shapes(op, a.sizes(), b.sizes());
  const Tensor out = empty(shape, kBool);
  if (out.numel() == 0) return out;
  const Operand first(swapped ? b : a, dtype, shape), second(swapped ? a : b, dtype, shape);
  dispatch(dtype, [&](auto tag) {
    using T = kernels::Plain<typename decltype(tag)::type>;
    compare_all(reinterpret_cast<const T*>(first.tensor.impl()->data), first.single,
                reinterpret_cast<const T*>(second.tensor.impl()->data), second.single,
                out.data_ptr<bool>(), out.numel(), f);
  });
  return out;
}
const auto kEqual = [](auto x, auto y) { return x == y; };
const auto kUnequal = [](auto x, auto y) { return x != y; };
const auto kLess = [](auto x, auto y) { return x < y; };
const auto kLessEqual = [](auto x, auto y) { return x <= y; };
// As in PyTorch, a number too large for an integral tensor wraps around in a comparison.
Tensor as_tensor(const Tensor& like, const Scalar& s) {
  const Tensor number = empty({}, result_type(like, s));
  kernels::fill(number, s);
  return number;
}

// self = result, 1 or 0 in its own dtype. The result does not depend on the values smoothly: the
// gradient is zero.
Tensor& write_truth(const char* op, const char* node, const Tensor& self, const Tensor& result) {
  detail::check_in_place(op, self);
  Tensor truth = result.to(self.scalar_type());
  if (needs_record(self)) {
    const Tensor before = detail::before_write(self, false);
    record(node, {&before}, {&truth}, [sizes = Dims(self.sizes())](Backward& pass) {
      pass.add(0, zeros(sizes, pass.grad().scalar_type()), true);
    });
  }
  return detail::write_in_place(op, self, truth);
}

// Whether each number is as `f` says; integers never are.
template <class F>
Tensor classify(const Tensor& x, bool of_integers, F f) {
  if (!x.is_floating_point()) return full(x.sizes(), of_integers, kBool);
  const Tensor out = empty(x.sizes(), kBool), in = x.detach().contiguous();
  dispatch_float("classify", x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* p = in.data_ptr<T>();
    bool* __restrict r = out.data_ptr<bool>();
    for (std::int64_t i = 0; i < in.numel(); ++i) r[i] = f(p[i]);
  });
  return out;
}
}  // namespace

#define REEL_COMPARE(name, relation, swapped, node)                                  \
  Tensor name(const Tensor& a, const Tensor& b) {                                    \
    return compare(#name, a, b, relation, swapped);                                  \
  }                                                                                  \
  Tensor name(const Tensor& a, const Scalar& b) { return name(a, as_tensor(a, b)); } \
  Tensor& Tensor::name##_(const Tensor& other) const {                               \
    return write_truth(#name "_", node, *this, reel::name(*this, other));            \
  }                                                                                  \
  Tensor& Tensor::name##_(const Scalar& other) const {                               \
    return write_truth(#name "_", node, *this, reel::name(*this, other));            \
  }
REEL_COMPARE(eq, kEqual, false, "EqBackward0")
REEL_COMPARE(ne, kUnequal, false, "NeBackward0")
REEL_COMPARE(lt, kLess, false, "LtBackward0")
REEL_COMPARE(le, kLessEqual, false, "LeBackward0")
REEL_COMPARE(gt, kLess, true, "GtBackward0")
REEL_COMPARE(ge, kLessEqual, true, "GeBackward0")
#undef REEL_COMPARE

#define REEL_LOGICAL(name, symbol)                                                    \
  Tensor name(const Tensor& self, const Tensor& other) {                              \
    return compare(#name, self, other, [](auto x, auto y) {                           \
      return (x != decltype(x)(0)) symbol(y != decltype(y)(0));                       \
    });                                                                               \
  }                                                                                   \
  Tensor& Tensor::name##_(const Tensor& other) const {                                \
    return write_truth(#name "_", "LogicBackward0", *this, reel::name(*this, other)); \
  }
REEL_LOGICAL(logical_and, &)
REEL_LOGICAL(logical_or, |)
REEL_LOGICAL(logical_xor, !=)
#undef REEL_LOGICAL
Tensor logical_not(const Tensor& self) { return eq(self, false); }
Tensor& Tensor::logical_not_() const {
  return write_truth("logical_not_", "LogicBackward0", *this, reel::logical_not(*this));
}

Tensor isnan(const Tensor& self) {
  return classify(self, false, [](auto v) { return v != v; });
}
Tensor isinf(const Tensor& self) {
  return classify(self, false, [](auto v) { return std::isinf(v); });
}
Tensor isfinite(const Tensor& self) {
  return classify(self, true, [](auto v) { return std::isfinite(v); });
}

namespace {
bool all_true(const Tensor& t) {
  const bool* p = t.data_ptr<bool>();
  for (std::int64_t i = 0; i < t.numel(); ++i)
    if (!p[i]) return false;
  return true;
}
}  // namespace
bool equal(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() && all_true(eq(a, b));
}
bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  NoGradGuard no_grad;
  const Dims shape = broadcast_shapes("allclose", a.sizes(), b.sizes());
  const Tensor x = a.to(kFloat64).expand(shape).contiguous(),
               y = b.to(kFloat64).expand(shape).contiguous();
  const double *p = x.data_ptr<double>(), *q = y.data_ptr<double>();
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    if (p[i] == q[i] || (equal_nan && std::isnan(p[i]) && std::isnan(q[i]))) continue;
    if (!(std::isfinite(q[i]) && std::abs(p[i] - q[i]) <= atol + rtol * std::abs(q[i])))
      return false;
  }
  return true;
}

}  // namespace reel
