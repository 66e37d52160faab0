// What lies behind a Tensor, and the methods that only look at it. Part of tensor.hpp.
#pragma once

#include "tensor.hpp"

namespace reel {

/// What a Tensor points to. Plain data for the library's own files; users go through Tensor.
struct TensorImpl {
  static Ref<TensorImpl> make();
  ~TensorImpl();

  void retain() { refs.fetch_add(1, std::memory_order_relaxed); }
  void drop() {
    if (last_of(refs)) delete this;
  }
  static void* operator new(std::size_t bytes) { return memory::allocate(bytes); }
  static void operator delete(void* block, std::size_t bytes) { memory::release(block, bytes); }

  /// Replaces the producer; a tensor that keeps its gradient keeps that of its new value.
  void set_history(const Ref<Node>& node, std::uint32_t nr);

  std::atomic<std::int32_t> refs{1};
  ScalarType dtype = kFloat32;
  bool requires_grad = false;      // set by the user, on leaves
  bool contiguous = true;          // row-major, no gaps
  bool retains_grad = false;       // a non-leaf that asked to keep its gradient
  std::uint32_t output_nr = 0;     // which output of grad_fn
  std::uint32_t history = 0;       // of a base: rises when its grad_fn is replaced
  std::uint32_t history_seen = 0;  // of a view: the base's history that grad_fn belongs to
  std::int64_t numel = 0;
  std::byte* data = nullptr;  // first element: storage plus offset
  Ref<Storage> storage;
  Dims sizes;
  Dims strides;                          // in elements
  Ref<Node> grad_fn;                     // producer on the tape; none for leaves
  Tensor base;                           // of a view: the tensor whose memory it shows
  Tensor grad;                           // of a leaf (or with retain_grad): the gradient
  std::unique_ptr<AutogradExtra> extra;  // hooks; made when first needed
};

namespace detail {
[[noreturn]] void wrong_data_type(ScalarType wanted, const Tensor& found);
}

inline Tensor::Tensor() noexcept = default;
inline Tensor::Tensor(Ref<TensorImpl> impl) : impl_(std::move(impl)) {}
inline Tensor::Tensor(const Tensor&) = default;
inline Tensor::Tensor(Tensor&&) noexcept = default;
inline Tensor& Tensor::operator=(const Tensor&) & = default;
inline Tensor& Tensor::operator=(Tensor&&) & noexcept = default;
inline Tensor::~Tensor() = default;
inline TensorImpl& Tensor::checked() const {
  if (!impl_) undefined_error();
  return *impl_;
}
inline std::int64_t Tensor::dim() const {
  return static_cast<std::int64_t>(checked().sizes.size());
}
inline std::int64_t Tensor::numel() const { return checked().numel; }
inline IntArrayRef Tensor::sizes() const { return checked().sizes; }
inline IntArrayRef Tensor::strides() const { return checked().strides; }
inline std::int64_t Tensor::size(std::int64_t dim) const {
  return sizes()[existing_dim("size", dim, sizes().size())];
}
inline std::int64_t Tensor::stride(std::int64_t dim) const {
  return strides()[existing_dim("stride", dim, sizes().size())];
}
inline ScalarType Tensor::scalar_type() const { return checked().dtype; }
inline bool Tensor::is_contiguous() const { return checked().contiguous; }
inline bool Tensor::is_view() const { return checked().base.defined(); }
inline std::uint32_t Tensor::output_nr() const { return checked().output_nr; }
inline std::uint32_t Tensor::_version() const { return checked().storage->version(); }
inline const Tensor& Tensor::grad() const { return checked().grad; }
inline Tensor& Tensor::mutable_grad() const { return checked().grad; }
inline void* Tensor::data_ptr() const {
  const TensorImpl& impl = checked();
  impl.storage->expose();
  return impl.data;
}
template <class T>
T* Tensor::data_ptr() const {
  if (checked().dtype != dtype_of<T>::value) detail::wrong_data_type(dtype_of<T>::value, *this);
  impl_->storage->expose();
  return reinterpret_cast<T*>(impl_->data);
}
template <class T, std::size_t N>
TensorAccessor<T, N> Tensor::accessor() const {
  check<ShapeError>(dim() == static_cast<std::int64_t>(N), "[accessor] expected ", N,
                    " dims but tensor has ", dim());
  return TensorAccessor<T, N>(data_ptr<T>(), impl_->sizes.data(), impl_->strides.data());
}

}  // namespace reel
