// ExpandingArray: one number for each of D dimensions, written as one number where all are equal.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>

#include "../autograd/dims.hpp"

namespace reel {

/// Options such as kernel sizes: `3`, or a list of D numbers; Error for a list of another length.
template <std::size_t D, class T = std::int64_t>
class ExpandingArray {
 public:
  ExpandingArray(T value) { values_.fill(value); }
  ExpandingArray(std::initializer_list<T> list) : ExpandingArray(ArrayRef<T>(list)) {}
  ExpandingArray(const std::vector<T>& list) : ExpandingArray(ArrayRef<T>(list)) {}
  ExpandingArray(const std::array<T, D>& values) : values_(values) {}
  ExpandingArray(ArrayRef<T> list) {
    check(list.size() == D, "[ExpandingArray] expected ", D, " values, but got ", list.size());
    for (std::size_t i = 0; i < D; ++i) values_[i] = list[i];
  }
  std::array<T, D>& operator*() { return values_; }
  const std::array<T, D>& operator*() const { return values_; }
  std::array<T, D>* operator->() { return &values_; }
  const std::array<T, D>* operator->() const { return &values_; }
  operator ArrayRef<T>() const { return values_; }
  std::size_t size() const { return D; }

 private:
  std::array<T, D> values_;
};

/// Prints "3" for one dimension, "[3, 3]" for several.
template <std::size_t D, class T>
std::ostream& operator<<(std::ostream& out, const ExpandingArray<D, T>& array) {
  if constexpr (D == 1)
    return out << array->front();
  else
    return out << ArrayRef<T>(array);
}

}  // namespace reel
