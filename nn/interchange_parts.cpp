#include "interchange_parts.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "autograd/ops/ops.hpp"
#include "json_text.hpp"

namespace reel {
namespace interchange {

using nn::SequenceActivation;
using nn::SequenceLayer;
using nn::SequenceLayerType;

namespace {

constexpr std::pair<const char*, SequenceActivation> kActivations[] = {
    {"", SequenceActivation::None},           {"linear", SequenceActivation::None},
    {"tanh", SequenceActivation::Tanh},       {"relu", SequenceActivation::ReLU},
    {"sigmoid", SequenceActivation::Sigmoid}, {"softmax", SequenceActivation::Softmax},
    {"elu", SequenceActivation::ELU}};

/// Most dimensions of a nested list: no layer has more than two.
constexpr std::size_t kMostDims = 8;

class NestedReader {
 public:
  NestedReader(json::Reader& in, const std::string& what) : in_(in), what_(what) {}

  Tensor read() {
    value(0);
    const Tensor tensor = empty(shape_, kFloat32);
    std::copy(values_.begin(), values_.end(), tensor.data_ptr<float>());
    return tensor;
  }

 private:
  // A list of lists at every depth but the last, which the first way down finds.
  void value(std::size_t depth) {
    const auto place = in_.place();
    const bool list = in_.next() == '[';
    if (!bottom_known_) {
      if (!list) {
        bottom_known_ = true;
      } else {
        if (depth == kMostDims)
          in_.fail(place, what_, ": lists nested more than ", kMostDims, " deep");
        shape_.push_back(kUnknown);
      }
    }
    if (!list) {
      if (depth != shape_.size())
        in_.fail(place, what_, ": expected a list, as in the ones before, found no list");
      values_.push_back(in_.real32());
      return;
    }
    if (depth == shape_.size())
      in_.fail(place, what_, ": expected a number, as in the lists before, found a list");
    std::int64_t count = 0;
    in_.array([&] {
      value(depth + 1);
      ++count;
    });
    // An empty list ends the way down.
    bottom_known_ = true;
    if (shape_[depth] == kUnknown) shape_[depth] = count;
    if (shape_[depth] != count)
      in_.fail(place, what_, ": expected ", shape_[depth],
               " entries, as in the lists before, found ", count);
  }

  static constexpr std::int64_t kUnknown = -1;
  json::Reader& in_;
  const std::string& what_;
  bool bottom_known_ = false;
  Dims shape_;
  std::vector<float> values_;
};

Tensor plain(const Tensor& t) { return t.detach().contiguous(); }

template <class Visit>
void each_finite(const Tensor& tensor, const std::string& name, Visit visit) {
  const Tensor flat = plain(tensor);
  dispatch(flat.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* data = flat.data_ptr<T>();
    if constexpr (std::is_floating_point_v<T>)
      for (std::int64_t i = 0; i < flat.numel(); ++i)
        if (!std::isfinite(data[i]))
          refuse("tensor '" + name + "' has a value that is not finite, which this layout has " +
                 "no number for");
    visit(data);
  });
}

template <class T>
void write_rows(json::Writer& out, const T* data, IntArrayRef sizes, std::size_t dim) {
  if (dim + 1 >= sizes.size()) {
    out.numbers(data, sizes.empty() ? 1 : sizes[dim]);
    return;
  }
  std::int64_t step = 1;
  for (std::size_t d = dim + 1; d < sizes.size(); ++d) step *= sizes[d];
  out.text("[");
  for (std::int64_t i = 0; i < sizes[dim]; ++i) {
    if (i != 0) out.text(",");
    write_rows(out, data + i * step, sizes, dim + 1);
  }
  out.text("]");
}

}  // namespace

const char* activation_name(SequenceActivation activation) {
  for (const auto& [name, value] : kActivations)
    if (value == activation) return name;
  return "";
}
bool activation_from_name(const std::string& name, SequenceActivation& activation) {
  for (const auto& [known, value] : kActivations)
    if (name == known) return activation = value, true;
  return false;
}

Tensor read_nested(json::Reader& in, const std::string& what) {
  return NestedReader(in, what).read();
}

std::int64_t read_size(json::Reader& in, const std::string& what, std::int64_t least,
                       std::int64_t most) {
  const auto place = in.place();
  const std::int64_t value = in.integer();
  if (value < least || value > most)
    in.fail(place, what, ": expected ", least, " to ", most, ", found ", value);
  return value;
}

void read_note(json::Reader& in, const std::string& key, Metadata& metadata) {
  metadata.set_json(key, in.value("'" + key + "'"));
}

StateFile module_file(const std::string& source) {
  StateFile file;
  file.kind = "module";
  file.source = source;
  return file;
}

void refuse(const std::string& reason) { throw Refusal{reason}; }

void refuse_start_state(const Source& source, const char* layout) {
  if (source.drop_start_state) return;
  for (std::size_t i = 0; i < source.model.layers.size(); ++i) {
    const SequenceLayer& layer = source.model.layers[i];
    if (!layer.start_state) continue;
    for (const char* name : {"h_0", "c_0"}) {
      if (*name == 'c' && layer.type != SequenceLayerType::LSTM) continue;
      if (tensor_of(source.file, layer, name).ne(0).any().item<bool>())
        refuse(label(i, layer) + " starts from a state that is not zero, which " + layout +
               " has no place for; drop the start state to write the rest");
    }
  }
}

std::vector<Cell> cells(const Source& source, std::size_t index) {
  const SequenceLayer& layer = source.model.layers[index];
  const auto get = [&](const char* name, std::int64_t level) {
    return tensor_of(source.file, layer, name + std::to_string(level));
  };
  std::vector<Cell> all;
  for (std::int64_t k = 0; k < layer.num_layers; ++k) {
    Cell cell;
    cell.type = layer.type;
    cell.label = label(index, layer);
    cell.input_size = k == 0 ? layer.input_size : layer.output_size;
    cell.hidden_size = layer.output_size;
    cell.weight_ih = get("weight_ih_l", k);
    cell.weight_hh = get("weight_hh_l", k);
    const Tensor none = zeros({cell.weight_hh.size(0)}, cell.weight_hh.scalar_type());
    cell.bias_ih = layer.bias ? get("bias_ih_l", k) : none;
    cell.bias_hh = layer.bias ? get("bias_hh_l", k) : none;
    const auto state = [&](const char* name) {
      if (!layer.start_state || (*name == 'c' && layer.type != SequenceLayerType::LSTM))
        return zeros({1, layer.output_size}, cell.weight_hh.scalar_type());
      return plain(tensor_of(source.file, layer, name).select(0, k));
    };
    cell.h_0 = state("h_0");
    cell.c_0 = state("c_0");
    all.push_back(std::move(cell));
  }
  return all;
}

StackAndHead stack_and_head(const Source& source, const char* layout) {
  const auto& layers = source.model.layers;
  const auto need = [&](bool condition, std::size_t i, const std::string& why) {
    if (!condition)
      refuse(std::string(layout) + " holds recurrent layers of one kind and size with a linear " +
             "one behind, and no more, but " + label(i, layers[i]) + " " + why);
  };
  StackAndHead all;
  const std::size_t last = layers.size() - 1;
  for (std::size_t i = 0; i <= last; ++i) {
    const SequenceLayer& layer = layers[i];
    need(layer.recurrent() == (i != last), i,
         i == last ? "is the last one" : "is not the last one");
    need(layer.activation == SequenceActivation::None, i,
         std::string("has the activation ") + activation_name(layer.activation));
    if (i == last) break;
    need(layer.type == layers[0].type && layer.output_size == layers[0].output_size, i,
         "differs from the first");
    need(!layer.relu, i, "has relu in the place of tanh");
    for (Cell& cell : cells(source, i)) all.cells.push_back(std::move(cell));
  }
  need(last > 0, last, "stands alone");
  const SequenceLayer& head = layers[last];
  all.weight = tensor_of(source.file, head, "weight");
  all.bias = head.bias ? tensor_of(source.file, head, "bias")
                       : zeros({head.output_size}, all.weight.scalar_type());
  return all;
}

void write_nested(json::Writer& out, const Tensor& tensor, const std::string& name) {
  each_finite(tensor, name, [&](const auto* data) {
    if (tensor.dim() != 0) return write_rows(out, data, tensor.sizes(), 0);
    // A number alone: a list of one without its brackets.
    std::string list;
    json::Writer one([&list](const char* text, std::size_t size) { list.append(text, size); });
    one.numbers(data, 1);
    one.finish();
    out.text(list.substr(1, list.size() - 2));
  });
}

void write_notes(json::Writer& out, const StateFile& file, const std::vector<std::string>& but) {
  for (const auto& [key, text] : file.metadata.values())
    if (key != "sequence_model" && std::find(but.begin(), but.end(), key) == but.end())
      out.text(json::quote(key) + ":" + text + ",\n");
}

Tensor swapped_gates(const Tensor& rows) {
  const auto blocks = rows.chunk(3, 0);
  return cat({blocks[1], blocks[0], blocks[2]}, 0);
}

}  // namespace interchange
}  // namespace reel
