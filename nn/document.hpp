// The document of docs/format.md in each of its formats. Private to the library.
#pragma once

#include "file_input.hpp"
#include "file_output.hpp"
#include "json_reader.hpp"
#include "state_file.hpp"
#include "stored_tensor.hpp"

namespace reel {
namespace files {

constexpr const char* kFormatWord = "reel";
/// Version 2 has second names; a file without any is written as version 1.
constexpr std::int64_t kNewestVersion = 2;

/// Reads a whole file, whatever its format. Throws FileError.
StateFile read_document(Input& in);
StateFile read_safetensors(Input& in);

void write_json(const StateFile& file, const SaveOptions& options, const Sink& sink);
/// Cbor or MessagePack.
void write_binary(const StateFile& file, FileFormat format, const SaveOptions& options,
                  const Sink& sink);
void write_safetensors(const StateFile& file, const SaveOptions& options, const Sink& sink);

// ---- what the formats share

using NamedTensors = OrderedDict<std::string, Tensor>;

/// A tensor of these sizes may be made of a file: at most 64 sizes of at least 0, whose product
/// does not overflow. Adds one size at a time. Returns what is wrong, or an empty text.
class ShapeBuilder {
 public:
  std::string add(std::int64_t size);
  const Dims& shape() const { return shape_; }

 private:
  Dims shape_;
  std::uint64_t count_ = 1;
};
template <class Reader>
Dims read_shape(Reader& in) {
  ShapeBuilder shape;
  in.array([&] {
    const auto place = in.place();
    const std::string wrong = shape.add(in.integer());
    if (!wrong.empty()) in.fail(place, wrong);
  });
  return shape.shape();
}

/// What a file says instead of values: `name` is another name of the tensor `first`.
struct SecondName {
  std::string name, first;
  std::uint64_t place = 0;
};
/// Gives the tensors of second names, undefined so far, their values. Throws FileError where the
/// first name is not that of a tensor with values in the file.
template <class Reader>
void share(const Reader& in, NamedTensors& tensors, const std::vector<SecondName>& seconds) {
  std::vector<Tensor> found;
  for (const SecondName& second : seconds) {
    const Tensor* first = tensors.find(second.first);
    if (first == nullptr || !first->defined())
      in.fail(second.place, "tensor '", second.name, "' is the same as '", second.first,
              "': expected the name of a tensor with values, found ",
              first == nullptr ? "no tensor of that name" : "another that has none of its own");
    found.push_back(*first);
  }
  for (std::size_t i = 0; i < seconds.size(); ++i) tensors[seconds[i].name] = found[i];
}

/// "input.0", "output.0", ... and back; the second returns what is wrong with the names, or an
/// empty text.
NamedTensors probe_tensors(const Probe& probe);
std::string probe_from(const NamedTensors& tensors, std::optional<Probe>& probe);

/// `text` as JSON; `what` is what a message calls it. Throws FileError where it is not UTF-8.
std::string quoted(const char* what, const std::string& text);
/// The values as they are written: without history, contiguous. Throws FileError where undefined.
Tensor saved_values(const std::string& name, const Tensor& tensor);
/// {"key":value,...} of all metadata.
std::string metadata_json(const Metadata& metadata);
/// The oldest version that has what the file holds.
std::int64_t version_of(const StateFile& file);

}  // namespace files
}  // namespace reel
