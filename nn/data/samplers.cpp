#include "samplers.hpp"

#include <algorithm>
#include <numeric>

#include "../../autograd/ops/creation.hpp"
#include "../../autograd/ops/random.hpp"
#include "../../autograd/random.hpp"

namespace reel {
namespace data {
namespace samplers {
namespace {

using Indices = std::vector<std::int64_t>;

std::size_t as_size(std::int64_t i) { return static_cast<std::size_t>(i); }

/// The entry `key` of a state, which must be int64 of `rank` dimensions.
Tensor entry(const char* name, const StateDict& state, const char* key, std::int64_t rank) {
  for (const auto& [found, value] : state)
    if (found == key) {
      check(value.defined() && value.scalar_type() == kInt64 && value.dim() == rank, "[", name,
            "] the state's '", key, "' must be int64 with ", rank, " dimensions");
      return value;
    }
  throw Error(reel::detail::message("[", name, "] the state has no '", key,
                                    "': it is not that of such a sampler"));
}

std::size_t position(const char* name, const StateDict& state, std::size_t end) {
  const auto at = entry(name, state, "index", 0).item<std::int64_t>();
  check(at >= 0 && as_size(at) <= end, "[", name, "] the state's index ", at,
        " is not between 0 and ", end);
  return as_size(at);
}

Tensor number(std::size_t n) { return tensor(static_cast<std::int64_t>(n)); }

Indices counting(std::size_t n) {
  Indices all(n);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

template <class T>
void shuffle(std::vector<T>& items, Generator& generator) {
  for (std::size_t i = items.size(); i > 1; --i)
    std::swap(items[i - 1], items[static_cast<std::size_t>(generator.below(i))]);
}

}  // namespace

void detail::throw_not_savable(const char* what) {
  throw Error(reel::detail::message("[", what, "] this type of sampler has no state to save or ",
                                    "load: override state_dict() and load_state_dict()"));
}

void SequentialSampler::reset(std::optional<std::size_t> new_size) {
  if (new_size) size_ = *new_size;
  index_ = 0;
}

std::optional<std::vector<std::size_t>> SequentialSampler::next(std::size_t batch_size) {
  if (index_ == size_) return std::nullopt;
  std::vector<std::size_t> batch(std::min(batch_size, size_ - index_));
  std::iota(batch.begin(), batch.end(), index_);
  index_ += batch.size();
  return batch;
}

std::optional<StateDict> SequentialSampler::state_dict() const {
  return StateDict{{"index", number(index_)}};
}

void SequentialSampler::load_state_dict(const StateDict& state) {
  index_ = position("SequentialSampler", state, size_);
}

void ListSampler::begin(Tensor indices, std::size_t size) {
  indices_ = std::move(indices);
  size_ = size;
  index_ = 0;
}

std::optional<std::vector<std::size_t>> ListSampler::next(std::size_t batch_size) {
  const std::size_t left = as_size(indices_.numel()) - index_;
  if (left == 0) return std::nullopt;
  const auto* from = indices_.data_ptr<std::int64_t>() + index_;
  std::vector<std::size_t> batch(std::min(batch_size, left));
  std::transform(from, from + batch.size(), batch.begin(), as_size);
  index_ += batch.size();
  return batch;
}

std::optional<StateDict> ListSampler::state_dict() const {
  return StateDict{{"indices", indices_}, {"index", number(index_)}};
}

void ListSampler::load_state_dict(const StateDict& state) {
  const Tensor indices = entry(name_, state, "indices", 1).contiguous();
  const auto* values = indices.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < indices.numel(); ++i)
    check(values[i] >= 0 && as_size(values[i]) < size_, "[", name_, "] the state's index ",
          values[i], " is out of range for a dataset of ", size_);
  index_ = position(name_, state, as_size(indices.numel()));
  indices_ = indices;
}

RandomSampler::RandomSampler(std::int64_t size, Dtype index_dtype)
    : ListSampler("RandomSampler", as_size(size)) {
  check(size >= 0, "[RandomSampler] the size must not be negative, found ", size);
  check<DtypeError>(is_integral(index_dtype, false), "[RandomSampler] indices need an integral ",
                    "dtype, found ", index_dtype);
  reset();
}

void RandomSampler::reset(std::optional<std::size_t> new_size) {
  const std::size_t n = new_size.value_or(size());
  begin(randperm(static_cast<std::int64_t>(n)), n);
}

DistributedSampler::DistributedSampler(const char* name, std::size_t size, std::size_t num_replicas,
                                       std::size_t rank, bool allow_duplicates, bool shuffled)
    : ListSampler(name, size),
      num_replicas_(num_replicas),
      rank_(rank),
      allow_duplicates_(allow_duplicates),
      shuffled_(shuffled) {
  check(rank < num_replicas, "[", name, "] expected a rank below the number of replicas ",
        num_replicas, ", found ", rank);
  reset();
}

void DistributedSampler::reset(std::optional<std::size_t> new_size) {
  const std::size_t n = new_size.value_or(size());
  const std::size_t each = allow_duplicates_ ? (n + num_replicas_ - 1) / num_replicas_  //
                                             : n / num_replicas_;
  // What is missing for equal parts is filled up from the beginning.
  Indices all(allow_duplicates_ ? each * num_replicas_ : n);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i % n);
  if (shuffled_) {
    Generator generator(epoch_);
    shuffle(all, generator);
  }
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(rank_ * each);
  begin(tensor(Indices(first, first + static_cast<std::ptrdiff_t>(each))), n);
}

BucketSampler::BucketSampler(std::vector<std::int64_t> lengths, std::size_t batch_size,
                             std::size_t pool_batches)
    : ListSampler("BucketSampler", lengths.size()),
      lengths_(std::move(lengths)),
      batch_size_(batch_size),
      pool_batches_(pool_batches) {
  check(batch_size > 0, "[BucketSampler] the batch size must be positive");
  check(pool_batches > 0, "[BucketSampler] pool_batches must be positive");
  reset();
}

void BucketSampler::reset(std::optional<std::size_t> new_size) {
  const std::size_t n = lengths_.size();
  check(new_size.value_or(n) == n, "[BucketSampler] has ", n, " lengths for a dataset of ",
        new_size.value_or(n));
  Generator& generator = default_generator();
  Indices order = counting(n);
  shuffle(order, generator);
  const auto at = [&](std::size_t i) { return order.begin() + static_cast<std::ptrdiff_t>(i); };
  const std::size_t pool =
      pool_batches_ > n / batch_size_ ? std::max<std::size_t>(n, 1) : pool_batches_ * batch_size_;
  for (std::size_t i = 0; i < n; i += pool)
    std::stable_sort(at(i), at(std::min(n, i + pool)), [&](std::int64_t a, std::int64_t b) {
      return lengths_[as_size(a)] > lengths_[as_size(b)];
    });
  std::vector<std::size_t> batches(n / batch_size_);
  std::iota(batches.begin(), batches.end(), 0);
  shuffle(batches, generator);
  Indices shuffled;
  shuffled.reserve(n);
  for (const std::size_t b : batches)
    shuffled.insert(shuffled.end(), at(b * batch_size_), at((b + 1) * batch_size_));
  shuffled.insert(shuffled.end(), at(batches.size() * batch_size_), order.end());
  begin(tensor(shuffled), n);
}

std::optional<std::vector<std::size_t>> BucketSampler::next(std::size_t batch_size) {
  check(batch_size == batch_size_, "[BucketSampler] was made for batches of ", batch_size_,
        ", the data loader asks for ", batch_size);
  return ListSampler::next(batch_size);
}

void StreamSampler::reset(std::optional<std::size_t> new_size) {
  if (new_size) epoch_size_ = *new_size;
  examples_retrieved_so_far_ = 0;
}

std::optional<BatchSize> StreamSampler::next(std::size_t batch_size) {
  const std::size_t left = epoch_size_ - examples_retrieved_so_far_;
  if (left == 0) return std::nullopt;
  const std::size_t n = std::min(left, batch_size);
  examples_retrieved_so_far_ += n;
  return BatchSize(n);
}

}  // namespace samplers
}  // namespace data
}  // namespace reel
