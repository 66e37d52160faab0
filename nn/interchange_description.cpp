// Descriptions of SequenceModels: as metadata, from the names of tensors, and held against them.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "interchange_parts.hpp"
#include "json_text.hpp"

namespace reel {
namespace interchange {

using nn::SequenceActivation;
using nn::SequenceLayer;
using nn::SequenceLayerType;
using nn::SequenceModelOptions;

namespace {

constexpr const char* kKey = "sequence_model";

constexpr std::pair<const char*, SequenceLayerType> kTypes[] = {
    {"rnn", SequenceLayerType::RNN},
    {"lstm", SequenceLayerType::LSTM},
    {"gru", SequenceLayerType::GRU},
    {"linear", SequenceLayerType::Linear}};

std::int64_t gates(SequenceLayerType type) {
  return type == SequenceLayerType::LSTM ? 4 : type == SequenceLayerType::GRU ? 3 : 1;
}

/// Names and shapes of a layer's tensors, without the layer's name.
std::vector<std::pair<std::string, Dims>> tensors_of(const SequenceLayer& layer) {
  const std::int64_t in = layer.input_size, out = layer.output_size;
  if (!layer.recurrent()) {
    std::vector<std::pair<std::string, Dims>> all{{"weight", {out, in}}};
    if (layer.bias) all.push_back({"bias", {out}});
    return all;
  }
  std::vector<std::pair<std::string, Dims>> all;
  const std::int64_t rows = gates(layer.type) * out;
  for (std::int64_t k = 0; k < layer.num_layers; ++k) {
    const std::string level = "_l" + std::to_string(k);
    all.push_back({"weight_ih" + level, {rows, k == 0 ? in : out}});
    all.push_back({"weight_hh" + level, {rows, out}});
    if (!layer.bias) continue;
    all.push_back({"bias_ih" + level, {rows}});
    all.push_back({"bias_hh" + level, {rows}});
  }
  if (layer.start_state) {
    all.push_back({"h_0", {layer.num_layers, 1, out}});
    if (layer.type == SequenceLayerType::LSTM) all.push_back({"c_0", {layer.num_layers, 1, out}});
  }
  return all;
}

bool read_flag(json::Reader& in) {
  const auto place = in.place();
  const std::string text(in.skip());
  if (text != "true" && text != "false") in.fail(place, "expected true or false, found ", text);
  return text == "true";
}

SequenceLayer read_layer(json::Reader& in) {
  SequenceLayer layer;
  const auto start = in.place();
  std::set<std::string> seen;
  in.object([&](const std::string& key) {
    const auto place = in.place();
    seen.insert(key);
    if (key == "type") {
      const std::string name = in.string();
      const auto* found = std::find_if(std::begin(kTypes), std::end(kTypes),
                                       [&](const auto& type) { return type.first == name; });
      if (found == std::end(kTypes))
        in.fail(place, "unknown type '", name, "'; expected rnn, lstm, gru or linear");
      layer.type = found->second;
    } else if (key == "name") {
      layer.name = in.string();
    } else if (key == "input_size") {
      layer.input_size = read_size(in, key, 1, kMostUnits);
    } else if (key == "output_size") {
      layer.output_size = read_size(in, key, 1, kMostUnits);
    } else if (key == "num_layers") {
      layer.num_layers = read_size(in, key, 1, kMostLayers);
    } else if (key == "bias") {
      layer.bias = read_flag(in);
    } else if (key == "relu") {
      layer.relu = read_flag(in);
    } else if (key == "start_state") {
      layer.start_state = read_flag(in);
    } else if (key == "activation") {
      const std::string name = in.string();
      if (!activation_from_name(name, layer.activation))
        in.fail(place, "unknown activation '", name,
                "'; expected tanh, relu, sigmoid, softmax or elu");
    } else {
      in.fail(place, "unknown key '", key, "' of a layer");
    }
  });
  for (const char* key : {"type", "name", "input_size", "output_size"})
    if (seen.count(key) == 0) in.fail(start, "the layer has no ", key);
  return layer;
}

SequenceModelOptions read_description(const StateFile& file) {
  const std::string& text = file.metadata.json(kKey);
  files::Input input(text, file.source + ": metadata '" + kKey + "'");
  json::Reader in(input);
  SequenceModelOptions options;
  in.object([&](const std::string& key) {
    const auto place = in.place();
    if (key == "layers")
      in.array([&] { options.layers.push_back(read_layer(in)); });
    else if (key == "skip")
      options.skip = read_size(in, key, 0, kMostUnits);
    else
      in.fail(place, "unknown key '", key, "'; expected layers and skip");
  });
  in.finish();
  return options;
}

/// One module of a state_dict: the tensors whose names begin alike.
struct Group {
  std::string name;
  std::map<std::string, Tensor> tensors;
};

std::vector<Group> groups_of(const StateFile& file) {
  std::vector<Group> groups;
  for (const auto& item : file.tensors) {
    const std::size_t dot = item.key().rfind('.');
    const std::string name = dot == std::string::npos ? "" : item.key().substr(0, dot);
    const auto same = [&](const Group& group) { return group.name == name; };
    auto group = std::find_if(groups.begin(), groups.end(), same);
    if (group == groups.end()) group = groups.insert(groups.end(), Group{name, {}});
    group->tensors[dot == std::string::npos ? item.key() : item.key().substr(dot + 1)] =
        item.value();
  }
  return groups;
}

/// A layer as the shapes of its weights tell it; none where they are no such layer.
std::optional<SequenceLayer> layer_of(const Group& group) {
  const auto find = [&](const std::string& name) {
    const auto found = group.tensors.find(name);
    return found == group.tensors.end() ? Tensor() : found->second;
  };
  const auto matrix = [](const Tensor& t) {
    return t.defined() && t.dim() == 2 && t.size(0) > 0 && t.size(1) > 0;
  };
  SequenceLayer layer;
  layer.name = group.name;
  if (const Tensor weight = find("weight"); matrix(weight)) {
    layer.output_size = weight.size(0);
    layer.input_size = weight.size(1);
    layer.bias = find("bias").defined();
    return layer;
  }
  const Tensor ih = find("weight_ih_l0"), hh = find("weight_hh_l0");
  if (!matrix(ih) || !matrix(hh)) return std::nullopt;
  layer.input_size = ih.size(1);
  layer.output_size = hh.size(1);
  layer.bias = find("bias_ih_l0").defined();
  layer.start_state = find("h_0").defined();
  while (find("weight_ih_l" + std::to_string(layer.num_layers)).defined()) ++layer.num_layers;
  for (const auto type : {SequenceLayerType::RNN, SequenceLayerType::GRU, SequenceLayerType::LSTM})
    if (hh.size(0) == gates(type) * layer.output_size) {
      layer.type = type;
      return layer;
    }
  return std::nullopt;
}

/// Only what cannot be anything else: an activation between two linear layers, or the table of an
/// embedding, does not show in names and shapes.
SequenceModelOptions infer(const StateFile& file) {
  const auto fail = [&](const std::string& why) {
    throw FileError(detail::message(
        "[load] ", file.source, ": the file does not describe its layers, and its tensors are not ",
        "those of recurrent layers with at most one linear layer behind: ", why));
  };
  SequenceModelOptions options;
  for (const Group& group : groups_of(file)) {
    const auto layer = layer_of(group);
    if (!layer)
      fail("'" + join(group.name, group.tensors.begin()->first) + "' belongs to no such layer");
    if (!options.layers.empty() && !options.layers.back().recurrent())
      fail("'" + layer->name + "' stands behind the linear layer '" + options.layers.back().name +
           "'");
    if (options.layers.empty() && !layer->recurrent())
      fail("the first, '" + layer->name + "', is not recurrent");
    options.layers.push_back(*layer);
  }
  if (options.layers.empty()) fail("it has none");
  return options;
}

}  // namespace

std::string join(const std::string& layer, const std::string& tensor) {
  return layer.empty() ? tensor : layer + "." + tensor;
}

const char* type_name(SequenceLayerType type) {
  constexpr const char* kNames[] = {"RNN", "LSTM", "GRU", "Linear"};
  return kNames[static_cast<int>(type)];
}

std::string label(std::size_t index, const SequenceLayer& layer) {
  return detail::message("layer ", index, " '", layer.name, "' (", type_name(layer.type), ")");
}

void describe(StateFile& file, const SequenceModelOptions& options) {
  std::string text = "{\"layers\":[";
  const char* separator = "";
  for (const SequenceLayer& layer : options.layers) {
    const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                    [&](const auto& t) { return t.second == layer.type; });
    text += detail::message(separator, "{\"name\":", json::quote(layer.name), ",\"type\":\"",
                            type->first, "\",\"input_size\":", layer.input_size,
                            ",\"output_size\":", layer.output_size);
    if (layer.num_layers != 1) text += detail::message(",\"num_layers\":", layer.num_layers);
    if (!layer.bias) text += ",\"bias\":false";
    if (layer.relu) text += ",\"relu\":true";
    if (layer.start_state) text += ",\"start_state\":true";
    if (layer.activation != SequenceActivation::None)
      text += detail::message(",\"activation\":\"", activation_name(layer.activation), "\"");
    text += "}";
    separator = ",";
  }
  file.metadata.set_json(kKey, detail::message(text, "],\"skip\":", options.skip, "}"));
}

void refuse_untold(const StateFile& file) {
  if (!file.metadata.contains(kKey)) return;
  const auto text = [](const SequenceModelOptions& options) {
    StateFile described;
    describe(described, options);
    return described.metadata.json(kKey);
  };
  const std::string full = text(describe_sequence_model(file));
  const char* const why =
      "a state_dict holds names and values alone, which do not tell this model's activations, "
      "skip or order of layers; ask for the weights only to write it all the same";
  try {
    if (text(infer(file)) == full) return;
  } catch (const FileError&) {
    refuse(why);
  }
  refuse(why);
}

Tensor tensor_of(const StateFile& file, const SequenceLayer& layer, const std::string& name) {
  return file.tensors[join(layer.name, name)].detach().contiguous();
}

void check_tensors(const StateFile& file, const SequenceModelOptions& options) {
  std::string problems;
  std::set<std::string> known;
  std::int64_t levels = 0;
  for (const SequenceLayer& layer : options.layers) levels += layer.num_layers;
  // Before a list is made on the word of the description.
  check<FileError>(levels <= static_cast<std::int64_t>(file.tensors.size()), "[load] ", file.source,
                   ": expected the tensors of ", levels, " layers, found ", file.tensors.size(),
                   " tensors");
  for (std::size_t i = 0; i < options.layers.size(); ++i) {
    const SequenceLayer& layer = options.layers[i];
    for (const auto& [name, shape] : tensors_of(layer)) {
      const std::string full = join(layer.name, name);
      const auto problem = [&](const auto&... parts) {
        problems += detail::message("\n  ", label(i, layer), ": ", parts...);
      };
      if (!known.insert(full).second) problem("its name is that of another layer");
      const Tensor* found = file.tensors.find(full);
      if (found == nullptr)
        problem("missing ", full, " of shape ", shape);
      else if (found->sizes() != IntArrayRef(shape))
        problem(full, ": expected shape ", shape, ", found ", found->sizes());
      else if (!found->is_floating_point())
        problem(full, ": expected floating values, found ", dtype_name(found->dtype()));
    }
  }
  for (const auto& item : file.tensors)
    if (known.count(item.key()) == 0) problems += "\n  unexpected " + item.key();
  check<FileError>(problems.empty(), "[load] ", file.source,
                   ": the tensors do not fit the layers:", problems);
}

}  // namespace interchange

nn::SequenceModelOptions describe_sequence_model(const StateFile& file) {
  check<FileError>(file.kind == "module", "[load] ", file.source,
                   ": expected a file of kind 'module', found '", file.kind, "'");
  const bool described = file.metadata.contains(interchange::kKey);
  nn::SequenceModelOptions options =
      described ? interchange::read_description(file) : interchange::infer(file);
  interchange::check_tensors(file, options);
  try {
    nn::detail::check_sequence_options(options);
  } catch (const Error& error) {
    throw FileError("[load] " + file.source + ": " + error.what());
  }
  return options;
}

}  // namespace reel
