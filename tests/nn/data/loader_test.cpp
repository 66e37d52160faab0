// Data loaders: order, workers, exceptions, timeouts, going on from a saved place.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "nn/data/data.hpp"
#include "nn/serialization.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
using data::DataLoaderOptions;
using data::make_data_loader;
using data::samplers::BucketSampler;
using data::samplers::RandomSampler;
using data::samplers::SequentialSampler;

namespace {

/// Example i is (i, 10 i); number `bad` throws; odd batches take longer than even ones.
struct Numbers : data::datasets::Dataset<Numbers> {
  explicit Numbers(std::size_t n, std::size_t bad_ = std::size_t(-1)) : count(n), bad(bad_) {}
  data::Example<> get(std::size_t index) override {
    if (index == bad) throw std::out_of_range("number " + std::to_string(index) + " is bad");
    if (slow && index % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const auto i = static_cast<std::int64_t>(index);
    return {tensor(i), tensor(10 * i)};
  }
  std::optional<std::size_t> size() const override { return count; }
  std::size_t count, bad;
  bool slow = false;
};

auto batches_of(std::size_t n) { return Numbers(n).map(data::transforms::Stack<>()); }

template <class Loader>
std::vector<double> all_data(Loader& loader) {
  std::vector<double> seen;
  for (auto& batch : loader)
    for (const double v : values(batch.data)) seen.push_back(v);
  return seen;
}

std::vector<double> counting(std::size_t n) {
  std::vector<double> all(n);
  for (std::size_t i = 0; i < n; ++i) all[i] = static_cast<double>(i);
  return all;
}

}  // namespace

TEST_CASE("data loader: every batch in the sampler's order, with any number of workers") {
  for (const std::size_t workers : {0u, 1u, 2u, 3u})
    for (const std::size_t max_jobs : {1u, 2u, 7u}) {
      CAPTURE(workers);
      CAPTURE(max_jobs);
      Numbers numbers(23);
      numbers.slow = true;
      auto loader = make_data_loader<SequentialSampler>(
          numbers.map(data::transforms::Stack<>()),
          DataLoaderOptions().batch_size(4).workers(workers).max_jobs(max_jobs));
      for (int epoch = 0; epoch < 2; ++epoch) CHECK(all_data(*loader) == counting(23));
    }
}

TEST_CASE("data loader: sizes of batches, and drop_last") {
  auto loader = make_data_loader<SequentialSampler>(batches_of(10), 4);
  std::vector<std::int64_t> sizes;
  for (auto& batch : *loader) {
    sizes.push_back(batch.data.size(0));
    CHECK(values(batch.target) == values(batch.data.mul(10)));
  }
  CHECK(sizes == std::vector<std::int64_t>{4, 4, 2});
  for (const std::size_t workers : {0u, 2u}) {
    auto whole = make_data_loader<SequentialSampler>(
        batches_of(10), DataLoaderOptions(4).drop_last(true).workers(workers));
    CHECK(all_data(*whole) == counting(8));
  }
  auto none = make_data_loader<SequentialSampler>(batches_of(0), 4);
  CHECK(none->begin() == none->end());
  CHECK(loader->options().batch_size == 4);
  CHECK(make_data_loader(batches_of(1), DataLoaderOptions().workers(3))->options().max_jobs == 6);
}

TEST_CASE("data loader: without Stack a batch is a vector of examples") {
  auto loader = make_data_loader(Numbers(5), SequentialSampler(5), DataLoaderOptions(3));
  auto batch = loader->begin();
  REQUIRE(batch->size() == 3);
  CHECK((*batch)[2].target.item<int>() == 20);
  ++batch;
  CHECK(batch->size() == 2);
  ++batch;
  CHECK(batch == loader->end());
  CHECK(mentions(error_of<Error>([&] { *batch; }), {"DataLoader", "at the end"}));
  CHECK(mentions(error_of<Error>([&] { ++batch; }), {"DataLoader", "at the end"}));
}

TEST_CASE("data loader: the default sampler takes every example once, in an order of the seed") {
  manual_seed(7);
  auto loader = make_data_loader(batches_of(40), DataLoaderOptions(6).workers(2));
  const auto first = all_data(*loader), second = all_data(*loader);
  CHECK(std::set<double>(first.begin(), first.end()).size() == 40);
  CHECK(first.size() == 40);
  CHECK(first != second);
  CHECK(first != counting(40));
  manual_seed(7);
  auto same = make_data_loader(batches_of(40), DataLoaderOptions(6));
  CHECK(all_data(*same) == first);
}

TEST_CASE("data loader: unordered batches are all there") {
  Numbers numbers(30);
  numbers.slow = true;
  auto loader =
      make_data_loader<SequentialSampler>(numbers.map(data::transforms::Stack<>()),
                                          DataLoaderOptions(2).workers(3).enforce_ordering(false));
  const auto seen = all_data(*loader);
  CHECK(seen.size() == 30);
  CHECK(std::set<double>(seen.begin(), seen.end()).size() == 30);
  CHECK(mentions(error_of<Error>([&] { loader->state_dict(); }), {"no fixed order"}));
}

TEST_CASE("data loader: exceptions of the dataset reach the caller, and the next batch comes") {
  for (const std::size_t workers : {0u, 1u, 3u}) {
    CAPTURE(workers);
    for (const std::size_t bad : {0u, 5u}) {
      auto loader = make_data_loader<SequentialSampler>(
          Numbers(12, bad).map(data::transforms::Stack<>()), DataLoaderOptions(2).workers(workers));
      std::vector<double> seen;
      int thrown = 0;
      auto it = loader->begin();
      for (;;) {
        try {
          if (it == loader->end()) break;
          for (const double v : values(it->data)) seen.push_back(v);
          ++it;
        } catch (const data::WorkerException& e) {
          ++thrown;
          CHECK(workers > 0);
          CHECK(mentions(e.what(), {"worker thread", "number", "is bad"}));
          CHECK_THROWS_AS(std::rethrow_exception(e.original_exception), std::out_of_range);
        } catch (const std::out_of_range&) {
          ++thrown;
          CHECK(workers == 0);
        }
      }
      CHECK(thrown == 1);
      CHECK(seen.size() == 10);
      CHECK(std::set<double>(seen.begin(), seen.end()).count(static_cast<double>(bad)) == 0);
    }
  }
}

TEST_CASE("data loader: an epoch left early does not disturb the next") {
  for (const std::size_t workers : {0u, 2u}) {
    auto loader =
        make_data_loader<SequentialSampler>(batches_of(20), DataLoaderOptions(3).workers(workers));
    for (int i = 0; i < 5; ++i) {
      for (auto& batch : *loader)
        if (batch.data[0].item<int>() >= 3) break;
      CHECK(all_data(*loader) == counting(20));
    }
  }
}

TEST_CASE("data loader: a timeout throws, and the batch can still be had") {
  struct Slow : data::datasets::Dataset<Slow> {
    data::Example<> get(std::size_t) override {
      std::this_thread::sleep_for(std::chrono::milliseconds(150));
      return {ones({1}), ones({1})};
    }
    std::optional<std::size_t> size() const override { return 1; }
  };
  auto loader =
      make_data_loader(Slow().map(data::transforms::Stack<>()),
                       DataLoaderOptions().workers(1).timeout(std::chrono::milliseconds(10)));
  auto it = loader->begin();
  CHECK(mentions(error_of<Error>([&] { *it; }), {"DataLoader", "timeout of 10 ms"}));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  CHECK(it->data.numel() == 1);
}

TEST_CASE("data loader: join, and misuse") {
  auto loader = make_data_loader(batches_of(5), DataLoaderOptions().workers(2));
  auto it = loader->begin();
  loader->join();
  loader->join();
  CHECK(mentions(error_of<Error>([&] { loader->begin(); }), {"join()"}));
  CHECK(mentions(error_of<Error>([&] { *it; }), {"join()"}));
  CHECK(mentions(error_of<Error>([&] { make_data_loader(batches_of(5), 0); }), {"batch size"}));
  CHECK(mentions(error_of<Error>([&] {
                   make_data_loader(batches_of(5), DataLoaderOptions(1).workers(1).max_jobs(0));
                 }),
                 {"max_jobs"}));

  struct Endless : data::datasets::StreamDataset<Endless, std::vector<std::size_t>> {
    std::vector<std::size_t> get_batch(std::size_t n) override {
      return std::vector<std::size_t>(n, 1);
    }
    std::optional<std::size_t> size() const override { return std::nullopt; }
  };
  CHECK(
      mentions(error_of<Error>([] { make_data_loader<data::samplers::StreamSampler>(Endless()); }),
               {"does not know its size", "sampler"}));
  auto stream = make_data_loader(Endless(), data::samplers::StreamSampler(7), DataLoaderOptions(3));
  std::vector<std::size_t> sizes;
  for (auto& batch : *stream) sizes.push_back(batch.size());
  CHECK(sizes == std::vector<std::size_t>{3, 3, 1});
  CHECK(mentions(error_of<Error>([&] { stream->state_dict(); }), {"cannot be saved"}));
}

TEST_CASE("data loader: each worker has its own copy of the dataset, a shared one has none") {
  struct Copied : data::datasets::Dataset<Copied> {
    explicit Copied(std::shared_ptr<std::atomic<int>> made) : copies(std::move(made)) {}
    Copied(const Copied& other) : copies(other.copies) { ++*copies; }
    Copied(Copied&&) = default;
    data::Example<> get(std::size_t) override { return {ones({}), ones({})}; }
    std::optional<std::size_t> size() const override { return 9; }
    std::shared_ptr<std::atomic<int>> copies;
  };
  const auto copies = std::make_shared<std::atomic<int>>(0);
  {
    auto loader = make_data_loader(Copied(copies), DataLoaderOptions(2).workers(3));
    for (auto& batch : *loader) CHECK(batch.size() > 0);
  }
  CHECK(*copies >= 2);
  *copies = 0;
  auto shared = make_data_loader(data::datasets::make_shared_dataset<Copied>(copies),
                                 DataLoaderOptions(2).workers(3));
  std::size_t seen = 0;
  for (auto& batch : *shared) seen += batch.size();
  CHECK(seen == 9);
  CHECK(*copies == 0);

  struct Alone : data::datasets::Dataset<Alone> {
    std::unique_ptr<int> only = std::make_unique<int>(3);
    data::Example<> get(std::size_t) override { return {tensor(*only), ones({})}; }
    std::optional<std::size_t> size() const override { return 2; }
  };
  for (const std::size_t workers : {0u, 1u})
    CHECK(all_data(*make_data_loader(Alone().map(data::transforms::Stack<>()),
                                     DataLoaderOptions(1).workers(workers))) ==
          std::vector<double>{3, 3});
  CHECK(
      mentions(error_of<Error>([] { make_data_loader(Alone(), DataLoaderOptions(1).workers(2)); }),
               {"cannot be copied"}));
}

TEST_CASE("data loader: it goes on from a saved place, whatever was prefetched") {
  for (const std::size_t workers : {0u, 2u}) {
    CAPTURE(workers);
    manual_seed(3);
    const auto options = DataLoaderOptions(4).workers(workers).max_jobs(5);
    auto loader = make_data_loader(batches_of(26), options);
    std::vector<double> seen;
    auto it = loader->begin();
    for (int i = 0; i < 3; ++i, ++it)
      for (const double v : values(it->data)) seen.push_back(v);
    // The fourth batch was fetched by the last ++, so it counts as handed out.
    for (const double v : values(it->data)) seen.push_back(v);
    std::stringstream saved;
    StateFile file;
    file.put("loader", loader->state_dict());
    file.write(saved);
    const auto state = StateFile::read(saved).get("loader");
    CHECK(mentions(error_of<FileError>([&] { file.get("other"); }), {"no part 'other'"}));
    std::vector<double> rest;
    for (++it; it != loader->end(); ++it)
      for (const double v : values(it->data)) rest.push_back(v);
    CHECK(seen.size() + rest.size() == 26);

    manual_seed(99);
    auto other = make_data_loader(batches_of(26), options);
    other->load_state_dict(state);
    CHECK(all_data(*other) == rest);
    const auto next = all_data(*other);
    CHECK(next.size() == 26);
    CHECK(next != rest);
    CHECK(mentions(error_of<Error>([&] { other->load_state_dict({}); }),
                   {"not that of a data loader"}));
    auto smaller = make_data_loader(batches_of(9), options);
    CHECK(mentions(error_of<Error>([&] { smaller->load_state_dict(state); }), {"out of range"}));
  }
}

TEST_CASE("data loader: a state that does not fit leaves it where it was") {
  for (const std::size_t workers : {0u, 2u}) {
    CAPTURE(workers);
    const auto options = DataLoaderOptions(4).workers(workers).max_jobs(5);
    auto larger = make_data_loader(batches_of(90), options);
    larger->begin();
    auto loader = make_data_loader(batches_of(26), options);
    std::vector<double> seen;
    for (auto& batch : *loader) {
      for (const double v : values(batch.data)) seen.push_back(v);
      CHECK(mentions(error_of<Error>([&] { loader->load_state_dict(larger->state_dict()); }),
                     {"out of range"}));
    }
    CHECK(std::set<double>(seen.begin(), seen.end()).size() == 26);
  }
  // A sampler that refuses only when it is asked for a batch.
  const auto loader_of = [](std::size_t batch) {
    return make_data_loader(batches_of(6), BucketSampler({1, 2, 3, 4, 5, 6}, 2),
                            DataLoaderOptions(batch));
  };
  auto twos = loader_of(2), threes = loader_of(3);
  twos->begin();
  auto state = twos->state_dict();
  state.back().second = tensor(std::int64_t{1});
  const auto before = threes->state_dict();
  CHECK(mentions(error_of<Error>([&] { threes->load_state_dict(state); }), {"batches of 2"}));
  const auto after = threes->state_dict();
  REQUIRE(after.size() == before.size());
  for (std::size_t i = 0; i < after.size(); ++i)
    CHECK(values(after[i].second) == values(before[i].second));
}

TEST_CASE("data loader: two loaders at once, and a training step between batches") {
  const Tensor x = randn({40, 3}), y = x.sum(1);
  const auto pairs = data::datasets::TensorPairDataset(x, y);
  auto train = make_data_loader(data::datasets::map(pairs, data::transforms::Stack<>()),
                                DataLoaderOptions(5).workers(2));
  auto test = make_data_loader<SequentialSampler>(
      data::datasets::map(pairs, data::transforms::Stack<>()), DataLoaderOptions(8).workers(1));
  Tensor w = zeros({3}, TensorOptions().requires_grad(true));
  for (int epoch = 0; epoch < 20; ++epoch)
    for (auto& batch : *train) {
      (batch.data.mv(w) - batch.target).square().mean().backward();
      NoGradGuard no_grad;
      w -= w.grad() * 0.1;
      w.mutable_grad().reset();
    }
  double worst = 0;
  NoGradGuard no_grad;
  for (auto& batch : *test)
    worst = std::max(worst, (batch.data.mv(w) - batch.target).abs().max().item<double>());
  CHECK(worst < 1e-2);
}
