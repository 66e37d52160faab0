// StateFile: what one model file holds, whatever its format. docs/format.md describes the formats.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../autograd/tensor.hpp"
#include "file_options.hpp"
#include "metadata.hpp"
#include "module.hpp"
#include "ordered_dict.hpp"

namespace reel {

class Generator;
namespace optim {
class Optimizer;
class LRScheduler;
}  // namespace optim

/// Something to be loaded from a part of a file; refers to it.
class Part {
 public:
  using Dict = std::vector<std::pair<std::string, Tensor>>;

  Part(std::string name, nn::Module& module);
  Part(std::string name, optim::Optimizer& optimizer);
  Part(std::string name, optim::LRScheduler& scheduler);
  Part(std::string name, Generator& generator);
  template <class M>
  Part(std::string name, const nn::ModuleHolder<M>& module)
      : Part(std::move(name), *module.ptr()) {}

 private:
  friend struct StateFile;
  std::string name_;
  /// Checks, adds what does not fit to the problems, and returns what puts the values in place.
  std::function<std::function<void()>(const Dict&, std::vector<std::string>&)> prepare_;
};

/// A sample of what a model computes, kept with it to be checked when it is loaded.
struct Probe {
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
};

/// What one file holds, and how several things share one:
///
///   StateFile file;                       StateFile file = StateFile::read("run.json");
///   file.put("model", model);             file.restore({{"model", model},
///   file.put("optimizer", optimizer);                   {"optimizer", optimizer}});
///   file.metadata.set("step", step);      step = file.metadata.get<std::int64_t>("step");
///   file.write("run.json");
struct StateFile {
  /// "module", "tensor", "tensors", "optimizer", "scheduler", "generator", "checkpoint", or a name
  /// of yours.
  std::string kind = "checkpoint";
  Metadata metadata;
  OrderedDict<std::string, Tensor> tensors{"Tensor"};
  std::optional<Probe> probe;

  /// Adds the tensors of a module or an optimizer as "{part}.{name}", sharing their memory. Throws
  /// Error where the part's name is empty, holds a dot or is taken.
  void put(const std::string& part, const nn::Module& module);
  void put(const std::string& part, const optim::Optimizer& optimizer);
  void put(const std::string& part, const optim::LRScheduler& scheduler);
  void put(const std::string& part, const Generator& generator);
  template <class M>
  void put(const std::string& part, const nn::ModuleHolder<M>& module) {
    put(part, *module.ptr());
  }
  /// The same for names and values of any kind: what a data loader's state_dict() returns, say.
  void put(const std::string& part, const Part::Dict& state) { put_part(part, state); }
  /// A part as names and values. Throws FileError where there is none.
  Part::Dict get(const std::string& part) const;
  /// Loads all parts, or none: throws FileError that lists every missing, unexpected and misshapen
  /// name in them. What else the file holds does not matter.
  void restore(const std::vector<Part>& parts) const;

  /// Renames tensors, as LoadOptions::rename and rename_prefix say. Throws FileError, and changes
  /// nothing, where two tensors would get one name or `names` has one that is not there.
  void rename(const LoadOptions::Names& names, const LoadOptions::Prefixes& prefixes = {});

  /// Replaces the file at `path`: it holds the old content or the new at any moment, whatever
  /// happens. Throws FileError with the system's reason; then the old content stays.
  void write(const std::string& path, const SaveOptions& options = {}) const;
  /// JSON where the options name no format. Not for what must be atomic.
  void write(std::ostream& stream, const SaveOptions& options = {}) const;
  /// Any of the formats. Throws FileError, with the byte and the reason, for anything but a
  /// complete and valid file. Of the options, `rename`, `rename_prefix` and `max_expansion` count
  /// here. A stream is read to its end and kept in memory meanwhile.
  static StateFile read(const std::string& path, const LoadOptions& options = {});
  static StateFile read(std::istream& stream, const LoadOptions& options = {});

  /// Where it was read from, for messages.
  std::string source = "<memory>";
  /// How it was written, where it was read; Automatic otherwise.
  FileFormat format = FileFormat::Automatic;

 private:
  void put_part(const std::string& part, const Part::Dict& dict);
};

}  // namespace reel
