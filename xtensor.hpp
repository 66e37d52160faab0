// xtensor interop: a tensor's memory as an xtensor container, and tensors from xtensor expressions.
// The only public header that includes xtensor. It needs xtensor's headers (0.24 or newer) where it
// is included; define XTENSOR_USE_XSIMD or not, as the rest of your program does.
#pragma once

#if __has_include(<xtensor/containers/xadapt.hpp>)
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/core/xnoalias.hpp>
#elif __has_include(<xtensor/xadapt.hpp>)
#include <xtensor/xadapt.hpp>
#include <xtensor/xnoalias.hpp>
#else
#error "reel: <reel/xtensor.hpp> needs xtensor's headers; install libxtensor-dev"
#endif

#include <cstddef>
#include <vector>

#include "autograd/autograd.hpp"

namespace reel {

/// The elements of `t` as an xtensor container of its shape and strides: no copy, it reads and
/// writes the tensor's memory, and must not outlive it. Writing through it is not recorded on the
/// tape. Throws DtypeError where T is not the tensor's type.
template <class T>
auto array(const Tensor& t) {
  T* data = t.data_ptr<T>();
  std::vector<std::size_t> shape;
  std::vector<std::ptrdiff_t> strides;
  for (std::int64_t d = 0; d < t.dim(); ++d) {
    shape.push_back(static_cast<std::size_t>(t.size(d)));
    // xtensor's own convention: no step along a dimension of size 1
    strides.push_back(t.size(d) == 1 ? 0 : static_cast<std::ptrdiff_t>(t.stride(d)));
  }
  // xtensor wants the number of elements here, also where they lie apart.
  return xt::adapt(data, static_cast<std::size_t>(t.numel()), xt::no_ownership(), shape, strides);
}

/// A new tensor with the shape and values of an xtensor expression, evaluated once. Its dtype is
/// the expression's value type.
template <class E>
Tensor from_xtensor(const xt::xexpression<E>& expression) {
  const E& e = expression.derived_cast();
  using T = typename E::value_type;
  std::vector<std::int64_t> sizes;
  for (const auto size : e.shape()) sizes.push_back(static_cast<std::int64_t>(size));
  Tensor out = empty(sizes, dtype_of<T>::value);
  if (out.numel() == 0) return out;
  std::vector<std::size_t> shape(e.shape().begin(), e.shape().end());
  auto target = xt::adapt(out.data_ptr<T>(), static_cast<std::size_t>(out.numel()),
                          xt::no_ownership(), shape);
  xt::noalias(target) = e;
  return out;
}

}  // namespace reel
