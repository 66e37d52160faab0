// linear() of embedded rows multiplies the table instead: same numbers, same gradients.
#include <doctest/doctest.h>

#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

struct Net {
  Tensor table = rand({5, 3}, kFloat64).requires_grad_();
  Tensor weight = rand({4, 3}, kFloat64).requires_grad_();
  Tensor bias = rand({4}, kFloat64).requires_grad_();
  Tensor indices = randint(0, 5, {4, 6}, kInt64);
  Tensor weighting = rand({4, 6, 4}, kFloat64);
  std::vector<Tensor> leaves() const { return {table, weight, bias}; }
  // The same rows by a product, which hides where they came from.
  Tensor rows() const { return matmul(one_hot(indices, 5).to(kFloat64), table); }
};

void check_close(const Tensor& a, const Tensor& b) {
  REQUIRE(a.sizes() == b.sizes());
  CHECK((a - b).abs().max().item<double>() < 1e-12);
}

// Gradients of both ways to the same loss.
template <class F, class G>
void compare(const Net& net, F folded, G plain) {
  const auto a = autograd::grad({folded()}, net.leaves());
  const auto b = autograd::grad({plain()}, net.leaves());
  for (std::size_t i = 0; i < a.size(); ++i) check_close(a[i], b[i]);
  for (const Tensor& leaf : net.leaves()) leaf.mutable_grad() = Tensor();
  folded().backward();
  for (std::size_t i = 0; i < b.size(); ++i) {
    check_close(net.leaves()[i].grad(), b[i]);
    net.leaves()[i].mutable_grad() = Tensor();
  }
}

}  // namespace

TEST_CASE("gathered: linear of embedded rows has the values and gradients of the plain product") {
  manual_seed(3);
  const Net net;
  compare(
      net,
      [&] {
        return (linear(embedding(net.table, net.indices), net.weight, net.bias) * net.weighting)
            .sum();
      },
      [&] { return (linear(net.rows(), net.weight, net.bias) * net.weighting).sum(); });
  INFO("without a bias, rows flattened");
  compare(
      net,
      [&] {
        const Tensor x = embedding(net.table, net.indices).reshape({24, 3});
        return (linear(x, net.weight) * net.weighting.view({24, 4})).sum() + (net.bias * 0).sum();
      },
      [&] {
        return (linear(net.rows().reshape({24, 3}), net.weight) * net.weighting.view({24, 4}))
                   .sum() +
               (net.bias * 0).sum();
      });
}

TEST_CASE("gathered: transposed, sliced and repeated rows find their positions") {
  manual_seed(4);
  const Net net;
  const auto views = [](const Tensor& x) {
    return std::vector<Tensor>{x.transpose(0, 1),
                               x.slice(1, 1, 6, 2),
                               x.select(0, 2),
                               x.unsqueeze(0).expand({2, 4, 6, 3}),
                               x.slice(2, 0, 3),
                               x.transpose(0, 1).reshape({24, 3}),
                               x.transpose(0, 1).contiguous().view({3, 8, 3}).slice(1, 1, 7)};
  };
  const std::size_t count = views(net.rows()).size();
  for (std::size_t i = 0; i < count; ++i) {
    CAPTURE(i);
    const auto loss = [&](const Tensor& x) {
      const Tensor y = linear(views(x)[i], net.weight, net.bias);
      return (y * y.detach().cos()).sum();
    };
    compare(
        net, [&] { return loss(embedding(net.table, net.indices)); },
        [&] { return loss(net.rows()); });
  }
}

TEST_CASE("gathered: the table is multiplied for a batch-first sequence too") {
  const Net net;
  const Tensor x = embedding(net.table, net.indices).transpose(0, 1);
  CHECK(linear(x, net.weight).grad_fn()->num_inputs() == 4);  // the table beside the rows
  CHECK(linear(x.reshape({24, 3}), net.weight).grad_fn()->num_inputs() == 4);
  CHECK(linear(net.rows().reshape({24, 3}), net.weight).grad_fn()->num_inputs() == 3);
}

TEST_CASE("gathered: a padding row keeps its part in the weight's gradient") {
  manual_seed(5);
  const Net net;
  (linear(embedding(net.table, net.indices, 2), net.weight, net.bias) * net.weighting)
      .sum()
      .backward();
  const auto plain = autograd::grad(
      {(linear(net.rows(), net.weight, net.bias) * net.weighting).sum()}, net.leaves());
  Tensor expected = plain[0].clone();
  expected.select(0, 2).zero_();
  check_close(net.table.grad(), expected);
  check_close(net.weight.grad(), plain[1]);
  check_close(net.bias.grad(), plain[2]);
}

TEST_CASE("gathered: the rows' own gradient is there for who asks") {
  manual_seed(6);
  const Net net;
  const Tensor expected = matmul(net.weighting, net.weight.detach());
  const auto loss = [&](const Tensor& x) {
    return (linear(x, net.weight, net.bias) * net.weighting).sum();
  };
  const Tensor x = embedding(net.table, net.indices);
  check_close(autograd::grad({loss(x)}, {x})[0], expected);

  const Tensor kept = embedding(net.table, net.indices);
  const Tensor l = loss(kept);
  kept.retain_grad();  // after the use
  l.backward();
  check_close(kept.grad(), expected);

  const Tensor hooked = embedding(net.table, net.indices), view = hooked.view({24, 3});
  int calls = 0;
  const Tensor out = (linear(view, net.weight, net.bias) * net.weighting.view({24, 4})).sum();
  hooked.register_hook([&](const Tensor& g) {
    ++calls;
    check_close(g, expected);
  });
  out.backward();
  CHECK(calls == 1);

  INFO("x is used a second time");
  net.table.mutable_grad() = Tensor();
  const Tensor both = embedding(net.table, net.indices);
  (loss(both) + (both * both).sum()).backward();
  const Tensor plain = net.rows();
  check_close(net.table.grad(),
              autograd::grad({loss(plain) + (plain * plain).sum()}, {net.table})[0]);
}

TEST_CASE("gathered: changed rows and changed tables are not taken for the old ones") {
  manual_seed(7);
  const Net net;
  Tensor x = embedding(net.table, net.indices);
  x.mul_(2);
  check_close(linear(x, net.weight), linear(net.rows() * 2, net.weight));
  const Tensor before = embedding(net.table, net.indices);
  const Tensor values = before.detach().clone();
  {
    NoGradGuard no_grad;
    net.table.add_(1);
  }
  check_close(linear(before, net.weight), linear(values, net.weight));
}

TEST_CASE("gathered: gradients of gradients") {
  manual_seed(8);
  const Net net;
  CHECK(autograd::gradcheck(
      [&](const std::vector<Tensor>& in) {
        return Tensors{linear(embedding(in[0], net.indices), in[1], in[2]).tanh()};
      },
      net.leaves()));
  CHECK(autograd::gradgradcheck(
      [&](const std::vector<Tensor>& in) {
        return Tensors{linear(embedding(in[0], net.indices), in[1], in[2]).tanh()};
      },
      net.leaves()));
}

TEST_CASE("gathered: rows that nobody holds take no memory until backward") {
  const Tensor table = rand({50, 256}).requires_grad_(), weight = rand({16, 256}).requires_grad_();
  const Tensor indices = randint(0, 50, {64, 32}, kInt64);
  const std::size_t before = memory::live_bytes();
  const Tensor y = linear(embedding(table, indices), weight);
  CHECK(memory::live_bytes() - before < 2 * y.nbytes());  // the rows are 16 times as many bytes
  const Tensor g = rand(y.sizes());
  const auto all = autograd::grad({y}, {table, weight}, {g}, true, true);  // asks for the rows
  Tensor rows = embedding(table, indices).detach();
  CHECK(allclose(all[1], matmul(g.reshape({-1, 16}).t(), rows.reshape({-1, 256})), 1e-4));
}

TEST_CASE("gathered: rows that were written through a pointer are taken as they are") {
  const Tensor table = ones({3, 2}).requires_grad_();
  const Tensor index = reel::tensor(std::vector<std::int64_t>{0, 1, 2, 0, 1, 2}, kInt64);
  const Tensor rows = embedding(table, index);
  rows.data_ptr<float>()[0] = 100;
  CHECK(linear(rows, ones({1, 2}))[0].item<float>() == 101);
  CHECK(rows.view({2, 3, 2}).transpose(0, 1).contiguous()[0][0][0].item<float>() == 100);
}

TEST_CASE("gathered: the gradient of a gradient leaves the padding row out") {
  const Tensor table = rand({3, 2}, kFloat64).requires_grad_();
  const Tensor w = rand({4, 2}, kFloat64).requires_grad_();
  const Tensor index = reel::tensor(std::vector<std::int64_t>{0, 1, 2, 1}, kInt64);
  const Tensor loss = (embedding(table, index, 1) * w).sum() + (table * table * table).sum();
  const Tensor g = autograd::grad({loss}, {table}, {}, true, true)[0];
  (g * g).sum().backward();
  CHECK(w.grad()[1].equal(zeros({2}, kFloat64)));
  CHECK(w.grad()[3].equal(zeros({2}, kFloat64)));
  const Tensor expected = 2 * (w.detach()[0] + 3 * table.detach()[0] * table.detach()[0]);
  CHECK(difference(w.grad()[0], expected) < 1e-14);
}

TEST_CASE("gathered: an infinite weight does not count for rows that were not taken") {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor w = reel::tensor(std::vector<double>{1, inf, 1, 1}, kFloat64).reshape({2, 2});
  const Tensor table = rand({3, 2}, kFloat64).requires_grad_();
  const Tensor index = reel::tensor(std::vector<std::int64_t>{0, 1, 0, 1}, kInt64);
  linear(embedding(table, index), w).select(1, 1).sum().backward();
  CHECK(table.grad()[2].equal(zeros({2}, kFloat64)));
}
