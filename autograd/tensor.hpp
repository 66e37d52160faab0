// Tensor: a one-pointer handle to a strided array of numbers, with its place on the tape.
//
// The methods that compute are declared here and defined in methods.hpp, where each forwards to
// the free function of the same name (declared, with its equation, under ops/).
#pragma once

#include <atomic>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <string>
#include <type_traits>

#include "accessor.hpp"
#include "composed_methods.hpp"
#include "dims.hpp"
#include "dtype.hpp"
#include "storage.hpp"

namespace reel {

class Node;
struct TensorImpl;
struct AutogradExtra;
using TensorList = ArrayRef<Tensor>;

/// For overloads that a number must not reach by turning into a bool.
template <class B>
using OnlyBool = std::enable_if_t<std::is_same_v<B, bool>, int>;
/// For overloads that take a dtype, which an empty pair of braces must not become.
template <class D>
using OnlyDtype =
    std::enable_if_t<std::is_same_v<D, ScalarType> || std::is_same_v<D, std::optional<ScalarType>>,
                     int>;

class Tensor : public detail::ComposedMethods {
 public:
  Tensor() noexcept;
  explicit Tensor(Ref<TensorImpl> impl);
  Tensor(const Tensor&);
  Tensor(Tensor&&) noexcept;
  Tensor& operator=(const Tensor&) &;
  Tensor& operator=(Tensor&&) & noexcept;
  /// Assigning to what an expression returns writes into its memory: `x[0] = y`, `x[1][2] = 5`.
  Tensor& operator=(const Tensor& values) && { return copy_(values); }
  Tensor& operator=(const Scalar& value) && { return fill_(value); }
  ~Tensor();
  TensorImpl* impl() const { return impl_.get(); }
  TensorImpl* unsafeGetTensorImpl() const { return impl_.get(); }  // libtorch's name
  /// The implementation; throws Error where the tensor is undefined.
  TensorImpl& checked() const;

  // ---- what it is
  bool defined() const { return static_cast<bool>(impl_); }
  void reset() { impl_ = nullptr; }
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }
  std::int64_t dim() const;
  std::int64_t ndimension() const { return dim(); }
  std::int64_t numel() const;
  IntArrayRef sizes() const;
  IntArrayRef strides() const;
  std::int64_t size(std::int64_t dim) const;
  std::int64_t stride(std::int64_t dim) const;
  std::int64_t storage_offset() const;
  std::size_t nbytes() const { return static_cast<std::size_t>(numel()) * element_size(); }
  std::size_t element_size() const { return reel::element_size(scalar_type()); }
  std::int64_t itemsize() const { return static_cast<std::int64_t>(element_size()); }
  ScalarType scalar_type() const;
  ScalarType dtype() const { return scalar_type(); }
  Device device() const { return Device(); }
  bool is_cuda() const { return false; }
  bool is_cpu() const { return true; }
  TensorOptions options() const { return TensorOptions(scalar_type()); }
  bool is_contiguous() const;
  bool is_floating_point() const { return reel::is_floating_point(scalar_type()); }
  bool is_signed() const { return scalar_type() != kUInt8 && scalar_type() != kBool; }
  Layout layout() const { return kStrided; }
  std::int64_t get_device() const { return -1; }
  bool is_view() const;

  // ---- its numbers
  /// The first element's address. Throws DtypeError where T is not the tensor's type.
  template <class T>
  T* data_ptr() const;
  void* data_ptr() const;
  template <class T>
  T* mutable_data_ptr() const {
    return data_ptr<T>();
  }
  template <class T>
  const T* const_data_ptr() const {
    return data_ptr<T>();
  }
  template <class T, std::size_t N>
  TensorAccessor<T, N> accessor() const;
  /// The only element. Throws ShapeError where there is not exactly one.
  Scalar item() const;
  template <class T>
  T item() const {
    return item().to<T>();
  }
  bool is_nonzero() const { return item().to<bool>(); }
  std::string toString() const;
  void print() const;

  // ---- the tape
  bool requires_grad() const;
  /// Throws AutogradError on a non-leaf or an integral tensor.
  const Tensor& set_requires_grad(bool on) const;
  Tensor& requires_grad_(bool on = true);
  const Tensor& requires_grad_(bool on = true) const { return set_requires_grad(on); }
  bool is_leaf() const;
  /// The node that produced this tensor, or none for a leaf.
  Ref<Node> grad_fn() const;
  const Tensor& grad() const;
  /// The gradient, to be replaced or cleared: `t.mutable_grad() = Tensor()`.
  Tensor& mutable_grad() const;
  std::uint32_t output_nr() const;
  std::uint32_t _version() const;
  /// Accumulates d(this)/d(leaf) into the `.grad` of every leaf. `gradient` may be left out for
  /// a tensor of one element. Throws AutogradError where nothing requires a gradient or the graph
  /// was freed. With `inputs`, only their gradients are accumulated.
  /// https://pytorch.org/docs/stable/generated/torch.Tensor.backward.html
  void backward(const Tensor& gradient = Tensor(), std::optional<bool> retain_graph = nullopt,
                bool create_graph = false, std::optional<TensorList> inputs = nullopt) const;
  /// Keeps the gradient of a non-leaf in `.grad`.
  void retain_grad() const;
  /// Calls `hook` with each gradient of this tensor; what it returns, if defined, replaces the
  /// gradient. The result identifies the hook to remove_hook().
  /// https://pytorch.org/docs/stable/generated/torch.Tensor.register_hook.html
  template <class F>
  unsigned register_hook(F hook) const {
    if constexpr (std::is_void_v<std::invoke_result_t<F, Tensor>>)
      return add_hook([hook](const Tensor& g) {
        hook(g);
        return Tensor();
      });
    else
      return add_hook(hook);
  }
  void remove_hook(unsigned id) const;
  /// Makes this leaf show the memory of `values` from now on. Throws AutogradError on a non-leaf
  /// and DtypeError for another dtype.
  void set_data(const Tensor& values) const;
  /// The same memory without history.
  Tensor detach() const;
  Tensor& detach_();
  Tensor data() const { return detach(); }
  Tensor variable_data() const { return detach(); }
  Tensor tensor_data() const { return detach(); }

  // ---- new tensors of this one's dtype, unless options name another (ops/creation.hpp)
  Tensor new_empty(IntArrayRef sizes, const TensorOptions& options = {}) const;
  Tensor new_zeros(IntArrayRef sizes, const TensorOptions& options = {}) const;
  Tensor new_ones(IntArrayRef sizes, const TensorOptions& options = {}) const;
  Tensor new_full(IntArrayRef sizes, const Scalar& value, const TensorOptions& options = {}) const;

  // ---- copies and conversions
  Tensor clone() const;
  Tensor contiguous() const;
  Tensor to(ScalarType dtype, bool non_blocking = false, bool copy = false) const;
  Tensor to(const TensorOptions& options, bool non_blocking = false, bool copy = false) const;
  Tensor to(Device device, bool non_blocking = false, bool copy = false) const;
  Tensor to(Device device, ScalarType dtype, bool non_blocking = false, bool copy = false) const;
  Tensor to(DeviceType device) const { return to(Device(device)); }
  Tensor to(const Tensor& other, bool non_blocking = false, bool copy = false) const {
    return to(other.scalar_type(), non_blocking, copy);
  }
  Tensor cpu() const { return *this; }
  /// Throws Error: there is no such device.
  Tensor cuda() const { return to(Device(kCUDA)); }
  Tensor type_as(const Tensor& other) const { return to(other.scalar_type()); }
  Tensor toType(ScalarType t) const { return to(t); }

  // ---- arithmetic (ops/pointwise.hpp)
  Tensor add(const Tensor& other, const Scalar& alpha = 1) const;
  Tensor add(const Scalar& other, const Scalar& alpha = 1) const;
  Tensor sub(const Tensor& other, const Scalar& alpha = 1) const;
  Tensor sub(const Scalar& other, const Scalar& alpha = 1) const;
  Tensor mul(const Tensor& other) const;
  Tensor mul(const Scalar& other) const;
  Tensor div(const Tensor& other) const;
  Tensor div(const Scalar& other) const;
  Tensor neg() const;
  Tensor operator-() const { return neg(); }
  Tensor pow(const Scalar& exponent) const;
  Tensor square() const;
  Tensor sqrt() const;
  Tensor abs() const;
  Tensor sign() const;
  Tensor exp() const;
  Tensor log() const;
  Tensor tanh() const;
  Tensor sigmoid() const;
  Tensor relu() const;
  Tensor rsqrt() const;
  Tensor reciprocal() const;
  Tensor expm1() const;
  Tensor log1p() const;
  Tensor log2() const;
  Tensor log10() const;
  Tensor sin() const;
  Tensor cos() const;
  Tensor tan() const;
  Tensor asin() const;
  Tensor acos() const;
  Tensor atan() const;
  Tensor sinh() const;
  Tensor cosh() const;
  Tensor erf() const;
  Tensor erfc() const;
  Tensor floor() const;
  Tensor ceil() const;
  Tensor round() const;
  Tensor trunc() const;
  Tensor frac() const;
  Tensor isnan() const;
  Tensor isinf() const;
  Tensor isfinite() const;
  Tensor logical_not() const;
  Tensor nan_to_num(std::optional<double> nan = nullopt, std::optional<double> posinf = nullopt,
                    std::optional<double> neginf = nullopt) const;
  Tensor pow(const Tensor& exponent) const;
  Tensor div(const Tensor& other, std::optional<std::string_view> rounding_mode) const;
  Tensor div(const Scalar& other, std::optional<std::string_view> rounding_mode) const;
  Tensor clamp(const std::optional<Scalar>& min, const std::optional<Scalar>& max = nullopt) const;
  Tensor clamp(const std::optional<Tensor>& min, const std::optional<Tensor>& max = nullopt) const;
  Tensor clamp_min(const Scalar& min) const;
  Tensor clamp_min(const Tensor& min) const;
  Tensor clamp_max(const Scalar& max) const;
  Tensor clamp_max(const Tensor& max) const;
  Tensor maximum(const Tensor& other) const;
  Tensor minimum(const Tensor& other) const;
  Tensor floor_divide(const Tensor& other) const;
  Tensor floor_divide(const Scalar& other) const;
  Tensor remainder(const Tensor& other) const;
  Tensor remainder(const Scalar& other) const;
  Tensor fmod(const Tensor& other) const;
  Tensor fmod(const Scalar& other) const;
  Tensor atan2(const Tensor& other) const;
  Tensor hypot(const Tensor& other) const;
  Tensor lerp(const Tensor& end, const Tensor& weight) const;
  Tensor lerp(const Tensor& end, const Scalar& weight) const;
  Tensor addcmul(const Tensor& tensor1, const Tensor& tensor2, const Scalar& value = 1) const;
  Tensor addcdiv(const Tensor& tensor1, const Tensor& tensor2, const Scalar& value = 1) const;
  Tensor logical_and(const Tensor& other) const;
  Tensor logical_or(const Tensor& other) const;
  Tensor logical_xor(const Tensor& other) const;
  Tensor eq(const Tensor& other) const;
  Tensor eq(const Scalar& other) const;
  Tensor ne(const Tensor& other) const;
  Tensor ne(const Scalar& other) const;
  Tensor lt(const Tensor& other) const;
  Tensor lt(const Scalar& other) const;
  Tensor le(const Tensor& other) const;
  Tensor le(const Scalar& other) const;
  Tensor gt(const Tensor& other) const;
  Tensor gt(const Scalar& other) const;
  Tensor ge(const Tensor& other) const;
  Tensor ge(const Scalar& other) const;
  Tensor masked_fill(const Tensor& mask, const Scalar& value) const;
  Tensor masked_fill(const Tensor& mask, const Tensor& value) const;
  Tensor where(const Tensor& condition, const Tensor& other) const;
  Tensor where(const Tensor& condition, const Scalar& other) const;
  Tensor hardshrink(const Scalar& lambd = 0.5) const;
  Tensor prelu(const Tensor& weight) const;
  bool equal(const Tensor& other) const;
  bool allclose(const Tensor& other, double rtol = 1e-5, double atol = 1e-8,
                bool equal_nan = false) const;

  // ---- the same in place: no new memory, and a place on the tape where one is needed
  Tensor& add_(const Tensor& other, const Scalar& alpha = 1) const;
  Tensor& add_(const Scalar& other, const Scalar& alpha = 1) const;
  Tensor& sub_(const Tensor& other, const Scalar& alpha = 1) const;
  Tensor& sub_(const Scalar& other, const Scalar& alpha = 1) const;
  Tensor& mul_(const Tensor& other) const;
  Tensor& mul_(const Scalar& other) const;
  Tensor& div_(const Tensor& other) const;
  Tensor& div_(const Scalar& other) const;
  Tensor& neg_() const;
  Tensor& square_() const;
  Tensor& sqrt_() const;
  Tensor& abs_() const;
  Tensor& sign_() const;
  Tensor& exp_() const;
  Tensor& log_() const;
  Tensor& tanh_() const;
  Tensor& sigmoid_() const;
  Tensor& relu_() const;
  Tensor& rsqrt_() const;
  Tensor& reciprocal_() const;
  Tensor& expm1_() const;
  Tensor& log1p_() const;
  Tensor& log2_() const;
  Tensor& log10_() const;
  Tensor& sin_() const;
  Tensor& cos_() const;
  Tensor& tan_() const;
  Tensor& asin_() const;
  Tensor& acos_() const;
  Tensor& atan_() const;
  Tensor& sinh_() const;
  Tensor& cosh_() const;
  Tensor& erf_() const;
  Tensor& erfc_() const;
  Tensor& floor_() const;
  Tensor& ceil_() const;
  Tensor& round_() const;
  Tensor& trunc_() const;
  Tensor& frac_() const;
  Tensor& nan_to_num_(std::optional<double> nan = nullopt, std::optional<double> posinf = nullopt,
                      std::optional<double> neginf = nullopt) const;
  Tensor& div_(const Tensor& other, std::optional<std::string_view> rounding_mode) const;
  Tensor& div_(const Scalar& other, std::optional<std::string_view> rounding_mode) const;
  Tensor& pow_(const Tensor& exponent) const;
  Tensor& pow_(const Scalar& exponent) const;
  Tensor& clamp_(const std::optional<Scalar>& min,
                 const std::optional<Scalar>& max = nullopt) const;
  Tensor& clamp_(const std::optional<Tensor>& min,
                 const std::optional<Tensor>& max = nullopt) const;
  Tensor& clamp_min_(const Scalar& min) const;
  Tensor& clamp_min_(const Tensor& min) const;
  Tensor& clamp_max_(const Scalar& max) const;
  Tensor& clamp_max_(const Tensor& max) const;
  Tensor& clip_(const std::optional<Scalar>& min,
                const std::optional<Scalar>& max = nullopt) const {
    return clamp_(min, max);
  }
  Tensor& logical_not_() const;
  Tensor& floor_divide_(const Tensor& other) const;
  Tensor& floor_divide_(const Scalar& other) const;
  Tensor& remainder_(const Tensor& other) const;
  Tensor& remainder_(const Scalar& other) const;
  Tensor& fmod_(const Tensor& other) const;
  Tensor& fmod_(const Scalar& other) const;
  Tensor& atan2_(const Tensor& other) const;
  Tensor& hypot_(const Tensor& other) const;
  Tensor& lerp_(const Tensor& end, const Tensor& weight) const;
  Tensor& lerp_(const Tensor& end, const Scalar& weight) const;
  Tensor& addcmul_(const Tensor& tensor1, const Tensor& tensor2, const Scalar& value = 1) const;
  Tensor& addcdiv_(const Tensor& tensor1, const Tensor& tensor2, const Scalar& value = 1) const;
  Tensor& logical_and_(const Tensor& other) const;
  Tensor& logical_or_(const Tensor& other) const;
  Tensor& logical_xor_(const Tensor& other) const;
  Tensor& eq_(const Tensor& other) const;
  Tensor& eq_(const Scalar& other) const;
  Tensor& ne_(const Tensor& other) const;
  Tensor& ne_(const Scalar& other) const;
  Tensor& lt_(const Tensor& other) const;
  Tensor& lt_(const Scalar& other) const;
  Tensor& le_(const Tensor& other) const;
  Tensor& le_(const Scalar& other) const;
  Tensor& gt_(const Tensor& other) const;
  Tensor& gt_(const Scalar& other) const;
  Tensor& ge_(const Tensor& other) const;
  Tensor& ge_(const Scalar& other) const;
  Tensor& copy_(const Tensor& source, bool non_blocking = false) const;
  Tensor& fill_(const Scalar& value) const;
  Tensor& fill_(const Tensor& value) const;
  Tensor& zero_() const;
  Tensor& masked_fill_(const Tensor& mask, const Scalar& value) const;
  Tensor& masked_fill_(const Tensor& mask, const Tensor& value) const;
  Tensor& uniform_(double from = 0, double to = 1) const;
  Tensor& normal_(double mean = 0, double std = 1) const;
  Tensor& bernoulli_(double p = 0.5) const;
  /// Integers uniform in [from, to), or [0, to). Throws Error unless the dtype can hold them.
  Tensor& random_(std::int64_t from, std::int64_t to) const;
  Tensor& random_(std::int64_t to) const { return random_(0, to); }
  Tensor& operator+=(const Tensor& other) { return add_(other); }
  Tensor& operator+=(const Scalar& other) { return add_(other); }
  Tensor& operator-=(const Tensor& other) { return sub_(other); }
  Tensor& operator-=(const Scalar& other) { return sub_(other); }
  Tensor& operator*=(const Tensor& other) { return mul_(other); }
  Tensor& operator*=(const Scalar& other) { return mul_(other); }
  Tensor& operator/=(const Tensor& other) { return div_(other); }
  Tensor& operator/=(const Scalar& other) { return div_(other); }

  // ---- reductions (ops/reduce.hpp)
  Tensor sum() const;
  template <class D, OnlyDtype<D> = 0>
  Tensor sum(D dtype) const {
    return sum(IntArrayRef(), false, dtype);
  }
  Tensor sum(IntArrayRef dim, bool keepdim = false,
             std::optional<ScalarType> dtype = nullopt) const;
  Tensor mean() const;
  template <class D, OnlyDtype<D> = 0>
  Tensor mean(D dtype) const {
    return mean(IntArrayRef(), false, dtype);
  }
  Tensor mean(IntArrayRef dim, bool keepdim = false,
              std::optional<ScalarType> dtype = nullopt) const;
  Tensor max() const;
  Tensor min() const;
  Tensor max(const Tensor& other) const { return maximum(other); }
  Tensor min(const Tensor& other) const { return minimum(other); }
  std::tuple<Tensor, Tensor> max(std::int64_t dim, bool keepdim = false) const;
  std::tuple<Tensor, Tensor> min(std::int64_t dim, bool keepdim = false) const;
  Tensor amax(IntArrayRef dim = {}, bool keepdim = false) const;
  Tensor amin(IntArrayRef dim = {}, bool keepdim = false) const;
  Tensor argmax(std::optional<std::int64_t> dim = nullopt, bool keepdim = false) const;
  Tensor argmin(std::optional<std::int64_t> dim = nullopt, bool keepdim = false) const;
  Tensor prod() const;
  template <class D, OnlyDtype<D> = 0>
  Tensor prod(D dtype) const {
    return prod(IntArrayRef(), false, dtype);
  }
  Tensor prod(IntArrayRef dim, bool keepdim = false,
              std::optional<ScalarType> dtype = nullopt) const;
  Tensor var() const;
  Tensor var(IntArrayRef dim, std::optional<std::int64_t> correction = nullopt,
             bool keepdim = false) const;
  template <class B, OnlyBool<B> = 0>
  Tensor var(B unbiased) const {
    return var(IntArrayRef(), unbiased ? 1 : 0);
  }
  template <class B, OnlyBool<B> = 0>
  Tensor var(IntArrayRef dim, B unbiased, bool keepdim = false) const {
    return var(dim, unbiased ? 1 : 0, keepdim);
  }
  Tensor std() const;
  Tensor std(IntArrayRef dim, std::optional<std::int64_t> correction = nullopt,
             bool keepdim = false) const;
  template <class B, OnlyBool<B> = 0>
  Tensor std(B unbiased) const {
    return std(IntArrayRef(), unbiased ? 1 : 0);
  }
  template <class B, OnlyBool<B> = 0>
  Tensor std(IntArrayRef dim, B unbiased, bool keepdim = false) const {
    return std(dim, unbiased ? 1 : 0, keepdim);
  }
  Tensor logsumexp(IntArrayRef dim, bool keepdim = false) const;
  Tensor norm(const Scalar& p = 2) const;
  Tensor norm(const std::optional<Scalar>& p, IntArrayRef dim, bool keepdim = false) const;
  Tensor any() const;
  Tensor any(IntArrayRef dim, bool keepdim = false) const;
  Tensor all() const;
  Tensor all(IntArrayRef dim, bool keepdim = false) const;
  Tensor count_nonzero(IntArrayRef dim = {}) const;
  Tensor sum_to_size(IntArrayRef sizes) const;

  // ---- running sums and order (ops/scan.hpp, ops/sort.hpp)
  Tensor cumsum(std::int64_t dim, std::optional<ScalarType> dtype = nullopt) const;
  Tensor cumprod(std::int64_t dim, std::optional<ScalarType> dtype = nullopt) const;
  Tensor& cumsum_(std::int64_t dim, std::optional<ScalarType> dtype = nullopt) const;
  Tensor& cumprod_(std::int64_t dim, std::optional<ScalarType> dtype = nullopt) const;
  std::tuple<Tensor, Tensor> cummax(std::int64_t dim) const;
  std::tuple<Tensor, Tensor> cummin(std::int64_t dim) const;
  std::tuple<Tensor, Tensor> sort(std::int64_t dim = -1, bool descending = false) const;
  std::tuple<Tensor, Tensor> sort(std::optional<bool> stable, std::int64_t dim = -1,
                                  bool descending = false) const;
  Tensor argsort(std::int64_t dim = -1, bool descending = false) const;
  template <class B, OnlyBool<B> = 0>
  Tensor argsort(B stable, std::int64_t dim = -1, bool descending = false) const;
  std::tuple<Tensor, Tensor> topk(std::int64_t k, std::int64_t dim = -1, bool largest = true,
                                  bool sorted = true) const;
  std::tuple<Tensor, Tensor> kthvalue(std::int64_t k, std::int64_t dim = -1,
                                      bool keepdim = false) const;
  Tensor median() const;
  std::tuple<Tensor, Tensor> median(std::int64_t dim, bool keepdim = false) const;
  Tensor bincount(const Tensor& weights = Tensor(), std::int64_t minlength = 0) const;

  // ---- matrix products (ops/linalg.hpp)
  Tensor matmul(const Tensor& other) const;
  Tensor mm(const Tensor& other) const;
  Tensor bmm(const Tensor& other) const;
  Tensor mv(const Tensor& vector) const;
  Tensor dot(const Tensor& other) const;
  Tensor outer(const Tensor& other) const;
  Tensor addmm(const Tensor& a, const Tensor& b, const Scalar& beta = 1,
               const Scalar& alpha = 1) const;
  Tensor& addmm_(const Tensor& a, const Tensor& b, const Scalar& beta = 1,
                 const Scalar& alpha = 1) const;
  Tensor baddbmm(const Tensor& a, const Tensor& b, const Scalar& beta = 1,
                 const Scalar& alpha = 1) const;
  Tensor& baddbmm_(const Tensor& a, const Tensor& b, const Scalar& beta = 1,
                   const Scalar& alpha = 1) const;
  Tensor t() const;

  // ---- shape (ops/shape.hpp)
  Tensor view(IntArrayRef sizes) const;
  Tensor reshape(IntArrayRef sizes) const;
  Tensor flatten(std::int64_t start_dim = 0, std::int64_t end_dim = -1) const;
  Tensor transpose(std::int64_t dim0, std::int64_t dim1) const;
  Tensor permute(IntArrayRef dims) const;
  Tensor squeeze() const;
  Tensor squeeze(std::int64_t dim) const;
  Tensor squeeze(IntArrayRef dims) const;
  Tensor unsqueeze(std::int64_t dim) const;
  Tensor diagonal(std::int64_t offset = 0, std::int64_t dim1 = 0, std::int64_t dim2 = 1) const;
  Tensor expand(IntArrayRef sizes, bool implicit = false) const;
  Tensor expand_as(const Tensor& other) const;
  Tensor view_as(const Tensor& other) const;
  Tensor reshape_as(const Tensor& other) const;
  Tensor unfold(std::int64_t dimension, std::int64_t size, std::int64_t step) const;
  Tensor as_strided(IntArrayRef sizes, IntArrayRef strides,
                    std::optional<std::int64_t> storage_offset = nullopt) const;
  Tensor narrow(std::int64_t dim, std::int64_t start, std::int64_t length) const;
  Tensor select(std::int64_t dim, std::int64_t index) const;
  Tensor slice(std::int64_t dim = 0, std::optional<std::int64_t> start = nullopt,
               std::optional<std::int64_t> end = nullopt, std::int64_t step = 1) const;
  Tensor operator[](std::int64_t index) const { return select(0, index); }
  /// The index is an integral tensor of one element; DtypeError otherwise.
  Tensor operator[](const Tensor& index) const;
  std::vector<Tensor> split(std::int64_t split_size, std::int64_t dim = 0) const;
  std::vector<Tensor> split(IntArrayRef sizes, std::int64_t dim = 0) const;
  std::vector<Tensor> split_with_sizes(IntArrayRef sizes, std::int64_t dim = 0) const;
  std::vector<Tensor> chunk(std::int64_t chunks, std::int64_t dim = 0) const;
  std::vector<Tensor> unbind(std::int64_t dim = 0) const;
  /// This tensor itself with other sizes and strides.
  Tensor& transpose_(std::int64_t dim0, std::int64_t dim1) const;
  Tensor& t_() const;
  Tensor& squeeze_() const;
  Tensor& squeeze_(std::int64_t dim) const;
  Tensor& unsqueeze_(std::int64_t dim) const;
  Tensor& swapaxes_(std::int64_t axis0, std::int64_t axis1) const {
    return transpose_(axis0, axis1);
  }
  Tensor& swapdims_(std::int64_t dim0, std::int64_t dim1) const { return transpose_(dim0, dim1); }

  // ---- rearrangements (ops/arrange.hpp)
  Tensor unflatten(std::int64_t dim, IntArrayRef sizes) const;
  Tensor movedim(IntArrayRef source, IntArrayRef destination) const;
  Tensor moveaxis(IntArrayRef source, IntArrayRef destination) const;
  Tensor swapaxes(std::int64_t axis0, std::int64_t axis1) const;
  Tensor swapdims(std::int64_t dim0, std::int64_t dim1) const;
  Tensor mT() const { return transpose(-2, -1); }
  Tensor repeat(IntArrayRef repeats) const;
  Tensor tile(IntArrayRef repeats) const;
  Tensor repeat_interleave(std::int64_t repeats, std::optional<std::int64_t> dim = nullopt) const;
  Tensor repeat_interleave(const Tensor& repeats, std::optional<std::int64_t> dim = nullopt) const;
  Tensor flip(IntArrayRef dims) const;
  Tensor roll(IntArrayRef shifts, IntArrayRef dims = {}) const;
  Tensor tril(std::int64_t diagonal = 0) const;
  Tensor triu(std::int64_t diagonal = 0) const;
  Tensor& tril_(std::int64_t diagonal = 0) const;
  Tensor& triu_(std::int64_t diagonal = 0) const;
  Tensor diag(std::int64_t diagonal = 0) const;
  Tensor trace() const;

  // ---- indexing (ops/index.hpp)
  Tensor index(ArrayRef<indexing::TensorIndex> indices) const;
  Tensor index(std::initializer_list<indexing::TensorIndex> indices) const;
  Tensor& index_put_(ArrayRef<indexing::TensorIndex> indices, const Tensor& value) const;
  Tensor& index_put_(ArrayRef<indexing::TensorIndex> indices, const Scalar& value) const;
  Tensor& index_put_(std::initializer_list<indexing::TensorIndex> indices,
                     const Tensor& value) const;
  Tensor& index_put_(std::initializer_list<indexing::TensorIndex> indices,
                     const Scalar& value) const;
  Tensor& index_put_(ArrayRef<indexing::TensorIndex> indices, const Tensor& value,
                     bool accumulate) const;
  Tensor& index_put_(std::initializer_list<indexing::TensorIndex> indices, const Tensor& value,
                     bool accumulate) const;
  Tensor index_select(std::int64_t dim, const Tensor& index) const;
  Tensor index_add(std::int64_t dim, const Tensor& index, const Tensor& source,
                   const Scalar& alpha = 1) const;
  Tensor& index_add_(std::int64_t dim, const Tensor& index, const Tensor& source,
                     const Scalar& alpha = 1) const;
  Tensor gather(std::int64_t dim, const Tensor& index) const;
  Tensor scatter(std::int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor scatter(std::int64_t dim, const Tensor& index, const Scalar& value) const;
  Tensor& scatter_(std::int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor& scatter_(std::int64_t dim, const Tensor& index, const Scalar& value) const;
  Tensor scatter(std::int64_t dim, const Tensor& index, const Tensor& source,
                 std::string_view reduce) const;
  Tensor scatter(std::int64_t dim, const Tensor& index, const Scalar& value,
                 std::string_view reduce) const;
  Tensor& scatter_(std::int64_t dim, const Tensor& index, const Tensor& source,
                   std::string_view reduce) const;
  Tensor& scatter_(std::int64_t dim, const Tensor& index, const Scalar& value,
                   std::string_view reduce) const;
  Tensor& scatter_reduce_(std::int64_t dim, const Tensor& index, const Tensor& source,
                          std::string_view reduce, bool include_self = true) const;
  Tensor& index_fill_(std::int64_t dim, const Tensor& index, const Scalar& value) const;
  Tensor& index_fill_(std::int64_t dim, const Tensor& index, const Tensor& value) const;
  Tensor& index_copy_(std::int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor& masked_scatter_(const Tensor& mask, const Tensor& source) const;
  Tensor scatter_add(std::int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor& scatter_add_(std::int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor take_along_dim(const Tensor& indices, std::optional<std::int64_t> dim = nullopt) const;
  Tensor masked_select(const Tensor& mask) const;
  Tensor nonzero() const;

  // ---- softmax family, random (ops/normalise.hpp, ops/random.hpp)
  Tensor softmax(std::int64_t dim, std::optional<ScalarType> dtype = nullopt) const;
  Tensor log_softmax(std::int64_t dim, std::optional<ScalarType> dtype = nullopt) const;
  Tensor multinomial(std::int64_t num_samples, bool replacement = false) const;

 private:
  unsigned add_hook(std::function<Tensor(const Tensor&)> hook) const;
  [[noreturn]] static void undefined_error();
  Ref<TensorImpl> impl_;
};

/// PyTorch's format: values in columns, then "[ CPUFloatType{2,3} ]".
std::ostream& operator<<(std::ostream& out, const Tensor& t);

}  // namespace reel

#include "tensor_impl.hpp"
