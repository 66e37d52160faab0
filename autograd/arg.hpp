// The field of an options struct.
#pragma once

#include <utility>

/// A field `name` of an options struct with libtorch's accessors: `options.name()` reads it,
/// `options.name(value)` sets it and returns the options, so that settings chain. The field itself
/// is the private member `name_`; a default is written behind: `REEL_ARG(bool, bias) = true;`.
#define REEL_ARG(T, name)                                  \
 public:                                                   \
  auto name(const T& value)->decltype(*this) {             \
    this->name##_ = value;                                 \
    return *this;                                          \
  }                                                        \
  auto name(T&& value)->decltype(*this) {                  \
    this->name##_ = std::move(value);                      \
    return *this;                                          \
  }                                                        \
  const T& name() const noexcept { return this->name##_; } \
  T& name() noexcept { return this->name##_; }             \
                                                           \
 private:                                                  \
  T name##_
