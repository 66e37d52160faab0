// SequenceModel and SequenceRunner: against the modules that they are made of.
#include "nn/sequence_model.hpp"

#include <doctest/doctest.h>

#include <sstream>

#include "nn/nn.hpp"
#include "tests/allocation_count.hpp"
#include "tests/nn/interchange_support.hpp"

using namespace reel;
using namespace reel::test;
using nn::SequenceActivation;
using nn::SequenceLayer;
using nn::SequenceLayerType;
using nn::SequenceModel;
using nn::SequenceModelOptions;
using nn::SequenceRunner;

namespace {

SequenceLayer layer(SequenceLayerType type, std::int64_t in, std::int64_t out,
                    SequenceActivation activation = SequenceActivation::None) {
  SequenceLayer made;
  made.type = type;
  made.input_size = in;
  made.output_size = out;
  made.activation = activation;
  return made;
}

/// Every kind of layer and activation, two levels, a start state, no bias here and there.
SequenceModelOptions everything() {
  SequenceModelOptions options;
  options.skip = 2;
  auto& all = options.layers;
  all.push_back(layer(SequenceLayerType::Linear, 3, 5, SequenceActivation::Tanh));
  all.push_back(layer(SequenceLayerType::LSTM, 5, 4, SequenceActivation::ELU));
  all.back().num_layers = 2;
  all.back().start_state = true;
  all.push_back(layer(SequenceLayerType::Linear, 4, 7, SequenceActivation::Softmax));
  all.back().bias = false;
  all.push_back(layer(SequenceLayerType::GRU, 7, 6));
  all.back().start_state = true;
  all.push_back(layer(SequenceLayerType::Linear, 6, 6, SequenceActivation::ReLU));
  all.push_back(layer(SequenceLayerType::RNN, 6, 3, SequenceActivation::Sigmoid));
  all.back().relu = true;
  all.back().bias = false;
  all.push_back(layer(SequenceLayerType::Linear, 3, 2));
  return options;
}

SequenceModel with_random_starts(const SequenceModelOptions& options) {
  SequenceModel model(options);
  NoGradGuard no_grad;
  for (const auto& buffer : model->buffers()) buffer.normal_();
  return model;
}

std::string refusal(const SequenceModelOptions& options) {
  return error_of<Error>([&] { SequenceModel model(options); });
}

}  // namespace

TEST_CASE("sequence model: forward is its layers one after the other") {
  manual_seed(3);
  SequenceModel model = with_random_starts(everything());
  auto& l = model->layers;
  const auto start = [&](std::size_t i) { return model->start_states[i]; };
  const auto linear = [&](std::size_t i, const Tensor& x) {
    return std::get<nn::Linear>(l[i])->forward(x);
  };
  for (const bool batched : {false, true}) {
    const std::int64_t batch = 3;
    const Tensor x = batched ? randn({9, batch, 3}) : randn({9, 3});
    const auto state = [&](const Tensor& s) {
      return batched ? s.expand({s.size(0), batch, s.size(2)}) : s.squeeze(1);
    };
    Tensor y = reel::tanh(linear(0, x));
    auto lstm = std::get<nn::LSTM>(l[1]);
    y = reel::elu(std::get<0>(
        lstm->forward(y, std::make_tuple(state(start(1).first), state(start(1).second)))));
    y = reel::softmax(linear(2, y), -1);
    auto gru = std::get<nn::GRU>(l[3]);
    y = reel::relu(linear(4, std::get<0>(gru->forward(y, state(start(3).first)))));
    auto rnn = std::get<nn::RNN>(l[5]);
    y = linear(6, reel::sigmoid(std::get<0>(rnn->forward(y)))) + x.narrow(-1, 0, 2);
    CHECK(difference(model->forward(x), y) == 0);
  }
}

TEST_CASE("sequence model: the runner agrees with forward, from the start again and in place") {
  manual_seed(4);
  SequenceModel model = with_random_starts(everything());
  model->eval();
  NoGradGuard no_grad;
  for (const std::int64_t batch : {1, 5}) {
    const Tensor x = randn({20, batch, 3});
    const Tensor expected = model->forward(x);
    SequenceRunner runner(model, batch);
    CHECK(runner.batch_size() == batch);
    REQUIRE(runner.input_size() == 3);
    REQUIRE(runner.output_size() == 2);
    const Tensor y = empty({20, batch, 2});
    for (int round = 0; round < 2; ++round) {
      y.zero_();
      runner.run(x.data_ptr<float>(), y.data_ptr<float>(), 20);
      CHECK(difference(y, expected) < 1e-6);
      runner.reset();
    }
    SequenceRunner moved = std::move(runner);
    moved.step(x.data_ptr<float>(), y.data_ptr<float>());
    CHECK(difference(y[0], expected[0]) < 1e-6);
  }
  // The output over the input, whose first feature is added all the same.
  SequenceModelOptions simple;
  simple.layers = {layer(SequenceLayerType::GRU, 1, 4), layer(SequenceLayerType::Linear, 4, 1)};
  simple.skip = 1;
  SequenceModel effect(simple);
  Tensor x = randn({30, 1});
  const Tensor expected = effect->forward(x);
  SequenceRunner(effect).run(x.data_ptr<float>(), x.data_ptr<float>(), 30);
  CHECK(difference(x, expected) < 1e-6);
}

TEST_CASE("sequence model: a step and a reset allocate nothing") {
  SequenceModel model = with_random_starts(everything());
  SequenceRunner runner(model);
  const float x[3] = {0.1f, -0.2f, 0.3f};
  float y[2];
  runner.step(x, y);
  const auto before = allocation_count();
  for (int i = 0; i < 100; ++i) runner.step(x, y);
  runner.reset();
  CHECK(allocation_count() == before);
}

TEST_CASE("sequence model: skip of one feature goes to every output") {
  SequenceModelOptions options;
  options.layers = {layer(SequenceLayerType::LSTM, 2, 3)};
  SequenceModel plain(options);
  options.skip = 1;
  SequenceModel skipping(options);
  skipping->load_state_dict(plain->state_dict());
  const Tensor x = randn({6, 2});
  const Tensor y = plain->forward(x) + x.narrow(1, 0, 1).expand({6, 3});
  CHECK(difference(skipping->forward(x), y) == 0);
  CHECK(model_difference(skipping, x, y.detach()) < 1e-6);
}

TEST_CASE("sequence model: names, clone, training") {
  SequenceModelOptions options;
  options.layers = {layer(SequenceLayerType::LSTM, 1, 2), layer(SequenceLayerType::GRU, 2, 2),
                    layer(SequenceLayerType::Linear, 2, 1)};
  options.layers[0].start_state = true;
  const auto keys = [](const SequenceModel& model) {
    std::string all;
    for (const auto& item : model->state_dict()) all += item.key() + " ";
    return all;
  };
  CHECK(keys(SequenceModel(options)) ==
        "0.weight_ih_l0 0.weight_hh_l0 0.bias_ih_l0 0.bias_hh_l0 0.h_0 0.c_0 "
        "1.weight_ih_l0 1.weight_hh_l0 1.bias_ih_l0 1.bias_hh_l0 2.weight 2.bias ");
  options.layers[0].name = "net.rec.a";
  options.layers[1].name = "net.b";
  options.layers[2].name = "head";
  SequenceModel model = with_random_starts(options);
  CHECK(keys(model) ==
        "net.rec.a.weight_ih_l0 net.rec.a.weight_hh_l0 net.rec.a.bias_ih_l0 net.rec.a.bias_hh_l0 "
        "net.rec.a.h_0 net.rec.a.c_0 net.b.weight_ih_l0 net.b.weight_hh_l0 net.b.bias_ih_l0 "
        "net.b.bias_hh_l0 head.weight head.bias ");
  CHECK(model->parameters().size() == 10);

  model->eval();
  model->to(kFloat64);
  const auto copy = std::dynamic_pointer_cast<nn::SequenceModelImpl>(model->clone());
  REQUIRE(copy != nullptr);
  CHECK_FALSE(copy->is_training());
  const Tensor x = randn({5, 1}, kFloat64);
  CHECK(difference(copy->forward(x), model->forward(x)) == 0);
  {
    NoGradGuard no_grad;
    copy->parameters()[0].add_(1);
  }
  CHECK(difference(copy->forward(x), model->forward(x)) > 0);

  SequenceModelOptions alone;
  alone.layers = {layer(SequenceLayerType::GRU, 1, 2)};
  alone.layers[0].start_state = true;
  SequenceModel nameless = with_random_starts(alone);
  CHECK(keys(nameless) == "weight_ih_l0 weight_hh_l0 bias_ih_l0 bias_hh_l0 h_0 ");
  const auto twin = std::dynamic_pointer_cast<nn::SequenceModelImpl>(nameless->clone());
  const Tensor z = randn({5, 1});
  CHECK(difference(twin->forward(z), nameless->forward(z)) == 0);

  // It learns: every parameter of every layer gets a gradient.
  SequenceModel whole(everything());
  whole->forward(randn({7, 2, 3})).pow(2).sum().backward();
  for (const auto& item : whole->named_parameters()) {
    INFO(item.key());
    CHECK(item.value().grad().defined());
  }
  std::ostringstream text;
  text << whole;
  CHECK(mentions(text.str(), {"SequenceModel(skip=2)", "(0): ", "Linear(", "(1): ", "LSTM("}));
}

TEST_CASE("sequence model: what does not fit together is refused") {
  const auto lstm = layer(SequenceLayerType::LSTM, 2, 3);
  const auto head = layer(SequenceLayerType::Linear, 3, 1);
  CHECK(mentions(refusal({}), {"at least one layer"}));
  CHECK(mentions(refusal({{lstm, layer(SequenceLayerType::Linear, 4, 1)}, 0}),
                 {"layer 1 (Linear) takes 4", "layer 0 (LSTM) gives 3"}));
  CHECK(mentions(refusal({{layer(SequenceLayerType::GRU, 0, 3)}, 0}),
                 {"layer 0 (GRU)", "must be positive", "input_size 0"}));
  CHECK(mentions(refusal({{lstm, head}, 2}), {"skip must be 0, 1 or the number of outputs, 1"}));
  CHECK(mentions(refusal({{lstm, head}, -1}), {"skip", "found -1"}));
  CHECK(mentions(refusal({{lstm}, 3}), {"at most the number of inputs, 2"}));
  auto wrong = head;
  wrong.start_state = true;
  CHECK(mentions(refusal({{lstm, wrong}, 0}), {"layer 1 (Linear)", "start state"}));
  wrong = lstm;
  wrong.relu = true;
  CHECK(mentions(refusal({{wrong}, 0}), {"layer 0 (LSTM)", "relu is for RNN"}));
  auto first = lstm, second = head;
  first.name = second.name = "same";
  CHECK(mentions(refusal({{first, second}, 0}), {"two layers have the name 'same'"}));

  SequenceModel model(SequenceModelOptions{{lstm, head}, 0});
  CHECK(mentions(error_of<ShapeError>([&] {
                   model->forward(zeros({4, 3}));
                 }),
                 {"expected input [steps, batch, 2] or [steps, 2]", "4, 3"}));
  CHECK(mentions(error_of<Error>([&] { SequenceRunner runner(model, 0); }),
                 {"batch_size", "greater than zero"}));
}
