#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <utility>

#include "autograd/ops/creation.hpp"
#include "binary_reader.hpp"
#include "document.hpp"
#include "json_text.hpp"

namespace reel {
namespace files {

std::string ShapeBuilder::add(std::int64_t size) {
  constexpr std::size_t kMostDims = 64;
  if (size < 0) return detail::message("expected a size of at least 0, found ", size);
  if (shape_.size() == kMostDims) return detail::message("more than ", kMostDims, " dimensions");
  // Sizes of zero do not hide an absurd shape: strides are products too.
  if (__builtin_mul_overflow(count_, std::max<std::uint64_t>(static_cast<std::uint64_t>(size), 1),
                             &count_) ||
      count_ > std::uint64_t{1} << 60)
    return "the product of the sizes is out of range";
  shape_.push_back(size);
  return {};
}

NamedTensors probe_tensors(const Probe& probe) {
  NamedTensors named{"Tensor"};
  for (std::size_t i = 0; i < probe.inputs.size(); ++i)
    named.insert("input." + std::to_string(i), probe.inputs[i]);
  for (std::size_t i = 0; i < probe.outputs.size(); ++i)
    named.insert("output." + std::to_string(i), probe.outputs[i]);
  return named;
}

std::string probe_from(const NamedTensors& tensors, std::optional<Probe>& probe) {
  Probe found;
  for (const auto& [list, name] : {std::pair{&found.inputs, std::string("input.")},
                                   std::pair{&found.outputs, std::string("output.")}})
    while (const Tensor* tensor = tensors.find(name + std::to_string(list->size())))
      list->push_back(*tensor);
  if (found.outputs.empty() || found.inputs.size() + found.outputs.size() != tensors.size())
    return "a probe holds tensors input.0, input.1, ... and output.0, ..., and nothing else";
  probe = std::move(found);
  return {};
}

namespace {

/// What a tensor says of itself, as far as it was read.
struct Description {
  std::string name;
  std::optional<Stored> stored;
  std::optional<Dims> shape;
  std::uint64_t shape_place = 0;
};

/// Throws unless `least` bytes, which the values take, can follow: then a tensor may be made.
template <class Reader>
void check_room(Reader& in, const Description& tensor, std::uint64_t least) {
  if (least > in.left())
    in.fail(tensor.shape_place, "shape ", *tensor.shape, " has ", count_elements(*tensor.shape),
            " values, but only ", in.left(),
            in.folded()
                ? " bytes follow at most: the shape is wrong, or the file unfolds to more than "
                  "LoadOptions::max_expansion allows"
                : " bytes follow: the file was cut off or the shape is wrong");
}

/// Bytes of the values; a shape's product is at most 2^60.
std::uint64_t byte_count(const Description& tensor) {
  return static_cast<std::uint64_t>(count_elements(*tensor.shape)) * tensor.stored->size();
}

Tensor new_tensor(const Description& tensor) {
  return empty(*tensor.shape, TensorOptions(tensor.stored->dtype));
}

/// Rounds values that were read as float32 to the form that the file says they have.
void round_to_short(json::Reader& in, std::uint64_t place, const Tensor& tensor, Stored stored) {
  float* values = tensor.data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    const float rounded = float_of_short(short_of_float(values[i], stored.floats), stored.floats);
    if (std::isinf(rounded) && !std::isinf(values[i]))
      in.fail(place, "value ", i, ", ", values[i], ", is out of range for ", stored.name());
    values[i] = rounded;
  }
}

Tensor read_data(json::Reader& in, const Description& tensor) {
  const std::uint64_t place = in.place();
  const auto count = static_cast<std::uint64_t>(count_elements(*tensor.shape));
  if (in.next() == '"') {
    check_room(in, tensor, byte_count(tensor) / 3 * 4);
    const Tensor made = new_tensor(tensor);
    const char* wrong = read_bytes(made, *tensor.stored,
                                   [&](char* into, std::size_t size) { in.base64(into, size); });
    if (wrong != nullptr) in.fail(place, "tensor '", tensor.name, "': ", wrong);
    return made;
  }
  if (in.next() != '[') in.fail_found("'['");
  // A number takes at least two bytes, with its separator.
  check_room(in, tensor, count * 2 - std::min<std::uint64_t>(count, 1));
  const Tensor made = new_tensor(tensor);
  dispatch(tensor.stored->dtype, [&](auto tag) {
    in.numbers(made.data_ptr<typename decltype(tag)::type>(), static_cast<std::int64_t>(count));
  });
  if (tensor.stored->is_short()) round_to_short(in, place, made, *tensor.stored);
  return made;
}

Tensor read_data(BinaryReader& in, const Description& tensor) {
  const std::uint64_t place = in.place();
  const std::uint64_t found = in.bytes(), expected = byte_count(tensor);
  if (found != expected)
    in.fail(place, "shape ", *tensor.shape, " of ", tensor.stored->name(), " takes ", expected,
            " bytes, found ", found);
  const Tensor made = new_tensor(tensor);
  const char* wrong = read_bytes(
      made, *tensor.stored, [&](char* into, std::size_t size) { in.input().read(into, size); });
  if (wrong != nullptr) in.fail(place, "tensor '", tensor.name, "': ", wrong);
  return made;
}

/// Data that came before what it means: kept as it stands in the file.
std::string hold_data(json::Reader& in) { return std::string(in.skip()); }
std::string hold_data(BinaryReader& in) { return in.skip_bytes(); }
Tensor read_held(const json::Reader&, Input& held, const Description& tensor) {
  json::Reader in(held);
  return read_data(in, tensor);
}
Tensor read_held(const BinaryReader& outer, Input& held, const Description& tensor) {
  BinaryReader in(held, outer.format());
  return read_data(in, tensor);
}

/// A tensor with its values, or an undefined one and what `seconds` says of it.
template <class Reader>
Tensor read_tensor(Reader& in, const std::string& name, std::vector<SecondName>& seconds) {
  const std::uint64_t start = in.place();
  Description tensor;
  tensor.name = name;
  Tensor made;
  std::optional<std::string> held;
  std::uint64_t held_place = 0;
  std::optional<std::string> first;
  in.object([&](const std::string& key) {
    const std::uint64_t place = in.place();
    if (key == "same_as") {
      first = in.string();
      seconds.push_back({name, *first, place});
    } else if (key == "dtype") {
      const std::string text = in.string();
      tensor.stored = stored_from_name(text);
      if (!tensor.stored) in.fail(place, "unknown dtype '", text, "' of tensor '", name, "'");
    } else if (key == "shape") {
      tensor.shape_place = place;
      tensor.shape = read_shape(in);
    } else if (key == "data") {
      held_place = place;
      if (tensor.stored && tensor.shape)
        made = read_data(in, tensor);
      else
        held = hold_data(in);
    } else {
      in.fail(place, "unknown key '", key, "' in tensor '", name,
              "'; expected dtype, shape and data, or same_as");
    }
  });
  if (first) {
    if (tensor.stored || tensor.shape || made.defined() || held)
      in.fail(start, "tensor '", name, "' is the same as '", *first,
              "' and has a dtype, a shape or data beside that; expected one or the other");
    return Tensor();
  }
  for (const auto& [key, found] :
       {std::pair{"dtype", tensor.stored.has_value()}, std::pair{"shape", tensor.shape.has_value()},
        std::pair{"data", made.defined() || held}})
    if (!found) in.fail(start, "tensor '", name, "' has no ", key);
  if (!held) return made;
  Input kept(*held, in.name(), held_place);
  held.reset();
  return read_held(in, kept, tensor);
}

/// `second_name`: where the first one of the file stands, if any does.
template <class Reader>
void read_tensors(Reader& in, NamedTensors& tensors, std::optional<std::uint64_t>& second_name) {
  std::vector<SecondName> seconds;
  in.object([&](const std::string& name) { return !tensors.contains(name); },
            [&](const std::string& name) { tensors.insert(name, read_tensor(in, name, seconds)); });
  share(in, tensors, seconds);
  if (!second_name && !seconds.empty()) second_name = seconds.front().place;
}

template <class Reader>
StateFile read_members(Reader& in) {
  StateFile file;
  const std::uint64_t start = in.place();
  std::map<std::string, bool> seen;
  std::int64_t version = 0;
  std::optional<std::uint64_t> second_name;
  in.object([&](const std::string& key) {
    const std::uint64_t place = in.place();
    seen[key] = true;
    if (key == "format") {
      const std::string format = in.string();
      if (format != kFormatWord)
        in.fail(place, "unknown format '", format, "', expected '", kFormatWord, "'");
    } else if (key == "format_version") {
      version = in.integer();
      if (version < 1 || version > kNewestVersion)
        in.fail(place, "format_version is ", version, ", this reel reads 1 to ", kNewestVersion,
                version > kNewestVersion ? "; it was written by a newer reel" : "");
    } else if (key == "kind") {
      file.kind = in.string();
    } else if (key == "metadata") {
      in.object([&](const std::string& name) {
        file.metadata.set_json(name, in.value("metadata '" + name + "'"));
      });
    } else if (key == "probe") {
      NamedTensors tensors{"Tensor"};
      read_tensors(in, tensors, second_name);
      const std::string wrong = probe_from(tensors, file.probe);
      if (!wrong.empty()) in.fail(place, wrong);
    } else if (key == "tensors") {
      read_tensors(in, file.tensors, second_name);
    } else {
      in.fail(place, "unknown key '", key,
              "'; expected format, format_version, kind, metadata, probe and tensors");
    }
  });
  in.finish();
  for (const char* key : {"format", "format_version", "kind", "tensors"})
    if (!seen[key]) in.fail(start, "no key '", key, "': this is not a file that reel wrote");
  if (version == 1 && second_name)
    in.fail(*second_name, "same_as came with format_version 2, but the file has version ", version);
  return file;
}

/// By the first bytes. What is none of the others is taken for JSON, whose errors say what is
/// wrong.
FileFormat format_of_content(Input& in) {
  if (in.ensure(9)) {
    // A safetensors file: the header's length, under 4 GB, then the header.
    if (in.at[8] == '{' && std::memcmp(in.at + 4, "\0\0\0\0", 4) == 0)
      return FileFormat::Safetensors;
  }
  if (in.visible() == 0) return FileFormat::Json;
  const auto first = static_cast<std::uint8_t>(*in.at);
  if (first >= 0xa0 && first < 0xc0) return FileFormat::Cbor;
  if ((first >= 0x80 && first < 0x90) || first == 0xde || first == 0xdf)
    return FileFormat::MessagePack;
  return FileFormat::Json;
}

}  // namespace

StateFile read_document(Input& in) {
  const FileFormat format = format_of_content(in);
  StateFile file;
  if (format == FileFormat::Safetensors) {
    file = read_safetensors(in);
  } else if (format == FileFormat::Json) {
    json::Reader reader(in);
    file = read_members(reader);
  } else {
    BinaryReader reader(in, format);
    file = read_members(reader);
  }
  file.source = in.name();
  file.format = format == FileFormat::Json && in.folded() ? FileFormat::JsonGz : format;
  return file;
}

}  // namespace files
}  // namespace reel
