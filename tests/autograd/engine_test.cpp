// The backward pass where memory is shared: views of views, borrowed memory, hooks that change the
// graph they run in, passes within and beside one another.
#include <doctest/doctest.h>

#include <limits>
#include <thread>

#include "autograd/pointwise_driver.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {
Tensor row(std::initializer_list<double> values) {
  return reel::tensor(std::vector<double>(values), kFloat64);
}
}  // namespace

TEST_CASE("engine: a view, a view of it, and both used count once each") {
  const Tensor w = rand({6, 3}, kFloat64);
  const Tensor leaf = rand({6, 3}, kFloat64).requires_grad_();
  // The same by copies, which have no memory to share.
  const auto both = [&](auto program) {
    const Tensor views =
        autograd::grad({program(leaf, [](const Tensor& t) { return t; })}, {leaf})[0];
    const Tensor copies =
        autograd::grad({program(leaf, [](const Tensor& t) { return t.clone(); })}, {leaf})[0];
    CHECK(difference(views, copies) < 1e-14);
    leaf.mutable_grad() = Tensor();
    program(leaf, [](const Tensor& t) { return t; }).backward();
    CHECK(difference(leaf.grad(), copies) < 1e-14);
  };
  both([&](const Tensor& x, auto as) {
    const Tensor a = as(x[0]), b = as(a[1]);
    const Tensor s = b * 2, t = (a * w[0]).sum();
    return s + t;
  });
  both([&](const Tensor& x, auto as) {
    const Tensor v = as(x.narrow(0, 0, 2)), u = as(v.select(0, 1));
    return (u * w[1]).sum() + (v * w.narrow(0, 2, 2)).sum();
  });
  both([&](const Tensor& x, auto as) {
    const Tensor v = as(x.slice(0, 2, 6)), last = as(v[-1]), part = as(last.narrow(0, 1, 2));
    return (part * 3).sum() + (v * w.slice(0, 0, 4)).sum() + (last * w[5]).sum();
  });
  both([&](const Tensor& x, auto as) {
    const Tensor q = x * 1, v = as(q.narrow(0, 0, 2));
    return tanh(addmm(v, w.narrow(0, 0, 2).matmul(w.t()), w)).sum() + (v * v).sum();
  });
  both([&](const Tensor& x, auto as) {
    const Tensor q = x * 1, v = as(q.narrow(0, 0, 2));
    return (v * v).sum() + tanh(addmm(v, w.narrow(0, 0, 2).matmul(w.t()), w)).sum();
  });
}

TEST_CASE("engine: the gradient of a joined tensor that is asked for is left as it is") {
  const Tensor x = row({1, 2}).requires_grad_(), y = cat({x, x});
  const auto g = autograd::grad({(y * y).sum()}, {y, x});
  CHECK(g[0].equal(row({2, 4, 2, 4})));
  CHECK(g[1].equal(row({4, 8})));
}

TEST_CASE("engine: memory that a hook lends is not written") {
  double lent[3] = {5, 5, 5};
  const Tensor x = row({1, 2, 3}).requires_grad_(), y = (x * 2).tanh(), z = y.exp() * 3;
  y.register_hook([&](const Tensor&) { return from_blob(lent, {3}, kFloat64); });
  z.sum().backward();
  for (const double value : lent) CHECK(value == 5);
}

TEST_CASE("engine: hooks that detach the root, or take themselves away after a write in place") {
  const Tensor x = row({1, 2}).requires_grad_();
  Tensor root = (x * 2).sum();
  root.register_hook([&](const Tensor& g) {
    root.detach_();
    return g * 1;
  });
  root.backward();
  CHECK(x.grad().equal(row({2, 2})));

  const Tensor y = x * 2;
  const std::string tag = "a text that is longer than what a string holds inside";
  unsigned id = 0;
  std::size_t seen = 0;
  id = y.register_hook([tag, &y, &id, &seen](const Tensor&) {
    y.remove_hook(id);
    seen += tag.size();
    return Tensor();
  });
  const Tensor sum = y.sum();
  y.mul_(3);
  sum.backward({}, true);
  CHECK(seen == tag.size());
  sum.backward();
  CHECK(seen == tag.size());
}

TEST_CASE("engine: set_data after forward is told, whatever the shape") {
  for (const std::int64_t size : {std::int64_t{2}, std::int64_t{1} << 12}) {
    const Tensor w = ones({1 << 12}, kFloat64).requires_grad_(), x = rand({1 << 12}, kFloat64);
    const Tensor y = w * x.requires_grad_();
    w.set_data(w);  // its own memory
    w.set_data(zeros({size}, kFloat64));
    CHECK(mentions(error_of<AutogradError>([&] { y.sum().backward(); }), {"modified in place"}));
  }
}

TEST_CASE("engine: passes for given inputs on several threads over what they share") {
  const Tensor x = rand({8}, kFloat64).requires_grad_();
  const Tensor shared = x.detach().requires_grad_();
  const auto chain = [](Tensor t, double by) {
    for (int i = 0; i < 30; ++i) t = tanh(t * by);
    return t.sum();
  };
  const Tensor right[2] = {autograd::grad({chain(shared, 1.1)}, {shared})[0],
                           autograd::grad({chain(shared, 0.9)}, {shared})[0]};
  int wrong[2] = {0, 0};
  std::vector<std::thread> threads;
  for (int k = 0; k < 2; ++k)
    threads.emplace_back([&, k] {
      for (int i = 0; i < 100; ++i) {
        const Tensor g = autograd::grad({chain(shared, k == 0 ? 1.1 : 0.9)}, {shared})[0];
        wrong[k] += !g.equal(right[k]);
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(wrong[0] == 0);
  CHECK(wrong[1] == 0);
  // A hook whose thread asks for gradients in the same graph.
  const Tensor h = x * 2, y = tanh(h), z = y * 3;
  Tensor inner;
  z.register_hook([&](const Tensor&) {
    std::thread([&] { inner = autograd::grad({y.sum()}, {h}, {}, true)[0]; }).join();
  });
  const Tensor outer = autograd::grad({z.sum()}, {x})[0], slope = 1 - y.detach() * y.detach();
  CHECK(difference(inner, slope) < 1e-15);
  CHECK(difference(outer, slope * 6) < 1e-15);
}

TEST_CASE("engine: indices and classes that change after forward are those of the forward pass") {
  std::int64_t at[4] = {0, 2, 1, 2};
  const Tensor index = from_blob(at, {4}, kInt64), g = rand({4, 3}, kFloat64);
  const auto table = [] { return reel::ones({3, 3}, kFloat64).requires_grad_(); };
  const auto changed = [&](auto op, const Tensor& cotangent) {
    const std::int64_t before[] = {0, 2, 1, 2};
    std::copy_n(before, 4, at);
    const Tensor a = table(), b = table(), out = op(a);
    const Tensor expected = autograd::grad({op(b)}, {b}, {cotangent})[0];
    std::fill_n(at, 4, std::int64_t{1} << 34);
    CHECK(autograd::grad({out}, {a}, {cotangent})[0].equal(expected));
  };
  changed([&](const Tensor& t) { return embedding(t, index); }, g);
  changed([&](const Tensor& t) { return index_select(t, 0, index); }, g);
  changed(
      [&](const Tensor& t) {
        return nll_loss(t.repeat({2, 1}).narrow(0, 0, 4), index);
      },
      reel::full({}, 2.0, kFloat64));
  changed(
      [&](const Tensor& t) {
        return cross_entropy_loss(t.repeat({2, 1}).narrow(0, 0, 4), index);
      },
      reel::full({}, 2.0, kFloat64));
}

TEST_CASE("engine: indices that were overwritten through a pointer write nowhere else") {
  const auto refused = [](auto op) {
    const Tensor index = reel::zeros({4}, kInt64),
                 x = reel::ones({4, 3}, kFloat64).requires_grad_();
    const Tensor out = op(x, index).sum();
    std::fill_n(index.data_ptr<std::int64_t>(), 4, std::int64_t{1} << 34);
    return error_of<IndexError>([&] { out.backward(); });
  };
  const std::vector<std::string> wanted{"17179869184", "overwritten"};
  CHECK(mentions(refused([](auto& x, auto& at) { return embedding(x, at); }), wanted));
  CHECK(mentions(refused([](auto& x, auto& at) { return index_select(x, 0, at); }), wanted));
  CHECK(mentions(refused([](auto& x, auto& at) { return nll_loss(x, at); }), wanted));
  CHECK(mentions(refused([](auto& x, auto& at) { return cross_entropy_loss(x, at); }), wanted));
  CHECK(
      mentions(refused([](auto& x, auto& at) { return index_select(x, 1, at); }), {"17179869184"}));
}

TEST_CASE("engine: the last elements are not read beyond the padding of a row") {
  // Lanes of 32 bytes: 5 numbers lie in 40 bytes, padded to 64.
  alignas(64) double memory[24];
  for (double& value : memory) value = 1e300;
  double* const in = memory;
  double* const out = memory + 8;
  for (int i = 0; i < 5; ++i) in[i] = i;
  const detail::RunKernel copy = [](const void*, const detail::Run& run) {
    for (std::int64_t i = 0; i < run.n; ++i)
      reinterpret_cast<double*>(run.data[1])[i] = reinterpret_cast<double*>(run.data[0])[i];
  };
  detail::Run run;
  run.data[0] = reinterpret_cast<std::byte*>(in);
  run.data[1] = reinterpret_cast<std::byte*>(out);
  run.step[0] = run.step[1] = 1;
  detail::run_rows(5, detail::Rest{2, 1, 0, 1}, {copy, nullptr, sizeof(double), 4}, run);
  for (int i = 0; i < 5; ++i) CHECK(out[i] == i);
  for (int i = 5; i < 8; ++i) CHECK(out[i] == 0);  // the padding's part of the last lanes
  CHECK(out[8] == 1e300);
}
