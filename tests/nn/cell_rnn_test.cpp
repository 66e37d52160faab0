// Cells of one's own under the shared loop, and TruncatedBPTT.
#include <doctest/doctest.h>

#include <string>

#include "nn/formula_cell.hpp"
#include "nn/nn.hpp"
#include "nn/truncated_bptt.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
using nn::CellRNN;
using nn::CellRNNOptions;
using nn::CellStep;
using nn::RecurrentCell;
using nn::RecurrentState;

namespace {

RecurrentCell formula_lstm() {
  return nn::formula_cell<4>("MyLstm", [](auto i, auto f, auto g, auto o, auto c) {
    const auto next = sigmoid(f) * c + sigmoid(i) * tanh(g);
    return std::make_tuple(sigmoid(o) * tanh(next), next);
  });
}
RecurrentCell formula_gru() {
  return nn::formula_cell<3, 0, true>(
      "MyGru", [](auto xr, auto xz, auto xn, auto hr, auto hz, auto hn, auto h) {
        const auto n = tanh(xn + sigmoid(xr + hr) * hn);
        return n + sigmoid(xz + hz) * (h - n);
      });
}
/// The LSTM as tensor ops.
RecurrentCell op_lstm() {
  return RecurrentCell("OpLstm", 4,
                       [](const CellStep& s) -> RecurrentState {
                         const auto gates = s.x.chunk(4, 1);
                         const Tensor c =
                             gates[1].sigmoid() * s.c + gates[0].sigmoid() * gates[2].tanh();
                         return {gates[3].sigmoid() * c.tanh(), c};
                       })
      .states(2);
}
/// An LSTM whose gates see c through peepholes (Gers & Schmidhuber, 2000), with three units.
RecurrentCell peephole_lstm() {
  return nn::formula_cell<4, 3>(
      "Peephole", [](auto i, auto f, auto g, auto o, auto pi, auto pf, auto po, auto c) {
        const auto next = sigmoid(f + pf * c) * c + sigmoid(i + pi * c) * tanh(g);
        return std::make_tuple(sigmoid(o + po * next) * tanh(next), next);
      });
}
RecurrentCell op_peephole() {
  return RecurrentCell("OpPeephole", 4,
                       [](const CellStep& s) -> RecurrentState {
                         const auto a = s.x.chunk(4, 1);
                         const auto p = s.units.chunk(3, 0);
                         const Tensor c = (a[1] + p[1] * s.c).sigmoid() * s.c +
                                          (a[0] + p[0] * s.c).sigmoid() * a[2].tanh();
                         return {(a[3] + p[2] * c).sigmoid() * c.tanh(), c};
                       })
      .states(2)
      .units(3);
}
/// One state, nothing but the gates; and one that takes both h and c.
RecurrentCell formula_rnn() {
  return nn::formula_cell<1>("MyRnn", [](auto a) { return tanh(a); });
}
RecurrentCell both_states() {
  return nn::formula_cell<2>("Both", [](auto a, auto b, auto h, auto c) {
    const auto next = tanh(a) + 0.5 * c;
    return std::make_tuple(sigmoid(b) * next + 0.25 * h, next);
  });
}
RecurrentCell op_both_states() {
  return RecurrentCell("OpBoth", 2,
                       [](const CellStep& s) -> RecurrentState {
                         const auto a = s.x.chunk(2, 1);
                         const Tensor c = a[0].tanh() + 0.5 * s.c;
                         return {a[1].sigmoid() * c + 0.25 * s.h, c};
                       })
      .states(2);
}

CellRNNOptions options_of(const RecurrentCell& cell) { return CellRNNOptions(cell, 3, 4); }

void copy_parameters(nn::Module& from, nn::Module& to) {
  NoGradGuard no_grad;
  const auto source = from.named_parameters();
  const auto target = to.named_parameters();
  REQUIRE(source.size() == target.size());
  for (const auto& p : target) p.value().copy_(source[p.key()]);
}

/// The same sums in the same order; compilers may contract a * b + c differently.
constexpr double kEqual = 5e-15;

/// Values and gradients of two nets over the same packed batch must be equal.
template <class A, class B>
void check_same(A& a, B& b, double tolerance) {
  a->to(kFloat64);
  b->to(kFloat64);
  copy_parameters(*a, *b);
  for (const auto& lengths : std::vector<std::vector<std::int64_t>>{{2, 5, 1, 5}, {3, 3}, {1}}) {
    const Tensor x = reel::randn({5, static_cast<std::int64_t>(lengths.size()), 3}, kFloat64);
    const auto run = [&](auto& net) {
      const Tensor in = x.clone().requires_grad_();
      auto [y, last] = net->forward_with_lengths(in, reel::tensor(lengths));
      Tensors out{y};
      if constexpr (std::is_same_v<std::decay_t<decltype(last)>, Tensor>) {
        out.push_back(last);
      } else {
        out.push_back(std::get<0>(last));
        if (std::get<1>(last).defined()) out.push_back(std::get<1>(last));
      }
      manual_seed(3);
      Tensors cotangents;
      for (const Tensor& t : out) cotangents.push_back(reel::randn(t.sizes(), kFloat64));
      Tensors leaves{in};
      for (const Tensor& p : net->parameters()) leaves.push_back(p);
      Tensors all = autograd::grad(out, leaves, cotangents);
      all.insert(all.begin(), out.begin(), out.end());
      return all;
    };
    const Tensors got = run(a), want = run(b);
    REQUIRE(got.size() == want.size());
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(difference(got[i], want[i]) <= tolerance);
  }
}

}  // namespace

TEST_CASE("cell: a user's LSTM and GRU give the library's numbers") {
  manual_seed(71);
  for (const bool bidirectional : {false, true}) {
    CellRNN mine(options_of(formula_lstm()).num_layers(2).bidirectional(bidirectional));
    nn::LSTM lstm(nn::LSTMOptions(3, 4).num_layers(2).bidirectional(bidirectional));
    check_same(mine, lstm, kEqual);
    CellRNN my_gru(options_of(formula_gru()).num_layers(3).bidirectional(bidirectional));
    nn::GRU gru(nn::GRUOptions(3, 4).num_layers(3).bidirectional(bidirectional));
    check_same(my_gru, gru, kEqual);
    CellRNN my_rnn(options_of(formula_rnn()).bidirectional(bidirectional));
    nn::RNN rnn(nn::RNNOptions(3, 4).bidirectional(bidirectional));
    check_same(my_rnn, rnn, kEqual);
    CellRNN slow(options_of(op_lstm()).num_layers(2).bidirectional(bidirectional));
    check_same(slow, lstm, 1e-13);
  }
}

TEST_CASE("cell: a step around a formula's finds the gates as they were") {
  manual_seed(73);
  for (const bool apart : {false, true}) {
    CAPTURE(apart);
    const RecurrentCell inner = apart ? formula_gru() : formula_lstm();
    const RecurrentCell around =
        RecurrentCell("Around", inner.gates(),
                      [inner](const CellStep& s) -> RecurrentState {
                        const Tensor before = s.x.chunk(inner.gates(), 1)[0],
                                     square = before * before;
                        const RecurrentState next = inner.step()(s);
                        const Tensor after = s.x.chunk(inner.gates(), 1)[1];
                        return {next.h + square + after * after, next.c};
                      })
            .states(inner.states())
            .apart(apart);
    // The same with copies of the gates, which nobody can write over.
    const RecurrentCell copies =
        RecurrentCell("Copies", inner.gates(),
                      [around](const CellStep& s) -> RecurrentState {
                        const Tensor x = s.x.clone(),
                                     hidden = s.hidden.defined() ? s.hidden.clone() : s.hidden;
                        return around.step()({x, hidden, s.h, s.c, s.units, nullptr});
                      })
            .states(inner.states())
            .apart(apart);
    CellRNN net(options_of(around)), other(options_of(copies));
    net->to(kFloat64);
    other->to(kFloat64);
    other->load_state_dict(net->state_dict());
    const Tensor x = randn({5, 2, 3}, kFloat64), y = std::get<0>(net->forward(x));
    const Tensor expected = std::get<0>(other->forward(x)), g = randn(y.sizes(), kFloat64);
    CHECK(difference(y, expected) < 1e-14);
    const auto leaves = net->parameters();
    const auto kept = autograd::grad({y}, leaves, {g}, true),
               freed = autograd::grad({y}, leaves, {g}),
               right = autograd::grad({expected}, other->parameters(), {g});
    for (std::size_t k = 0; k < leaves.size(); ++k) {
      CHECK(kept[k].equal(freed[k]));
      CHECK(difference(kept[k], right[k]) < 1e-13);
    }
  }
}

TEST_CASE("cell: second and third derivatives start from the results that lie over the gates") {
  manual_seed(74);
  const auto derivatives = [](CellRNN& net, const Tensor& x, const Tensors& weights) {
    Tensors leaves = net->parameters(), all;
    leaves.push_back(x);
    Tensor y = std::get<0>(net->forward(x));
    for (const Tensor& weight : weights) {
      const Tensors first =
          autograd::grad({y}, leaves, {weight.slice(0, 0, y.size(0))}, true, true);
      all.insert(all.end(), first.begin(), first.end());
      y = first.back() * first.back();  // of the shape of x
    }
    return all;
  };
  const auto same = [&](const RecurrentCell& formula, const RecurrentCell& ops) {
    CellRNN fused(options_of(formula)), plain(options_of(ops));
    fused->to(kFloat64);
    plain->to(kFloat64);
    copy_parameters(*fused, *plain);
    const Tensor x = randn({3, 2, 3}, kFloat64).requires_grad_();
    const Tensors weights{randn({3, 2, 4}, kFloat64), randn({3, 2, 3}, kFloat64),
                          randn({3, 2, 3}, kFloat64)};
    const Tensors got = derivatives(fused, x, weights), want = derivatives(plain, x, weights);
    for (std::size_t k = 0; k < got.size(); ++k) {
      CAPTURE(k);
      CHECK(difference(got[k], want[k]) < 1e-12);
    }
  };
  same(formula_lstm(), op_lstm());
  same(peephole_lstm(), op_peephole());
  same(both_states(), op_both_states());
}

TEST_CASE("cell: units, both states and extras equal the same as tensor ops") {
  manual_seed(72);
  const auto with = [](const RecurrentCell& cell) {
    return options_of(cell).num_layers(2).bidirectional(true).extras(
        nn::RecurrentExtras().layer_norm(true).connection(nn::LayerConnection::Residual));
  };
  CellRNN peephole(with(peephole_lstm())), op(with(op_peephole()));
  check_same(peephole, op, 1e-12);
  CellRNN both(with(both_states())), op_both(with(op_both_states()));
  check_same(both, op_both, 1e-12);
}

TEST_CASE("cell: gradcheck of whole modules") {
  manual_seed(73);
  for (const RecurrentCell& cell : {peephole_lstm(), op_lstm(), both_states(), formula_gru()}) {
    CAPTURE(cell.name());
    CellRNN net(options_of(cell).num_layers(2).bidirectional(true));
    net->to(kFloat64);
    Tensors leaves{reel::randn({3, 2, 3}, kFloat64), reel::randn({4, 2, 4}, kFloat64)};
    if (cell.states() == 2) leaves.push_back(reel::randn({4, 2, 4}, kFloat64));
    for (Tensor& t : leaves) t.requires_grad_();
    for (const Tensor& p : net->parameters()) leaves.push_back(p);
    const double worst = gradient_difference(
        [&](const Tensors& in) {
          auto [y, last] =
              net->forward(in[0], std::make_tuple(in[1], cell.states() == 2 ? in[2] : Tensor()));
          Tensors out{y, std::get<0>(last)};
          if (cell.states() == 2) out.push_back(std::get<1>(last));
          return out;
        },
        leaves);
    CHECK(worst < 1e-7);
  }
}

TEST_CASE("cell: packed input, printing, copies") {
  manual_seed(74);
  CellRNN net(options_of(formula_lstm()).batch_first(true));
  CHECK(mentions(reel::detail::message(net), {"CellRNN(cell=MyLstm", "hidden_size=4"}));
  const Tensor x = reel::randn({2, 4, 3}), lengths = reel::tensor(std::vector<std::int64_t>{2, 4});
  const auto packed = nn::utils::rnn::pack_padded_sequence(x, lengths, true, false);
  const auto [y, last] = net->forward_with_packed_input(packed);
  const auto [padded, same_last] = net->forward_with_lengths(x, lengths);
  CHECK(difference(std::get<0>(nn::utils::rnn::pad_packed_sequence(y, true)), padded) == 0);
  CHECK(difference(std::get<1>(last), std::get<1>(same_last)) == 0);
  const auto copy = std::dynamic_pointer_cast<nn::CellRNNImpl>(net->clone());
  CHECK(difference(std::get<0>(copy->forward(x)), std::get<0>(net->forward(x))) == 0);
}

TEST_CASE("cell: misuse is refused") {
  const auto text = [](auto run) { return error_of<Error>([&] { run(); }); };
  const auto step = [](const CellStep& s) -> RecurrentState { return {s.x, Tensor()}; };
  CHECK(mentions(text([&] { CellRNN(options_of(RecurrentCell("", 1, step))); }), {"name"}));
  CHECK(mentions(text([&] { CellRNN(options_of(RecurrentCell("A", 0, step))); }), {"A", "gate"}));
  CHECK(mentions(text([&] { CellRNN(options_of(RecurrentCell("A", 1, step).states(3))); }),
                 {"one state or two", "3"}));
  CHECK(mentions(text([&] { CellRNN(options_of(RecurrentCell("A", 1, step).units(-1))); }),
                 {"units", "-1"}));
  CHECK(mentions(text([&] { CellRNN(options_of(RecurrentCell("A", 1, nullptr))); }), {"step"}));
  CHECK(mentions(text([&] {
                   CellRNN(
                       options_of(formula_lstm()).extras(nn::RecurrentExtras().reset_before(true)));
                 }),
                 {"MyLstm", "reset_before"}));
  CellRNN wide(options_of(RecurrentCell("Wide", 2, step)));
  CHECK(mentions(text([&] {
                   wide->forward(reel::zeros({3, 2, 3}));
                 }),
                 {"Wide", "h of shape [2, 4]", "[2, 8]"}));
  CellRNN missing(options_of(RecurrentCell("Missing", 1, step).states(2)));
  CHECK(mentions(text([&] { missing->forward(reel::zeros({3, 2, 3})); }), {"Missing", " c "}));
  CellRNN other(options_of(RecurrentCell("Other", 1, [](const CellStep& s) -> RecurrentState {
    return {s.x.to(kFloat64), Tensor()};
  })));
  CHECK(mentions(text([&] {
                   other->forward(reel::zeros({3, 2, 3}));
                 }),
                 {"Other", "float32", "float64"}));
  CellRNN one(options_of(formula_rnn()));
  CHECK(mentions(text([&] {
                   one->forward(reel::zeros({3, 2, 3}),
                                std::make_tuple(reel::zeros({1, 2, 4}), reel::zeros({1, 2, 4})));
                 }),
                 {"MyRnn", "one state"}));
}

TEST_CASE("truncated bptt: windows carry the state and cut the gradient") {
  manual_seed(75);
  nn::LSTM lstm(nn::LSTMOptions(3, 4).batch_first(true));
  lstm->to(kFloat64);
  const Tensor x = reel::randn({2, 8, 3}, kFloat64), target = reel::randn({2, 8, 4}, kFloat64);
  const Tensor whole = std::get<0>(lstm->forward(x));
  nn::TruncatedBPTT<nn::LSTMState> windows(x, target, 3, true);
  CHECK(windows.size() == 3);
  for (int pass = 0; pass < 2; ++pass) {
    std::int64_t seen = 0;
    Tensor before_h, before_c;
    for (auto& window : windows) {
      const std::int64_t length = seen == 6 ? 2 : 3;
      CHECK(window.start == seen);
      CHECK(window.state.has_value() == (seen > 0));
      CHECK(difference(window.input, x.slice(1, seen, seen + length)) == 0);
      CHECK(difference(window.target, target.slice(1, seen, seen + length)) == 0);
      const auto [y, state] = lstm->forward(window.input, window.state);
      CHECK(difference(y, whole.slice(1, seen, seen + length)) < 1e-14);
      // The gradients are those of this window alone, from the numbers of the state before it.
      lstm->zero_grad();
      reel::mse_loss(y, window.target).backward();
      nn::LSTMState fresh;
      if (seen > 0) {
        CHECK(!std::get<0>(*window.state).requires_grad());
        fresh = std::make_tuple(before_h.clone(), before_c.clone());
      }
      const Tensor alone = std::get<0>(lstm->forward(window.input.clone(), fresh));
      const auto expected =
          autograd::grad({reel::mse_loss(alone, window.target)}, lstm->parameters());
      const auto parameters = lstm->parameters();
      for (std::size_t i = 0; i < parameters.size(); ++i)
        CHECK(difference(parameters[i].grad(), expected[i]) < 1e-13);
      window.state = state;
      before_h = std::get<0>(state).detach();
      before_c = std::get<1>(state).detach();
      seen += length;
    }
    CHECK(seen == 8);
  }
}

TEST_CASE("truncated bptt: other states, an initial one, and misuse") {
  manual_seed(76);
  nn::GRU gru(3, 4);
  const Tensor x = reel::randn({7, 2, 3}), start = reel::randn({1, 2, 4});
  const Tensor whole = std::get<0>(gru->forward(x, start));
  for (auto& window : nn::TruncatedBPTT<Tensor>(x, Tensor(), 2, false, start)) {
    CHECK(!window.target.defined());
    auto [y, h] = gru->forward(window.input, window.state);
    CHECK(difference(y, whole.slice(0, window.start, window.start + window.input.size(0))) < 1e-6);
    window.state = h;
  }
  nn::GRU second(4, 4);
  const Tensor stacked = std::get<0>(second->forward(std::get<0>(gru->forward(x))));
  for (auto& window : nn::TruncatedBPTT<std::vector<Tensor>>(x, Tensor(), 4)) {
    if (window.state.empty()) window.state.resize(2);
    auto [a, h0] = gru->forward(window.input, window.state[0]);
    auto [b, h1] = second->forward(a, window.state[1]);
    CHECK(difference(b, stacked.slice(0, window.start, window.start + b.size(0))) < 1e-6);
    window.state = {h0, h1};
  }
  const auto text = [](auto run) { return error_of<Error>([&] { run(); }); };
  using Windows = nn::TruncatedBPTT<Tensor>;
  CHECK(mentions(text([&] { Windows(x, Tensor(), 0); }), {"length", "0"}));
  CHECK(mentions(text([&] { Windows(x, reel::zeros({6, 2}), 2); }), {"7 time steps", "[6, 2]"}));
  CHECK(mentions(text([&] { Windows(reel::zeros({0, 2, 3}), Tensor(), 2); }), {"[0, 2, 3]"}));
  CHECK(mentions(text([&] { Windows(reel::zeros({4}), Tensor(), 2, true); }), {"dimension 1"}));
  const auto forgetful = [&](const Tensor& initial) {
    for (auto& window : Windows(x, Tensor(), 2, false, initial)) gru->forward(window.input);
  };
  CHECK(mentions(text([&] { forgetful(Tensor()); }), {"window.state"}));
  CHECK(mentions(text([&] { forgetful(start); }), {"window.state"}));
  CHECK(mentions(text([&] {
                   for (auto& w : nn::TruncatedBPTT<nn::LSTMState>(x, Tensor(), 2)) (void)w;
                 }),
                 {"window.state"}));
}
