// Module: base of everything with parameters.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../autograd/tensor.hpp"
#include "any_value.hpp"
#include "module_holder.hpp"
#include "ordered_dict.hpp"

namespace reel {
namespace nn {

class Module;

namespace detail {
template <class T>
inline constexpr bool is_module_v = std::is_base_of_v<Module, std::decay_t<T>>;
}  // namespace detail

/// What load_state_dict left undone because of `strict = false`.
struct IncompatibleKeys {
  std::vector<std::string> missing_keys;     // names of the module that the dictionary lacks
  std::vector<std::string> unexpected_keys;  // names of the dictionary that the module lacks
};

/// Base of all modules: a tree of named parameters (tensors to be learnt), buffers (other tensors
/// that belong to the state) and submodules.
/// https://pytorch.org/docs/stable/generated/torch.nn.Module.html
class Module : public std::enable_shared_from_this<Module> {
 public:
  using ModuleApplyFunction = std::function<void(Module&)>;
  using ConstModuleApplyFunction = std::function<void(const Module&)>;
  using NamedModuleApplyFunction = std::function<void(const std::string&, Module&)>;
  using ConstNamedModuleApplyFunction = std::function<void(const std::string&, const Module&)>;
  using ModulePointerApplyFunction = std::function<void(const std::shared_ptr<Module>&)>;
  using NamedModulePointerApplyFunction =
      std::function<void(const std::string&, const std::shared_ptr<Module>&)>;

  Module() = default;
  explicit Module(std::string name) : name_(std::move(name)) {}
  Module(const Module&) = default;
  Module(Module&&) = default;
  Module& operator=(const Module&) = default;
  Module& operator=(Module&&) = default;
  virtual ~Module();

  /// The name given to the constructor, else the name of the module's type.
  std::string name() const;

  // ---- registration. A name must not be empty, hold a dot or be in use; Error otherwise.
  /// Makes `tensor` a parameter and returns it. An undefined tensor reserves the name (a module
  /// without bias). Throws AutogradError where the tensor is the result of a recorded operation.
  Tensor& register_parameter(std::string name, Tensor tensor, bool requires_grad = true);
  /// Makes `tensor` part of the state without learning it.
  Tensor& register_buffer(std::string name, Tensor tensor);
  /// Makes `module` a submodule and returns it. Throws Error for a null pointer or empty holder,
  /// and where the module would contain itself.
  template <class ModuleType>
  std::shared_ptr<ModuleType> register_module(std::string name,
                                              std::shared_ptr<ModuleType> module) {
    add_child(std::move(name), module);
    return module;
  }
  template <class ModuleType>
  std::shared_ptr<ModuleType> register_module(std::string name, ModuleHolder<ModuleType> holder) {
    return register_module(std::move(name), holder.is_empty() ? nullptr : holder.ptr());
  }
  /// Puts `module` in the place of the submodule `name`; assign the result to the member as well.
  /// Throws Error where no such submodule is registered.
  template <class ModuleType>
  std::shared_ptr<ModuleType> replace_module(const std::string& name,
                                             std::shared_ptr<ModuleType> module) {
    replace_child(name, module);
    return module;
  }
  template <class ModuleType>
  std::shared_ptr<ModuleType> replace_module(const std::string& name,
                                             ModuleHolder<ModuleType> holder) {
    return replace_module(name, holder.is_empty() ? nullptr : holder.ptr());
  }
  /// Throws Error where no such submodule is registered.
  void unregister_module(const std::string& name);

  // ---- contents, in the order of registration, own before those of submodules
  /// Each tensor once, even where it is registered under several names (tied weights). Undefined
  /// ones are left out.
  std::vector<Tensor> parameters(bool recurse = true) const;
  /// The same under dotted paths, "lstm.weight_ih_l0"; of a tied weight the first name.
  OrderedDict<std::string, Tensor> named_parameters(bool recurse = true) const;
  std::vector<Tensor> buffers(bool recurse = true) const;
  OrderedDict<std::string, Tensor> named_buffers(bool recurse = true) const;
  /// This module (which a shared_ptr or holder must own, else Error) and all below it, each once.
  std::vector<std::shared_ptr<Module>> modules(bool include_self = true) const;
  OrderedDict<std::string, std::shared_ptr<Module>> named_modules(
      const std::string& name_prefix = std::string(), bool include_self = true) const;
  std::vector<std::shared_ptr<Module>> children() const;
  OrderedDict<std::string, std::shared_ptr<Module>> named_children() const;

  // ---- state
  /// Every parameter and buffer under every name it has, detached, sharing memory with the module:
  /// clone() the values to keep a snapshot.
  OrderedDict<std::string, Tensor> state_dict() const;
  /// Copies the values of `state` into the module's tensors. Throws Error, and changes nothing,
  /// where shapes differ or (`strict`) names are missing or unexpected; one message lists all.
  IncompatibleKeys load_state_dict(const OrderedDict<std::string, Tensor>& state,
                                   bool strict = true);

  /// The same with an archive of libtorch's kind (archive.hpp). load() throws FileError where a
  /// name is missing, and Error where shapes differ; names that the module lacks are left alone.
  template <class Archive>
  void save(Archive& archive) const {
    for (const auto& item : state_dict()) archive.write(item.key(), item.value());
  }
  template <class Archive>
  void load(Archive& archive) {
    OrderedDict<std::string, Tensor> state;
    for (const auto& item : state_dict())
      archive.read(item.key(), state.insert(item.key(), Tensor()));
    load_state_dict(state);
  }

  /// Sets training mode in the whole tree: what Dropout obeys.
  virtual void train(bool on = true);
  void eval() { train(false); }
  virtual bool is_training() const noexcept { return is_training_; }
  /// Clears the gradients of all parameters, or fills them with zeros.
  virtual void zero_grad(bool set_to_none = true);
  /// Converts floating parameters, their gradients and floating buffers; integral buffers stay.
  /// Throws DtypeError where `dtype` is not floating.
  virtual void to(Dtype dtype, bool non_blocking = false);
  virtual void to(Device device, bool non_blocking = false);
  virtual void to(Device device, Dtype dtype, bool non_blocking = false);

  /// Calls `function` on this module and then on every one below it, parents before children.
  void apply(const ModuleApplyFunction& function);
  void apply(const ConstModuleApplyFunction& function) const;
  void apply(const NamedModuleApplyFunction& function,
             const std::string& name_prefix = std::string());
  void apply(const ConstNamedModuleApplyFunction& function,
             const std::string& name_prefix = std::string()) const;
  void apply(const ModulePointerApplyFunction& function) const;
  void apply(const NamedModulePointerApplyFunction& function,
             const std::string& name_prefix = std::string()) const;

  /// A deep copy. Throws Error unless the type derives from Cloneable.
  virtual std::shared_ptr<Module> clone(const std::optional<Device>& device = nullopt) const;

  /// This module as a `ModuleType` (a module or a holder), null where it is another type.
  template <class ModuleType>
  auto* as() noexcept {
    return dynamic_cast<detail::contained_t<ModuleType>*>(this);
  }
  template <class ModuleType>
  const auto* as() const noexcept {
    return dynamic_cast<const detail::contained_t<ModuleType>*>(this);
  }

  /// Prints this module without its submodules, on one line.
  virtual void pretty_print(std::ostream& stream) const;

 protected:
  /// Set by REEL_FORWARD_HAS_DEFAULT_ARGS.
  virtual std::vector<std::pair<unsigned int, AnyValue>> _forward_default_args() const {
    return {};
  }

  OrderedDict<std::string, Tensor> parameters_{"Parameter"};

 private:
  template <class Derived>
  friend class Cloneable;
  friend class AnyModule;
  friend std::ostream& operator<<(std::ostream& stream, const Module& module);

  using TensorVisitor = std::function<void(const std::string& path, const Tensor&)>;
  enum class Which { kParameters, kBuffers, kBoth };
  void visit(Which which, bool recurse, const std::string& prefix,
             const TensorVisitor& visitor) const;
  void add_child(std::string name, std::shared_ptr<Module> module);
  void replace_child(const std::string& name, std::shared_ptr<Module> module);
  void check_name(const char* operation, const std::string& name) const;
  void check_child(const char* operation, const std::string& name, const Module* child) const;
  bool contains(const Module& module) const;
  std::shared_ptr<Module> shared_from_this_checked() const;
  void pretty_print_recursive(std::ostream& stream, const std::string& indentation) const;

  virtual void clone_(Module& other, const std::optional<Device>& device);
  /// Throws Error: a clone came out of another type than this module.
  [[noreturn]] void refuse_clone_of(const Module& other) const;
  void forget_registrations();
  void copy_registered_from(const Module& original, const std::optional<Device>& device);

  OrderedDict<std::string, Tensor> buffers_{"Buffer"};
  OrderedDict<std::string, std::shared_ptr<Module>> children_{"Submodule"};
  std::string name_;
  bool is_training_ = true;
};

/// The tree of modules, one per line, in PyTorch's format.
std::ostream& operator<<(std::ostream& stream, const Module& module);

template <class Contained>
std::ostream& operator<<(std::ostream& stream, const ModuleHolder<Contained>& module) {
  return stream << static_cast<const Module&>(*module);
}

}  // namespace nn
}  // namespace reel

/// Lets AnyModule and Sequential call a forward() that has default arguments. Written in the class
/// body, with position and value of each: `REEL_FORWARD_HAS_DEFAULT_ARGS({1, AnyValue(Tensor())})`.
#define REEL_FORWARD_HAS_DEFAULT_ARGS(...)                                           \
  std::vector<std::pair<unsigned int, ::reel::nn::AnyValue>> _forward_default_args() \
      const override {                                                               \
    return {__VA_ARGS__};                                                            \
  }
