#include "sequence_model.hpp"

#include <algorithm>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <tuple>

#include "autograd/ops/ops.hpp"
#include "autograd/tape.hpp"

namespace reel {
namespace nn {

namespace {

using Type = SequenceLayerType;

const char* type_name(Type type) {
  switch (type) {
    case Type::RNN:
      return "RNN";
    case Type::LSTM:
      return "LSTM";
    case Type::GRU:
      return "GRU";
    case Type::Linear:
      return "Linear";
  }
  return "unknown";
}

SequenceModelImpl::Layer make_layer(const SequenceLayer& o) {
  switch (o.type) {
    case Type::RNN: {
      RNNOptions options(o.input_size, o.output_size);
      options.num_layers(o.num_layers).bias(o.bias);
      if (o.relu) options.nonlinearity(kReLU);
      return RNN(options);
    }
    case Type::LSTM:
      return LSTM(LSTMOptions(o.input_size, o.output_size).num_layers(o.num_layers).bias(o.bias));
    case Type::GRU:
      return GRU(GRUOptions(o.input_size, o.output_size).num_layers(o.num_layers).bias(o.bias));
    case Type::Linear:
      break;
  }
  return Linear(LinearOptions(o.input_size, o.output_size).bias(o.bias));
}

Tensor activated(SequenceActivation activation, const Tensor& x) {
  switch (activation) {
    case SequenceActivation::None:
      return x;
    case SequenceActivation::Tanh:
      return reel::tanh(x);
    case SequenceActivation::ReLU:
      return reel::relu(x);
    case SequenceActivation::Sigmoid:
      return reel::sigmoid(x);
    case SequenceActivation::Softmax:
      return reel::softmax(x, -1);
    case SequenceActivation::ELU:
      return reel::elu(x);
  }
  return x;
}

/// A start state [L, 1, H] for a batch; without its dimension for input without one.
Tensor for_batch(const Tensor& state, const Tensor& input) {
  if (!state.defined()) return state;
  if (input.dim() == 2) return state.squeeze(1);
  return state.expand({state.size(0), input.size(1), state.size(2)});
}

}  // namespace

void detail::check_sequence_options(const SequenceModelOptions& options) {
  const auto& layers = options.layers;
  check(!layers.empty(), "[SequenceModel] expected at least one layer, found none");
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const SequenceLayer& layer = layers[i];
    check(layer.input_size > 0 && layer.output_size > 0 && layer.num_layers > 0,
          "[SequenceModel] layer ", i, " (", type_name(layer.type),
          "): sizes must be positive, found input_size ", layer.input_size, ", output_size ",
          layer.output_size, ", num_layers ", layer.num_layers);
    check(layer.recurrent() || (layer.num_layers == 1 && !layer.start_state),
          "[SequenceModel] layer ", i,
          " (Linear): only a recurrent layer has num_layers and a start state");
    check(layer.type == Type::RNN || !layer.relu, "[SequenceModel] layer ", i, " (",
          type_name(layer.type), "): relu is for RNN; use activation for the output");
    if (i == 0) continue;
    const SequenceLayer& before = layers[i - 1];
    check(layer.input_size == before.output_size, "[SequenceModel] layer ", i, " (",
          type_name(layer.type), ") takes ", layer.input_size, " features, but layer ", i - 1, " (",
          type_name(before.type), ") gives ", before.output_size);
  }
  std::set<std::string> names;
  for (const SequenceLayer& layer : layers)
    check(names.insert(layer.name).second, "[SequenceModel] two layers have the name '", layer.name,
          "'; give each its own, or none any");
  const std::int64_t in = layers.front().input_size, out = layers.back().output_size;
  check(options.skip >= 0 && options.skip <= in && (options.skip <= 1 || options.skip == out),
        "[SequenceModel] skip must be 0, 1 or the number of outputs, ", out,
        ", and at most the number of inputs, ", in, "; found ", options.skip);
}

SequenceModelImpl::SequenceModelImpl(const SequenceModelOptions& options_) : options(options_) {
  auto& all = options.layers;
  const auto unnamed = [](const SequenceLayer& layer) { return layer.name.empty(); };
  if (all.size() > 1 && std::all_of(all.begin(), all.end(), unnamed))
    for (std::size_t i = 0; i < all.size(); ++i) all[i].name = std::to_string(i);
  detail::check_sequence_options(options);
  for (const SequenceLayer& layer : options.layers) add(layer);
}

void SequenceModelImpl::add(const SequenceLayer& layer) {
  layers.push_back(make_layer(layer));
  Module* const module = std::visit([](auto& m) -> Module* { return m.get(); }, layers.back());
  // The module that the last part of the name belongs to.
  Module* parent = this;
  std::string rest = layer.name;
  for (std::size_t dot; (dot = rest.find('.')) != std::string::npos; rest.erase(0, dot + 1)) {
    const std::string part = rest.substr(0, dot);
    const auto children = parent->named_children();
    const auto* child = children.find(part);
    parent = child != nullptr ? child->get()
                              : parent->register_module(part, std::make_shared<Module>(part)).get();
  }
  Module* home = module;
  if (layer.name.empty()) {
    home = this;
    for (const auto& item : module->named_parameters())
      register_parameter(item.key(), item.value());
  } else {
    std::visit([&](auto& m) { parent->register_module(rest, m); }, layers.back());
  }
  start_states.emplace_back();
  if (!layer.start_state) return;
  const Dims sizes{layer.num_layers, 1, layer.output_size};
  start_states.back().first = home->register_buffer("h_0", zeros(sizes));
  if (layer.type == Type::LSTM)
    start_states.back().second = home->register_buffer("c_0", zeros(sizes));
}

void SequenceModelImpl::pretty_print(std::ostream& stream) const {
  stream << "SequenceModel(skip=" << options.skip << ")";
}

std::shared_ptr<Module> SequenceModelImpl::clone(const std::optional<Device>&) const {
  auto copy = std::make_shared<SequenceModelImpl>(options);
  // The module knows how to take over another's values; it does not change the other.
  copy->clone_(const_cast<SequenceModelImpl&>(*this), nullopt);
  return copy;
}

void SequenceModelImpl::clone_(Module& other, const std::optional<Device>&) {
  const auto original = other.named_parameters();
  to(original.front().value().dtype());
  load_state_dict(other.state_dict());
  train(other.is_training());
  for (const auto& item : named_parameters())
    item.value().set_requires_grad(original[item.key()].requires_grad());
}

Tensor SequenceModelImpl::forward(const Tensor& input) {
  check<ShapeError>((input.dim() == 2 || input.dim() == 3) && input.size(-1) == input_size(),
                    "[SequenceModel] expected input [steps, batch, ", input_size(), "] or [steps, ",
                    input_size(), "], found ", input.sizes());
  Tensor x = input;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Tensor h = for_batch(start_states[i].first, input);
    if (auto* linear = std::get_if<Linear>(&layers[i])) {
      x = (*linear)->forward(x);
    } else if (auto* lstm = std::get_if<LSTM>(&layers[i])) {
      std::optional<std::tuple<Tensor, Tensor>> start;
      if (h.defined()) start = std::make_tuple(h, for_batch(start_states[i].second, input));
      x = std::get<0>((*lstm)->forward(x, start));
    } else if (auto* gru = std::get_if<GRU>(&layers[i])) {
      x = std::get<0>((*gru)->forward(x, h));
    } else {
      x = std::get<0>(std::get<RNN>(layers[i])->forward(x, h));
    }
    x = activated(options.layers[i].activation, x);
  }
  return options.skip == 0 ? x : x + input.narrow(-1, 0, options.skip);
}

}  // namespace nn
}  // namespace reel
