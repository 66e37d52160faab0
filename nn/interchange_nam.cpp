// Neural Amp Modeler's files of architecture LSTM: all weights in one list. Per layer W [4H][in +
// H] (the input's columns first), b [4H] (the sum of both biases), h_0 [H], c_0 [H]; then the
// head's weight [H] and bias.
#include <algorithm>
#include <map>

#include "autograd/ops/ops.hpp"
#include "interchange_parts.hpp"
#include "json_text.hpp"

namespace reel {
namespace interchange {

using nn::SequenceLayer;
using nn::SequenceLayerType;
using nn::SequenceModelOptions;

namespace {

constexpr const char* kVersion = "\"0.5.4\"";

/// The next values of the list as a tensor.
class Pieces {
 public:
  explicit Pieces(const std::vector<float>& values) : at_(values.data()) {}
  Tensor next(const Dims& shape) {
    const Tensor tensor = empty(shape, kFloat32);
    std::copy_n(at_, tensor.numel(), tensor.data_ptr<float>());
    at_ += tensor.numel();
    return tensor;
  }

 private:
  const float* at_;
};

}  // namespace

StateFile read_nam(json::Reader& in, const std::string& source) {
  StateFile file = module_file(source);
  const auto start = in.place();
  auto config_place = start;
  auto weights_place = start;
  std::map<std::string, std::int64_t> config;
  std::vector<float> weights;
  in.object([&](const std::string& key) {
    const auto place = in.place();
    if (key == "architecture") {
      const std::string name = in.string();
      if (name != "LSTM")
        in.fail(place, "architecture '", name, "' is not supported; expected LSTM");
    } else if (key == "config") {
      config_place = place;
      in.object([&](const std::string& name) {
        const auto at = in.place();
        if (name != "input_size" && name != "hidden_size" && name != "num_layers")
          in.fail(at, "config: unknown key '", name,
                  "'; expected input_size, hidden_size and num_layers");
        config[name] = read_size(in, name, 1, name == "num_layers" ? kMostLayers : kMostUnits);
      });
    } else if (key == "weights") {
      weights_place = place;
      in.array([&] { weights.push_back(in.real32()); });
    } else {
      read_note(in, key, file.metadata);
    }
  });
  in.finish();
  if (config.size() != 3)
    in.fail(config_place, "config: expected input_size, hidden_size and num_layers, found ",
            config.size(), " of them");

  SequenceLayer stack;
  stack.name = "rec";
  stack.type = SequenceLayerType::LSTM;
  stack.input_size = config["input_size"];
  const std::int64_t hidden = stack.output_size = config["hidden_size"];
  const std::int64_t levels = stack.num_layers = config["num_layers"];
  stack.start_state = true;
  SequenceLayer head;
  head.name = "lin";
  head.input_size = hidden;
  head.output_size = 1;

  const auto per_level = [&](std::int64_t in_size) {
    return 4 * hidden * (in_size + hidden + 1) + 2 * hidden;
  };
  const std::int64_t expected =
      per_level(stack.input_size) + (levels - 1) * per_level(hidden) + hidden + 1;
  if (static_cast<std::int64_t>(weights.size()) != expected)
    in.fail(weights_place, "weights: expected ", expected, " for input_size ", stack.input_size,
            ", hidden_size ", hidden, " and num_layers ", levels, ", found ", weights.size());

  Pieces pieces(weights);
  std::vector<Tensor> h, c;
  for (std::int64_t k = 0; k < levels; ++k) {
    const std::int64_t in_size = k == 0 ? stack.input_size : hidden;
    const Tensor both = pieces.next({4 * hidden, in_size + hidden});
    const auto put = [&](const char* name, const Tensor& tensor) {
      file.tensors.insert(join(stack.name, detail::message(name, "_l", k)), tensor);
    };
    put("weight_ih", both.narrow(1, 0, in_size).contiguous());
    put("weight_hh", both.narrow(1, in_size, hidden).contiguous());
    put("bias_ih", pieces.next({4 * hidden}));
    put("bias_hh", zeros({4 * hidden}));
    h.push_back(pieces.next({1, hidden}));
    c.push_back(pieces.next({1, hidden}));
  }
  file.tensors.insert(join(stack.name, "h_0"), reel::stack(h));
  file.tensors.insert(join(stack.name, "c_0"), reel::stack(c));
  file.tensors.insert(join(head.name, "weight"), pieces.next({1, hidden}));
  file.tensors.insert(join(head.name, "bias"), pieces.next({1}));

  SequenceModelOptions options;
  options.layers = {stack, head};
  describe(file, options);
  return file;
}

void write_nam(json::Writer& out, const Source& source) {
  const StackAndHead model = stack_and_head(source, "the .nam layout");
  const auto& layers = source.model.layers;
  if (layers.front().type != SequenceLayerType::LSTM)
    refuse(label(0, layers.front()) + ": the .nam layout holds LSTM only");
  if (source.model.skip != 0)
    refuse("the .nam layout has no skip: it cannot add the input to the output");
  if (layers.back().output_size != 1)
    refuse(
        detail::message("the .nam layout has one output, the model ", layers.back().output_size));
  const Metadata& notes = source.file.metadata;
  // A program's own "version" may be anything; the layout's is a string.
  const bool versioned = notes.contains("version") && notes.json("version").front() == '"';
  // First what the layout is known by: a note may have any name.
  out.text("{\"version\":" + (versioned ? notes.json("version") : kVersion) +
           ",\n\"architecture\":\"LSTM\",\n");
  write_notes(out, source.file, {"version", "architecture", "config", "weights"});
  out.text(detail::message("\"config\":{\"input_size\":", layers.front().input_size,
                           ",\"hidden_size\":", layers.front().output_size,
                           ",\"num_layers\":", model.cells.size(), "},\n\"weights\":"));
  std::vector<Tensor> all;
  for (const Cell& cell : model.cells)
    for (const Tensor& part : {cat({cell.weight_ih, cell.weight_hh}, 1),
                               cell.bias_ih + cell.bias_hh, cell.h_0, cell.c_0})
      all.push_back(part.flatten());
  all.push_back(model.weight.flatten());
  all.push_back(model.bias);
  write_nested(out, cat(all, 0), "weights");
  out.text("}\n");
}

}  // namespace interchange
}  // namespace reel
