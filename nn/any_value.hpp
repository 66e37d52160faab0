// AnyValue: one value of any type, as passed between modules whose types are not known statically.
#pragma once

#include <any>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "../autograd/tensor.hpp"

namespace reel {
namespace nn {

namespace detail {
/// The readable name of a type.
std::string demangle(const std::type_info& type);

template <class T>
struct leads_with_tensor : std::false_type {};
template <class... Rest>
struct leads_with_tensor<std::tuple<Tensor, Rest...>> : std::true_type {};
}  // namespace detail

/// A copy of one value, with its type.
class AnyValue {
 public:
  AnyValue() = default;
  template <class T, class V = std::decay_t<T>,
            std::enable_if_t<!std::is_same_v<V, AnyValue>, int> = 0>
  explicit AnyValue(T&& value) : content_(std::in_place_type<V>, std::forward<T>(value)) {
    if constexpr (detail::leads_with_tensor<V>::value)
      output_ = [](std::any& content) { return &std::get<0>(*std::any_cast<V>(&content)); };
  }

  /// The value where it is of exactly this type, else null.
  template <class T>
  T* try_get() {
    return std::any_cast<T>(&content_);
  }
  /// The value; throws Error where it is of another type.
  template <class T>
  T& get() {
    if (auto* value = try_get<T>()) return *value;
    throw_type_mismatch(typeid(T));
  }
  /// Like try_get; moreover a tuple that begins with a Tensor, as recurrent modules return, gives
  /// that Tensor, its output, where a Tensor is asked for.
  template <class T>
  T* try_get_output() {
    if constexpr (std::is_same_v<T, Tensor>)
      if (output_) return output_(content_);
    return try_get<T>();
  }
  const std::type_info& type_info() const noexcept { return content_.type(); }

 private:
  [[noreturn]] void throw_type_mismatch(const std::type_info& wanted) const;

  std::any content_;
  Tensor* (*output_)(std::any&) = nullptr;
};

}  // namespace nn
}  // namespace reel
