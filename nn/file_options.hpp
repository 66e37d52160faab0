// How files are written and read: formats, and the options of save() and load().
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "../autograd/arg.hpp"

namespace reel {

/// Ways to write the one document of docs/format.md.
enum class FileFormat {
  Automatic,    // saving: by the extension, JSON where that says nothing; loading: by the content
  Json,         // .json
  JsonGz,       // .json.gz: JSON compressed by zlib
  Cbor,         // .cbor: RFC 8949
  MessagePack,  // .msgpack: msgpack.org
  Safetensors,  // .safetensors: huggingface.co/docs/safetensors
};

/// "json", "json.gz", "cbor", "msgpack", "safetensors"; "automatic".
const char* format_name(FileFormat format);
/// By the extension, in any case of letters; Automatic where it is none of the above.
FileFormat format_of_path(const std::string& path);

/// How float32 values lie in a file. Both short forms are rounded to nearest even and read back as
/// float32; other dtypes are not touched.
enum class StoredFloats { Full, Float16, BFloat16 };

/// Options of save(): `reel::save(model, "model.json", reel::SaveOptions().base64(true))`.
struct SaveOptions {
  REEL_ARG(FileFormat, format) = FileFormat::Automatic;
  /// Saving throws FileError where a finite value is too large for Float16.
  REEL_ARG(StoredFloats, floats) = StoredFloats::Full;
  /// JSON only (saving in another format throws FileError): values as base64 of their bytes,
  /// which is half as long as decimals and read faster, but not for the eye.
  REEL_ARG(bool, base64) = false;
  /// Waits until the disk has the bytes. Without it the old file or the new one is found after a
  /// killed process, but not after a power cut.
  REEL_ARG(bool, sync) = true;
};

/// Options of load(): `reel::load(model, path, reel::LoadOptions().strict(false))`.
struct LoadOptions {
  using Names = std::map<std::string, std::string>;
  using Prefixes = std::vector<std::pair<std::string, std::string>>;

  /// Whether names that a module lacks, or that the file lacks, are errors. For modules only.
  REEL_ARG(bool, strict) = true;
  /// New names of tensors by their whole names in the file. Throws FileError where the file has no
  /// tensor of that name.
  REEL_ARG(Names, rename);
  /// Beginnings of names and what to put in their place: {"module.", ""} drops a prefix, {"",
  /// "rnn."} adds one. The first that fits a name is applied, once, to names that `rename` leaves.
  REEL_ARG(Prefixes, rename_prefix);
  /// Whether the file's probe, where it has one, is held against the loaded module.
  REEL_ARG(bool, verify_probe) = true;
  /// Largest allowed |difference| / max(1, |expected|) of a probe's output.
  REEL_ARG(double, probe_tolerance) = 1e-4;
  /// A compressed file may unfold to this many times its size, plus 64 MiB.
  REEL_ARG(std::int64_t, max_expansion) = 100;
};

}  // namespace reel
