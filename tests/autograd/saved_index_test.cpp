// Indices and class labels that change between forward and backward, and those at the ends of
// int64.
#include <doctest/doctest.h>

#include <limits>

#include "autograd/autograd.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

using Op = std::function<Tensor(const Tensor& x, const Tensor& index)>;

// What backward says after the index given to `op` was overwritten.
std::string refusal(const Op& op, const Tensor& x, const Tensor& index) {
  const Tensor leaf = x.clone().detach().requires_grad_(), given = index.clone();
  const Tensor out = op(leaf, given);
  given.fill_(1000000);  // far beyond the memory of x
  return error_of<AutogradError>([&] { out.sum().backward(); });
}

}  // namespace

TEST_CASE("saved indices: one that was overwritten before backward is refused") {
  const Tensor x = randn({4, 3}, kFloat64), index = tensor({1, 3});
  const std::vector<std::pair<std::string, Op>> ops = {
      {"EmbeddingBackward0", [](const Tensor& t, const Tensor& i) { return embedding(t, i); }},
      {"IndexSelectBackward0",
       [](const Tensor& t, const Tensor& i) { return t.index_select(0, i); }},
      {"IndexSelectBackward0",
       [](const Tensor& t, const Tensor& i) { return t.t().index_select(1, i); }},
      {"IndexAddBackward0",
       [](const Tensor& t, const Tensor& i) {
         return zeros({4, 3}, kFloat64).index_add(0, i, t.narrow(0, 0, 2));
       }},
      {"ScatterReduceBackward0",
       [](const Tensor& t, const Tensor& i) {
         return scatter_reduce(t.detach(), 0, i.unsqueeze(1), t, "amax");
       }},
      {"GatherBackward0",
       [](const Tensor& t, const Tensor& i) { return t.gather(0, i.unsqueeze(1)); }},
  };
  for (const auto& op : ops) {
    CAPTURE(op.first);
    CHECK(mentions(refusal(op.second, x, index), {"[" + op.first + "]", "modified in place"}));
  }
}

TEST_CASE("saved indices: the gradient of a gradient refuses it too") {
  const Tensor w = randn({4, 3}, kFloat64).requires_grad_(), index = tensor({1, 3});
  const Tensor v = ones({2, 3}, kFloat64).requires_grad_();
  const auto g = autograd::grad({embedding(w, index)}, {w}, {v}, true, true);
  index.fill_(1000000);
  CHECK(mentions(error_of<AutogradError>([&] { autograd::grad({g[0].sum()}, {v}); }),
                 {"[EmbeddingDenseBackward0]", "modified in place"}));
}

TEST_CASE("saved indices: what cummax returns is one of them") {
  const Tensor x = tensor({1.0, 3.0, 2.0}).requires_grad_();
  const auto [values, index] = cummax(x, 0);
  index.zero_();
  const Tensor sum = values.sum();
  CHECK(mentions(error_of<AutogradError>([&] { sum.backward(); }), {"[CummaxBackward0]"}));
}

TEST_CASE("saved indices: a product of many rows of a small table") {
  const Tensor table = randn({3, 2}).requires_grad_(), weight = randn({4, 2}).requires_grad_();
  const Tensor index = zeros({8}, kInt64);
  const Tensor out = linear(embedding(table, index), weight).sum();
  index.fill_(1000000);
  CHECK(mentions(error_of<AutogradError>([&] { out.backward(); }), {"modified in place"}));

  // The index changes between the two ops: the rows are those that were taken.
  const Tensor again = zeros({8}, kInt64), rows = embedding(table, again);
  again.fill_(1);
  CHECK(difference(linear(rows, weight)[0], linear(table[0], weight)) < 1e-6);
}

TEST_CASE("saved indices: a row that was not taken does not count, whatever is in it") {
  const Tensor table = ones({3, 2});
  table[2].fill_(std::numeric_limits<float>::infinity());
  table.requires_grad_();
  const Tensor weight = ones({4, 2}).requires_grad_();
  linear(embedding(table, zeros({8}, kInt64)), weight).sum().backward();
  CHECK(difference(weight.grad(), full({4, 2}, 8.0F)) == 0);
}

TEST_CASE("saved indices: class labels") {
  const Tensor x = randn({2, 3}).requires_grad_(), target = zeros({2}, kInt64);
  const std::vector<std::pair<std::string, Tensor>> losses = {
      {"CrossEntropyBackward0", cross_entropy_loss(x, target)},
      {"NllLossBackward0", cross_entropy_loss(x, target, ones({3}))},
      {"NllLossBackward0", nll_loss(x, target)}};
  target.fill_(1000000);
  for (const auto& loss : losses) {
    CAPTURE(loss.first);
    CHECK(mentions(error_of<AutogradError>([&] { loss.second.backward(); }),
                   {"[" + loss.first + "]", "modified in place"}));
  }
}

TEST_CASE("saved indices: the ends of int64 are out of range") {
  const Tensor x = randn({4, 3});
  for (const std::int64_t end :
       {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    CAPTURE(end);
    const Tensor index = full({1}, end, kInt64);
    CHECK_THROWS_AS(x.index_select(0, index), IndexError);
    CHECK_THROWS_AS(x.index_select(1, index), IndexError);
    CHECK_THROWS_AS(x.index({index}), IndexError);
    CHECK_THROWS_AS(x.gather(0, index.reshape({1, 1})), IndexError);
    CHECK_THROWS_AS(embedding(x, index), IndexError);
  }
}

TEST_CASE("index_add: the factor and a tensor without dimensions keep the dtype") {
  const Tensor place = zeros({1}, kInt64);
  const Tensor sum = full({}, 3, kInt32).index_add(0, place, full({1}, 2, kInt32));
  CHECK(sum.dtype() == kInt32);
  CHECK(sum.dim() == 0);
  CHECK(sum.item<int>() == 5);
  // As in PyTorch: 2.5 counts as 2 for integers, and 3 as true for bools.
  const Tensor scaled = ones({2}, kInt32).index_add(0, place, ones({1}, kInt32), 2.5);
  CHECK(scaled.dtype() == kInt32);
  CHECK(values(scaled) == std::vector<double>{3, 1});
  CHECK(zeros({2}, kBool).index_add(0, place, ones({1}, kBool), 3).dtype() == kBool);
  const Tensor x = randn({3}, kFloat64).requires_grad_(), y = randn({2}, kFloat64).requires_grad_();
  x.index_add(0, tensor({2, 2}), y, -1.5).sum().backward();
  CHECK(values(x.grad()) == std::vector<double>{1, 1, 1});
  CHECK(values(y.grad()) == std::vector<double>{-1.5, -1.5});
}
