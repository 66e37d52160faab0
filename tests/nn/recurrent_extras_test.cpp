// What the recurrent modules do beyond PyTorch, against the same written as a plain composition of
// ops for one sequence and one time step at a time, and against central differences.
#include <doctest/doctest.h>

#include <map>
#include <string>

#include "nn/cell_rnn.hpp"
#include "nn/nn.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
using nn::LayerConnection;
using nn::RecurrentExtras;

namespace {

struct Case {
  std::string kind;  // rnn, lstm, gru
  RecurrentExtras extras;
  bool bidirectional = false;
  std::int64_t layers = 2, proj = 0;
  bool bias = true;
};

/// RNN, LSTM or GRU with extras, over padded input and lengths.
class Net {
 public:
  explicit Net(const Case& c) : case_(c) {
    const auto with = [&](auto options) {
      return options.num_layers(c.layers)
          .bidirectional(c.bidirectional)
          .bias(c.bias)
          .extras(c.extras);
    };
    if (c.kind == "lstm")
      lstm_ = nn::LSTM(with(nn::LSTMOptions(3, 4)).proj_size(c.proj));
    else if (c.kind == "gru")
      gru_ = nn::GRU(with(nn::GRUOptions(3, 4)));
    else
      rnn_ = nn::RNN(with(nn::RNNOptions(3, 4)));
    module().to(kFloat64);
    NoGradGuard no_grad;
    for (const Tensor& p : module().parameters()) p.add_(reel::randn(p.sizes(), kFloat64) * 0.3);
  }
  nn::Module& module() {
    if (lstm_) return *lstm_;
    if (gru_) return *gru_;
    return *rnn_;
  }
  Tensors forward(const Tensor& x, const Tensor& lengths, const Tensors& state) {
    if (lstm_) {
      auto [y, last] = lstm_->forward_with_lengths(x, lengths, std::make_tuple(state[0], state[1]));
      return {y, std::get<0>(last), std::get<1>(last)};
    }
    auto [y, last] = gru_ ? gru_->forward_with_lengths(x, lengths, state[0])
                          : rnn_->forward_with_lengths(x, lengths, state[0]);
    return {y, last};
  }

 private:
  Case case_;
  nn::LSTM lstm_{nullptr};
  nn::GRU gru_{nullptr};
  nn::RNN rnn_{nullptr};
};

using Parameters = std::map<std::string, Tensor>;

Tensor normed(const Tensor& x, const Tensor& weight) {
  const Tensor centred = x - x.mean();
  return centred / ((centred * centred).mean() + 1e-5).sqrt() * weight;
}

/// One step for one sequence: x [I], h [S], c [H]; mask scales h in the products.
Tensors plain_step(const Case& c, const Parameters& p, const std::string& end, const Tensor& x,
                   const Tensor& h, const Tensor& cell, const Tensor& mask) {
  const std::int64_t size = 4;
  const Tensor none = reel::zeros({p.at("weight_ih" + end).size(0)}, kFloat64);
  const Tensor b_ih = c.bias ? p.at("bias_ih" + end) : none;
  const Tensor b_hh = c.bias ? p.at("bias_hh" + end) : none;
  const Tensor used = mask.defined() ? h * mask : h;
  const Tensor w_hh = p.at("weight_hh" + end);
  Tensor of_x = p.at("weight_ih" + end).mv(x), of_h = w_hh.mv(used);
  if (c.extras.layer_norm()) {
    of_x = normed(of_x, p.at("norm_ih" + end));
    of_h = normed(of_h, p.at("norm_hh" + end));
  }
  of_x = of_x + b_ih;
  of_h = of_h + b_hh;
  const auto gate = [&](const Tensor& t, std::int64_t k) { return t.narrow(0, k * size, size); };
  if (c.kind == "rnn") return {(of_x + of_h).tanh(), cell};
  if (c.kind == "lstm") {
    const Tensor all = of_x + of_h;
    const Tensor next =
        gate(all, 1).sigmoid() * cell + gate(all, 0).sigmoid() * gate(all, 2).tanh();
    Tensor shown = next;
    if (c.extras.layer_norm())
      shown = normed(next, p.at("norm_c" + end)) + p.at("norm_c_bias" + end);
    Tensor out = gate(all, 3).sigmoid() * shown.tanh();
    if (c.proj > 0) out = p.at("weight_hr" + end).mv(out);
    return {out, next};
  }
  const Tensor r = (gate(of_x, 0) + gate(of_h, 0)).sigmoid();
  const Tensor z = (gate(of_x, 1) + gate(of_h, 1)).sigmoid();
  const Tensor part = c.extras.reset_before()
                          ? w_hh.narrow(0, 2 * size, size).mv(r * used) + gate(b_hh, 2)
                          : r * gate(of_h, 2);
  const Tensor n = (gate(of_x, 2) + part).tanh();
  return {(1 - z) * n + z * h, cell};
}

/// The whole module, sequence by sequence. Dropout's masks are drawn in the module's order.
Tensors plain(const Case& c, const Parameters& p, const Tensor& x,
              const std::vector<std::int64_t>& lengths, const Tensors& state, bool training) {
  const std::int64_t batch = x.size(1), steps = x.size(0), directions = c.bidirectional ? 2 : 1;
  const std::int64_t width = c.proj > 0 ? c.proj : 4;
  std::vector<Tensor> sequences, last_h, last_c;
  for (std::int64_t b = 0; b < batch; ++b)
    sequences.push_back(x.select(1, b).narrow(0, 0, lengths[static_cast<std::size_t>(b)]));
  const auto mask_of = [&](std::int64_t columns, double prob) {
    return prob > 0 && training ? reel::dropout(reel::ones({batch, columns}, kFloat64), prob, true)
                                : Tensor();
  };
  for (std::int64_t layer = 0; layer < c.layers; ++layer) {
    const Tensor input_mask = mask_of(sequences[0].size(1), c.extras.input_dropout());
    std::vector<std::vector<Tensor>> outputs(static_cast<std::size_t>(batch));
    for (std::int64_t d = 0; d < directions; ++d) {
      const Tensor hidden_mask = mask_of(width, c.extras.hidden_dropout());
      const std::string end = "_l" + std::to_string(layer) + (d == 1 ? "_reverse" : "");
      const std::int64_t at = layer * directions + d;
      std::vector<Tensor> all_h, all_c;
      for (std::int64_t b = 0; b < batch; ++b) {
        const auto s = static_cast<std::size_t>(b);
        Tensor h = state[0][at][b], cell = state.size() > 1 ? state[1][at][b] : Tensor();
        std::vector<Tensor> rows(static_cast<std::size_t>(lengths[s]));
        for (std::int64_t k = 0; k < lengths[s]; ++k) {
          const std::int64_t t = d == 1 ? lengths[s] - 1 - k : k;
          Tensor now = sequences[s][t];
          if (input_mask.defined()) now = now * input_mask[b];
          const Tensors next = plain_step(c, p, end, now, h, cell,
                                          hidden_mask.defined() ? hidden_mask[b] : Tensor());
          h = next[0];
          cell = next[1];
          rows[static_cast<std::size_t>(t)] = h;
        }
        outputs[s].push_back(reel::stack(rows));
        all_h.push_back(h);
        all_c.push_back(cell);
      }
      last_h.push_back(reel::stack(all_h));
      if (state.size() > 1) last_c.push_back(reel::stack(all_c));
    }
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      Tensor y = reel::cat(outputs[s], 1);
      const Tensor before = sequences[s];
      if (layer > 0 && c.extras.connection() == LayerConnection::Residual) y = y + before;
      if (layer > 0 && c.extras.connection() == LayerConnection::Highway) {
        const std::string end = "_l" + std::to_string(layer);
        const Tensor t =
            (before.matmul(p.at("highway_weight" + end).t()) + p.at("highway_bias" + end))
                .sigmoid();
        y = t * y + (1 - t) * before;
      }
      sequences[s] = y;
    }
  }
  std::vector<Tensor> padded;
  for (const Tensor& s : sequences) {
    const Tensor rest = reel::zeros({steps - s.size(0), s.size(1)}, kFloat64);
    padded.push_back(reel::cat({s, rest}, 0));
  }
  Tensors out{reel::stack(padded, 1), reel::stack(last_h)};
  if (state.size() > 1) out.push_back(reel::stack(last_c));
  return out;
}

/// Values and all gradients of the module against plain().
void check_against_plain(const Case& c, const std::vector<std::int64_t>& lengths, bool training) {
  Net net(c);
  net.module().train(training);
  const auto batch = static_cast<std::int64_t>(lengths.size());
  const std::int64_t steps = lengths[0], rows = c.layers * (c.bidirectional ? 2 : 1);
  Tensors leaves{reel::randn({steps, batch, 3}, kFloat64)};
  leaves.push_back(reel::randn({rows, batch, c.proj > 0 ? c.proj : 4}, kFloat64));
  if (c.kind == "lstm") leaves.push_back(reel::randn({rows, batch, 4}, kFloat64));
  for (Tensor& t : leaves) t.requires_grad_();
  const Tensors state(leaves.begin() + 1, leaves.end());
  const auto parameters = net.module().named_parameters();
  Parameters map;
  for (const auto& entry : parameters) {
    map[entry.key()] = entry.value();
    leaves.push_back(entry.value());
  }
  manual_seed(9);
  const Tensors got = net.forward(leaves[0], reel::tensor(lengths), state);
  manual_seed(9);
  const Tensors want = plain(c, map, leaves[0], lengths, state, training);
  REQUIRE(got.size() == want.size());
  Tensors cotangents;
  for (std::size_t i = 0; i < got.size(); ++i) {
    CHECK(difference(got[i], want[i]) < 1e-12);
    cotangents.push_back(reel::randn(want[i].sizes(), kFloat64));
  }
  const auto of_got = autograd::grad(got, leaves, cotangents, nullopt, false, true);
  const auto of_want = autograd::grad(want, leaves, cotangents, nullopt, false, true);
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    CAPTURE(i);
    REQUIRE(of_got[i].defined());
    CHECK(difference(of_got[i], of_want[i]) < 1e-11);
    CHECK(of_want[i].abs().max().item<double>() > 0);
  }
}

const std::vector<RecurrentExtras>& extras_grid() {
  static const std::vector<RecurrentExtras> grid{
      RecurrentExtras(),
      RecurrentExtras().layer_norm(true),
      RecurrentExtras().input_dropout(0.3),
      RecurrentExtras().hidden_dropout(0.4),
      RecurrentExtras().connection(LayerConnection::Residual),
      RecurrentExtras().connection(LayerConnection::Highway),
      RecurrentExtras().layer_norm(true).input_dropout(0.2).hidden_dropout(0.2).connection(
          LayerConnection::Highway)};
  return grid;
}

}  // namespace

TEST_CASE("recurrent extras: values and gradients equal a plain composition of ops") {
  manual_seed(61);
  int cases = 0;
  for (const std::string kind : {"rnn", "lstm", "gru", "gru before"})
    for (const RecurrentExtras& extras : extras_grid())
      for (const bool bidirectional : {false, true})
        for (const auto& lengths :
             std::vector<std::vector<std::int64_t>>{{5, 3, 3, 1}, {4, 4}, {1, 1}}) {
          Case c{kind, extras, bidirectional};
          if (kind == "gru before") {
            if (extras.layer_norm()) continue;
            c.kind = "gru";
            c.extras.reset_before(true);
          }
          CAPTURE(kind);
          CAPTURE(bidirectional);
          CAPTURE(lengths.size());
          CAPTURE(extras.layer_norm());
          CAPTURE(extras.input_dropout());
          CAPTURE(extras.hidden_dropout());
          check_against_plain(c, lengths, true);
          ++cases;
        }
  CHECK(cases == 4 * 7 * 2 * 3 - 2 * 2 * 3);
  // Projected, without bias, three layers, and in evaluation.
  Case projected{"lstm", extras_grid().back(), true, 3, 2};
  check_against_plain(projected, {6, 2}, true);
  check_against_plain(projected, {6, 2}, false);
  Case bare{"lstm", extras_grid().back(), false};
  bare.bias = false;
  check_against_plain(bare, {3, 2}, true);
  Case before{"gru", RecurrentExtras().reset_before(true), false};
  before.bias = false;
  check_against_plain(before, {3, 2}, true);
}

TEST_CASE("recurrent extras: gradcheck of whole modules") {
  manual_seed(62);
  for (const std::string kind : {"rnn", "lstm", "gru", "gru before"})
    for (const RecurrentExtras& extras : extras_grid()) {
      Case c{kind, extras, true};
      if (kind == "gru before") {
        if (extras.layer_norm()) continue;
        c.kind = "gru";
        c.extras.reset_before(true);
      }
      CAPTURE(kind);
      CAPTURE(extras.layer_norm());
      Net net(c);
      Tensors leaves{reel::randn({4, 2, 3}, kFloat64), reel::randn({4, 2, 4}, kFloat64)};
      if (kind == "lstm") leaves.push_back(reel::randn({4, 2, 4}, kFloat64));
      for (Tensor& t : leaves) t.requires_grad_();
      for (const Tensor& p : net.module().parameters()) leaves.push_back(p);
      const Tensor lengths = reel::tensor(std::vector<std::int64_t>{3, 4});
      const double worst = gradient_difference(
          [&](const Tensors& in) {
            manual_seed(5);
            return net.forward(in[0], lengths, {in.begin() + 1, in.begin() + 3});
          },
          leaves);
      CHECK(worst < 1e-7);
    }
}

TEST_CASE("recurrent extras: gradients of gradients") {
  manual_seed(63);
  for (const std::string kind : {"rnn", "lstm", "gru"})
    for (const bool before : {false, true}) {
      if (before && kind != "gru") continue;
      CAPTURE(kind);
      Case c{kind, RecurrentExtras().layer_norm(!before).reset_before(before)};
      c.extras.connection(LayerConnection::Highway);
      Net net(c);
      Tensors leaves{reel::randn({3, 2, 3}, kFloat64).requires_grad_()};
      for (const Tensor& p : net.module().parameters()) leaves.push_back(p);
      const Tensors state{reel::zeros({2, 2, 4}, kFloat64), reel::zeros({2, 2, 4}, kFloat64)};
      const Tensor weight = reel::randn({3, 2, 4}, kFloat64);
      const Tensor lengths = reel::tensor(std::vector<std::int64_t>{3, 2});
      const double worst = gradient_difference(
          [&](const Tensors& in) {
            AutoGradMode on(true);
            return autograd::grad({net.forward(in[0], lengths, state)[0]}, leaves, {weight},
                                  nullopt, true);
          },
          leaves);
      CHECK(worst < 1e-6);
    }
}

TEST_CASE("recurrent extras: variational dropout keeps one mask per sequence") {
  manual_seed(64);
  // With identity weights the output shows the input's mask.
  nn::RNN rnn(nn::RNNOptions(6, 6)
                  .nonlinearity(reel::kReLU)
                  .bias(false)
                  .extras(RecurrentExtras().input_dropout(0.5)));
  {
    NoGradGuard no_grad;
    auto p = rnn->named_parameters();
    p["weight_ih_l0"].copy_(reel::eye(6));
    p["weight_hh_l0"].zero_();
  }
  const Tensor y = std::get<0>(rnn->forward(reel::ones({4, 5, 6})));
  for (std::int64_t t = 1; t < 4; ++t) CHECK(difference(y[t], y[0]) == 0);
  bool differ = false;
  for (std::int64_t b = 1; b < 5; ++b) differ = differ || difference(y[0][b], y[0][0]) > 0;
  CHECK(differ);
  for (const double v : values(y)) CHECK((v == 0 || v == 2));
  rnn->eval();
  CHECK(difference(std::get<0>(rnn->forward(reel::ones({4, 5, 6}))), reel::ones({4, 5, 6})) == 0);
}

TEST_CASE("recurrent extras: first values") {
  manual_seed(65);
  nn::LSTM lstm(nn::LSTMOptions(3, 5).num_layers(2).bidirectional(true).extras(
      RecurrentExtras().forget_bias(1.0).layer_norm(true).connection(LayerConnection::Highway)));
  const auto p = lstm->named_parameters();
  for (const std::string end : {"_l0", "_l0_reverse", "_l1", "_l1_reverse"}) {
    CHECK(difference((p["bias_ih" + end] + p["bias_hh" + end]).narrow(0, 5, 5).detach(),
                     reel::ones({5})) == 0);
    CHECK(difference(p["bias_hh" + end].narrow(0, 0, 5).detach(), reel::zeros({5})) > 0);
    CHECK(difference(p["norm_ih" + end].detach(), reel::ones({20})) == 0);
    CHECK(difference(p["norm_c_bias" + end].detach(), reel::zeros({5})) == 0);
  }
  CHECK(!p.contains("highway_weight_l0"));
  CHECK(p["highway_weight_l1"].sizes().vec() == std::vector<std::int64_t>{10, 10});
  CHECK(difference(p["highway_bias_l1"].detach(), reel::full({10}, -1.0)) == 0);
  // A copy has the same numbers, and prints the same.
  const auto copy = std::dynamic_pointer_cast<nn::LSTMImpl>(lstm->clone());
  const Tensor x = reel::randn({4, 2, 3});
  CHECK(difference(std::get<0>(copy->forward(x)), std::get<0>(lstm->forward(x))) == 0);
  CHECK(mentions(reel::detail::message(lstm), {"layer_norm=true", "connection=highway"}));
  CHECK(reel::detail::message(*copy) == reel::detail::message(lstm));
}

TEST_CASE("recurrent extras: what cannot be is refused") {
  const auto text = [](auto make) { return error_of<Error>([&] { make(); }); };
  const auto lstm = nn::LSTMOptions(2, 3);
  CHECK(mentions(
      text([&] { nn::LSTM(nn::LSTMOptions(lstm).extras(RecurrentExtras().reset_before(true))); }),
      {"LSTM", "reset_before", "GRU"}));
  CHECK(mentions(
      text([&] { nn::GRU(nn::GRUOptions(2, 3).extras(RecurrentExtras().forget_bias(1.0))); }),
      {"GRU", "forget_bias", "LSTM"}));
  CHECK(mentions(
      text([&] {
        nn::LSTM(nn::LSTMOptions(lstm).bias(false).extras(RecurrentExtras().forget_bias(1.0)));
      }),
      {"forget_bias", "bias = true"}));
  CHECK(mentions(
      text([&] {
        nn::GRU(nn::GRUOptions(2, 3).extras(RecurrentExtras().reset_before(true).layer_norm(true)));
      }),
      {"layer_norm", "reset_before"}));
  CHECK(mentions(
      text([&] { nn::LSTM(nn::LSTMOptions(lstm).extras(RecurrentExtras().hidden_dropout(1.5))); }),
      {"hidden_dropout", "1.5"}));
  CHECK(mentions(
      text([&] { nn::LSTM(nn::LSTMOptions(lstm).extras(RecurrentExtras().input_dropout(-1))); }),
      {"input_dropout", "-1"}));
  nn::GRU before(nn::GRUOptions(2, 3).extras(RecurrentExtras().reset_before(true)));
  CHECK(mentions(text([&] { nn::StreamingRunner runner(before); }), {"reset_before"}));
  nn::LSTM norm(nn::LSTMOptions(2, 3).extras(RecurrentExtras().layer_norm(true)));
  CHECK(mentions(text([&] { nn::StreamingRunner runner(norm); }), {"layer_norm"}));
}
