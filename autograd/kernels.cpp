#include "kernels.hpp"

#include <cmath>
#include <cstring>

#include "ops/ops.hpp"
#include "pointwise_driver.hpp"
#include "tape.hpp"
#include "transpose.hpp"

namespace reel::kernels {
namespace {

using detail::Operand;
using detail::Run;

void check_shape(const char* op, const Tensor& to, const Tensor& from) {
  check<ShapeError>(from.sizes() == to.sizes(), "[", op, "] shape ", from.sizes(), ", expected ",
                    to.sizes());
}

template <class T>
void add_run(const void*, const Run& run) {
  T* to = reinterpret_cast<T*>(run.data[0]);
  const T* from = reinterpret_cast<const T*>(run.data[1]);
  if (run.step[0] == 1 && run.step[1] == 1)
    for (std::int64_t i = 0; i < run.n; ++i) to[i] = static_cast<T>(to[i] + from[i]);
  else
    for (std::int64_t i = 0; i < run.n; ++i)
      to[i * run.step[0]] = static_cast<T>(to[i * run.step[0]] + from[i * run.step[1]]);
}

template <class T>
void copy_run(const void*, const Run& run) {
  T* to = reinterpret_cast<T*>(run.data[0]);
  const T* from = reinterpret_cast<const T*>(run.data[1]);
  if (run.step[0] == 1 && run.step[1] == 1)
    std::memmove(to, from, static_cast<std::size_t>(run.n) * sizeof(T));
  else
    for (std::int64_t i = 0; i < run.n; ++i) to[i * run.step[0]] = from[i * run.step[1]];
}

template <class To, class From>
To convert(From v) {
  if constexpr (std::is_same_v<To, bool>) {
    return v != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // Out of range is undefined in C++; saturate, with NaN as zero.
    if (!(v == v)) return To(0);
    if (v <= static_cast<From>(std::numeric_limits<To>::lowest()))
      return std::numeric_limits<To>::lowest();
    if (v >= static_cast<From>(std::numeric_limits<To>::max()))
      return std::numeric_limits<To>::max();
    return static_cast<To>(v);
  } else {
    return static_cast<To>(v);
  }
}

}  // namespace

void add_into(const Tensor& to, const Tensor& from) {
  check_shape("add", to, from);
  Operand operands[2];
  operands[0].set(to, Operand::Update);
  operands[1].set(from, Operand::Read);
  check<DtypeError>(to.scalar_type() == from.scalar_type(), "[add] cannot add ",
                    dtype_name(from.scalar_type()), " into ", dtype_name(to.scalar_type()));
  Run run;
  dispatch(to.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    detail::walk(to.sizes(), operands, {add_run<T>, nullptr, sizeof(T), 1}, run);
  });
}

void copy(const Tensor& to, const Tensor& from) {
  check_shape("copy", to, from);
  if (to.scalar_type() == from.scalar_type()) {
    if (copy_transposed(to, from)) return;
    Operand operands[2];
    operands[0].set(to, Operand::Write);
    operands[1].set(from, Operand::Read);
    Run run;
    dispatch(to.scalar_type(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      detail::walk(to.sizes(), operands, {copy_run<T>, nullptr, sizeof(T), 1}, run);
    });
    return;
  }
  // Different widths do not walk together: convert into contiguous memory, then place it.
  const Tensor source = from.is_contiguous() ? from : from.detach().contiguous();
  Tensor target = to.is_contiguous() ? to : empty(to.sizes(), to.scalar_type());
  const std::int64_t n = source.numel();
  dispatch(to.scalar_type(), [&](auto to_tag) {
    using To = typename decltype(to_tag)::type;
    dispatch(source.scalar_type(), [&](auto from_tag) {
      using Source = typename decltype(from_tag)::type;
      using From = std::conditional_t<std::is_same_v<Source, bool>, std::uint8_t, Source>;
      To* out = reinterpret_cast<To*>(target.impl()->data);
      const From* in = reinterpret_cast<const From*>(source.impl()->data);
      for (std::int64_t i = 0; i < n; ++i) out[i] = convert<To>(in[i]);
    });
  });
  if (!target.is_same(to)) copy(to, target);
}

void fill(const Tensor& to, const Scalar& value) {
  if (to.numel() == 0) return;
  dispatch(to.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T v = value.isFloatingPoint() ? convert<T>(value.toDouble()) : convert<T>(value.toLong());
    if (to.is_contiguous()) {
      T* out = reinterpret_cast<T*>(to.impl()->data);
      std::fill(out, out + to.numel(), v);
      return;
    }
    const Tensor one = empty({1}, to.scalar_type());
    *reinterpret_cast<T*>(one.impl()->data) = v;
    NoGradGuard no_grad;
    copy(to, one.expand(to.sizes()));
  });
}

bool has_nonfinite(const Tensor& t) {
  if (!t.is_floating_point()) return false;
  const Tensor dense = t.is_contiguous() ? t : t.detach().contiguous();
  return dispatch_float("has_nonfinite", dense.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* p = dense.data_ptr<T>();
    for (std::int64_t i = 0; i < dense.numel(); ++i)
      if (!std::isfinite(p[i])) return true;
    return false;
  });
}

}  // namespace reel::kernels
