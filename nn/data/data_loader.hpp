// DataLoader: the batches of a dataset, one epoch after the other, made ahead of time by worker
// threads where that is asked for.
//
//   auto loader = reel::data::make_data_loader(
//       std::move(dataset), reel::data::DataLoaderOptions().batch_size(32).workers(2));
//   for (int epoch = 0; epoch < 5; ++epoch)
//     for (auto& batch : *loader) train(batch.data, batch.target);
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "../../autograd/arg.hpp"
#include "../../autograd/error.hpp"
#include "../../autograd/ops/ops.hpp"
#include "job_pool.hpp"
#include "samplers.hpp"

namespace reel {
namespace data {

/// What a worker thread threw, carried to the thread that uses the loader.
class WorkerException : public Error {
 public:
  explicit WorkerException(std::exception_ptr original);
  std::exception_ptr original_exception;
};

struct DataLoaderOptions {
  DataLoaderOptions() = default;
  DataLoaderOptions(std::size_t batch_size) : batch_size_(batch_size) {}
  REEL_ARG(std::size_t, batch_size) = 1;
  /// Threads that make batches; with 0 the caller's own makes each when it is asked for. Each
  /// worker has a copy of the dataset.
  REEL_ARG(std::size_t, workers) = 0;
  /// How many batches are under way or ready; 2 * workers where left out.
  REEL_ARG(std::optional<std::size_t>, max_jobs) = std::nullopt;
  /// How long to wait for a batch of a worker.
  REEL_ARG(std::optional<std::chrono::milliseconds>, timeout) = std::nullopt;
  /// Batches come in the sampler's order, whichever is ready first.
  REEL_ARG(bool, enforce_ordering) = true;
  /// Leaves out a last batch of less than batch_size.
  REEL_ARG(bool, drop_last) = false;
};

/// The options with everything filled in.
struct FullDataLoaderOptions {
  explicit FullDataLoaderOptions(const DataLoaderOptions& options)
      : batch_size(options.batch_size()),
        workers(options.workers()),
        max_jobs(options.max_jobs().value_or(2 * workers)),
        timeout(options.timeout()),
        enforce_ordering(options.enforce_ordering()),
        drop_last(options.drop_last()) {
    check(batch_size > 0, "[DataLoader] the batch size must be positive");
    check(workers == 0 || max_jobs > 0, "[DataLoader] max_jobs must be positive");
  }
  std::size_t batch_size, workers, max_jobs;
  std::optional<std::chrono::milliseconds> timeout;
  bool enforce_ordering, drop_last;
};

/// Goes once through the batches of an epoch, of which the first is made when it is first looked
/// at. Copies share their place.
template <class Batch>
class Iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = Batch;
  using difference_type = std::ptrdiff_t;
  using pointer = Batch*;
  using reference = Batch&;
  using Next = std::function<std::optional<Batch>()>;

  Iterator() = default;  // the end
  explicit Iterator(Next next) : place_(std::make_shared<Place>()) {
    place_->next = std::move(next);
  }
  Batch& operator*() const {
    check(!at_end(), "[DataLoader] the iterator is at the end");
    return *place_->batch;
  }
  Batch* operator->() const { return &**this; }
  Iterator& operator++() {
    check(place_ && (place_->batch || !place_->begun), "[DataLoader] the iterator is at the end");
    at_end();
    fetch();
    return *this;
  }
  bool operator==(const Iterator& other) const { return at_end() == other.at_end(); }
  bool operator!=(const Iterator& other) const { return !(*this == other); }

 private:
  struct Place {
    Next next;
    std::optional<Batch> batch;
    bool begun = false;
  };
  void fetch() const {
    place_->batch.reset();
    place_->begun = false;  // where next() throws, the place can be looked at again
    place_->batch = place_->next();
    place_->begun = true;
  }
  bool at_end() const {
    if (place_ && !place_->begun) fetch();
    return !place_ || !place_->batch;
  }
  std::shared_ptr<Place> place_;
};

/// Batches of a dataset, in the order of a sampler. Used by one thread, and where it was made.
/// https://pytorch.org/cppdocs/api/classtorch_1_1data_1_1_stateless_data_loader.html
template <class Dataset, class Sampler>
class StatelessDataLoader {
 public:
  using BatchType = typename Dataset::BatchType;
  using BatchRequestType = typename Sampler::BatchRequestType;
  using StateDict = samplers::StateDict;

  StatelessDataLoader(Dataset dataset, Sampler sampler, const DataLoaderOptions& options = {})
      : options_(options), sampler_(std::move(sampler)) {
    if constexpr (std::is_copy_constructible_v<Dataset>)
      for (std::size_t i = 1; i < options_.workers; ++i) datasets_.push_back(dataset);
    else
      check(options_.workers < 2, "[DataLoader] a dataset that cannot be copied serves one worker");
    datasets_.push_back(std::move(dataset));
    if (options_.workers > 0)
      pool_ = std::make_unique<detail::JobPool>(options_.workers, options_.enforce_ordering);
  }
  StatelessDataLoader(const StatelessDataLoader&) = delete;
  StatelessDataLoader& operator=(const StatelessDataLoader&) = delete;

  /// Begins an epoch. What was prefetched for an earlier one that was left before its end is
  /// dropped. What the dataset throws comes out where the batch is looked at (from a worker as a
  /// WorkerException); looking again gives the batch behind it.
  Iterator<BatchType> begin() {
    check(!joined_, "[DataLoader] begin() after join()");
    if (pool_) pool_->clear();
    if (resumes_) {
      resumes_ = false;
    } else {
      sampler_.reset(datasets_.front().size());
      delivered_ = 0;
      epoch_ = sampler_.state_dict();
    }
    return Iterator<BatchType>([this] { return next(); });
  }
  Iterator<BatchType> end() { return {}; }

  /// Ends the worker threads; the loader gives no batch after that.
  void join() {
    pool_ = nullptr;
    joined_ = true;
  }
  const FullDataLoaderOptions& options() const noexcept { return options_; }

  /// Where the loader is: the sampler's epoch and the number of batches handed out. Throws Error
  /// where the sampler cannot be saved, and with workers whose order is not enforced.
  StateDict state_dict() const {
    check(options_.workers == 0 || options_.enforce_ordering,
          "[DataLoader] batches that come in no fixed order have no state to save");
    auto state = epoch_ ? epoch_ : sampler_.state_dict();
    check(state.has_value(), "[DataLoader] the sampler cannot be saved: it has no state_dict()");
    state->emplace_back("batches", tensor(static_cast<std::int64_t>(delivered_)));
    return *state;
  }
  /// The next begin() goes on from there instead of beginning an epoch. Throws Error where the
  /// state does not fit the sampler; then nothing has changed, and what was prefetched still comes.
  void load_state_dict(const StateDict& state) {
    std::int64_t batches = -1;
    StateDict epoch;
    for (const auto& item : state)
      if (item.first == "batches" && item.second.numel() == 1)
        batches = item.second.item().toLong();
      else
        epoch.push_back(item);
    check(batches >= 0, "[DataLoader] the state is not that of a data loader: no 'batches'");
    const auto old = sampler_.state_dict();
    sampler_.load_state_dict(epoch);
    try {
      for (std::int64_t i = 0; i < batches && sampler_.next(options_.batch_size); ++i) {
      }
    } catch (...) {
      if (old) sampler_.load_state_dict(*old);
      throw;
    }
    if (pool_) pool_->clear();
    epoch_ = std::move(epoch);
    delivered_ = static_cast<std::size_t>(batches);
    resumes_ = true;
  }

 private:
  std::optional<BatchRequestType> next_request() {
    auto request = sampler_.next(options_.batch_size);
    if (request && options_.drop_last && request->size() < options_.batch_size) request.reset();
    return request;
  }
  std::optional<BatchType> next() {
    check(!joined_, "[DataLoader] an iterator was used after join()");
    std::optional<BatchType> batch;
    if (!pool_) {
      if (auto request = next_request()) {
        ++delivered_;
        batch.emplace(datasets_.front().get_batch(std::move(*request)));
      }
    } else {
      while (pool_->pending() < options_.max_jobs) {
        auto request = next_request();
        if (!request) break;
        pool_->push([this, wanted = std::move(*request)](std::size_t worker) {
          return std::make_shared<BatchType>(datasets_[worker].get_batch(wanted));
        });
      }
      if (pool_->pending() == 0) return std::nullopt;
      std::shared_ptr<void> made;
      try {
        made = pool_->take(options_.timeout);
      } catch (const WorkerException&) {
        ++delivered_;
        throw;
      }
      ++delivered_;
      return std::move(*static_cast<BatchType*>(made.get()));
    }
    return batch;
  }

  FullDataLoaderOptions options_;
  Sampler sampler_;
  std::vector<Dataset> datasets_;   // one for each worker
  std::optional<StateDict> epoch_;  // the sampler's state where the epoch began
  std::size_t delivered_ = 0;
  bool resumes_ = false, joined_ = false;
  std::unique_ptr<detail::JobPool> pool_;  // last: its threads use the datasets
};

/// A loader with the given sampler.
/// https://pytorch.org/cppdocs/api/function_namespacetorch_1_1data.html
template <class Dataset, class Sampler, class = typename Sampler::BatchRequestType>
std::unique_ptr<StatelessDataLoader<Dataset, Sampler>> make_data_loader(
    Dataset dataset, Sampler sampler, DataLoaderOptions options = {}) {
  return std::make_unique<StatelessDataLoader<Dataset, Sampler>>(std::move(dataset),
                                                                 std::move(sampler), options);
}
/// A loader with a sampler made from the dataset's size. Throws Error where that is not known.
template <class Sampler = samplers::RandomSampler, class Dataset>
std::unique_ptr<StatelessDataLoader<Dataset, Sampler>> make_data_loader(
    Dataset dataset, DataLoaderOptions options = {}) {
  const std::optional<std::size_t> size = dataset.size();
  check(size.has_value(), "[make_data_loader] the dataset does not know its size: give a sampler");
  // The samplers of libtorch take signed and unsigned sizes.
  using Size = std::conditional_t<std::is_same_v<Sampler, samplers::RandomSampler>, std::int64_t,
                                  std::size_t>;
  return make_data_loader(std::move(dataset), Sampler(static_cast<Size>(*size)), options);
}

}  // namespace data
}  // namespace reel
