#include "module.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <ostream>
#include <sstream>
#include <unordered_set>

#include "autograd/tape.hpp"

namespace reel {
namespace nn {

namespace detail {

std::string demangle(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
  return status == 0 ? std::string(text.get()) : std::string(type.name());
}

void throw_empty_holder(const std::type_info& contained) {
  throw Error(reel::detail::message(
      "[ModuleHolder] the holder of ", demangle(contained),
      " is empty; give it a module first, e.g. in the constructor of the module "
      "that owns it: fc = register_module(\"fc\", ...)"));
}

}  // namespace detail

void AnyValue::throw_type_mismatch(const std::type_info& wanted) const {
  throw Error(reel::detail::message("[AnyValue] the value is of type ",
                                    detail::demangle(type_info()), ", but ",
                                    detail::demangle(wanted), " was asked for"));
}

namespace {

std::string join(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : prefix + "." + name;
}

// Gives `target` the contents of `source`, dtype and shape included, under its own identity: every
// handle to it, and its gradient requirement, stay. `source` is new memory that nobody else has.
void set_data(const Tensor& target, const Tensor& source) {
  TensorImpl& to = target.checked();
  const TensorImpl& from = source.checked();
  // The version must rise as for any write, or a value saved for backward would not be told apart.
  while (from.storage->version() <= to.storage->version()) from.storage->bump_version();
  to.dtype = from.dtype;
  to.contiguous = from.contiguous;
  to.numel = from.numel;
  to.data = from.data;
  to.storage = from.storage;
  to.sizes = from.sizes;
  to.strides = from.strides;
}

void convert(const Tensor& tensor, Dtype dtype) {
  if (!tensor.is_floating_point() || tensor.scalar_type() == dtype) return;
  set_data(tensor, tensor.detach().to(dtype));
  if (tensor.grad().defined()) tensor.mutable_grad() = tensor.grad().detach().to(dtype);
}

}  // namespace

std::string Module::name() const { return name_.empty() ? detail::demangle(typeid(*this)) : name_; }

// ---- registration

void Module::check_name(const char* operation, const std::string& name) const {
  check(!name.empty(), "[", operation, "] ", this->name(), ": the name must not be empty");
  check(name.find('.') == std::string::npos, "[", operation, "] ", this->name(), ": the name '",
        name, "' must not contain a dot, which separates modules in paths");
}

Tensor& Module::register_parameter(std::string name, Tensor tensor, bool requires_grad) {
  check_name("register_parameter", name);
  check(!parameters_.contains(name) && !buffers_.contains(name), "[register_parameter] ",
        this->name(), " already has a ", parameters_.contains(name) ? "parameter" : "buffer",
        " named '", name, "'; choose another name");
  if (tensor.defined()) {
    check<AutogradError>(tensor.is_leaf(), "[register_parameter] ", this->name(), ": '", name,
                         "' is the result of a recorded operation and would never receive a "
                         "gradient; register tensor.detach()");
    check<DtypeError>(!requires_grad || tensor.is_floating_point(), "[register_parameter] ",
                      this->name(), ": '", name, "' is of dtype ", dtype_name(tensor.scalar_type()),
                      ", but only floating point tensors can require a gradient; pass "
                      "requires_grad = false or use register_buffer");
    tensor.set_requires_grad(requires_grad);
  }
  return parameters_.insert(std::move(name), std::move(tensor));
}

Tensor& Module::register_buffer(std::string name, Tensor tensor) {
  check_name("register_buffer", name);
  check(!parameters_.contains(name) && !buffers_.contains(name), "[register_buffer] ", this->name(),
        " already has a ", parameters_.contains(name) ? "parameter" : "buffer", " named '", name,
        "'; choose another name");
  return buffers_.insert(std::move(name), std::move(tensor));
}

void Module::check_child(const char* operation, const std::string& name,
                         const Module* child) const {
  check(child != nullptr, "[", operation, "] ", this->name(), ": the submodule '", name,
        "' is null; construct it first, e.g. reel::nn::Linear(in, out)");
  check(!child->contains(*this), "[", operation, "] ", this->name(), ": the submodule '", name,
        "' (", child->name(), ") contains this module, so the tree would have no end");
}

void Module::add_child(std::string name, std::shared_ptr<Module> module) {
  check_name("register_module", name);
  check(!children_.contains(name), "[register_module] ", this->name(),
        " already has a submodule named '", name, "'; choose another name or use replace_module");
  check_child("register_module", name, module.get());
  children_.insert(std::move(name), std::move(module));
}

void Module::replace_child(const std::string& name, std::shared_ptr<Module> module) {
  check(children_.contains(name), "[replace_module] ", this->name(), " has no submodule named '",
        name, "'; add it with register_module");
  check_child("replace_module", name, module.get());
  children_[name] = std::move(module);
}

void Module::unregister_module(const std::string& name) {
  check(children_.contains(name), "[unregister_module] ", this->name(), " has no submodule named '",
        name, "'");
  children_.erase(name);
}

bool Module::contains(const Module& module) const {
  if (this == &module) return true;
  for (const auto& child : children_)
    if (child.value()->contains(module)) return true;
  return false;
}

// ---- contents

void Module::visit(Which which, bool recurse, const std::string& prefix,
                   const TensorVisitor& visitor) const {
  const auto own = [&](const OrderedDict<std::string, Tensor>& tensors) {
    for (const auto& item : tensors)
      if (item.value().defined()) visitor(join(prefix, item.key()), item.value());
  };
  if (which != Which::kBuffers) own(parameters_);
  if (which != Which::kParameters) own(buffers_);
  if (!recurse) return;
  for (const auto& child : children_)
    child.value()->visit(which, true, join(prefix, child.key()), visitor);
}

std::vector<Tensor> Module::parameters(bool recurse) const {
  std::vector<Tensor> result;
  std::unordered_set<const TensorImpl*> seen;
  visit(Which::kParameters, recurse, "", [&](const std::string&, const Tensor& tensor) {
    if (seen.insert(tensor.impl()).second) result.push_back(tensor);
  });
  return result;
}

OrderedDict<std::string, Tensor> Module::named_parameters(bool recurse) const {
  OrderedDict<std::string, Tensor> result("Parameter");
  std::unordered_set<const TensorImpl*> seen;
  visit(Which::kParameters, recurse, "", [&](const std::string& path, const Tensor& tensor) {
    if (seen.insert(tensor.impl()).second) result.insert(path, tensor);
  });
  return result;
}

std::vector<Tensor> Module::buffers(bool recurse) const { return named_buffers(recurse).values(); }

OrderedDict<std::string, Tensor> Module::named_buffers(bool recurse) const {
  OrderedDict<std::string, Tensor> result("Buffer");
  std::unordered_set<const TensorImpl*> seen;
  visit(Which::kBuffers, recurse, "", [&](const std::string& path, const Tensor& tensor) {
    if (seen.insert(tensor.impl()).second) result.insert(path, tensor);
  });
  return result;
}

std::shared_ptr<Module> Module::shared_from_this_checked() const {
  const auto self = weak_from_this().lock();
  check(self != nullptr, "[modules] ", name(),
        " is not owned by a shared_ptr or holder, so no pointer to it can be returned; make it "
        "with std::make_shared, or pass include_self = false");
  return std::const_pointer_cast<Module>(self);
}

std::vector<std::shared_ptr<Module>> Module::modules(bool include_self) const {
  return named_modules(std::string(), include_self).values();
}

OrderedDict<std::string, std::shared_ptr<Module>> Module::named_modules(
    const std::string& name_prefix, bool include_self) const {
  OrderedDict<std::string, std::shared_ptr<Module>> result("Module");
  std::unordered_set<const Module*> seen{this};
  if (include_self) result.insert(name_prefix, shared_from_this_checked());
  const std::function<void(const Module&, const std::string&)> walk =
      [&](const Module& module, const std::string& prefix) {
        for (const auto& child : module.children_) {
          if (!seen.insert(child.value().get()).second) continue;
          const auto path = join(prefix, child.key());
          result.insert(path, child.value());
          walk(*child.value(), path);
        }
      };
  walk(*this, name_prefix);
  return result;
}

std::vector<std::shared_ptr<Module>> Module::children() const { return named_children().values(); }

OrderedDict<std::string, std::shared_ptr<Module>> Module::named_children() const {
  OrderedDict<std::string, std::shared_ptr<Module>> result("Submodule");
  std::unordered_set<const Module*> seen;
  for (const auto& child : children_)
    if (seen.insert(child.value().get()).second) result.insert(child.key(), child.value());
  return result;
}

// ---- state

OrderedDict<std::string, Tensor> Module::state_dict() const {
  OrderedDict<std::string, Tensor> result("State");
  visit(Which::kBoth, true, "", [&](const std::string& path, const Tensor& tensor) {
    result.insert(path, tensor.detach());
  });
  return result;
}

IncompatibleKeys Module::load_state_dict(const OrderedDict<std::string, Tensor>& state,
                                         bool strict) {
  IncompatibleKeys result;
  std::vector<std::pair<Tensor, Tensor>> copies;  // to, from
  std::unordered_set<std::string> expected;
  std::ostringstream missing, unexpected, unusable;
  visit(Which::kBoth, true, "", [&](const std::string& path, const Tensor& tensor) {
    expected.insert(path);
    const Tensor* found = state.find(path);
    if (!found) {
      result.missing_keys.push_back(path);
      missing << "\n  missing: " << path << ", expected " << tensor.sizes();
    } else if (!found->defined()) {
      unusable << "\n  undefined: " << path << ", expected " << tensor.sizes();
    } else if (found->sizes() != tensor.sizes()) {
      unusable << "\n  wrong shape: " << path << ", expected " << tensor.sizes() << ", found "
               << found->sizes();
    } else {
      copies.emplace_back(tensor, *found);
    }
  });
  for (const auto& item : state) {
    if (expected.count(item.key()) != 0) continue;
    result.unexpected_keys.push_back(item.key());
    unexpected << "\n  unexpected: " << item.key();
    if (item.value().defined()) unexpected << ", found " << item.value().sizes();
  }
  const bool names_fit = result.missing_keys.empty() && result.unexpected_keys.empty();
  const auto misfits = unusable.str();
  check(misfits.empty() && (names_fit || !strict), "[load_state_dict] the state does not fit ",
        name(), "; nothing was loaded:", strict ? missing.str() : "",
        strict ? unexpected.str() : "", misfits,
        "\nMake the model with the options that the state was saved with",
        strict && !names_fit ? ", or pass strict = false to leave out missing and unexpected names"
                             : "");
  const NoGradGuard no_grad;
  for (const auto& [to, from] : copies) to.copy_(from);
  return result;
}

void Module::train(bool on) {
  is_training_ = on;
  for (const auto& child : children_) child.value()->train(on);
}

void Module::zero_grad(bool set_to_none) {
  for (const auto& parameter : parameters()) {
    Tensor& grad = parameter.mutable_grad();
    if (!grad.defined()) continue;
    if (set_to_none) {
      grad.reset();
    } else {
      grad = grad.detach();
      grad.zero_();
    }
  }
}

void Module::to(Dtype dtype, bool non_blocking) {
  check<DtypeError>(reel::is_floating_point(dtype), "[Module::to] ", name(),
                    " can be converted to float32 or float64 only, found ", dtype_name(dtype));
  for (const auto& child : children_) child.value()->to(dtype, non_blocking);
  visit(Which::kBoth, false, "",
        [&](const std::string&, const Tensor& tensor) { convert(tensor, dtype); });
}

// The CPU is the only device, and a Device cannot be made for another one.
void Module::to(Device device, bool non_blocking) {
  for (const auto& child : children_) child.value()->to(device, non_blocking);
}

void Module::to(Device device, Dtype dtype, bool non_blocking) {
  to(device, non_blocking);
  to(dtype, non_blocking);
}

// ---- apply

void Module::apply(const ModuleApplyFunction& function) {
  function(*this);
  for (const auto& module : modules(false)) function(*module);
}

void Module::apply(const ConstModuleApplyFunction& function) const {
  function(*this);
  for (const auto& module : modules(false)) function(*module);
}

void Module::apply(const NamedModuleApplyFunction& function, const std::string& name_prefix) {
  function(name_prefix, *this);
  for (const auto& item : named_modules(name_prefix, false)) function(item.key(), *item.value());
}

void Module::apply(const ConstNamedModuleApplyFunction& function,
                   const std::string& name_prefix) const {
  function(name_prefix, *this);
  for (const auto& item : named_modules(name_prefix, false)) function(item.key(), *item.value());
}

void Module::apply(const ModulePointerApplyFunction& function) const {
  for (const auto& module : modules()) function(module);
}

void Module::apply(const NamedModulePointerApplyFunction& function,
                   const std::string& name_prefix) const {
  for (const auto& item : named_modules(name_prefix)) function(item.key(), item.value());
}

// ---- clone

std::shared_ptr<Module> Module::clone(const std::optional<Device>&) const {
  throw Error(reel::detail::message("[clone] ", name(),
                                    " cannot be cloned: derive it from reel::nn::Cloneable<",
                                    name(), "> and register its contents in reset()"));
}

// Cloneable overrides this: reached only where the submodule is not cloneable.
void Module::clone_(Module&, const std::optional<Device>& device) { clone(device); }

Module::~Module() = default;

void Module::refuse_clone_of(const Module& other) const {
  throw Error(reel::detail::message("[clone] expected a submodule of type ", name(), ", found ",
                                    other.name(),
                                    ": reset() must register the same types as the original has"));
}

void Module::forget_registrations() {
  parameters_.clear();
  buffers_.clear();
  children_.clear();
}

void Module::copy_registered_from(const Module& original, const std::optional<Device>& device) {
  const auto check_keys = [&](const char* kind, const auto& ours, const auto& theirs) {
    bool same = ours.size() == theirs.size();
    for (const auto& item : theirs) same = same && ours.contains(item.key());
    check(same, "[clone] ", name(), ": reset() registered ", ours.size(), " ", kind,
          " where the original has ", theirs.size(),
          same || ours.size() != theirs.size() ? "" : " of other names",
          "; register everything in reset(), not in the constructor");
  };
  const auto copy_tensors = [&](const OrderedDict<std::string, Tensor>& ours,
                                const OrderedDict<std::string, Tensor>& theirs) {
    for (const auto& item : theirs) {
      const Tensor& mine = ours[item.key()];
      check(mine.defined() == item.value().defined(), "[clone] ", name(), ": reset() left '",
            item.key(), "' ", mine.defined() ? "defined" : "undefined",
            ", unlike the original; register what the options say");
      if (!mine.defined()) continue;
      set_data(mine, item.value().detach().clone());
      if (mine.is_leaf()) mine.set_requires_grad(item.value().requires_grad());
    }
  };
  check_keys("parameters", parameters_, original.parameters_);
  check_keys("buffers", buffers_, original.buffers_);
  check_keys("submodules", children_, original.children_);
  copy_tensors(parameters_, original.parameters_);
  copy_tensors(buffers_, original.buffers_);
  for (const auto& child : original.children_)
    children_[child.key()]->clone_(*child.value(), device);
}

// ---- printing

void Module::pretty_print(std::ostream& stream) const { stream << name(); }

void Module::pretty_print_recursive(std::ostream& stream, const std::string& indentation) const {
  pretty_print(stream);
  if (children_.is_empty()) return;
  const auto inner = indentation + "  ";
  stream << "(\n";
  for (const auto& child : children_) {
    stream << inner << "(" << child.key() << "): ";
    child.value()->pretty_print_recursive(stream, inner);
    stream << '\n';
  }
  stream << indentation << ")";
}

std::ostream& operator<<(std::ostream& stream, const Module& module) {
  module.pretty_print_recursive(stream, "");
  return stream;
}

}  // namespace nn
}  // namespace reel
