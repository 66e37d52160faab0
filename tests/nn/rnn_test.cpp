// The recurrent modules: PyTorch's numbers, finite differences through the whole of
// back-propagation through time, and the ways in which a sequence may be fed.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "nn/nn.hpp"
#include "tests/fixture.hpp"
#include "tests/nn/recurrent_nets.hpp"

using namespace reel;
using namespace reel::test;

namespace {

const char* const kKinds[] = {"rnn_tanh", "rnn_relu", "lstm", "gru"};

json options(std::int64_t in, std::int64_t hidden, std::int64_t layers = 1) {
  return {{"input_size", in}, {"hidden_size", hidden}, {"num_layers", layers}};
}

Recurrent made(const std::string& kind, const json& opts) {
  Recurrent net(kind, opts);
  net.module().to(kFloat64);
  return net;
}

Tensors random_state(const Recurrent& net, IntArrayRef sizes) {
  Tensors state;
  for (std::size_t i = 0; i < net.states(); ++i) state.push_back(reel::randn(sizes, kFloat64));
  return state;
}

Tensors rest(const Tensors& all) { return Tensors(all.begin() + 1, all.end()); }

}  // namespace

TEST_CASE("rnn: values and every gradient agree with PyTorch's") {
  int compared = 0;
  for (const json& row : fixture("rnn.json")) {
    INFO(row.at("kind").get<std::string>(), " T=", row.at("T").get<int>(),
         " B=", row.at("B").get<int>(), " ", row.at("options").dump());
    Recurrent net = made(row.at("kind"), row.at("options"));
    auto parameters = net.module().named_parameters();
    REQUIRE(parameters.size() == row.at("weights").size());
    {
      NoGradGuard no_grad;
      for (const auto& [name, written] : row.at("weights").items()) {
        REQUIRE(parameters.contains(name));
        REQUIRE(parameters[name].sizes() == read_tensor(written).sizes());
        parameters[name].copy_(read_tensor(written));
      }
    }
    const Tensor x = read_tensor(row.at("x")).requires_grad_();
    Tensors state;
    if (row.contains("state"))
      for (const Tensor& t : read_tensors(row.at("state"))) state.push_back(t.requires_grad_());
    const Tensors out = net.forward(x, state);
    CHECK(difference(out[0], read_tensor(row.at("y"))) < 1e-10);
    const Tensors last = read_tensors(row.at("state_out"));
    REQUIRE(out.size() == last.size() + 1);
    for (std::size_t i = 0; i < last.size(); ++i) CHECK(difference(out[i + 1], last[i]) < 1e-10);

    Tensors cotangents{read_tensor(row.at("dy"))};
    for (const Tensor& t : read_tensors(row.at("dstate_out"))) cotangents.push_back(t);
    autograd::backward(out, cotangents);
    CHECK(difference(x.grad(), read_tensor(row.at("dx"))) < 1e-10);
    for (std::size_t i = 0; i < state.size(); ++i)
      CHECK(difference(state[i].grad(), read_tensor(row.at("dstate")[i])) < 1e-10);
    for (const auto& entry : row.at("weight_grads").items()) {
      INFO(entry.key());
      CHECK(difference(parameters[entry.key()].grad(), read_tensor(entry.value())) < 1e-10);
      ++compared;
    }
  }
  CHECK(compared >= 400);
}

TEST_CASE("rnn: gradcheck through time, two layers, all weights, input and states") {
  manual_seed(41);
  for (const std::string kind : kKinds) {
    for (const bool batch_first : {false, true}) {
      INFO(kind, batch_first ? " batch_first" : "");
      json opts = options(4, 3, 2);
      opts["batch_first"] = batch_first;
      Recurrent net = made(kind, opts);
      Tensors leaves{reel::randn(batch_first ? Dims{3, 5, 4} : Dims{5, 3, 4}, kFloat64)};
      for (const Tensor& s : random_state(net, {2, 3, 3})) leaves.push_back(s);
      for (Tensor& t : leaves) t.requires_grad_();
      for (const Tensor& p : net.module().parameters()) leaves.push_back(p);
      const double worst = gradient_difference(
          [&](const Tensors& in) {
            return net.forward(in[0], {in.begin() + 1,
                                       in.begin() + 1 + static_cast<std::ptrdiff_t>(net.states())});
          },
          leaves);
      CHECK(worst < 1e-7);
    }
  }
}

TEST_CASE("rnn: gradients of gradients") {
  manual_seed(42);
  for (const std::string kind : {"rnn_tanh", "lstm", "gru"}) {
    INFO(kind);
    Recurrent net = made(kind, options(2, 3, 2));
    Tensors leaves{reel::randn({3, 2, 2}, kFloat64).requires_grad_()};
    for (const Tensor& p : net.module().parameters()) leaves.push_back(p);
    const Tensor weight = reel::randn({3, 2, 3}, kFloat64);
    const double worst = gradient_difference(
        [&](const Tensors& in) {
          AutoGradMode on(true);
          return autograd::grad({net.forward(in[0])[0]}, leaves, {weight}, nullopt, true);
        },
        leaves);
    CHECK(worst < 1e-6);
  }
}

TEST_CASE("rnn: gradients written over the gates are those of a pass that keeps the graph") {
  manual_seed(8);
  for (const char* kind : kKinds)
    for (const bool both : {false, true}) {
      CAPTURE(kind);
      json opts = options(3, 5, 2);
      opts["bidirectional"] = both;
      Recurrent net = made(kind, opts);
      const Tensor x = reel::randn({6, 2, 3}, kFloat64).requires_grad_();
      Tensors leaves = net.module().parameters();
      leaves.push_back(x);
      const Tensor y = net.forward(x)[0], g = reel::randn(y.sizes(), kFloat64);
      const Tensors kept = autograd::grad({y}, leaves, {g}, true);
      const Tensors again = autograd::grad({y}, leaves, {g}, true);
      const Tensors freed = autograd::grad({y}, leaves, {g});
      for (std::size_t i = 0; i < leaves.size(); ++i) {
        CHECK(kept[i].equal(freed[i]));
        CHECK(kept[i].equal(again[i]));
      }
    }
}

TEST_CASE("rnn: the gates' gradients take no memory of their own") {
  const std::int64_t steps = 40, batch = 16, hidden = 64, input = 4;
  struct Case {
    const char* kind;
    std::int64_t gates;
  };
  for (const Case& c : {Case{"lstm", 4}, Case{"gru", 6}}) {
    CAPTURE(c.kind);
    Recurrent net = made(c.kind, options(input, hidden));
    const Tensor x = reel::randn({steps, batch, input}, kFloat64);
    const Tensor y = net.forward(x)[0], g = reel::randn(y.sizes(), kFloat64);
    const std::size_t before = memory::live_bytes();
    memory::reset_peak();
    y.backward(g);
    const std::size_t gates = 8 * static_cast<std::size_t>(steps * batch * c.gates * hidden);
    CHECK(memory::peak_bytes() - before < gates / 2);
  }
}

TEST_CASE("rnn: what backward needs of the gates lies over them") {
  const std::int64_t steps = 31, batch = 15, hidden = 64, input = 4;
  struct Case {
    const char* kind;
    std::int64_t numbers;  // gates, h, and c with its tanh, for each unit and step
  };
  for (const Case& c : {Case{"lstm", 4 + 3}, Case{"gru", 6 + 1}}) {
    CAPTURE(c.kind);
    Recurrent net = made(c.kind, options(input, hidden));
    const Tensor x = reel::randn({steps, batch, input}, kFloat64);
    const std::size_t before = memory::live_bytes();
    const Tensor y = net.forward(x)[0];
    const std::size_t one = 8 * static_cast<std::size_t>(steps * batch * hidden);
    // and half as much again of one for the rearranged weight and for memory's size classes
    CHECK(memory::live_bytes() - before < one * static_cast<std::size_t>(c.numbers) + one * 3 / 2);
  }
}

TEST_CASE("rnn: a sequence equals repeated single steps") {
  manual_seed(43);
  for (const std::string kind : kKinds) {
    INFO(kind);
    Recurrent net = made(kind, options(3, 4, 3));
    const Tensor x = reel::randn({6, 2, 3}, kFloat64);
    const Tensors whole = net.forward(x);
    Tensors state;
    for (std::int64_t t = 0; t < 6; ++t) {
      const Tensors step = net.forward(x.slice(0, t, t + 1), state);
      CHECK(difference(step[0][0], whole[0][t]) < 1e-14);
      state = rest(step);
    }
    for (std::size_t i = 0; i < state.size(); ++i)
      CHECK(difference(state[i], whole[i + 1]) < 1e-14);
    // The output's last step is the last layer's state.
    CHECK(difference(whole[1][2], whole[0][5]) == 0);
  }
}

TEST_CASE("rnn: default states are zeros") {
  manual_seed(44);
  for (const std::string kind : kKinds) {
    INFO(kind);
    Recurrent net = made(kind, options(3, 4, 2));
    const Tensor x = reel::randn({3, 2, 3}, kFloat64);
    Tensors zeros;
    for (std::size_t i = 0; i < net.states(); ++i)
      zeros.push_back(reel::zeros({2, 2, 4}, kFloat64));
    const Tensors a = net.forward(x), b = net.forward(x, zeros);
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(difference(a[i], b[i]) == 0);
  }
}

TEST_CASE("rnn: batch_first only swaps dimensions") {
  manual_seed(45);
  for (const std::string kind : kKinds) {
    INFO(kind);
    Recurrent net = made(kind, options(3, 4, 2));
    json opts = options(3, 4, 2);
    opts["batch_first"] = true;
    Recurrent first = made(kind, opts);
    {
      NoGradGuard no_grad;
      auto from = net.module().named_parameters();
      for (auto& p : first.module().named_parameters()) p.value().copy_(from[p.key()]);
    }
    const Tensor x = reel::randn({5, 3, 3}, kFloat64);
    const Tensors state = random_state(net, {2, 3, 4});
    const Tensors a = net.forward(x, state), b = first.forward(x.transpose(0, 1), state);
    CHECK(difference(b[0].transpose(0, 1), a[0]) < 1e-14);
    for (std::size_t i = 1; i < a.size(); ++i) CHECK(difference(a[i], b[i]) < 1e-14);
    const Tensors copied = first.forward(x.transpose(0, 1).contiguous(), state);
    CHECK(difference(b[0], copied[0]) == 0);
  }
}

TEST_CASE("rnn: each sequence of a batch is on its own") {
  manual_seed(46);
  for (const std::string kind : kKinds) {
    INFO(kind);
    Recurrent net = made(kind, options(3, 4, 2));
    const Tensor x = reel::randn({5, 4, 3}, kFloat64);
    const Tensors all = net.forward(x);
    for (std::int64_t b = 0; b < 4; ++b) {
      const Tensors one = net.forward(x.slice(1, b, b + 1));
      CHECK(difference(one[0], all[0].slice(1, b, b + 1)) < 1e-13);
    }
  }
}

TEST_CASE("rnn: a state carried over windows, detached between them") {
  manual_seed(47);
  for (const std::string kind : kKinds) {
    INFO(kind);
    Recurrent net = made(kind, options(3, 4, 2));
    const Tensor x = reel::randn({9, 2, 3}, kFloat64);
    const Tensors whole = net.forward(x);
    Tensors state;
    for (std::int64_t t = 0; t < 9; t += 3) {
      for (Tensor& s : state) s = s.detach();
      const Tensors window = net.forward(x.slice(0, t, t + 3), state);
      CHECK(difference(window[0], whole[0].slice(0, t, t + 3)) < 1e-14);
      net.module().zero_grad();
      // The gradient stops at the window's start.
      CHECK_NOTHROW(window[0].sum().backward());
      state = rest(window);
    }
    // Not detached, the second window's pass would run into the first's freed graph.
    const Tensors first = net.forward(x.slice(0, 0, 3));
    first[0].sum().backward();
    const Tensors second = net.forward(x.slice(0, 3, 6), rest(first));
    CHECK(mentions(error_of<AutogradError>([&] { second[0].sum().backward(); }), {"detach"}));
  }
}

TEST_CASE("rnn: only part of what a module returns may be used") {
  manual_seed(48);
  for (const std::string kind : kKinds) {
    INFO(kind);
    Recurrent net = made(kind, options(2, 3, 2));
    Tensors leaves{reel::randn({4, 2, 2}, kFloat64).requires_grad_()};
    for (const Tensor& p : net.module().parameters()) leaves.push_back(p);
    using Pick = Tensors (*)(const Tensors&);
    for (const Pick pick : {Pick([](const Tensors& out) -> Tensors { return {out[0][3]}; }),
                            Pick([](const Tensors& out) -> Tensors { return {out[0][1][0]}; }),
                            Pick([](const Tensors& out) -> Tensors { return {out[1][0]}; }),
                            Pick([](const Tensors& out) -> Tensors { return {out.back()}; }),
                            Pick([](const Tensors& out) -> Tensors {
                              return {out[0][2] * out[1][1], out[0].slice(0, 0, 4, 2)};
                            })})
      CHECK(gradient_difference([&](const Tensors& in) { return pick(net.forward(in[0])); },
                                leaves) < 1e-7);
  }
}

TEST_CASE("rnn: dropout lies between the layers, in training only") {
  manual_seed(51);
  for (const std::string kind : kKinds) {
    INFO(kind);
    json opts = options(3, 4, 2);
    Recurrent plain = made(kind, opts);
    opts["dropout"] = 0.5;
    Recurrent dropping = made(kind, opts);
    {
      NoGradGuard no_grad;
      auto from = plain.module().named_parameters();
      for (auto& p : dropping.module().named_parameters()) p.value().copy_(from[p.key()]);
    }
    const Tensor x = reel::randn({5, 2, 3}, kFloat64);
    const Tensors expected = plain.forward(x);
    dropping.module().eval();
    CHECK(difference(dropping.forward(x)[0], expected[0]) == 0);
    dropping.module().train();
    const Tensors first = dropping.forward(x);
    CHECK(difference(first[0], expected[0]) > 1e-3);
    // The first layer's state is as it was, and so is a net's only layer.
    CHECK(difference(first[1][0], expected[1][0]) == 0);
    CHECK(difference(first[1][1], expected[1][1]) > 1e-3);
    manual_seed(52);
    const Tensors once = dropping.forward(x);
    manual_seed(52);
    CHECK(difference(dropping.forward(x)[0], once[0]) == 0);
    opts["dropout"] = 1.5;
    CHECK(mentions(error_of<Error>([&] { Recurrent(kind, opts); }), {"dropout", "1.5"}));
  }
}

TEST_CASE("rnn: an unbatched sequence equals a batch of one") {
  manual_seed(53);
  for (const std::string kind : kKinds) {
    INFO(kind);
    json opts = options(3, 4, 2);
    opts["bidirectional"] = true;
    Recurrent net = made(kind, opts);
    const Tensor x = reel::randn({5, 3}, kFloat64);
    const Tensors state = random_state(net, {4, 4});
    Tensors batched_state;
    for (const Tensor& s : state) batched_state.push_back(s.unsqueeze(1));
    const Tensors one = net.forward(x, state), batch = net.forward(x.unsqueeze(1), batched_state);
    for (std::size_t i = 0; i < one.size(); ++i)
      CHECK(difference(one[i], batch[i].squeeze(1)) == 0);
    CHECK(error_of<Error>([&] { net.forward(x, batched_state); }) != "");
  }
}

TEST_CASE("rnn: float32 follows float64") {
  manual_seed(49);
  for (const std::string kind : kKinds) {
    INFO(kind);
    Recurrent net = made(kind, options(5, 17, 2));
    const Tensor x = reel::randn({8, 3, 5}, kFloat64);
    const Tensor wide = net.forward(x)[0].detach();
    net.module().to(kFloat32);
    const Tensor narrow = net.forward(x.to(kFloat32))[0];
    CHECK(narrow.scalar_type() == kFloat32);
    CHECK(difference(narrow.detach().to(kFloat64), wide) < 2e-5);
  }
}

TEST_CASE("rnn: parameters have PyTorch's names, shapes and initial range") {
  manual_seed(50);
  const std::map<std::string, std::int64_t> gates{{"rnn_tanh", 1}, {"lstm", 4}, {"gru", 3}};
  for (const auto& entry : gates) {
    const std::string& kind = entry.first;
    const std::int64_t count = entry.second;
    INFO(kind);
    Recurrent net(kind, options(3, 25, 2));
    const auto parameters = net.module().named_parameters();
    std::vector<std::string> names;
    for (const auto& p : parameters) names.push_back(p.key());
    CHECK(names == std::vector<std::string>{"weight_ih_l0", "weight_hh_l0", "bias_ih_l0",
                                            "bias_hh_l0", "weight_ih_l1", "weight_hh_l1",
                                            "bias_ih_l1", "bias_hh_l1"});
    CHECK(parameters["weight_ih_l0"].sizes().vec() == std::vector<std::int64_t>{count * 25, 3});
    CHECK(parameters["weight_ih_l1"].sizes().vec() == std::vector<std::int64_t>{count * 25, 25});
    CHECK(parameters["bias_hh_l1"].sizes().vec() == std::vector<std::int64_t>{count * 25});
    // U(-1/sqrt(hidden), 1/sqrt(hidden))
    std::vector<double> all;
    for (const auto& p : parameters) {
      CHECK(p.value().requires_grad());
      for (const double v : values(p.value())) all.push_back(v);
    }
    CHECK(*std::max_element(all.begin(), all.end()) <= 0.2);
    CHECK(*std::max_element(all.begin(), all.end()) > 0.19);
    CHECK(*std::min_element(all.begin(), all.end()) >= -0.2);
    CHECK(*std::min_element(all.begin(), all.end()) < -0.19);
    const double mean =
        std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
    CHECK(std::abs(mean) < 0.01);
  }
}

TEST_CASE("rnn: misuse is refused with what was expected and found") {
  for (const std::string kind : kKinds) {
    INFO(kind);
    Recurrent net(kind, options(3, 4, 2));
    const auto text = [&](const Tensor& x, const Tensors& state = {}) {
      return error_of<Error>([&] { net.forward(x, state); });
    };
    std::string found = text(reel::zeros({5, 2, 7}));
    INFO(found);
    CHECK(mentions(found, {"3"}));
    CHECK(mentions(found, {"7"}));
    CHECK(text(reel::zeros({5})) != "");
    CHECK(text(reel::zeros({1, 5, 2, 3})) != "");
    CHECK(text(reel::zeros({5, 2, 3}, kFloat64)) != "");
    CHECK(text(reel::zeros({5, 2, 3}, kInt64)) != "");
    CHECK(text(reel::zeros({0, 2, 3})) != "");
    CHECK(mentions(text(Tensor()), {kind == "lstm"  ? "[LSTM]"
                                    : kind == "gru" ? "[GRU]"
                                                    : "[RNN]",
                                    "undefined"}));
    const auto state = [&](std::vector<std::int64_t> sizes, ScalarType t = kFloat32) {
      return Tensors(net.states(), reel::zeros(sizes, t));
    };
    found = text(reel::zeros({5, 2, 3}), state({2, 3, 4}));
    INFO(found);
    CHECK(mentions(found, {"[2, 2, 4]"}));
    CHECK(mentions(found, {"[2, 3, 4]"}));
    CHECK(text(reel::zeros({5, 2, 3}), state({1, 2, 4})) != "");
    CHECK(text(reel::zeros({5, 2, 3}), state({2, 2, 5})) != "");
    CHECK(mentions(text(reel::zeros({5, 2, 3}), state({2, 4})), {"batched input", "[2, 4]"}));
    CHECK(mentions(text(reel::zeros({5, 3}), state({2, 2, 4})), {"unbatched input", "[2, 2, 4]"}));
    CHECK(text(reel::zeros({5, 2, 3}), state({2, 2, 4}, kFloat64)) != "");
    CHECK(error_of<Error>([&] { Recurrent(kind, options(3, 0)); }) != "");
    CHECK(error_of<Error>([&] { Recurrent(kind, options(3, -2)); }) != "");
    CHECK(error_of<Error>([&] { Recurrent(kind, options(3, 4, 0)); }) != "");
    CHECK(error_of<Error>([&] { Recurrent(kind, options(-1, 4)); }) != "");
    if (kind == "lstm") {
      json opts = options(3, 4);
      opts["proj_size"] = 4;
      CHECK(mentions(error_of<Error>([&] { Recurrent(kind, opts); }), {"proj_size", "4"}));
    }
  }
}
