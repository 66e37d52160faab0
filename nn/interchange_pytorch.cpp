// state_dicts of PyTorch as JSON: alone, and with GuitarML's description of the model.
#include <map>
#include <optional>

#include "interchange_parts.hpp"
#include "json_text.hpp"

namespace reel {
namespace interchange {

using nn::SequenceLayer;
using nn::SequenceLayerType;
using nn::SequenceModelOptions;

namespace {

constexpr const char* kStack = "rec";
constexpr const char* kHead = "lin";

constexpr std::pair<const char*, SequenceLayerType> kUnits[] = {{"RNN", SequenceLayerType::RNN},
                                                                {"LSTM", SequenceLayerType::LSTM},
                                                                {"GRU", SequenceLayerType::GRU}};

void read_tensors(json::Reader& in, StateFile& file) {
  in.object([&](const std::string& name) {
    file.tensors.insert(name, read_nested(in, "tensor '" + name + "'"));
  });
}

void write_tensors(json::Writer& out, const StateFile& file) {
  out.text("{");
  const char* separator = "\n";
  for (const auto& item : file.tensors) {
    out.text(separator + json::quote(item.key()) + ":");
    write_nested(out, item.value(), item.key());
    separator = ",\n";
  }
  out.text("\n}");
}

/// What model_data says.
struct ModelData {
  std::map<std::string, std::int64_t> sizes;  // input_size, ...
  std::optional<SequenceLayerType> unit;
};

ModelData read_model_data(json::Reader& in, Metadata& notes) {
  ModelData data;
  const auto start = in.place();
  in.object([&](const std::string& key) {
    const auto place = in.place();
    if (key == "input_size" || key == "output_size" || key == "hidden_size") {
      data.sizes[key] = read_size(in, key, 1, kMostUnits);
    } else if (key == "num_layers") {
      data.sizes[key] = read_size(in, key, 1, kMostLayers);
    } else if (key == "skip") {
      data.sizes[key] = read_size(in, key, 0, kMostUnits);
    } else if (key == "unit_type") {
      const std::string name = in.string();
      for (const auto& [unit, type] : kUnits)
        if (name == unit) data.unit = type;
      if (!data.unit)
        in.fail(place, "model_data: unknown unit_type '", name, "', expected LSTM, GRU or RNN");
    } else if (key == "model") {
      const std::string name = in.string();
      if (name != "SimpleRNN")
        in.fail(place, "model_data: unknown model '", name, "', expected SimpleRNN");
    } else if (key == "bias_fl") {
      in.value(key);  // whether lin.bias is there shows itself
    } else {
      read_note(in, key, notes);
    }
  });
  for (const char* key : {"input_size", "output_size", "hidden_size", "num_layers", "skip"})
    if (data.sizes.count(key) == 0) in.fail(start, "model_data has no ", key);
  if (!data.unit) in.fail(start, "model_data has no unit_type");
  return data;
}

}  // namespace

StateFile read_pytorch(json::Reader& in, const std::string& source) {
  StateFile file = module_file(source);
  const auto start = in.place();
  read_tensors(in, file);
  in.finish();
  if (file.tensors.is_empty()) in.fail(start, "expected a model, found an empty object");
  return file;
}

void write_pytorch(json::Writer& out, const StateFile& file) {
  write_tensors(out, file);
  out.text("\n");
}

StateFile read_guitarml(json::Reader& in, const std::string& source) {
  StateFile file = module_file(source);
  std::optional<ModelData> data;
  const auto start = in.place();
  in.object([&](const std::string& key) {
    if (key == "model_data")
      data = read_model_data(in, file.metadata);
    else if (key == "state_dict")
      read_tensors(in, file);
    else
      read_note(in, key, file.metadata);
  });
  in.finish();
  if (!data) in.fail(start, "no key 'model_data' beside 'state_dict'");

  SequenceLayer stack;
  stack.name = kStack;
  stack.type = *data->unit;
  stack.input_size = data->sizes["input_size"];
  stack.output_size = data->sizes["hidden_size"];
  stack.num_layers = data->sizes["num_layers"];
  stack.bias = file.tensors.contains(join(kStack, "bias_ih_l0"));
  SequenceLayer head;
  head.name = kHead;
  head.input_size = stack.output_size;
  head.output_size = data->sizes["output_size"];
  head.bias = file.tensors.contains(join(kHead, "bias"));
  SequenceModelOptions options;
  options.layers = {stack, head};
  options.skip = data->sizes["skip"];
  check_tensors(file, options);
  describe(file, options);
  return file;
}

void write_guitarml(json::Writer& out, const Source& source) {
  refuse_start_state(source, "GuitarML's layout");
  const StackAndHead model = stack_and_head(source, "GuitarML's layout");
  const auto& layers = source.model.layers;
  const char* unit = "";
  for (const auto& [name, type] : kUnits)
    if (type == layers.front().type) unit = name;
  StateFile tensors;
  for (std::size_t k = 0; k < model.cells.size(); ++k) {
    const Cell& cell = model.cells[k];
    const auto put = [&](const char* name, const Tensor& tensor) {
      tensors.tensors.insert(join(kStack, detail::message(name, "_l", k)), tensor);
    };
    put("weight_ih", cell.weight_ih);
    put("weight_hh", cell.weight_hh);
    put("bias_ih", cell.bias_ih);
    put("bias_hh", cell.bias_hh);
  }
  tensors.tensors.insert(join(kHead, "weight"), model.weight);
  tensors.tensors.insert(join(kHead, "bias"), model.bias);
  // First what the layout is known by: a note may have any name.
  out.text(detail::message(
      "{\"model_data\":{\"model\":\"SimpleRNN\",\"input_size\":", layers.front().input_size,
      ",\"skip\":", source.model.skip, ",\"output_size\":", layers.back().output_size,
      ",\"unit_type\":\"", unit, "\",\"num_layers\":", model.cells.size(),
      ",\"hidden_size\":", layers.front().output_size, ",\"bias_fl\":true},\n"));
  write_notes(out, source.file, {"model_data", "state_dict"});
  out.text("\"state_dict\":");
  write_tensors(out, tensors);
  out.text("}\n");
}

}  // namespace interchange
}  // namespace reel
