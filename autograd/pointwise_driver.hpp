// The part of pointwise() that does not depend on the formula: shapes, strides, the walk over
// memory, and the node on the tape.
#pragma once

#include <cstdint>
#include <tuple>
#include <type_traits>

#include "tensor.hpp"

namespace reel::detail {

constexpr int kMostInputs = 16;
constexpr int kMostOutputs = 4;
constexpr int kMostOperands = 48;
constexpr std::size_t kFormulaBytes = 64;

template <class T>
struct IsTuple : std::false_type {};
template <class... T>
struct IsTuple<std::tuple<T...>> : std::true_type {};

/// One stretch of `n` elements (a multiple of the lanes). Each operand advances by `step` elements
/// per element: 1, or 0 for a value that is the same throughout (then `data` holds copies of it).
struct Run {
  std::int64_t n;
  std::byte* data[kMostOperands];
  std::int64_t step[kMostOperands];
  bool update[kMostInputs];  // backward: add to the gradient of this input instead of writing it
};
using RunKernel = void (*)(const void* context, const Run& run);

/// The table of one formula: its kernels by dtype, and what each input's gradient reads.
struct PointwiseOp {
  int inputs = 0, outputs = 0, slots = 0;
  std::uint32_t reads_inputs[kMostInputs] = {};
  std::uint32_t reads_outputs[kMostInputs] = {};
  std::int64_t lanes[6] = {1, 1, 1, 1, 1, 1};
  RunKernel forward[6] = {}, forward_save[6] = {}, backward[6] = {};
  void (*record)(const void* formula, const Tensor* inputs, const Tensor* outputs,
                 const Tensor* grads, Tensor* results) = nullptr;
};

/// A tensor that stands for `chunks` inputs of the formula.
struct Argument {
  const Tensor* tensor;
  int chunks;
};

/// Runs the formula and records it where needed. `into`: memory for the outputs, or null; it is
/// written without a new version (fresh memory that nobody has read).
void run_pointwise(const char* name, const PointwiseOp& op, const void* formula,
                   std::size_t formula_bytes, const Argument* arguments, std::size_t count,
                   const Tensor* const* into, Tensor* outputs);

/// An operand of a walk over a shape, to which it is broadcast. It refers to its tensor, which must
/// outlive it. No member has an initial value: arrays of operands are made for every op, and most
/// of their places stay empty.
struct Operand {
  enum Access : std::uint8_t { Read, Write, Update };
  std::byte* data;           // none: reads as zeros, and is not written
  const TensorImpl* tensor;  // none: memory of the walk's shape, up to a multiple of 64 bytes
  std::int64_t numel;
  std::int64_t last;  // the last size: that of one piece where the tensor stands for several
  Access access;
  bool dense;  // row-major, without gaps

  // These write in place: a copy of what was just stored piece by piece would stall.
  void set_absent(Access how) {
    data = nullptr;
    access = how;
  }
  void set(const Tensor& t, Access how) {
    const TensorImpl& impl = *t.impl();
    data = impl.data;
    tensor = &impl;
    numel = impl.numel;
    last = impl.sizes.empty() ? 1 : impl.sizes.back();
    access = how;
    dense = impl.contiguous;
  }
  /// The first of several equal pieces along the last dimension, of `size` each.
  void narrow_to(std::int64_t size, std::int64_t count) {
    dense = dense && numel == last;
    last = size;
    numel = count;
  }
  /// The piece behind `before`, `bytes` further on.
  void set_next(const Operand& before, std::int64_t bytes) {
    data = before.data + bytes;
    tensor = before.tensor;
    numel = before.numel;
    last = before.last;
    access = before.access;
    dense = before.dense;
  }
  void set_memory(std::byte* at, std::int64_t count, Access how) {
    data = at;
    tensor = nullptr;
    numel = count;
    access = how;
    dense = true;
  }

  /// Whether its memory reaches to the next multiple of 64 bytes, and is nobody else's.
  bool padded() const;
};
/// Calls `kernel` on stretches that together cover `shape`. All operands have elements of
/// `bytes` bytes; `lanes` is the number of elements that the kernel takes at a time.
void walk(IntArrayRef shape, ArrayRef<Operand> operands, std::size_t bytes, std::int64_t lanes,
          RunKernel kernel, const void* context, Run& run);

}  // namespace reel::detail
