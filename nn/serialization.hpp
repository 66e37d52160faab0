// Saving and loading as JSON files. docs/format.md describes the format.
//
//   reel::save(model, "model.json");     reel::load(model, "model.json");
//
// takes modules and their holders, tensors, vectors of tensors, optimizers, learning rate schedules
// and random generators. StateFile is such a file in memory, and keeps several of them together.
#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../autograd/tensor.hpp"
#include "module.hpp"
#include "ordered_dict.hpp"

namespace reel {

class Generator;
namespace optim {
class Optimizer;
class LRScheduler;
}  // namespace optim

/// The free part of a file: values by key, kept as JSON text.
class Metadata {
 public:
  /// T is bool, std::int64_t, double, std::string, or a vector of one of the last three. Throws
  /// FileError where a number is not finite or a text is not UTF-8 (keep bytes as a vector of
  /// integers).
  template <class T>
  void set(const std::string& key, const T& value) {
    if constexpr (std::is_convertible_v<const T&, std::string>)
      set_value<std::string>(key, value);
    else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
      set_value<std::int64_t>(key, static_cast<std::int64_t>(value));
    else if constexpr (std::is_floating_point_v<T>)
      set_value<double>(key, static_cast<double>(value));
    else
      set_value<T>(key, value);
  }
  /// For the same types. Throws FileError where there is no such key or it holds something else.
  template <class T>
  T get(const std::string& key) const;
  bool contains(const std::string& key) const { return values_.count(key) != 0; }
  void erase(const std::string& key) { values_.erase(key); }

  /// Any JSON value as its text. Throws FileError unless `text` is one.
  void set_json(const std::string& key, const std::string& text);
  /// Throws FileError where there is no such key.
  const std::string& json(const std::string& key) const;
  const std::map<std::string, std::string>& values() const { return values_; }

 private:
  template <class T>
  void set_value(const std::string& key, const T& value);

  std::map<std::string, std::string> values_;
};

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

  /// Replaces the file at `path`: it holds the old content or the new at any moment, whatever
  /// happens. Throws FileError with the system's reason; then the old content stays.
  void write(const std::string& path) const;
  void write(std::ostream& stream) const;
  /// Throws FileError, with the byte and the reason, for anything but a complete and valid file.
  static StateFile read(const std::string& path);
  static StateFile read(std::istream& stream);

  /// Where it was read from, for messages.
  std::string source = "<memory>";

 private:
  void put_part(const std::string& part, const Part::Dict& dict);
};

// ---- a file of one thing. from_file changes nothing where it throws.

StateFile to_file(const Tensor& tensor);
StateFile to_file(const std::vector<Tensor>& tensors);
StateFile to_file(const nn::Module& module);
StateFile to_file(const optim::Optimizer& optimizer);
StateFile to_file(const optim::LRScheduler& scheduler);
StateFile to_file(const Generator& generator);
/// Puts the file's tensor in place of the handle's; it does not require a gradient.
void from_file(const StateFile& file, Tensor& tensor);
/// Appends the file's tensors, as libtorch does; they do not require gradients.
void from_file(const StateFile& file, std::vector<Tensor>& tensors);
/// Copies the values into the module's own tensors. Throws FileError that lists every missing,
/// unexpected and misshapen name.
void from_file(const StateFile& file, nn::Module& module);
void from_file(const StateFile& file, optim::Optimizer& optimizer);
void from_file(const StateFile& file, optim::LRScheduler& scheduler);
void from_file(const StateFile& file, Generator& generator);

namespace detail {
template <class T>
struct is_shared_ptr : std::false_type {};
template <class T>
struct is_shared_ptr<std::shared_ptr<T>> : std::true_type {};

/// What a holder or a pointer to a module refers to; anything else is itself.
template <class T>
auto& contents(T& value) {
  if constexpr (nn::detail::is_module_holder_v<T>) {
    return *value.ptr();
  } else if constexpr (is_shared_ptr<std::remove_const_t<T>>::value) {
    static_assert(std::is_base_of_v<nn::Module, typename T::element_type>,
                  "only pointers to modules can be saved and loaded");
    check(value != nullptr, "[save/load] the pointer to the module is null");
    return *value;
  } else {
    return value;
  }
}
}  // namespace detail

/// Writes `value` to a file (atomically, see StateFile::write) or a stream.
/// https://pytorch.org/cppdocs/frontend.html
template <class Value>
void save(const Value& value, const std::string& path) {
  to_file(detail::contents(value)).write(path);
}
template <class Value>
void save(const Value& value, std::ostream& stream) {
  to_file(detail::contents(value)).write(stream);
}
inline void save(const std::vector<Tensor>& tensors, const std::string& path) {
  to_file(tensors).write(path);
}
inline void save(const std::vector<Tensor>& tensors, std::ostream& stream) {
  to_file(tensors).write(stream);
}

/// Reads `value` from a file or a stream. Throws FileError where that is not a valid file of this
/// kind of thing or does not fit `value`, which then has not changed.
template <class Value>
void load(Value& value, const std::string& path, Device = Device()) {
  from_file(StateFile::read(path), detail::contents(value));
}
template <class Value>
void load(Value& value, std::istream& stream, Device = Device()) {
  from_file(StateFile::read(stream), detail::contents(value));
}

}  // namespace reel
