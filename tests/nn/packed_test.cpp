// Packed sequences, lengths given directly, and the cells: PyTorch's numbers and gradients.
#include <doctest/doctest.h>

#include <limits>

#include "nn/nn.hpp"
#include "tests/fixture.hpp"
#include "tests/nn/recurrent_nets.hpp"

using namespace reel;
using namespace reel::test;
using nn::utils::rnn::pack_padded_sequence;
using nn::utils::rnn::pack_sequence;
using nn::utils::rnn::PackedSequence;
using nn::utils::rnn::pad_packed_sequence;
using nn::utils::rnn::pad_sequence;

namespace {

Tensor lengths_of(const std::vector<std::int64_t>& lengths) { return reel::tensor(lengths); }

/// One cell behind one face.
class Cell {
 public:
  Cell(const std::string& kind, const json& options) {
    const std::int64_t in = options.at("input_size"), hidden = options.at("hidden_size");
    const bool bias = options.value("bias", true);
    if (kind == "lstm")
      lstm_ = nn::LSTMCell(nn::LSTMCellOptions(in, hidden).bias(bias));
    else if (kind == "gru")
      gru_ = nn::GRUCell(nn::GRUCellOptions(in, hidden).bias(bias));
    else if (kind == "rnn_relu")
      rnn_ = nn::RNNCell(nn::RNNCellOptions(in, hidden).bias(bias).nonlinearity(reel::kReLU));
    else
      rnn_ = nn::RNNCell(nn::RNNCellOptions(in, hidden).bias(bias));
    module().to(kFloat64);
  }
  nn::Module& module() {
    if (lstm_) return *lstm_;
    if (gru_) return *gru_;
    return *rnn_;
  }
  Tensors forward(const Tensor& x, const Tensors& state) {
    if (lstm_) {
      const auto [h, c] = state.empty() ? lstm_->forward(x)
                                        : lstm_->forward(x, std::make_tuple(state[0], state[1]));
      return {h, c};
    }
    const Tensor h = state.empty() ? Tensor() : state[0];
    return {gru_ ? gru_->forward(x, h) : rnn_->forward(x, h)};
  }

 private:
  nn::LSTMCell lstm_{nullptr};
  nn::GRUCell gru_{nullptr};
  nn::RNNCell rnn_{nullptr};
};

void load_weights(nn::Module& module, const json& row) {
  NoGradGuard no_grad;
  auto parameters = module.named_parameters();
  for (const auto& [name, written] : row.at("weights").items()) {
    REQUIRE(parameters.contains(name));
    REQUIRE(parameters[name].sizes() == read_tensor(written).sizes());
    parameters[name].copy_(read_tensor(written));
  }
}
Tensors given_state(const json& row) {
  Tensors state;
  if (row.contains("state"))
    for (const Tensor& t : read_tensors(row.at("state"))) state.push_back(t.requires_grad_());
  return state;
}
/// out: y and the last states.
void check_row(const json& row, nn::Module& module, const Tensor& x, const Tensors& state,
               const Tensors& out) {
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
  const auto parameters = module.named_parameters();
  for (const auto& [key, written] : row.at("weight_grads").items()) {
    const std::string& name = key;
    INFO(name);
    CHECK(difference(parameters[name].grad(), read_tensor(written)) < 1e-10);
  }
}

}  // namespace

TEST_CASE("packed: values and every gradient agree with PyTorch's") {
  int cases = 0;
  for (const json& row : fixture("packed.json")) {
    INFO(row.at("kind").get<std::string>(), " ", row.at("lengths").dump(), " ",
         row.at("options").dump());
    Recurrent net(row.at("kind"), row.at("options"));
    net.module().to(kFloat64);
    load_weights(net.module(), row);
    const Tensor x = read_tensor(row.at("x")).requires_grad_();
    const Tensors state = given_state(row);
    const bool batch_first = row.at("options").value("batch_first", false);
    const auto lengths = row.at("lengths").get<std::vector<std::int64_t>>();
    const PackedSequence packed =
        pack_padded_sequence(x, lengths_of(lengths), batch_first, row.at("enforce_sorted"));
    CHECK(difference(packed.data(), read_tensor(row.at("packed"))) == 0);
    CHECK(difference(packed.batch_sizes(),
                     lengths_of(row.at("batch_sizes").get<std::vector<std::int64_t>>())) == 0);
    const auto [y, last] = net.forward(packed, state);
    std::optional<std::int64_t> total;
    if (!row.at("total_length").is_null()) total = row.at("total_length").get<std::int64_t>();
    const auto [padded, answered] =
        pad_packed_sequence(y, batch_first, row.at("padding_value").get<double>(), total);
    CHECK(difference(answered, lengths_of(lengths)) == 0);
    Tensors out{padded};
    out.insert(out.end(), last.begin(), last.end());
    check_row(row, net.module(), x, state, out);
    ++cases;
  }
  CHECK(cases == 34);
}

TEST_CASE("packed: lengths given directly, in any order, over padding of NaN") {
  int cases = 0;
  for (const json& row : fixture("packed.json")) {
    if (row.at("padding_value").get<double>() != 0) continue;
    INFO(row.at("kind").get<std::string>(), " ", row.at("lengths").dump(), " ",
         row.at("options").dump());
    Recurrent net(row.at("kind"), row.at("options"));
    net.module().to(kFloat64);
    load_weights(net.module(), row);
    const bool batch_first = row.at("options").value("batch_first", false);
    const auto lengths = row.at("lengths").get<std::vector<std::int64_t>>();
    const Tensor y = read_tensor(row.at("y"));
    // The input is as long as the output: longer than the longest sequence where the case says so.
    Tensor x = batch_first ? read_tensor(row.at("x")) : read_tensor(row.at("x")).transpose(0, 1);
    const Tensor wide = reel::full({x.size(0), y.size(batch_first ? 1 : 0), x.size(2)},
                                   std::numeric_limits<double>::quiet_NaN(), kFloat64);
    for (std::size_t b = 0; b < lengths.size(); ++b) {
      const auto i = static_cast<std::int64_t>(b);
      wide[i].narrow(0, 0, lengths[b]).copy_(x[i].narrow(0, 0, lengths[b]));
    }
    const Tensor input = batch_first ? wide : wide.transpose(0, 1);
    const Tensors out = net.forward(input, lengths_of(lengths), given_state(row));
    CHECK(difference(out[0].detach(), y) < 1e-10);
    const Tensors last = read_tensors(row.at("state_out"));
    for (std::size_t i = 0; i < last.size(); ++i)
      CHECK(difference(out[i + 1].detach(), last[i]) < 1e-10);
    ++cases;
  }
  CHECK(cases == 30);
}

TEST_CASE("packed: gradcheck and gradients of gradients") {
  manual_seed(61);
  const Tensor lengths = lengths_of({2, 4, 1, 4});
  for (const std::string kind : {"rnn_tanh", "lstm", "gru"}) {
    INFO(kind);
    Recurrent net(kind, {{"input_size", 2}, {"hidden_size", 2}, {"bidirectional", true}});
    net.module().to(kFloat64);
    Tensors leaves{reel::randn({4, 4, 2}, kFloat64).requires_grad_()};
    for (std::size_t i = 0; i < net.states(); ++i)
      leaves.push_back(reel::randn({2, 4, 2}, kFloat64).requires_grad_());
    const auto run = [&](const Tensors& in) {
      return net.forward(in[0], lengths,
                         {in.begin() + 1, in.begin() + 1 + static_cast<int>(net.states())});
    };
    for (const Tensor& p : net.module().parameters()) leaves.push_back(p);
    CHECK(gradient_difference(run, leaves) < 1e-7);
    const Tensor weight = reel::randn({4, 4, 4}, kFloat64);
    CHECK(gradient_difference(
              [&](const Tensors& in) {
                AutoGradMode on(true);
                return autograd::grad({run(in)[0]}, leaves, {weight}, nullopt, true);
              },
              leaves) < 1e-6);
  }
}

TEST_CASE("packed: dropout falls between the layers, in training only") {
  manual_seed(62);
  const json options{{"input_size", 2}, {"hidden_size", 3}, {"num_layers", 2}, {"dropout", 0.5}};
  const Tensor x = reel::randn({4, 3, 2}, kFloat64), lengths = lengths_of({4, 2, 1});
  for (const std::string kind : {"rnn_relu", "lstm", "gru"}) {
    Recurrent net(kind, options);
    net.module().to(kFloat64);
    const Tensor first = net.forward(x, lengths, {})[0], second = net.forward(x, lengths, {})[0];
    CHECK(difference(first, second) > 1e-6);
    net.module().eval();
    CHECK(difference(net.forward(x, lengths, {})[0], net.forward(x, lengths, {})[0]) == 0);
  }
}

TEST_CASE("packed: sequences of their own, padded and packed") {
  const Tensor a = reel::arange(6).view({3, 2}), b = reel::arange(2).view({1, 2}) + 10,
               c = reel::arange(4).view({2, 2}) + 20;
  const Tensor padded = pad_sequence({a, b, c}, false, -1);
  CHECK(values(padded) ==
        std::vector<double>{0, 1, 10, 11, 20, 21, 2, 3, -1, -1, 22, 23, 4, 5, -1, -1, -1, -1});
  CHECK(difference(pad_sequence({a, b, c}, true, -1), padded.transpose(0, 1)) == 0);
  const PackedSequence packed = pack_sequence({a, b, c}, false);
  CHECK(values(packed.data()) == std::vector<double>{0, 1, 20, 21, 10, 11, 2, 3, 22, 23, 4, 5});
  CHECK(values(packed.batch_sizes()) == std::vector<double>{3, 2, 1});
  CHECK(values(packed.sorted_indices()) == std::vector<double>{0, 2, 1});
  CHECK(values(packed.unsorted_indices()) == std::vector<double>{0, 2, 1});
  CHECK(packed.data().scalar_type() == kInt64);
  CHECK(packed.to(kFloat32).data().scalar_type() == kFloat32);
  const auto [back, lengths] = pad_packed_sequence(packed, false, -1);
  CHECK(difference(back, padded) == 0);
  CHECK(values(lengths) == std::vector<double>{3, 1, 2});
  // One number per step.
  const PackedSequence flat = pack_sequence({reel::arange(3), reel::arange(2)});
  CHECK(values(flat.data()) == std::vector<double>{0, 0, 1, 1, 2});
  CHECK_FALSE(flat.sorted_indices().defined());
  CHECK(values(nn::utils::rnn::invert_permutation(lengths_of({2, 0, 1}))) ==
        std::vector<double>{1, 2, 0});
}

TEST_CASE("packed: what does not fit is refused") {
  const Tensor x = reel::zeros({4, 2, 3});
  const auto refused = [&](const std::vector<std::int64_t>& lengths, bool sorted = true) {
    return error_of<Error>([&] { pack_padded_sequence(x, lengths_of(lengths), false, sorted); });
  };
  CHECK(mentions(refused({2, 3}), {"sorted in decreasing order", "enforce_sorted"}));
  CHECK(refused({2, 3}, false).empty());
  CHECK(mentions(refused({3, 0}), {"greater than 0", "sequence 1"}));
  CHECK(mentions(refused({5, 2}), {"at most 4", "length 5"}));
  CHECK(mentions(refused({3}), {"batch_size", "1 lengths", "2"}));
  CHECK(mentions(error_of<DtypeError>([&] { pack_padded_sequence(x, reel::ones({2})); }),
                 {"lengths", "int64", "float32"}));
  CHECK(mentions(error_of<Error>([&] {
                   pad_packed_sequence(pack_padded_sequence(x, lengths_of({4, 1})), false, 0, 3);
                 }),
                 {"total_length=3", "4"}));
  const auto made = [&](const Tensor& sizes, const Tensor& sorted = {}) {
    return error_of<Error>([&] { PackedSequence(reel::zeros({5, 3}), sizes, sorted); });
  };
  CHECK(made(lengths_of({3, 2})).empty());
  CHECK(mentions(made(lengths_of({3, 1})), {"add up to 4", "[5, 3]"}));
  CHECK(mentions(made(lengths_of({2, 3})), {"must not rise"}));
  CHECK(mentions(made(lengths_of({3, 2}), lengths_of({0, 1})), {"sorted_indices", "permutation"}));
  CHECK(mentions(made(lengths_of({3, 2}), lengths_of({0, 1, 1})), {"permutation"}));
  CHECK_FALSE(error_of<Error>([] { pad_packed_sequence(PackedSequence()); }).empty());

  nn::GRU gru(3, 2);
  const PackedSequence packed = pack_padded_sequence(x, lengths_of({2, 4}), false, false);
  const auto state = [&](const Tensor& h) {
    return error_of<Error>([&] { gru->forward_with_packed_input(packed, h); });
  };
  CHECK(state(reel::zeros({1, 2, 2})).empty());
  CHECK(mentions(state(reel::zeros({1, 3, 2})), {"[1, 2, 2]", "[1, 3, 2]"}));
  CHECK(mentions(state(reel::zeros({2, 2})), {"[1, 2, 2]", "[2, 2]"}));
  CHECK(mentions(error_of<Error>([&] {
                   gru->forward_with_packed_input(
                       pack_padded_sequence(reel::zeros({4, 2, 5}), lengths_of({4, 4})));
                 }),
                 {"Expected 3, got 5"}));
  CHECK(mentions(error_of<Error>([&] { gru->forward_with_packed_input(PackedSequence()); }),
                 {"[GRU]", "empty", "pack_sequence"}));
  CHECK(mentions(error_of<Error>([&] { gru->forward_with_lengths(x, Tensor()); }),
                 {"[GRU]", "undefined"}));
  CHECK(mentions(error_of<Error>([&] { gru->forward_with_lengths(Tensor(), lengths_of({1})); }),
                 {"[GRU]", "undefined"}));
  CHECK(mentions(error_of<Error>([&] {
                   gru->forward_with_lengths(reel::zeros({4, 3}), lengths_of({4}));
                 }),
                 {"3-D", "[4, 3]"}));
}

TEST_CASE("cell: values and every gradient agree with PyTorch's") {
  int cases = 0;
  for (const json& row : fixture("cells.json")) {
    INFO(row.at("kind").get<std::string>(), " steps=", row.at("steps").get<int>(), " ",
         row.at("options").dump());
    Cell cell(row.at("kind"), row.at("options"));
    load_weights(cell.module(), row);
    const Tensor x = read_tensor(row.at("x")).requires_grad_();
    const Tensors first = given_state(row);
    Tensors state = first, outputs;
    for (std::int64_t t = 0; t < x.size(0); ++t) {
      state = cell.forward(x[t], state);
      outputs.push_back(state[0]);
    }
    Tensors out{reel::stack(outputs)};
    out.insert(out.end(), state.begin(), state.end());
    check_row(row, cell.module(), x, first, out);
    ++cases;
  }
  CHECK(cases == 24);
}

TEST_CASE("cell: gradients of gradients, and agreement with the module over a sequence") {
  manual_seed(63);
  for (const std::string kind : {"rnn_tanh", "rnn_relu", "lstm", "gru"}) {
    INFO(kind);
    const json options{{"input_size", 2}, {"hidden_size", 3}};
    Cell cell(kind, options);
    Tensors leaves{reel::randn({2, 2}, kFloat64), reel::randn({2, 3}, kFloat64)};
    if (kind == "lstm") leaves.push_back(reel::randn({2, 3}, kFloat64));
    const auto states = static_cast<std::ptrdiff_t>(leaves.size());
    for (const Tensor& t : leaves) t.set_requires_grad(true);
    for (const Tensor& p : cell.module().parameters()) leaves.push_back(p);
    const Tensor weight = reel::randn({2, 3}, kFloat64);
    if (kind != "rnn_relu")
      CHECK(gradient_difference(
                [&](const Tensors& in) {
                  AutoGradMode on(true);
                  return autograd::grad(
                      {cell.forward(in[0], {in.begin() + 1, in.begin() + states})[0]}, leaves,
                      {weight}, nullopt, true);
                },
                leaves) < 1e-6);

    Recurrent net(kind, options);
    net.module().to(kFloat64);
    {
      NoGradGuard no_grad;
      const auto from = cell.module().named_parameters();
      for (auto& p : net.module().named_parameters())
        p.value().copy_(from[p.key().substr(0, p.key().size() - 3)]);
    }
    const Tensor x = reel::randn({5, 2, 2}, kFloat64);
    const Tensor y = net.forward(x)[0];
    Tensors state;
    for (std::int64_t t = 0; t < 5; ++t) {
      state = cell.forward(x[t], state);
      CHECK(difference(state[0], y[t]) < 1e-14);
    }
  }
}

TEST_CASE("cell: misuse is refused, and printing is PyTorch's") {
  nn::LSTMCell cell(3, 2);
  const auto text = [&](const Tensor& x, std::optional<std::tuple<Tensor, Tensor>> state = {}) {
    return error_of<Error>([&] { cell->forward(x, state); });
  };
  CHECK(text(reel::zeros({4, 3})).empty());
  CHECK(mentions(text(reel::zeros({4, 5})), {"LSTMCell", "Expected 3, got 5"}));
  CHECK(mentions(text(reel::zeros({1, 4, 3})), {"1-D or 2-D", "3-D"}));
  CHECK(mentions(text(Tensor()), {"[LSTMCell]", "undefined"}));
  CHECK(mentions(text(reel::zeros({4, 3}, kFloat64)), {"float64", "float32"}));
  CHECK(
      mentions(text(reel::zeros({4, 3}), std::make_tuple(reel::zeros({3, 2}), reel::zeros({4, 2}))),
               {"hidden state", "[4, 2]", "[3, 2]"}));
  CHECK(mentions(text(reel::zeros({4, 3}), std::make_tuple(reel::zeros({4, 2}), reel::zeros({2}))),
                 {"cell state", "[4, 2]", "[2]"}));
  CHECK(mentions(error_of<Error>([] { nn::GRUCell(3, 0); }), {"hidden_size", "greater than zero"}));
  CHECK(reel::detail::message(nn::RNNCell(nn::RNNCellOptions(3, 2).bias(false))) ==
        "reel::nn::RNNCell(3, 2, bias=false)");
}
