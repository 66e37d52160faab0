// Transforms: what happens to examples and batches between a dataset and the network.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "../../autograd/arg.hpp"
#include "../../autograd/dims.hpp"
#include "../../autograd/error.hpp"
#include "../../autograd/ops/ops.hpp"
#include "example.hpp"

namespace reel {
namespace data {
namespace transforms {

/// A function from batches to batches.
/// https://pytorch.org/cppdocs/api/classtorch_1_1data_1_1transforms_1_1_batch_transform.html
template <class InputBatch, class OutputBatch>
class BatchTransform {
 public:
  using InputBatchType = InputBatch;
  using OutputBatchType = OutputBatch;
  virtual ~BatchTransform() = default;
  virtual OutputBatch apply_batch(InputBatch batch) = 0;
};

/// A function from example to example, applied to every one of a batch.
template <class Input, class Output>
class Transform : public BatchTransform<std::vector<Input>, std::vector<Output>> {
 public:
  using InputType = Input;
  using OutputType = Output;
  virtual Output apply(Input input) = 0;
  std::vector<Output> apply_batch(std::vector<Input> batch) override {
    std::vector<Output> result;
    result.reserve(batch.size());
    for (auto& input : batch) result.push_back(apply(std::move(input)));
    return result;
  }
};

/// A BatchTransform that calls a function.
template <class Input, class Output = Input>
class BatchLambda : public BatchTransform<Input, Output> {
 public:
  using FunctionType = std::function<Output(Input)>;
  explicit BatchLambda(FunctionType function) : function_(std::move(function)) {
    check(function_ != nullptr, "[BatchLambda] the function is empty");
  }
  Output apply_batch(Input batch) override { return function_(std::move(batch)); }

 private:
  FunctionType function_;
};

/// A Transform that calls a function.
template <class Input, class Output = Input>
class Lambda : public Transform<Input, Output> {
 public:
  using FunctionType = std::function<Output(Input)>;
  explicit Lambda(FunctionType function) : function_(std::move(function)) {
    check(function_ != nullptr, "[Lambda] the function is empty");
  }
  Output apply(Input input) override { return function_(std::move(input)); }

 private:
  FunctionType function_;
};

/// A function of the data alone; targets pass unchanged.
template <class Target = Tensor>
class TensorTransform : public Transform<Example<Tensor, Target>, Example<Tensor, Target>> {
 public:
  using E = Example<Tensor, Target>;
  virtual Tensor operator()(Tensor input) = 0;
  E apply(E input) override {
    input.data = (*this)(std::move(input.data));
    return input;
  }
};

template <class Target = Tensor>
class TensorLambda : public TensorTransform<Target> {
 public:
  using FunctionType = std::function<Tensor(Tensor)>;
  explicit TensorLambda(FunctionType function) : function_(std::move(function)) {
    check(function_ != nullptr, "[TensorLambda] the function is empty");
  }
  Tensor operator()(Tensor input) override { return function_(std::move(input)); }

 private:
  FunctionType function_;
};

namespace detail {
/// Values as a tensor that broadcasts along `dim`, counted from the end; one value as a scalar.
Tensor broadcast_along(ArrayRef<double> values, std::int64_t dim);
}  // namespace detail

/// (x - mean) / stddev, with one value for all or one for each index along `dim`. The default is
/// libtorch's: channels of [C, H, W]; for the features of [T, F] it is -1. Throws Error unless
/// `dim` is negative and there are as many means as deviations.
/// https://pytorch.org/cppdocs/api/structtorch_1_1data_1_1transforms_1_1_normalize.html
template <class Target = Tensor>
struct Normalize : TensorTransform<Target> {
  Normalize(ArrayRef<double> mean_, ArrayRef<double> stddev_, std::int64_t dim = -3)
      : mean(detail::broadcast_along(mean_, dim)), stddev(detail::broadcast_along(stddev_, dim)) {
    check(mean_.size() == stddev_.size(),
          "[Normalize] expected as many means as deviations, found ", mean_.size(), " and ",
          stddev_.size());
  }
  Tensor operator()(Tensor input) override {
    return input.sub(mean.to(input.scalar_type())).div(stddev.to(input.scalar_type()));
  }

  Tensor mean, stddev;
};

/// From the examples of a batch to one thing.
template <class T, class Batch = std::vector<T>>
using Collation = BatchTransform<Batch, T>;
template <class T, class Batch = std::vector<T>>
using Collate = BatchLambda<Batch, T>;

/// Stacks data [...] and targets of a batch along a new first dimension: [B, ...].
/// https://pytorch.org/cppdocs/api/structtorch_1_1data_1_1transforms_1_1_stack.html
template <class T = Example<>>
struct Stack;

template <>
struct Stack<Example<>> : Collation<Example<>> {
  Example<> apply_batch(std::vector<Example<>> examples) override;
};
template <>
struct Stack<TensorExample> : Collation<TensorExample> {
  TensorExample apply_batch(std::vector<TensorExample> examples) override;
};

/// A batch of sequences of different lengths.
struct PaddedBatch {
  Tensor data;     // [T, B, ...], or [B, T, ...] with batch_first
  Tensor target;   // [B, ...]; padded like the data with pad_target
  Tensor lengths;  // [B], int64
};

struct PadOptions {
  REEL_ARG(bool, batch_first) = false;
  REEL_ARG(double, padding_value) = 0.0;
  /// Targets are sequences too, to be padded with target_padding_value, which is by default the
  /// class that losses ignore.
  REEL_ARG(bool, pad_target) = false;
  REEL_ARG(double, target_padding_value) = -100.0;
  /// Longest first, so that pack_padded_sequence() need not sort.
  REEL_ARG(bool, sort) = false;
};

/// Pads data [L_i, ...] to the longest of the batch. Throws ShapeError where an example has no
/// first dimension or what follows it differs.
class Pad : public Collation<PaddedBatch, std::vector<Example<>>> {
 public:
  explicit Pad(const PadOptions& options_ = {}) : options(options_) {}
  PaddedBatch apply_batch(std::vector<Example<>> examples) override;

  PadOptions options;
};

}  // namespace transforms
}  // namespace data
}  // namespace reel
