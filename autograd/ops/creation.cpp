#include "creation.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "autograd/kernels.hpp"
#include "ops.hpp"
#include "view.hpp"

namespace reel {

namespace {
// Strides without gaps, written where they stay.
void set_dense_strides(TensorImpl& impl) {
  const std::size_t rank = impl.sizes.size();
  const std::int64_t* sizes = impl.sizes.data();
  std::int64_t* strides = impl.strides.reset(rank);
  std::uint64_t step = 1;  // unsigned: beside a size of zero the others may multiply to anything
  for (std::size_t d = rank; d-- > 0;) {
    strides[d] = static_cast<std::int64_t>(step);
    step *= static_cast<std::uint64_t>(std::max<std::int64_t>(sizes[d], 1));
  }
}
}  // namespace

Tensor detail::empty_dense(const Dims& sizes, std::int64_t numel, ScalarType dtype) {
  const auto bytes = static_cast<std::uint64_t>(element_size(dtype));
  check<ShapeError>(static_cast<std::uint64_t>(numel) < (std::uint64_t{1} << 46) / bytes,
                    "[empty] a tensor of shape ", sizes, " is too large");
  auto impl = TensorImpl::make();
  impl->dtype = dtype;
  impl->sizes = sizes;
  impl->numel = numel;
  set_dense_strides(*impl);
  impl->storage = Storage::make(static_cast<std::size_t>(numel) * bytes);
  impl->data = static_cast<std::byte*>(impl->storage->data());
  return Tensor(std::move(impl));
}

Tensor empty(IntArrayRef sizes, const TensorOptions& options) {
  const Tensor t = detail::empty_dense(Dims(sizes), count_elements(sizes), options.dtype());
  if (options.requires_grad()) t.set_requires_grad(true);
  return t;
}

namespace {
TensorOptions like(const Tensor& t, const TensorOptions& options) {
  return options.has_dtype()
             ? options
             : TensorOptions(t.scalar_type()).requires_grad(options.requires_grad());
}
Tensor filled(IntArrayRef sizes, const Scalar& value, const TensorOptions& options) {
  value.check_fits("full", options.dtype());
  Tensor t = empty(sizes, options);
  kernels::fill(t, value);
  return t;
}
TensorOptions with_natural_dtype(const TensorOptions& options, bool floating) {
  return options.has_dtype() ? options : options.dtype(floating ? get_default_dtype() : kInt64);
}
}  // namespace

Tensor zeros(IntArrayRef sizes, const TensorOptions& options) {
  Tensor t = empty(sizes, options);
  if (t.numel() != 0) std::memset(t.impl()->data, 0, t.nbytes());
  return t;
}
Tensor ones(IntArrayRef sizes, const TensorOptions& options) { return filled(sizes, 1, options); }
Tensor full(IntArrayRef sizes, const Scalar& value, const TensorOptions& options) {
  if (options.has_dtype()) return filled(sizes, value, options);
  if (value.isBoolean()) return filled(sizes, value, options.dtype(kBool));
  return filled(sizes, value, with_natural_dtype(options, value.isFloatingPoint()));
}
Tensor empty_like(const Tensor& t, const TensorOptions& o) { return empty(t.sizes(), like(t, o)); }
Tensor zeros_like(const Tensor& t, const TensorOptions& o) { return zeros(t.sizes(), like(t, o)); }
Tensor ones_like(const Tensor& t, const TensorOptions& o) { return ones(t.sizes(), like(t, o)); }
Tensor full_like(const Tensor& t, const Scalar& v, const TensorOptions& o) {
  return full(t.sizes(), v, like(t, o));
}
Tensor scalar_tensor(const Scalar& value, const TensorOptions& options) {
  return filled({}, value, options);
}

namespace {
// The number of steps from `start` up (or down) to `end`, which is not one of them. In integers,
// since doubles do not hold all of 64 bits.
double count_steps(std::int64_t start, std::int64_t end, std::int64_t step) {
  const bool up = step > 0;
  const auto from = static_cast<std::uint64_t>(up ? start : end),
             to = static_cast<std::uint64_t>(up ? end : start);
  const auto by = up ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  return static_cast<double>((to - from) / by + ((to - from) % by != 0 ? 1 : 0));
}
}  // namespace

Tensor arange(const Scalar& end, const TensorOptions& o) { return arange(0, end, 1, o); }
Tensor arange(const Scalar& start, const Scalar& end, const TensorOptions& o) {
  return arange(start, end, 1, o);
}
Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step,
              const TensorOptions& options) {
  const bool floating = start.isFloatingPoint() || end.isFloatingPoint() || step.isFloatingPoint();
  const double by = step.toDouble(), span = end.toDouble() - start.toDouble();
  check(by != 0 && std::isfinite(span) && std::isfinite(by),
        "[arange] step must be nonzero and the bounds finite");
  const bool onwards = floating ? span * by >= 0
                       : by > 0 ? start.toLong() <= end.toLong()
                                : start.toLong() >= end.toLong();
  check(onwards, "[arange] upper bound and larger bound inconsistent with step sign: from ", start,
        " to ", end, " by ", step);
  const double count =
      floating ? std::ceil(span / by) : count_steps(start.toLong(), end.toLong(), step.toLong());
  check<ShapeError>(count < 9e15, "[arange] too many elements: ", count);
  const Tensor t = empty({static_cast<std::int64_t>(count)}, with_natural_dtype(options, floating));
  dispatch(t.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* p = reinterpret_cast<T*>(t.impl()->data);
    for (std::int64_t i = 0; i < t.numel(); ++i) {
      if constexpr (std::is_floating_point_v<T>)
        p[i] = static_cast<T>(start.toDouble() + static_cast<double>(i) * by);
      else
        p[i] = floating ? static_cast<T>(start.toDouble() + static_cast<double>(i) * by)
                        : static_cast<T>(start.toLong() + i * step.toLong());
    }
  });
  return t;
}

Tensor linspace(const Scalar& start, const Scalar& end, std::int64_t steps,
                const TensorOptions& options) {
  check(steps >= 0, "[linspace] number of steps must be non-negative, found ", steps);
  const Tensor t = empty({steps}, options);
  const double a = start.toDouble(), b = end.toDouble();
  const double by = steps > 1 ? (b - a) / static_cast<double>(steps - 1) : 0.0;
  dispatch(t.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* p = reinterpret_cast<T*>(t.impl()->data);
    // Counted from both ends, so that the last value is exactly `end`.
    for (std::int64_t i = 0; i < steps; ++i)
      p[i] =
          static_cast<T>(i < steps / 2 || steps == 1 ? a + by * static_cast<double>(i)
                                                     : b - by * static_cast<double>(steps - 1 - i));
  });
  return t;
}

Tensor eye(std::int64_t n, const TensorOptions& options) { return eye(n, n, options); }
Tensor eye(std::int64_t n, std::int64_t m, const TensorOptions& options) {
  const Tensor t = zeros({n, m}, options.requires_grad(false));
  kernels::fill(detail::make_view(t, {std::min(n, m)}, {m + 1}, t.impl()->data), 1);
  if (options.requires_grad()) t.set_requires_grad(true);
  return t;
}

TensorData::TensorData(std::initializer_list<TensorData> items) : type_(get_default_dtype()) {
  sizes_.push_back(static_cast<std::int64_t>(items.size()));
  if (items.size() == 0) return;
  const TensorData& first = *items.begin();
  type_ = first.type_;
  for (const auto size : first.sizes_) sizes_.push_back(size);
  for (const TensorData& item : items) {
    check<ShapeError>(item.sizes_ == first.sizes_, "[tensor] expected all sub-lists to have sizes ",
                      first.sizes_, ", found ", item.sizes_);
    check<DtypeError>(item.type_ == type_,
                      "[tensor] expected all elements to have one type: found ",
                      to_string(item.type_), " after ", to_string(type_));
    values_.insert(values_.end(), item.values_.begin(), item.values_.end());
  }
}

Tensor tensor(const TensorData& data, const TensorOptions& options) {
  Tensor t = empty(data.sizes(), options.has_dtype() ? options : options.dtype(data.type()));
  dispatch(t.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* p = reinterpret_cast<T*>(t.impl()->data);
    for (const Scalar& v : data.values()) *p++ = v.to<T>();
  });
  return t;
}

Tensor from_blob(void* data, IntArrayRef sizes, const TensorOptions& options) {
  return from_blob(data, sizes, contiguous_strides(sizes), nullptr, options);
}
Tensor from_blob(void* data, IntArrayRef sizes, const std::function<void(void*)>& deleter,
                 const TensorOptions& options) {
  return from_blob(data, sizes, contiguous_strides(sizes), deleter, options);
}
Tensor from_blob(void* data, IntArrayRef sizes, IntArrayRef strides, const TensorOptions& options) {
  return from_blob(data, sizes, strides, nullptr, options);
}
Tensor from_blob(void* data, IntArrayRef sizes, IntArrayRef strides,
                 const std::function<void(void*)>& deleter, const TensorOptions& options) {
  check<ShapeError>(sizes.size() == strides.size(), "[from_blob] ", sizes.size(), " sizes but ",
                    strides.size(), " strides");
  const std::int64_t count = count_elements(sizes);
  check(data != nullptr || count == 0, "[from_blob] data is null for shape ", sizes);
  std::int64_t extent = count == 0 ? 0 : 1;
  for (std::size_t d = 0; d < sizes.size() && count != 0; ++d) {
    check(strides[d] >= 0, "[from_blob] negative stride ", strides[d]);
    extent += (sizes[d] - 1) * strides[d];
  }
  auto impl = TensorImpl::make();
  impl->dtype = options.dtype();
  impl->storage =
      Storage::borrow(data, static_cast<std::size_t>(extent) * element_size(impl->dtype), deleter);
  impl->data = static_cast<std::byte*>(data);
  impl->sizes = Dims(sizes);
  impl->strides = Dims(strides);
  detail::finish_geometry(*impl);
  Tensor t(std::move(impl));
  if (options.requires_grad()) t.set_requires_grad(true);
  return t;
}

}  // namespace reel
