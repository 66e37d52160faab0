// Models in the layout of Keras, as RTNeural reads them: kernels [in][units * gates], gates i, f,
// c, o (LSTM) and z, r, h (GRU, with one row of biases for the input and one for the state).
#include "autograd/ops/ops.hpp"
#include "interchange_parts.hpp"

namespace reel {
namespace interchange {

using nn::SequenceActivation;
using nn::SequenceLayer;
using nn::SequenceLayerType;
using nn::SequenceModelOptions;

namespace {

using Weights = std::vector<Tensor>;

/// The last size of a shape such as [null, null, 8].
std::int64_t read_last_size(json::Reader& in, const std::string& what) {
  const auto start = in.place();
  std::int64_t last = 0;
  in.array([&] {
    const auto place = in.place();
    if (in.next() != 'n') {
      last = read_size(in, what, 1, kMostUnits);
    } else {
      if (in.skip() != "null") in.fail(place, what, ": expected a size or null");
      last = 0;
    }
  });
  if (last == 0) in.fail(start, what, ": expected a size as the last entry");
  return last;
}

Tensor turned(const Tensor& kernel) { return kernel.t().contiguous(); }

/// A layer as it stands in the file.
struct Written {
  json::Reader::Place place = 0;
  std::string type, activation;
  std::int64_t units = 0;
  Weights weights;
};

std::string title(std::size_t index, const std::string& type) {
  return detail::message("layer ", index, type.empty() ? "" : " (" + type + ")");
}

Written read_layer(json::Reader& in, std::size_t index) {
  Written layer;
  layer.place = in.place();
  in.object([&](const std::string& key) {
    if (key == "type")
      layer.type = in.string();
    else if (key == "activation")
      layer.activation = in.string();
    else if (key == "shape")
      layer.units = read_last_size(in, title(index, layer.type) + ": shape");
    else if (key == "weights")
      in.array([&] {
        const std::string what =
            detail::message(title(index, layer.type), ": weights ", layer.weights.size());
        layer.weights.push_back(read_nested(in, what));
      });
    else
      in.value(key);  // such as the kernel_size of a layer that is refused later
  });
  return layer;
}

/// Puts one layer after the other into a file.
class Converter {
 public:
  Converter(const json::Reader& in, std::int64_t input_size, StateFile& file)
      : in_(in), before_(input_size), file_(file) {}

  void convert(const Written& layer) {
    from_ = &layer;
    check(layer.units != 0, "expected a shape");
    const std::string& type = layer.type;
    if (type == "dense" || type == "time-distributed-dense")
      dense();
    else if (type == "lstm")
      lstm();
    else if (type == "gru")
      gru();
    else if (type == "activation")
      activation();
    else
      check(false, "this type is not supported; expected dense, time-distributed-dense, lstm, ",
            "gru or activation");
    ++count_;
  }

  const std::vector<SequenceLayer>& layers() const { return layers_; }

 private:
  template <class... Parts>
  void check(bool condition, const Parts&... parts) const {
    if (!condition) in_.fail(from_->place, title(count_, from_->type), ": ", parts...);
  }
  const Tensor& weights(std::size_t i) const { return from_->weights[i]; }
  /// Whether there is a bias behind so many kernels.
  bool check_count(std::size_t kernels, const char* names) const {
    const std::size_t found = from_->weights.size();
    check(found == kernels || found == kernels + 1, "expected the weights ", names, ", found ",
          found, " lists");
    return found > kernels;
  }
  void check_shape(std::size_t i, const char* name, const Dims& expected) const {
    check(weights(i).sizes() == IntArrayRef(expected), name, ": expected shape ", expected,
          " for the ", from_->units, " units of \"shape\" and ", before_, " inputs, found ",
          weights(i).sizes());
  }

  void add(SequenceLayerType type, bool bias) {
    SequenceLayer layer;
    layer.type = type;
    layer.name = "layer" + std::to_string(layers_.size());
    layer.input_size = before_;
    layer.output_size = from_->units;
    layer.bias = bias;
    layers_.push_back(layer);
    before_ = from_->units;
  }
  void put(const char* name, const Tensor& tensor) {
    file_.tensors.insert(join(layers_.back().name, name), tensor);
  }
  void set_activation() {
    check(activation_from_name(from_->activation, layers_.back().activation),
          "unknown activation '", from_->activation,
          "'; expected tanh, relu, sigmoid, softmax, elu or none");
  }
  void check_recurrent_activation() const {
    check(from_->activation.empty() || from_->activation == "tanh",
          "expected the activation tanh, found '", from_->activation, "'");
  }

  void dense() {
    const bool bias = check_count(1, "kernel and bias");
    check_shape(0, "kernel", {before_, from_->units});
    if (bias) check_shape(1, "bias", {from_->units});
    add(SequenceLayerType::Linear, bias);
    put("weight", turned(weights(0)));
    if (bias) put("bias", weights(1));
    set_activation();
  }
  void lstm() {
    check_recurrent_activation();
    const bool bias = check_count(2, "kernel, recurrent kernel and bias");
    const std::int64_t units = from_->units;
    check_shape(0, "kernel", {before_, 4 * units});
    check_shape(1, "recurrent kernel", {units, 4 * units});
    if (bias) check_shape(2, "bias", {4 * units});
    add(SequenceLayerType::LSTM, bias);
    put("weight_ih_l0", turned(weights(0)));
    put("weight_hh_l0", turned(weights(1)));
    if (!bias) return;
    put("bias_ih_l0", weights(2));
    put("bias_hh_l0", zeros_like(weights(2)));
  }
  void gru() {
    check_recurrent_activation();
    const bool bias = check_count(2, "kernel, recurrent kernel and bias");
    const std::int64_t units = from_->units;
    check_shape(0, "kernel", {before_, 3 * units});
    check_shape(1, "recurrent kernel", {units, 3 * units});
    if (bias) {
      check(weights(2).dim() != 1, "a bias with one row is that of a GRU that resets the state ",
            "before its product (reset_after=False), which is not supported");
      check_shape(2, "bias", {2, 3 * units});
    }
    add(SequenceLayerType::GRU, bias);
    put("weight_ih_l0", swapped_gates(turned(weights(0))));
    put("weight_hh_l0", swapped_gates(turned(weights(1))));
    if (!bias) return;
    put("bias_ih_l0", swapped_gates(weights(2).select(0, 0)));
    put("bias_hh_l0", swapped_gates(weights(2).select(0, 1)));
  }
  void activation() {
    check(from_->weights.empty(), "expected no weights, found ", from_->weights.size(), " lists");
    check(!layers_.empty() && layers_.back().activation == SequenceActivation::None,
          "an activation must follow a layer that has none");
    check(from_->units == before_, "expected ", before_, " features, found ", from_->units);
    set_activation();
  }

  const json::Reader& in_;
  const Written* from_ = nullptr;
  std::int64_t before_;  // the features that the layer gets
  StateFile& file_;
  std::size_t count_ = 0;
  std::vector<SequenceLayer> layers_;
};

/// Gains in dB that AIDA-X applies around a model.
void check_gain(json::Reader& in, const std::string& key) {
  const auto place = in.place();
  if (in.real() != 0)
    in.fail(place, "'", key, "' is not 0: gains around a model are not supported");
}

std::string shape_text(std::int64_t units) {
  return detail::message("\"shape\":[null,null,", units, "]");
}

class LayerWriter {
 public:
  explicit LayerWriter(json::Writer& out) : out_(out) {}

  void begin(const char* type, const char* activation, std::int64_t units) {
    out_.text(detail::message(separator_, "{\"type\":\"", type, "\",\"activation\":\"", activation,
                              "\",", shape_text(units), ",\"weights\":["));
    separator_ = ",\n";
    next_ = "\n";
  }
  void weights(const Tensor& tensor, const std::string& name) {
    out_.text(next_);
    write_nested(out_, tensor, name);
    next_ = ",\n";
  }
  void end() { out_.text("]}"); }

 private:
  json::Writer& out_;
  const char* separator_ = "\n";
  const char* next_ = "";
};

void write_cell(LayerWriter& out, const Cell& cell) {
  const bool gru = cell.type == SequenceLayerType::GRU;
  if (cell.type == SequenceLayerType::RNN)
    refuse(cell.label + ": RTNeural's layout has LSTM and GRU, but no plain RNN");
  const auto ordered = [gru](const Tensor& rows) { return gru ? swapped_gates(rows) : rows; };
  out.begin(gru ? "gru" : "lstm", "tanh", cell.hidden_size);
  out.weights(turned(ordered(cell.weight_ih)), cell.label + ": weight_ih");
  out.weights(turned(ordered(cell.weight_hh)), cell.label + ": weight_hh");
  out.weights(
      gru ? stack({ordered(cell.bias_ih), ordered(cell.bias_hh)}) : cell.bias_ih + cell.bias_hh,
      cell.label + ": bias");
  out.end();
}

}  // namespace

StateFile read_rtneural(json::Reader& in, const std::string& source) {
  StateFile file = module_file(source);
  SequenceModelOptions options;
  std::vector<Written> layers;
  std::int64_t input_size = 0;
  const auto start = in.place();
  in.object([&](const std::string& key) {
    if (key == "in_shape")
      input_size = read_last_size(in, key);
    else if (key == "layers")
      in.array([&] { layers.push_back(read_layer(in, layers.size())); });
    else if (key == "in_skip")
      options.skip = read_size(in, key, 0, 1);
    else if (key == "in_gain" || key == "out_gain")
      check_gain(in, key);
    else
      read_note(in, key, file.metadata);
  });
  in.finish();
  if (input_size == 0) in.fail(start, "no key 'in_shape'");
  if (layers.empty()) in.fail(start, "expected at least one layer, found none");
  Converter converter(in, input_size, file);
  for (const Written& layer : layers) converter.convert(layer);
  options.layers = converter.layers();
  describe(file, options);
  return file;
}

void write_rtneural(json::Writer& out, const Source& source) {
  refuse_start_state(source, "RTNeural's layout");
  if (source.model.skip > 1)
    refuse(detail::message("RTNeural's layout can add one input to the output, not ",
                           source.model.skip));
  const auto& layers = source.model.layers;
  // First what the layout is known by: a note may have any name.
  out.text(detail::message("{\"in_shape\":[null,null,", layers.front().input_size, "],\n"));
  write_notes(out, source.file, {"in_shape", "layers", "in_skip", "in_gain", "out_gain"});
  if (source.model.skip == 1) out.text("\"in_skip\":1,\n");
  out.text("\"layers\":[");
  LayerWriter writer(out);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const SequenceLayer& layer = layers[i];
    const char* activation = activation_name(layer.activation);
    if (layer.recurrent()) {
      for (const Cell& cell : cells(source, i)) write_cell(writer, cell);
      if (layer.activation == SequenceActivation::None) continue;
      writer.begin("activation", activation, layer.output_size);
      writer.end();
      continue;
    }
    writer.begin("dense", activation, layer.output_size);
    const Tensor weight = tensor_of(source.file, layer, "weight");
    writer.weights(turned(weight), label(i, layer) + ": weight");
    writer.weights(layer.bias ? tensor_of(source.file, layer, "bias")
                              : zeros({layer.output_size}, weight.scalar_type()),
                   label(i, layer) + ": bias");
    writer.end();
  }
  out.text("\n]}\n");
}

}  // namespace interchange
}  // namespace reel
