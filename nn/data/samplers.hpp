// Samplers: in which order a data loader asks for the examples of a dataset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../../autograd/tensor.hpp"

namespace reel {
namespace data {
namespace samplers {

/// Names and values of what a sampler needs to go on later.
using StateDict = std::vector<std::pair<std::string, Tensor>>;

/// Hands out the requests of one epoch, mostly the indices of each batch.
/// https://pytorch.org/cppdocs/api/classtorch_1_1data_1_1samplers_1_1_sampler.html
template <class BatchRequest = std::vector<std::size_t>>
class Sampler {
 public:
  using BatchRequestType = BatchRequest;
  virtual ~Sampler() = default;

  /// Begins an epoch, with another size of the dataset where one is given.
  virtual void reset(std::optional<std::size_t> new_size) = 0;
  /// The next request, for at most `batch_size` examples; nothing at the end of the epoch.
  virtual std::optional<BatchRequest> next(std::size_t batch_size) = 0;

  /// Where it is in its epoch; nothing where a sampler cannot be saved.
  virtual std::optional<StateDict> state_dict() const { return std::nullopt; }
  /// Goes on from there. Throws Error, and changes nothing, where `state` is not one of its own.
  virtual void load_state_dict(const StateDict& state);
};

namespace detail {
[[noreturn]] void throw_not_savable(const char* what);
}  // namespace detail

template <class BatchRequest>
void Sampler<BatchRequest>::load_state_dict(const StateDict&) {
  detail::throw_not_savable("Sampler");
}

/// 0, 1, 2, ...
class SequentialSampler : public Sampler<> {
 public:
  explicit SequentialSampler(std::size_t size) : size_(size) {}
  void reset(std::optional<std::size_t> new_size = std::nullopt) override;
  std::optional<std::vector<std::size_t>> next(std::size_t batch_size) override;
  std::optional<StateDict> state_dict() const override;
  void load_state_dict(const StateDict& state) override;
  /// How many indices of the epoch were handed out.
  std::size_t index() const noexcept { return index_; }

 private:
  std::size_t size_;
  std::size_t index_ = 0;
};

/// What the samplers below share: an epoch is a list of indices, made when it begins.
class ListSampler : public Sampler<> {
 public:
  std::optional<std::vector<std::size_t>> next(std::size_t batch_size) override;
  std::optional<StateDict> state_dict() const override;
  void load_state_dict(const StateDict& state) override;
  std::size_t index() const noexcept { return index_; }

 protected:
  ListSampler(const char* name, std::size_t size) : name_(name), size_(size) {}
  std::size_t size() const { return size_; }
  void begin(Tensor indices, std::size_t size);

 private:
  const char* name_;
  std::size_t size_;  // of the dataset: indices are below it
  Tensor indices_;    // int64 [n]
  std::size_t index_ = 0;
};

/// Every index once, in a new random order of the default generator in every epoch.
/// https://pytorch.org/cppdocs/api/classtorch_1_1data_1_1samplers_1_1_random_sampler.html
class RandomSampler : public ListSampler {
 public:
  /// `index_dtype` is there for libtorch's sake: indices are int64.
  explicit RandomSampler(std::int64_t size, Dtype index_dtype = kInt64);
  void reset(std::optional<std::size_t> new_size = std::nullopt) override;
};

/// The part of the indices that process `rank` of `num_replicas` has. Every part has
/// ceil(size / num_replicas) indices, some of them twice in all, or, without allow_duplicates,
/// floor(size / num_replicas), and some are left out. Throws Error unless rank < num_replicas.
/// https://pytorch.org/cppdocs/api/classtorch_1_1data_1_1samplers_1_1_distributed_sampler.html
class DistributedSampler : public ListSampler {
 public:
  /// Decides the order of the next epoch: the same for all processes, and another in every epoch.
  void set_epoch(std::size_t epoch) { epoch_ = epoch; }
  std::size_t epoch() const { return epoch_; }
  void reset(std::optional<std::size_t> new_size = std::nullopt) override;

 protected:
  DistributedSampler(const char* name, std::size_t size, std::size_t num_replicas, std::size_t rank,
                     bool allow_duplicates, bool shuffled);

 private:
  std::size_t num_replicas_, rank_, epoch_ = 0;
  bool allow_duplicates_, shuffled_;
};

class DistributedRandomSampler : public DistributedSampler {
 public:
  explicit DistributedRandomSampler(std::size_t size, std::size_t num_replicas = 1,
                                    std::size_t rank = 0, bool allow_duplicates = true)
      : DistributedSampler("DistributedRandomSampler", size, num_replicas, rank, allow_duplicates,
                           true) {}
};

class DistributedSequentialSampler : public DistributedSampler {
 public:
  explicit DistributedSequentialSampler(std::size_t size, std::size_t num_replicas = 1,
                                        std::size_t rank = 0, bool allow_duplicates = true)
      : DistributedSampler("DistributedSequentialSampler", size, num_replicas, rank,
                           allow_duplicates, false) {}
};

/// Random batches of sequences of similar length, so that little is padded: every epoch the
/// indices are shuffled and cut into pools of `pool_batches` batches, each pool is sorted by
/// length and cut into batches, and these come in random order (a shorter one last). `lengths` has
/// the length of every example of the dataset.
class BucketSampler : public ListSampler {
 public:
  /// Throws Error where batch_size or pool_batches is 0.
  BucketSampler(std::vector<std::int64_t> lengths, std::size_t batch_size,
                std::size_t pool_batches = 100);
  /// Throws Error where the dataset's size is not the number of lengths.
  void reset(std::optional<std::size_t> new_size = std::nullopt) override;
  /// Throws Error where `batch_size` is not that of the constructor.
  std::optional<std::vector<std::size_t>> next(std::size_t batch_size) override;

 private:
  std::vector<std::int64_t> lengths_;
  std::size_t batch_size_, pool_batches_;
};

/// A request for a number of examples.
struct BatchSize {
  explicit BatchSize(std::size_t size) : size_(size) {}
  std::size_t size() const noexcept { return size_; }
  operator std::size_t() const noexcept { return size_; }

 private:
  std::size_t size_;
};

/// Asks a StreamDataset for numbers of examples, `epoch_size` in all.
/// https://pytorch.org/cppdocs/api/classtorch_1_1data_1_1samplers_1_1_stream_sampler.html
class StreamSampler : public Sampler<BatchSize> {
 public:
  explicit StreamSampler(std::size_t epoch_size) : epoch_size_(epoch_size) {}
  void reset(std::optional<std::size_t> new_size = std::nullopt) override;
  std::optional<BatchSize> next(std::size_t batch_size) override;

 private:
  std::size_t epoch_size_;
  std::size_t examples_retrieved_so_far_ = 0;
};

}  // namespace samplers
}  // namespace data
}  // namespace reel
