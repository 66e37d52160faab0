// Datasets: where examples come from.
//
//   struct Pairs : reel::data::datasets::Dataset<Pairs> {
//     reel::data::Example<> get(std::size_t index) override { return {x[index], y[index]}; }
//     std::optional<std::size_t> size() const override { return n; }
//   };
//   auto batches = Pairs().map(reel::data::transforms::Stack<>());
//
// Every worker of a data loader has a copy of the dataset: members that are handles (tensors,
// shared pointers) are shared between threads and must not be changed by get().
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "../../autograd/dims.hpp"
#include "../../autograd/error.hpp"
#include "../../autograd/ops/ops.hpp"
#include "example.hpp"

namespace reel {
namespace data {
namespace datasets {

template <class Source, class Applied>
class MapDataset;

/// A source of whole batches; `BatchRequest` is what a sampler asks for, mostly indices.
/// https://pytorch.org/cppdocs/api/classtorch_1_1data_1_1datasets_1_1_batch_dataset.html
template <class Self, class Batch = std::vector<Example<>>,
          class BatchRequest = ArrayRef<std::size_t>>
class BatchDataset {
 public:
  using SelfType = Self;
  using BatchType = Batch;
  using BatchRequestType = BatchRequest;

  virtual ~BatchDataset() = default;
  virtual Batch get_batch(BatchRequest request) = 0;
  /// Number of examples, or nothing where it is not known.
  virtual std::optional<std::size_t> size() const = 0;

  /// This dataset with `transform` applied to every batch.
  template <class Transform>
  MapDataset<Self, Transform> map(Transform transform) & {
    return {static_cast<Self&>(*this), std::move(transform)};
  }
  template <class Transform>
  MapDataset<Self, Transform> map(Transform transform) && {
    return {static_cast<Self&&>(*this), std::move(transform)};
  }
};

/// A source of single examples, each with a number below size().
/// https://pytorch.org/cppdocs/api/classtorch_1_1data_1_1datasets_1_1_dataset.html
template <class Self, class SingleExample = Example<>>
class Dataset : public BatchDataset<Self, std::vector<SingleExample>> {
 public:
  using ExampleType = SingleExample;

  virtual ExampleType get(std::size_t index) = 0;
  std::vector<ExampleType> get_batch(ArrayRef<std::size_t> indices) override {
    std::vector<ExampleType> batch;
    batch.reserve(indices.size());
    for (const std::size_t i : indices) batch.push_back(get(i));
    return batch;
  }
};

/// A source without numbering, asked for a count of examples by samplers::StreamSampler.
template <class Self, class Batch = std::vector<Example<>>>
class StreamDataset : public BatchDataset<Self, Batch, std::size_t> {};

/// `Source` with `Applied` (see transforms.hpp) behind it.
/// https://pytorch.org/cppdocs/api/classtorch_1_1data_1_1datasets_1_1_map_dataset.html
template <class Source, class Applied>
class MapDataset
    : public BatchDataset<MapDataset<Source, Applied>, typename Applied::OutputBatchType,
                          typename Source::BatchRequestType> {
 public:
  using DatasetType = Source;
  using TransformType = Applied;
  using BatchRequestType = typename Source::BatchRequestType;
  using OutputBatchType = typename Applied::OutputBatchType;

  MapDataset(DatasetType dataset, TransformType transform)
      : dataset_(std::move(dataset)), transform_(std::move(transform)) {}
  OutputBatchType get_batch(BatchRequestType request) override {
    return transform_.apply_batch(dataset_.get_batch(std::move(request)));
  }
  std::optional<std::size_t> size() const override { return dataset_.size(); }
  const DatasetType& dataset() const { return dataset_; }
  const TransformType& transform() const { return transform_; }

 private:
  DatasetType dataset_;
  TransformType transform_;
};

template <class Source, class Transform>
MapDataset<Source, Transform> map(Source dataset, Transform transform) {
  return {std::move(dataset), std::move(transform)};
}

/// One dataset that all workers share instead of copying it; its get_batch() must take calls from
/// several threads.
template <class Shared>
class SharedBatchDataset
    : public BatchDataset<SharedBatchDataset<Shared>, typename Shared::BatchType,
                          typename Shared::BatchRequestType> {
 public:
  using BatchType = typename Shared::BatchType;
  using BatchRequestType = typename Shared::BatchRequestType;

  SharedBatchDataset(std::shared_ptr<Shared> dataset) : dataset_(std::move(dataset)) {
    check(dataset_ != nullptr, "[SharedBatchDataset] the pointer to the dataset is null");
  }
  BatchType get_batch(BatchRequestType request) override {
    return dataset_->get_batch(std::move(request));
  }
  std::optional<std::size_t> size() const override { return dataset_->size(); }
  Shared& operator*() { return *dataset_; }
  const Shared& operator*() const { return *dataset_; }
  Shared* operator->() { return dataset_.get(); }
  const Shared* operator->() const { return dataset_.get(); }

 private:
  std::shared_ptr<Shared> dataset_;
};

/// A SharedBatchDataset of a dataset made from `args`.
template <class Shared, class... Args>
SharedBatchDataset<Shared> make_shared_dataset(Args&&... args) {
  return std::make_shared<Shared>(std::forward<Args>(args)...);
}

/// The slices of a tensor along its first dimension, without targets.
/// https://pytorch.org/cppdocs/api/structtorch_1_1data_1_1datasets_1_1_tensor_dataset.html
struct TensorDataset : Dataset<TensorDataset, TensorExample> {
  /// Stacks tensors of one shape.
  explicit TensorDataset(const std::vector<Tensor>& tensors)
      : TensorDataset(reel::stack(tensors)) {}
  explicit TensorDataset(Tensor tensor_) : tensor(std::move(tensor_)) {
    check<ShapeError>(tensor.dim() > 0, "[TensorDataset] expected a tensor with a first dimension ",
                      "to count examples by, found one without dimensions");
  }
  TensorExample get(std::size_t index) override { return tensor[static_cast<std::int64_t>(index)]; }
  std::optional<std::size_t> size() const override {
    return static_cast<std::size_t>(tensor.size(0));
  }

  Tensor tensor;
};

/// The slices of two tensors along their first dimensions, as data and target: what Python calls
/// TensorDataset(data, target). Throws ShapeError where the first dimensions differ.
struct TensorPairDataset : Dataset<TensorPairDataset> {
  TensorPairDataset(Tensor data_, Tensor target_)
      : data(std::move(data_)), target(std::move(target_)) {
    check<ShapeError>(data.dim() > 0 && target.dim() > 0 && data.size(0) == target.size(0),
                      "[TensorPairDataset] expected data and target with one first dimension, ",
                      "found ", data.sizes(), " and ", target.sizes());
  }
  Example<> get(std::size_t index) override {
    const auto i = static_cast<std::int64_t>(index);
    return {data[i], target[i]};
  }
  std::optional<std::size_t> size() const override {
    return static_cast<std::size_t>(data.size(0));
  }

  Tensor data, target;
};

}  // namespace datasets
}  // namespace data
}  // namespace reel
