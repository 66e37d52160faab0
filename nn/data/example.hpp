// Example: one sample of a dataset.
#pragma once

#include <utility>

#include "../../autograd/tensor.hpp"

namespace reel {
namespace data {

namespace example {
/// The `Target` of an Example that has none.
using NoTarget = void;
}  // namespace example

/// What a network gets and what it is to answer.
template <class Data = Tensor, class Target = Tensor>
struct Example {
  using DataType = Data;
  using TargetType = Target;

  Example() = default;
  Example(Data data_, Target target_) : data(std::move(data_)), target(std::move(target_)) {}

  Data data;
  Target target;
};

template <class Data>
struct Example<Data, example::NoTarget> {
  using DataType = Data;
  using TargetType = example::NoTarget;

  Example() = default;
  Example(Data data_) : data(std::move(data_)) {}
  operator Data&() { return data; }
  operator const Data&() const { return data; }

  Data data;
};

using TensorExample = Example<Tensor, example::NoTarget>;

}  // namespace data
}  // namespace reel
