// ArrayRef, the argument type for lists, and Dims, the stored form of sizes and strides.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iosfwd>
#include <utility>
#include <vector>

#include "error.hpp"

namespace reel {

/// A view of `size()` consecutive values that somebody else owns. Like c10::ArrayRef: an
/// argument type, never to be stored.
template <class T>
class ArrayRef {
 public:
  using value_type = T;
  constexpr ArrayRef() = default;
  constexpr ArrayRef(const T* data, std::size_t size) : data_(data), size_(size) {}
  constexpr ArrayRef(const T& one) : data_(&one), size_(1) {}
  template <std::size_t N>
  constexpr ArrayRef(const T (&values)[N]) : data_(values), size_(N) {}
  ArrayRef(const std::vector<T>& values) : data_(values.data()), size_(values.size()) {}
  template <std::size_t N>
  constexpr ArrayRef(const std::array<T, N>& values) : data_(values.data()), size_(N) {}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored \
    "-Winit-list-lifetime"  // an argument type: the list outlives the call
#endif
  constexpr ArrayRef(std::initializer_list<T> values)
      : data_(values.begin()), size_(values.size()) {}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

  constexpr const T* begin() const { return data_; }
  constexpr const T* end() const { return data_ + size_; }
  constexpr const T* data() const { return data_; }
  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr const T& operator[](std::size_t i) const { return data_[i]; }
  constexpr const T& front() const { return data_[0]; }
  constexpr const T& back() const { return data_[size_ - 1]; }
  std::vector<T> vec() const { return std::vector<T>(begin(), end()); }
  /// Throws IndexError behind the end.
  const T& at(std::size_t i) const {
    check<IndexError>(i < size_, "[ArrayRef::at] index ", i, " is not below the size ", size_);
    return data_[i];
  }
  /// `count` elements from `first` on, or all from there. Throws IndexError behind the end.
  ArrayRef slice(std::size_t first, std::size_t count) const {
    check<IndexError>(first <= size_ && count <= size_ - first, "[ArrayRef::slice] ", count,
                      " elements from ", first, " on are not within the size ", size_);
    return ArrayRef(data_ + first, count);
  }
  ArrayRef slice(std::size_t first) const { return slice(first, size_ - std::min(first, size_)); }

  friend bool operator==(ArrayRef a, ArrayRef b) {
    if (a.size_ != b.size_) return false;
    for (std::size_t i = 0; i < a.size_; ++i)
      if (!(a.data_[i] == b.data_[i])) return false;
    return true;
  }
  friend bool operator!=(ArrayRef a, ArrayRef b) { return !(a == b); }

 private:
  const T* data_ = nullptr;
  std::size_t size_ = 0;
};

using IntArrayRef = ArrayRef<std::int64_t>;

/// Sizes or strides. Up to six dimensions live inside the object, more on the heap.
class Dims {
 public:
  Dims() = default;
  Dims(IntArrayRef values) { assign(values.data(), values.size()); }
  Dims(std::initializer_list<std::int64_t> values) { assign(values.begin(), values.size()); }
  Dims(std::size_t n, std::int64_t value) {
    resize(n);
    for (auto& v : *this) v = value;
  }
  Dims(const Dims& other) { copy(other); }
  Dims(Dims&& other) noexcept : size_(other.size_), heap_(other.heap_) {
    if (!heap_) std::memcpy(inline_, other.inline_, sizeof(inline_));
    other.heap_ = nullptr;
    other.size_ = 0;
  }
  Dims& operator=(const Dims& other) {
    if (this != &other) copy(other);
    return *this;
  }
  Dims& operator=(Dims&& other) noexcept {
    if (this != &other) {
      delete[] heap_;
      size_ = other.size_;
      heap_ = other.heap_;
      if (!heap_) std::memcpy(inline_, other.inline_, sizeof(inline_));
      other.heap_ = nullptr;
      other.size_ = 0;
    }
    return *this;
  }
  Dims& operator=(IntArrayRef values) {
    assign(values.data(), values.size());
    return *this;
  }
  ~Dims() { delete[] heap_; }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::int64_t* data() { return heap_ ? heap_ : inline_; }
  const std::int64_t* data() const { return heap_ ? heap_ : inline_; }
  std::int64_t* begin() { return data(); }
  std::int64_t* end() { return data() + size_; }
  const std::int64_t* begin() const { return data(); }
  const std::int64_t* end() const { return data() + size_; }
  std::int64_t& operator[](std::size_t i) { return data()[i]; }
  std::int64_t operator[](std::size_t i) const { return data()[i]; }
  std::int64_t back() const { return data()[size_ - 1]; }
  operator IntArrayRef() const { return IntArrayRef(data(), size_); }

  void push_back(std::int64_t value) {
    resize(size_ + 1);
    data()[size_ - 1] = value;
  }
  void insert(std::size_t at, std::int64_t value) {
    resize(size_ + 1);
    for (std::size_t i = size_ - 1; i > at; --i) data()[i] = data()[i - 1];
    data()[at] = value;
  }
  void erase(std::size_t at) {
    for (std::size_t i = at; i + 1 < size_; ++i) data()[i] = data()[i + 1];
    --size_;
  }
  /// Keeps the first values; new ones are zero.
  void resize(std::size_t n) {
    const std::size_t kept = size_;
    if (n > kInline && !heap_) {
      require_fits(n);
      heap_ = new std::int64_t[kMost];
      std::memcpy(heap_, inline_, sizeof(std::int64_t) * kept);
    }
    reset(n);
    for (std::size_t i = kept; i < n; ++i) data()[i] = 0;
  }
  /// Room for `n` values, which the caller sets.
  std::int64_t* reset(std::size_t n) {
    if (n > kInline) {
      require_fits(n);
      if (!heap_) heap_ = new std::int64_t[kMost];
    }
    size_ = n;
    return data();
  }
  friend bool operator==(const Dims& a, const Dims& b) { return IntArrayRef(a) == IntArrayRef(b); }
  friend bool operator!=(const Dims& a, const Dims& b) { return !(a == b); }

 private:
  static constexpr std::size_t kInline = 6;
  static constexpr std::size_t kMost = 64;  // PyTorch's own limit on dimensions
  static void require_fits(std::size_t n);

  // All inline places at once: a copy of known size needs no call.
  void copy(const Dims& other) {
    if (heap_ || other.heap_) return assign(other.data(), other.size_);
    size_ = other.size_;
    std::memcpy(inline_, other.inline_, sizeof(inline_));
  }
  void assign(const std::int64_t* values, std::size_t n) {
    std::int64_t* to = reset(n);
    if (n != 0) std::memcpy(to, values, n * sizeof(std::int64_t));
  }

  std::size_t size_ = 0;
  std::int64_t* heap_ = nullptr;
  std::int64_t inline_[kInline];
};

inline bool operator==(const Dims& a, IntArrayRef b) { return IntArrayRef(a) == b; }
inline bool operator==(IntArrayRef a, const Dims& b) { return a == IntArrayRef(b); }
inline bool operator!=(const Dims& a, IntArrayRef b) { return !(a == b); }
inline bool operator!=(IntArrayRef a, const Dims& b) { return !(a == b); }

/// Prints "[2, 3]", as PyTorch does.
std::ostream& operator<<(std::ostream& out, IntArrayRef values);
inline std::ostream& operator<<(std::ostream& out, const Dims& dims) {
  return out << IntArrayRef(dims);
}

/// Product of `sizes`; throws ShapeError where it does not fit an int64 or a size is negative.
std::int64_t count_elements(IntArrayRef sizes);
/// Row-major strides of `sizes`.
Dims contiguous_strides(IntArrayRef sizes);
/// The common shape of `a` and `b` under broadcasting; throws ShapeError naming `op`.
Dims broadcast_shapes(const char* op, IntArrayRef a, IntArrayRef b);
namespace detail {
std::size_t wrap_dim_from_end(const char* op, std::int64_t dim, std::size_t rank);
std::size_t existing_dim_from_end(const char* op, std::int64_t dim, std::size_t rank);
}  // namespace detail
/// Maps a dimension in [-rank, rank) to [0, rank); throws IndexError naming `op`. A scalar
/// counts as one dimension, as in PyTorch.
inline std::size_t wrap_dim(const char* op, std::int64_t dim, std::size_t rank) {
  const auto index = static_cast<std::size_t>(dim);
  return index < rank ? index : detail::wrap_dim_from_end(op, dim, rank);
}
/// The same, but a scalar has no dimension to be named.
inline std::size_t existing_dim(const char* op, std::int64_t dim, std::size_t rank) {
  const auto index = static_cast<std::size_t>(dim);
  return index < rank ? index : detail::existing_dim_from_end(op, dim, rank);
}

}  // namespace reel
