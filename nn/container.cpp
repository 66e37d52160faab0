#include "container.hpp"

#include <ostream>
#include <unordered_map>

namespace reel {
namespace nn {

namespace detail {

void throw_argument_count(const std::type_info& module, std::size_t required, std::size_t most,
                          std::size_t given) {
  const auto name = demangle(module);
  throw Error(reel::detail::message(
      "[AnyModule] ", name, "::forward expects ", required == most ? "" : "between ", required,
      required == most ? "" : " and ", required == most ? "" : std::to_string(most),
      " argument(s), found ", given,
      given < most ? "; where forward() has default arguments, name them with "
                     "REEL_FORWARD_HAS_DEFAULT_ARGS"
                   : ""));
}

void throw_argument_type(const std::type_info& module, std::size_t position,
                         const std::type_info& expected, const std::type_info& given) {
  throw Error(reel::detail::message("[AnyModule] ", demangle(module), "::forward expects argument ",
                                    position, " to be of type ", demangle(expected), ", found ",
                                    demangle(given)));
}

void throw_result_type(const std::type_info& wanted, const std::type_info& given) {
  throw Error(reel::detail::message("[forward] the result is of type ", demangle(given), ", but ",
                                    demangle(wanted), " was asked for; call forward<",
                                    demangle(given), ">(...)"));
}

}  // namespace detail

// ---- AnyModule

void AnyModule::throw_cast(const std::type_info& wanted) const {
  throw Error(reel::detail::message("[AnyModule] the module is of type ", detail::demangle(*type_),
                                    ", not ", detail::demangle(wanted)));
}

std::vector<AnyValue> AnyModule::with_defaults(const Module& module, const std::type_info& type,
                                               AnyValue* arguments, std::size_t count,
                                               std::size_t all) {
  auto defaults = module._forward_default_args();
  const std::size_t required = defaults.empty() ? all : defaults.front().first;
  if (count < required || count > all) detail::throw_argument_count(type, required, all, count);
  std::vector<AnyValue> result;
  result.reserve(all);
  for (std::size_t i = 0; i < count; ++i) result.push_back(std::move(arguments[i]));
  for (auto& [position, value] : defaults)
    if (position == result.size()) result.push_back(std::move(value));
  if (result.size() != all) detail::throw_argument_count(type, all, all, result.size());
  return result;
}

// ---- Sequential

std::shared_ptr<Module> SequentialImpl::clone(const std::optional<Device>& device) const {
  auto copy = std::make_shared<SequentialImpl>();
  copy->train(is_training());
  std::unordered_map<const Module*, std::size_t> seen;
  for (std::size_t i = 0; i < size(); ++i) {
    const auto [first, is_new] = seen.emplace(modules_[i].ptr().get(), i);
    copy->append(names_[i], is_new ? modules_[i].clone(device) : copy->modules_[first->second]);
  }
  return copy;
}

void SequentialImpl::pretty_print(std::ostream& stream) const { stream << "reel::nn::Sequential"; }

AnyValue SequentialImpl::forward_any(AnyValue* arguments, std::size_t count) {
  check(!is_empty(), "[Sequential] forward() of an empty Sequential; add modules with push_back");
  AnyValue value = modules_.front().forward_any(arguments, count);
  for (std::size_t i = 1; i < size(); ++i) value = modules_[i].forward_any(&value, 1);
  return value;
}

void SequentialImpl::append(std::string name, AnyModule module) {
  register_module(name, module.ptr());
  modules_.push_back(std::move(module));
  names_.push_back(std::move(name));
}

const AnyModule& SequentialImpl::checked(std::size_t index) const {
  check<IndexError>(index < size(), "[Sequential] index ", index, " is out of range: there are ",
                    size(), " modules");
  return modules_[index];
}

// ---- ModuleList

std::shared_ptr<Module> ModuleListImpl::clone(const std::optional<Device>& device) const {
  auto copy = std::make_shared<ModuleListImpl>();
  copy->train(is_training());
  std::unordered_map<const Module*, std::shared_ptr<Module>> clones;
  for (const auto& module : modules_) {
    auto& twin = clones[module.get()];
    if (!twin) twin = module->clone(device);
    copy->push_back(twin);
  }
  return copy;
}

void ModuleListImpl::pretty_print(std::ostream& stream) const { stream << "reel::nn::ModuleList"; }

void ModuleListImpl::insert(std::size_t index, std::shared_ptr<Module> module) {
  check<IndexError>(index <= size(), "[ModuleList] index ", index, " is out of range: there are ",
                    size(), " modules");
  // The new name is the last index; then the names from `index` on move by one module.
  register_module(std::to_string(size()), module);
  modules_.insert(modules_.begin() + static_cast<Iterator::difference_type>(index),
                  std::move(module));
  for (std::size_t i = index; i < size(); ++i) replace_module(std::to_string(i), modules_[i]);
}

std::shared_ptr<Module> ModuleListImpl::ptr(std::size_t index) const {
  check<IndexError>(index < size(), "[ModuleList] index ", index, " is out of range: there are ",
                    size(), " modules");
  return modules_[index];
}

void ModuleListImpl::throw_cast(std::size_t index, const std::type_info& wanted) const {
  throw Error(reel::detail::message("[ModuleList] module ", index, " is of type ",
                                    modules_[index]->name(), ", not ", detail::demangle(wanted)));
}

// ---- Functional

void FunctionalImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::Functional()";
}

}  // namespace nn
}  // namespace reel
