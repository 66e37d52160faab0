// What the fuzzers of reel's own formats share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "nn/document.hpp"

namespace reel::fuzz {

[[noreturn]] inline void report(const std::string& what) {
  std::cerr << "fuzzer: " << what << '\n';
  std::abort();
}

class Bytes : public files::Source {
 public:
  explicit Bytes(std::string bytes) : bytes_(std::move(bytes)) {}
  std::size_t read(char* into, std::size_t most) override {
    const std::size_t size = bytes_.copy(into, most, done_);
    done_ += size;
    return size;
  }
  std::uint64_t left() const override { return bytes_.size() - done_; }

 private:
  std::string bytes_;
  std::size_t done_ = 0;
};

/// The document in `bytes`, or nothing and the reason.
inline std::optional<StateFile> read(std::unique_ptr<files::Source> source, std::size_t window,
                                     std::string& reason) {
  try {
    files::Input in(std::move(source), "file", 0, window);
    return files::read_document(in);
  } catch (const FileError& error) {
    reason = error.what();
    return std::nullopt;
  }
}

inline std::string written(const StateFile& file, FileFormat format) {
  std::ostringstream out;
  file.write(out, SaveOptions().format(format));
  return out.str();
}

/// One text for documents that are the same: numbers in metadata may be spelled in several ways,
/// which CBOR forgets, and NaNs have several bit patterns, which JSON forgets.
inline std::string canonical(const StateFile& file) {
  std::istringstream stream(written(file, FileFormat::Cbor));
  return written(StateFile::read(stream), FileFormat::Json);
}

/// The tensors by name: safetensors puts second names behind the others.
inline StateFile sorted(StateFile file) {
  std::map<std::string, Tensor> tensors;
  for (const auto& item : file.tensors) tensors.emplace(item.key(), item.value());
  file.tensors.clear();
  for (const auto& [name, tensor] : tensors) file.tensors.insert(name, tensor);
  return file;
}

/// Names that safetensors has no place for, or, as second names, values of their own.
inline bool is_taken(const std::string& name) {
  return name.rfind("__", 0) == 0 || name == "format" || name == "format_version" ||
         name == "kind" || name == "metadata";
}

/// Reads the bytes through a wide window and a narrow one; both must say the same. What was read
/// must come back from every format as it was. 0: worth keeping; -1: of another format.
inline int run_document(const std::uint8_t* data, std::size_t size, FileFormat format) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  std::string reason, other_reason;
  const auto file = read(std::make_unique<Bytes>(bytes), std::size_t{1} << 18, reason);
  const auto other = read(std::make_unique<Bytes>(bytes), 1, other_reason);
  if (file.has_value() != other.has_value() || reason != other_reason)
    report("the window's size matters: '" + reason + "' and '" + other_reason + "'");
  if (!file) {
    if (reason.rfind("[load] file", 0) != 0 || reason.find(": byte ") == std::string::npos)
      report("no place in: " + reason);
    return 0;
  }
  if (file->format != format) return -1;
  const std::string text = canonical(*file), sorted_text = canonical(sorted(*file));
  for (const FileFormat way : {format, FileFormat::Json, FileFormat::Cbor, FileFormat::MessagePack,
                               FileFormat::Safetensors}) {
    const bool any_order = way == FileFormat::Safetensors;
    bool taken = false;
    for (const auto& item : file->tensors) taken = taken || is_taken(item.key());
    if (any_order && taken) continue;
    std::istringstream stream(written(*file, way));
    const StateFile back = StateFile::read(stream);
    if (any_order ? canonical(sorted(back)) != sorted_text : canonical(back) != text)
      report(std::string("another document came back from ") + format_name(way));
  }
  return 0;
}

}  // namespace reel::fuzz
