// Samplers: orders, parts, buckets, states.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "autograd/random.hpp"
#include "nn/data/samplers.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
using namespace reel::data::samplers;

namespace {

using Indices = std::vector<std::size_t>;

template <class S>
Indices drain(S& sampler, std::size_t batch_size) {
  Indices all;
  while (const auto batch = sampler.next(batch_size)) {
    CHECK(batch->size() <= batch_size);
    all.insert(all.end(), batch->begin(), batch->end());
  }
  return all;
}
Indices counting(std::size_t n) {
  Indices all(n);
  std::iota(all.begin(), all.end(), 0);
  return all;
}
Indices sorted(Indices all) {
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

TEST_CASE("samplers: sequential") {
  SequentialSampler sampler(5);
  CHECK(drain(sampler, 2) == Indices{0, 1, 2, 3, 4});
  CHECK(!sampler.next(2));
  CHECK(sampler.index() == 5);
  sampler.reset();
  CHECK(sampler.next(3) == Indices{0, 1, 2});
  sampler.reset(2);
  CHECK(drain(sampler, 9) == Indices{0, 1});
  SequentialSampler none(0);
  CHECK(!none.next(1));
}

TEST_CASE("samplers: random") {
  manual_seed(1);
  RandomSampler sampler(50);
  const auto first = drain(sampler, 7);
  sampler.reset();
  const auto second = drain(sampler, 7);
  CHECK(sorted(first) == counting(50));
  CHECK(sorted(second) == counting(50));
  CHECK(first != second);
  manual_seed(1);
  RandomSampler again(50, kInt32);
  CHECK(drain(again, 11) == first);
  again.reset(3);
  CHECK(sorted(drain(again, 11)) == counting(3));
  CHECK(mentions(error_of<Error>([] { RandomSampler(-1); }), {"RandomSampler", "-1"}));
  CHECK(mentions(error_of<DtypeError>([] { RandomSampler(3, kFloat32); }), {"RandomSampler"}));
}

TEST_CASE("samplers: distributed parts cover everything") {
  for (const bool allow_duplicates : {true, false})
    for (const std::size_t size : {0u, 1u, 10u, 12u}) {
      const std::size_t replicas = 3;
      Indices random_parts, sequential_parts;
      for (std::size_t rank = 0; rank < replicas; ++rank) {
        DistributedRandomSampler random(size, replicas, rank, allow_duplicates);
        DistributedSequentialSampler sequential(size, replicas, rank, allow_duplicates);
        const auto r = drain(random, 4), s = drain(sequential, 4);
        CHECK(r.size() == (allow_duplicates ? (size + 2) / 3 : size / 3));
        CHECK(s.size() == r.size());
        random_parts.insert(random_parts.end(), r.begin(), r.end());
        sequential_parts.insert(sequential_parts.end(), s.begin(), s.end());
      }
      const std::set<std::size_t> distinct(random_parts.begin(), random_parts.end());
      CHECK(distinct.size() == (allow_duplicates ? size : size / 3 * 3));
      for (std::size_t i = 0; i < sequential_parts.size(); ++i)
        CHECK(sequential_parts[i] == i % size);
    }
  DistributedRandomSampler sampler(20, 2, 1);
  const auto zero = drain(sampler, 5);
  sampler.set_epoch(1);
  sampler.reset();
  const auto one = drain(sampler, 5);
  CHECK(sampler.epoch() == 1);
  CHECK(zero != one);
  sampler.set_epoch(0);
  sampler.reset();
  CHECK(drain(sampler, 5) == zero);
  CHECK(mentions(error_of<Error>([] { DistributedRandomSampler(5, 2, 2); }),
                 {"DistributedRandomSampler", "rank", "2"}));
}

TEST_CASE("samplers: buckets hold sequences of similar length, longest first") {
  manual_seed(5);
  std::vector<std::int64_t> lengths;
  for (std::int64_t i = 0; i < 103; ++i) lengths.push_back(1 + i * 37 % 50);
  BucketSampler sampler(lengths, 8, 4);
  Indices all;
  std::int64_t padding = 0, batches = 0;
  std::vector<std::int64_t> first_lengths;
  while (const auto batch = sampler.next(8)) {
    const auto length = [&](std::size_t i) { return lengths[(*batch)[i]]; };
    for (std::size_t i = 0; i < batch->size(); ++i) {
      CHECK(length(i) <= length(0));
      if (i > 0) CHECK(length(i) <= length(i - 1));
      padding += length(0) - length(i);
    }
    first_lengths.push_back(length(0));
    CHECK(batch->size() == (batches == 12 ? 7 : 8));
    ++batches;
    all.insert(all.end(), batch->begin(), batch->end());
  }
  CHECK(sorted(all) == counting(103));
  CHECK(!std::is_sorted(first_lengths.rbegin(), first_lengths.rend()));
  CHECK(padding < 103 * 10);  // of random batches about 103 * 22

  BucketSampler one_pool(lengths, 10);
  CHECK(sorted(drain(one_pool, 10)) == counting(103));
  BucketSampler none({}, 3);
  CHECK(!none.next(3));
  CHECK(mentions(error_of<Error>([&] { sampler.reset(5); }), {"103 lengths", "5"}));
  CHECK(mentions(error_of<Error>([&] { sampler.next(9); }), {"batches of 8", "9"}));
  CHECK(mentions(error_of<Error>([&] { BucketSampler({1}, 0); }), {"batch size"}));
  CHECK(mentions(error_of<Error>([&] { BucketSampler({1}, 1, 0); }), {"pool_batches"}));
}

TEST_CASE("samplers: states") {
  manual_seed(2);
  RandomSampler sampler(20);
  sampler.next(6);
  const auto state = *sampler.state_dict();
  const auto rest = drain(sampler, 4);
  RandomSampler other(20);
  other.load_state_dict(state);
  CHECK(other.index() == 6);
  CHECK(drain(other, 4) == rest);
  CHECK(drain(other, 4).empty());

  SequentialSampler sequential(9);
  sequential.next(4);
  SequentialSampler resumed(9);
  resumed.load_state_dict(*sequential.state_dict());
  CHECK(drain(resumed, 9) == Indices{4, 5, 6, 7, 8});

  const auto refuses = [&](StateDict bad, const std::vector<std::string>& parts) {
    CHECK(mentions(error_of<Error>([&] { other.load_state_dict(bad); }), parts));
  };
  const Tensor zero = tensor(0);
  refuses({}, {"RandomSampler", "'indices'"});
  refuses({{"indices", tensor({1, 2})}}, {"'index'"});
  refuses({{"indices", tensor({1.0, 2.0})}, {"index", zero}}, {"'indices'", "int64"});
  refuses({{"indices", tensor({1, 20})}, {"index", zero}}, {"20", "out of range"});
  refuses({{"indices", tensor({1, -1})}, {"index", zero}}, {"-1", "out of range"});
  refuses({{"indices", tensor({1, 2})}, {"index", tensor(3)}}, {"index 3", "between 0 and 2"});
  refuses({{"indices", tensor({1, 2})}, {"index", tensor(-1)}}, {"index -1"});
  refuses({{"indices", Tensor()}, {"index", zero}}, {"'indices'"});
  StreamSampler stream(3);
  CHECK(!stream.state_dict());
  CHECK(mentions(error_of<Error>([&] { stream.load_state_dict(state); }), {"no state"}));
}
