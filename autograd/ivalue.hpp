// IValue: a value of one of a few types.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "tensor.hpp"

namespace reel {

/// A number, a bool, a string, a tensor, a list of integers or tensors, or nothing. Reading it as
/// another type throws Error, except that toDouble() takes an integer too.
class IValue {
 public:
  IValue() = default;
  IValue(bool v) : value_(v) {}
  IValue(int v) : value_(static_cast<std::int64_t>(v)) {}
  IValue(std::int64_t v) : value_(v) {}
  IValue(double v) : value_(v) {}
  IValue(const char* v) : value_(std::string(v)) {}
  IValue(std::string v) : value_(std::move(v)) {}
  IValue(Tensor v) : value_(std::move(v)) {}
  IValue(std::vector<std::int64_t> v) : value_(std::move(v)) {}
  IValue(std::vector<Tensor> v) : value_(std::move(v)) {}

  bool isNone() const { return std::holds_alternative<std::monostate>(value_); }
  bool isBool() const { return std::holds_alternative<bool>(value_); }
  bool isInt() const { return std::holds_alternative<std::int64_t>(value_); }
  bool isDouble() const { return std::holds_alternative<double>(value_); }
  bool isString() const { return std::holds_alternative<std::string>(value_); }
  bool isTensor() const { return std::holds_alternative<Tensor>(value_); }

  bool toBool() const { return as<bool>("toBool"); }
  std::int64_t toInt() const { return as<std::int64_t>("toInt"); }
  double toDouble() const {
    return isInt() ? static_cast<double>(toInt()) : as<double>("toDouble");
  }
  const std::string& toStringRef() const { return as<std::string>("toStringRef"); }
  const Tensor& toTensor() const { return as<Tensor>("toTensor"); }
  const std::vector<std::int64_t>& toIntVector() const {
    return as<std::vector<std::int64_t>>("toIntVector");
  }
  const std::vector<Tensor>& toTensorVector() const {
    return as<std::vector<Tensor>>("toTensorVector");
  }
  /// The name of the type that it holds, e.g. "int".
  const char* tagKind() const {
    static constexpr const char* names[] = {"none",   "bool",   "int",        "double",
                                            "string", "tensor", "int vector", "tensor vector"};
    return names[value_.index()];
  }

 private:
  template <class T>
  const T& as(const char* reader) const {
    const T* held = std::get_if<T>(&value_);
    check(held != nullptr, "[IValue::", reader, "] the value is a ", tagKind());
    return *held;
  }
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Tensor,
               std::vector<std::int64_t>, std::vector<Tensor>>
      value_;
};

}  // namespace reel
