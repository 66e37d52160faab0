#include "dict_containers.hpp"

#include <ostream>

#include "autograd/autograd.hpp"

namespace reel {
namespace nn {

// ---- ModuleDict

std::shared_ptr<Module> ModuleDictImpl::clone(const std::optional<Device>& device) const {
  auto copy = std::make_shared<ModuleDictImpl>();
  copy->train(is_training());
  for (const auto& item : modules_) {
    // A module that has several names keeps them.
    std::shared_ptr<Module> twin;
    for (const auto& before : modules_) {
      if (before.key() == item.key()) break;
      if (before.value() == item.value()) {
        twin = copy->modules_[before.key()];
        break;
      }
    }
    copy->insert(item.key(), twin ? twin : item.value()->clone(device));
  }
  return copy;
}

void ModuleDictImpl::pretty_print(std::ostream& stream) const { stream << "reel::nn::ModuleDict"; }

void ModuleDictImpl::insert(const std::string& key, std::shared_ptr<Module> module) {
  if (contains(key)) {
    replace_module(key, module);
    modules_[key] = std::move(module);
  } else {
    register_module(key, module);
    modules_.insert(key, std::move(module));
  }
}

std::shared_ptr<Module> ModuleDictImpl::pop(const std::string& key) {
  const std::shared_ptr<Module> module = modules_[key];
  unregister_module(key);
  modules_.erase(key);
  return module;
}

void ModuleDictImpl::clear() {
  for (const auto& key : modules_.keys()) unregister_module(key);
  modules_.clear();
}

void ModuleDictImpl::throw_cast(const std::string& key, const std::type_info& wanted) const {
  throw Error(reel::detail::message("[ModuleDict] module '", key, "' is of type ",
                                    modules_[key]->name(), ", not ", detail::demangle(wanted)));
}

// ---- ParameterList, ParameterDict

namespace {
Tensor twin_of(const Tensor& parameter) {
  return parameter.detach().clone().set_requires_grad(parameter.requires_grad());
}
void print(std::ostream& stream, const char* name, const OrderedDict<std::string, Tensor>& list) {
  stream << "reel::nn::" << name << "(\n";
  for (const auto& item : list)
    stream << "(" << item.key() << "): Parameter containing: ["
           << to_string(item.value().scalar_type()) << " of size " << item.value().sizes() << "]\n";
  stream << ")";
}
}  // namespace

std::shared_ptr<Module> ParameterListImpl::clone(const std::optional<Device>&) const {
  auto copy = std::make_shared<ParameterListImpl>();
  copy->train(is_training());
  for (const auto& item : parameters_) copy->append(twin_of(item.value()));
  return copy;
}
void ParameterListImpl::pretty_print(std::ostream& stream) const {
  print(stream, "ParameterList", parameters_);
}
void ParameterListImpl::append(const Tensor& parameter) {
  const bool learned = parameter.requires_grad();
  register_parameter(std::to_string(size()), parameter, learned);
}

std::shared_ptr<Module> ParameterDictImpl::clone(const std::optional<Device>&) const {
  auto copy = std::make_shared<ParameterDictImpl>();
  copy->train(is_training());
  for (const auto& item : parameters_) copy->insert(item.key(), twin_of(item.value()));
  return copy;
}
void ParameterDictImpl::pretty_print(std::ostream& stream) const {
  print(stream, "ParameterDict", parameters_);
}
Tensor& ParameterDictImpl::insert(std::string key, Tensor parameter) {
  const bool learned = parameter.requires_grad();
  return register_parameter(std::move(key), std::move(parameter), learned);
}
Tensor ParameterDictImpl::pop(const std::string& key) {
  Tensor parameter = parameters_[key];
  parameters_.erase(key);
  return parameter;
}

}  // namespace nn
}  // namespace reel
