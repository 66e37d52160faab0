// Saving and loading files. docs/format.md describes the formats.
//
//   reel::save(model, "model.json");     reel::load(model, "model.json");
//
// takes modules and their holders, tensors, vectors of tensors, state dictionaries, optimizers,
// learning rate schedules and random generators. The extension picks the format: .json, .json.gz,
// .cbor, .msgpack or .safetensors. StateFile is such a file in memory, and keeps several things
// together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "probe.hpp"
#include "state_file.hpp"

namespace reel {

// ---- a file of one thing. from_file changes nothing where it throws.

StateFile to_file(const Tensor& tensor);
StateFile to_file(const std::vector<Tensor>& tensors);
StateFile to_file(const OrderedDict<std::string, Tensor>& state_dict);
StateFile to_file(const nn::Module& module);
StateFile to_file(const optim::Optimizer& optimizer);
StateFile to_file(const optim::LRScheduler& scheduler);
StateFile to_file(const Generator& generator);
/// Puts the file's tensor in place of the handle's; it does not require a gradient.
void from_file(const StateFile& file, Tensor& tensor);
/// Appends the file's tensors, as libtorch does; they do not require gradients.
void from_file(const StateFile& file, std::vector<Tensor>& tensors);
/// Puts the tensors of a module's file in place of the dictionary's.
void from_file(const StateFile& file, OrderedDict<std::string, Tensor>& state_dict);
/// Copies the values into the module's own tensors. Throws FileError that lists every misshapen
/// and, where `strict`, every missing and unexpected name; otherwise returns these.
nn::IncompatibleKeys from_file(const StateFile& file, nn::Module& module, bool strict = true);
void from_file(const StateFile& file, optim::Optimizer& optimizer);
void from_file(const StateFile& file, optim::LRScheduler& scheduler);
void from_file(const StateFile& file, Generator& generator);

namespace detail {
template <class T>
struct is_shared_ptr : std::false_type {};
template <class T>
struct is_shared_ptr<std::shared_ptr<T>> : std::true_type {};

[[noreturn]] void refuse_null_module();

/// What a holder or a pointer to a module refers to; anything else is itself.
template <class T>
auto& contents(T& value) {
  if constexpr (nn::detail::is_module_holder_v<T>) {
    return *value.ptr();
  } else if constexpr (is_shared_ptr<std::remove_const_t<T>>::value) {
    static_assert(std::is_base_of_v<nn::Module, typename T::element_type>,
                  "only pointers to modules can be saved and loaded");
    if (!value) refuse_null_module();
    return *value;
  } else {
    return value;
  }
}

template <class Value>
nn::IncompatibleKeys load_from(const StateFile& file, Value& value, const LoadOptions& options) {
  if constexpr (std::is_base_of_v<nn::Module, Value>) {
    return load_module(file, value, options);
  } else {
    check(options.strict(), "[load] only modules can be loaded with strict(false)");
    from_file(file, value);
    return {};
  }
}
}  // namespace detail

/// Writes `value` to a file (atomically, see StateFile::write) or a stream.
/// https://pytorch.org/cppdocs/frontend.html
template <class Value>
void save(const Value& value, const std::string& path, const SaveOptions& options = {}) {
  to_file(detail::contents(value)).write(path, options);
}
template <class Value>
void save(const Value& value, std::ostream& stream, const SaveOptions& options = {}) {
  to_file(detail::contents(value)).write(stream, options);
}
inline void save(const std::vector<Tensor>& tensors, const std::string& path,
                 const SaveOptions& options = {}) {
  to_file(tensors).write(path, options);
}
inline void save(const std::vector<Tensor>& tensors, std::ostream& stream,
                 const SaveOptions& options = {}) {
  to_file(tensors).write(stream, options);
}

/// Reads `value` from a file or a stream. Throws FileError where that is not a valid file of this
/// kind of thing, does not fit `value`, or has a probe that the loaded module fails (checked where
/// the static type of the module has a `forward` for the probe's inputs). `value` has not changed
/// then. Returns what `strict(false)` let pass.
template <class Value>
nn::IncompatibleKeys load(Value& value, const std::string& path, const LoadOptions& options) {
  return detail::load_from(StateFile::read(path, options), detail::contents(value), options);
}
template <class Value>
nn::IncompatibleKeys load(Value& value, std::istream& stream, const LoadOptions& options) {
  return detail::load_from(StateFile::read(stream, options), detail::contents(value), options);
}
template <class Value>
void load(Value& value, const std::string& path, Device = Device()) {
  load(value, path, LoadOptions());
}
template <class Value>
void load(Value& value, std::istream& stream, Device = Device()) {
  load(value, stream, LoadOptions());
}

// ---- the same in memory, as libtorch has it

/// Takes the bytes of a file; what it returns does not matter.
using SaveFunction = std::function<std::size_t(const void* bytes, std::size_t size)>;
/// Copies up to `size` bytes from `position` on into `into` and returns how many.
using LoadFunction =
    std::function<std::size_t(std::uint64_t position, void* into, std::size_t size)>;

namespace detail {
void write_to(const SaveFunction& function, const StateFile& file);
StateFile read_from(const char* bytes, std::size_t size);
StateFile read_from(const LoadFunction& function, const std::function<std::size_t()>& size);
}  // namespace detail

/// Gives the function the bytes of a JSON file.
template <class Value>
void save(const Value& value, const SaveFunction& function) {
  detail::write_to(function, to_file(detail::contents(value)));
}
inline void save(const std::vector<Tensor>& tensors, const SaveFunction& function) {
  detail::write_to(function, to_file(tensors));
}
/// Reads a file of any of the formats. Throws as the other load() does, and FileError where
/// `function` returns fewer bytes than `size` promised.
template <class Value>
void load(Value& value, const char* bytes, std::size_t size) {
  detail::load_from(detail::read_from(bytes, size), detail::contents(value), LoadOptions());
}
template <class Value>
void load(Value& value, const LoadFunction& function, const std::function<std::size_t()>& size) {
  detail::load_from(detail::read_from(function, size), detail::contents(value), LoadOptions());
}

}  // namespace reel
