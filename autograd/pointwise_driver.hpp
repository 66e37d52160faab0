// The part of pointwise() that does not depend on the formula: shapes, strides, the walk over
// memory, and the node on the tape.
#pragma once

#include <cstdint>
#include <tuple>
#include <type_traits>

#include "tensor_impl.hpp"

namespace reel::detail {

constexpr int kMostInputs = 16;
constexpr int kMostOutputs = 4;
constexpr int kMostOperands = 48;
constexpr int kMostSlots = 16;
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
  std::int8_t slot_over[kMostSlots] = {};  // the input whose memory it may take, or -1
  std::int64_t lanes[6] = {1, 1, 1, 1, 1, 1};
  RunKernel forward[6] = {}, forward_save[6] = {}, backward[6] = {};
  void (*record)(const void* formula, const Tensor* inputs, const Tensor* outputs,
                 const Tensor* slots, const Tensor* grads, Tensor* results) = nullptr;
};

/// A copy of `result`, which a function gave for `operand`, recorded as that function's result;
/// `slope` is its derivative in terms of it. The operand's value does not matter.
Tensor restored(const Tensor& operand, const Tensor& result, Tensor (*slope)(const Tensor&));

/// A tensor that stands for `chunks` inputs of the formula; `given_up`: see Chunked.
struct Argument {
  const Tensor* tensor;
  int chunks;
  bool given_up;
};

/// Runs the formula and records it where needed. `into`: memory for the outputs, or null; it is
/// written without a new version (fresh memory that nobody has read).
void run_pointwise(const char* name, const PointwiseOp& op, const void* formula,
                   std::size_t formula_bytes, const Argument* arguments, std::size_t count,
                   const Tensor* const* into, Tensor* outputs);

/// What an absent value reads as: zeros.
extern std::byte* const kNoValue;

/// An operand of a walk over a shape, to which it is broadcast. It refers to its tensor, which must
/// outlive it. No member has an initial value: arrays of operands are made for every op, and most
/// of their places stay empty.
struct Operand {
  enum Access : std::uint8_t { Read, Write, Update };
  std::byte* data;           // none: reads as zeros, and is not written
  const TensorImpl* tensor;  // none: memory of the walk's shape, up to a multiple of 64 bytes
  Access access;
  std::uint8_t pieces;  // one of so many equal ones along the tensor's last dimension

  void set_absent(Access how) {
    data = nullptr;
    access = how;
  }
  void set(const Tensor& t, Access how) { set_piece(*t.impl(), t.impl()->data, 1, how); }
  void set_piece(const TensorImpl& of, std::byte* at, int count, Access how) {
    data = at;
    tensor = &of;
    access = how;
    pieces = static_cast<std::uint8_t>(count);
  }
  void set_memory(std::byte* at, Access how) {
    data = at;
    tensor = nullptr;
    access = how;
  }

  /// Whether it has `n` elements that lie in a row, without gaps.
  bool is_row(std::int64_t n) const {
    return !tensor || (tensor->contiguous && tensor->numel == n * pieces &&
                       (pieces == 1 || tensor->sizes.back() == tensor->numel));
  }
  bool is_single() const { return tensor && tensor->numel == pieces; }
};

/// A kernel for elements of `bytes` bytes that takes `lanes` (a power of two) of them at a time.
struct RowKernel {
  RunKernel run;
  const void* context;
  std::size_t bytes;
  std::int64_t lanes;
};

/// Whether the memory of `t` reaches to the next multiple of 64 bytes, and is nobody else's.
inline bool is_padded(const TensorImpl& t) {
  const Storage& storage = *t.storage;
  return t.contiguous && t.data == storage.data() && storage.owned() &&
         static_cast<std::size_t>(t.numel) * element_size(t.dtype) == storage.bytes();
}
/// What becomes of the last elements of a row, which do not fill the lanes: bits of the operands
/// that are read from a copy, and of those that are written to one first. The others are written
/// in place, over the padding. `padded`: bits of those whose memory may be read up to the next
/// multiple of 64 bytes, which makes that copy a cheap one.
struct Rest {
  std::size_t count;  // of operands
  std::uint64_t copied_in, copied_out, padded;
};
inline bool is_whole(std::int64_t n, const RowKernel& kernel) {
  return (n & (kernel.lanes - 1)) == 0;
}
void run_rest(std::int64_t whole, std::int64_t n, const Rest& rest, const RowKernel& kernel,
              Run& run);
/// Runs a kernel over `n` elements; `run` holds the operands' data and steps.
inline void run_rows(std::int64_t n, const Rest& rest, const RowKernel& kernel, Run& run) {
  const std::int64_t whole = n & -kernel.lanes;  // division is slow
  if (whole != 0) {
    run.n = whole;
    kernel.run(kernel.context, run);
  }
  if (whole != n) run_rest(whole, n, rest, kernel, run);
}
/// Calls a kernel on stretches that together cover `shape`.
void walk(IntArrayRef shape, ArrayRef<Operand> operands, const RowKernel& kernel, Run& run);

}  // namespace reel::detail
