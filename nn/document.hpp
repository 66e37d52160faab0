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
constexpr std::int64_t kVersion = 1;

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
/// Checks an object's member that reel writes first. Throws FileError.
template <class Reader>
void check_version(const Reader& in, std::uint64_t place, std::int64_t version) {
  if (version != kVersion)
    in.fail(place, "format_version is ", version, ", this reel reads ", kVersion,
            version > kVersion ? "; it was written by a newer reel" : "");
}

}  // namespace files
}  // namespace reel
