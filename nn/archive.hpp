// libtorch's archives, over files of reel's own format (docs/format.md).
//
//   serialize::OutputArchive archive;          serialize::InputArchive archive;
//   model->save(archive);                      archive.load_from("model.json");
//   archive.write("epoch", IValue(epoch));     model->load(archive);
//   archive.save_to("model.json");             IValue epoch; archive.read("epoch", epoch);
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "../autograd/ivalue.hpp"
#include "serialization.hpp"

namespace reel {
namespace serialize {

/// Named tensors and values, to be written to a file.
/// https://pytorch.org/cppdocs/api/classtorch_1_1serialize_1_1_output_archive.html
class OutputArchive {
 public:
  /// Each throws Error where the key is taken, or for a value that a file cannot hold: a list of
  /// tensors, or nothing.
  void write(const std::string& key, const Tensor& tensor, bool is_buffer = false);
  void write(const std::string& key, const IValue& value);
  /// Everything in `nested`, under "key.".
  void write(const std::string& key, const OutputArchive& nested);

  /// Throws as StateFile::write does.
  void save_to(const std::string& path) const;
  void save_to(std::ostream& stream) const;

 private:
  StateFile file_;
};

/// What such a file holds, or the part of it under one key.
/// https://pytorch.org/cppdocs/api/classtorch_1_1serialize_1_1_input_archive.html
class InputArchive {
 public:
  /// Throws as StateFile::read does.
  void load_from(const std::string& path, Device device = Device());
  void load_from(std::istream& stream, Device device = Device());

  /// Puts what is stored into the place of the argument. False, or FileError, where there is none.
  bool try_read(const std::string& key, Tensor& tensor, bool is_buffer = false) const;
  void read(const std::string& key, Tensor& tensor, bool is_buffer = false) const;
  bool try_read(const std::string& key, IValue& value) const;
  void read(const std::string& key, IValue& value) const;
  bool try_read(const std::string& key, InputArchive& nested) const;
  void read(const std::string& key, InputArchive& nested) const;
  /// The names at this level, those of nested archives without what is in them.
  std::vector<std::string> keys() const;

 private:
  const StateFile& file() const;
  void require(bool found, const std::string& key) const;

  std::shared_ptr<const StateFile> file_;
  std::string prefix_;
};

}  // namespace serialize
}  // namespace reel
