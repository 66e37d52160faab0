// What the tests share: comparing tensors, laying the same values out differently in memory,
// finite differences, and the text of an exception.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "autograd/autograd.hpp"

namespace reel::test {

using Tensors = std::vector<Tensor>;
using TensorFunction = std::function<Tensors(const Tensors&)>;

/// A file or folder of the source tree.
std::filesystem::path source_path(const std::string& relative);

/// The values in row-major order, whatever the dtype and the strides.
std::vector<double> values(const Tensor& t);

/// max |got - want| / max(1, |want|) over all elements; equal infinities and NaN for NaN count as
/// no difference. Infinite where sizes or dtypes differ.
double difference(const Tensor& got, const Tensor& want);

/// The element at row-major position `index` of a float64 tensor of any strides.
double& element(const Tensor& t, std::int64_t index);

/// Ways in which equal values may lie in memory.
enum class MemoryLayout {
  kContiguous,
  kOffset,      // starts one element into its storage: no alignment to rely on
  kGaps,        // every second element along the last dimension, NaN or junk in between
  kTransposed,  // dimensions in reverse order
};
constexpr MemoryLayout kLayouts[] = {MemoryLayout::kContiguous, MemoryLayout::kOffset,
                                     MemoryLayout::kGaps, MemoryLayout::kTransposed};
std::string layout_name(MemoryLayout layout);
/// A copy of the values of `t` in that layout, without history.
Tensor laid_out(const Tensor& t, MemoryLayout layout);

/// Compares the gradients that the tape gives for `fn`, under random cotangents on all its
/// floating outputs, with central differences; returns max |analytic - numeric| /
/// max(1, |analytic|). `inputs` are float64 leaves; those that require grad are checked.
double gradient_difference(const TensorFunction& fn, const Tensors& inputs, double eps = 1e-6);

/// The message of the E that `run` throws; empty where it throws nothing. Other exceptions pass.
template <class E>
std::string error_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const E& e) {
    return e.what();
  }
  return {};
}

/// Whether all `parts` occur in `text`, in this order.
bool mentions(const std::string& text, const std::vector<std::string>& parts);

/// Whether a sanitizer watches: it keeps freed memory, and runs many times slower.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

/// Resident memory of this process in bytes.
std::int64_t resident_bytes();

}  // namespace reel::test
