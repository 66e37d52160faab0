// libtorch's names for reel, so that programs written for libtorch's C++ API compile with reel.
//
//   #include <reel/torch.hpp>        instead of        #include <torch/torch.h>
//
// or nothing at all: the CMake target reel::torch_compat adds the folder compat/, where libtorch's
// own include paths are found. docs/differences.md tells what libtorch has and reel does not.
//
// `torch` and `at` are names of the namespace reel, so a program cannot add to them. One that does
// (`namespace torch { ... }`) is compiled with -Dtorch=reel.
#pragma once

// What libtorch's header brings along, and programs have come to rely on.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <sstream>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <variant>

#include "nn/archive.hpp"
#include "nn/data/data.hpp"
#include "reel.hpp"

namespace reel {

/// reel runs on the CPU: there is no CUDA device. https://pytorch.org/docs/stable/cuda.html
namespace cuda {
inline bool is_available() { return false; }
inline bool cudnn_is_available() { return false; }
inline std::size_t device_count() { return 0; }
inline void synchronize(std::int64_t = -1) {}
inline void manual_seed(std::uint64_t) {}
inline void manual_seed_all(std::uint64_t) {}
}  // namespace cuda

namespace serialize {
/// A module, a holder, an optimizer or a tensor (under the key "0") into an archive.
template <class Value>
OutputArchive& operator<<(OutputArchive& archive, const Value& value) {
  if constexpr (std::is_same_v<Value, Tensor>)
    archive.write("0", value);
  else
    ::reel::detail::contents(value).save(archive);
  return archive;
}
/// The same out of an archive.
template <class Value>
InputArchive& operator>>(InputArchive& archive, Value& value) {
  if constexpr (std::is_same_v<Value, Tensor>)
    archive.read("0", value);
  else
    ::reel::detail::contents(value).load(archive);
  return archive;
}
}  // namespace serialize

/// TorchScript is not part of reel; see docs/format.md for how weights come from Python.
namespace jit {
class ReelHasNoTorchScript;
using Module = ReelHasNoTorchScript;
namespace script {
using Module = ReelHasNoTorchScript;
}
template <class... Arguments>
void load(const Arguments&...) {
  static_assert(sizeof...(Arguments) > 1000,
                "reel has no TorchScript: write the network with torch::nn and load its weights");
}
}  // namespace jit

}  // namespace reel

#ifndef torch
namespace torch = reel;
#endif
namespace at = reel;
namespace caffe2 {
using TypeMeta = ::reel::ScalarType;
}
namespace c10 {
using namespace ::reel;

template <class T>
constexpr std::optional<std::decay_t<T>> make_optional(T&& value) {
  return std::make_optional(std::forward<T>(value));
}
using std::get;
using std::get_if;
using std::holds_alternative;
using std::to_string;
using std::variant;
using std::visit;

/// What the arguments print, one behind the other.
template <class... T>
std::string str(const T&... pieces) {
  return ::reel::detail::message(pieces...);
}

/// The integers from `begin` below `end`, or from 0: `for (auto i : c10::irange(n))`.
template <class T>
class IntegerRange {
 public:
  class Iterator {
   public:
    explicit Iterator(T value) : value_(value) {}
    T operator*() const { return value_; }
    Iterator& operator++() {
      ++value_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return value_ != other.value_; }

   private:
    T value_;
  };
  IntegerRange(T begin, T end) : begin_(begin), end_(end < begin ? begin : end) {}
  Iterator begin() const { return Iterator(begin_); }
  Iterator end() const { return Iterator(end_); }

 private:
  T begin_, end_;
};
template <class T>
IntegerRange<T> irange(T end) {
  return {T(0), end};
}
template <class A, class T>
IntegerRange<T> irange(A begin, T end) {
  return {static_cast<T>(begin), end};
}

}  // namespace c10

// The version of libtorch whose API this is.
#define TORCH_VERSION_MAJOR 1
#define TORCH_VERSION_MINOR 13
#define TORCH_VERSION_PATCH 1
#define TORCH_VERSION "1.13.1"

#define TORCH_API
#define TORCH_MODULE(Name) REEL_MODULE(Name)
#define TORCH_MODULE_IMPL(Name, ImplType) REEL_MODULE_IMPL(Name, ImplType)
#define TORCH_ARG(T, name) REEL_ARG(T, name)
#define FORWARD_HAS_DEFAULT_ARGS(...) REEL_FORWARD_HAS_DEFAULT_ARGS(__VA_ARGS__)

// Throws Error with the text of the arguments behind the first, unless that is true.
#define TORCH_CHECK(...)                                                             \
  do {                                                                               \
    if (!(REEL_FIRST_OF(__VA_ARGS__, "")))                                           \
      throw ::reel::Error(::reel::detail::message(REEL_BUT_FIRST(__VA_ARGS__, ""))); \
  } while (false)
#define REEL_FIRST_OF(first, ...) (first)
#define REEL_BUT_FIRST(first, ...) __VA_ARGS__
#define TORCH_INTERNAL_ASSERT(...) TORCH_CHECK(__VA_ARGS__)
#define AT_ASSERT(...) TORCH_CHECK(__VA_ARGS__)
#define AT_ERROR(...) TORCH_CHECK(false, __VA_ARGS__)

// Print a warning: always, or the first time that the line is reached.
#define TORCH_WARN(...) \
  (std::cerr << "[W " << __FILE__ << ":" << __LINE__ << "] " << ::c10::str(__VA_ARGS__) << "\n")
#define TORCH_WARN_ONCE(...)              \
  do {                                    \
    static const bool reel_warned = [&] { \
      TORCH_WARN(__VA_ARGS__);            \
      return true;                        \
    }();                                  \
    static_cast<void>(reel_warned);       \
  } while (false)
