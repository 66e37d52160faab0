// Containers of named modules and of parameters: ModuleDict, ParameterList, ParameterDict.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "cloneable.hpp"
#include "module_holder.hpp"
#include "ordered_dict.hpp"

namespace reel {
namespace nn {

/// Submodules by name, in the order in which they came, without a forward() of its own.
/// https://pytorch.org/docs/stable/generated/torch.nn.ModuleDict.html
class ModuleDictImpl : public Cloneable<ModuleDictImpl> {
 public:
  using Dict = OrderedDict<std::string, std::shared_ptr<Module>>;
  using Pairs = std::vector<std::pair<std::string, std::shared_ptr<Module>>>;
  using Iterator = Dict::Iterator;
  using ConstIterator = Dict::ConstIterator;

  ModuleDictImpl() = default;
  explicit ModuleDictImpl(const Pairs& modules) { update(modules); }
  explicit ModuleDictImpl(const Dict& modules) { update(modules); }

  std::shared_ptr<Module> clone(const std::optional<Device>& device = nullopt) const override;
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;

  Pairs items() const { return modules_.pairs(); }
  std::vector<std::string> keys() const { return modules_.keys(); }
  std::vector<std::shared_ptr<Module>> values() const { return modules_.values(); }
  Iterator begin() { return modules_.begin(); }
  ConstIterator begin() const { return modules_.begin(); }
  Iterator end() { return modules_.end(); }
  ConstIterator end() const { return modules_.end(); }
  std::size_t size() const noexcept { return modules_.size(); }
  bool empty() const noexcept { return modules_.is_empty(); }
  bool contains(const std::string& key) const noexcept { return modules_.contains(key); }

  /// The module of that name; Error where there is none, or it is not a `T`.
  std::shared_ptr<Module> operator[](const std::string& key) const { return modules_[key]; }
  template <class T>
  T& at(const std::string& key) const {
    static_assert(detail::is_module_v<T>, "at() takes a class derived from reel::nn::Module");
    auto* typed = modules_[key]->template as<T>();
    if (!typed) throw_cast(key, typeid(T));
    return *typed;
  }

  /// Adds each module, or puts it in the place of the one that has its name.
  void update(const Pairs& modules) {
    for (const auto& [key, module] : modules) insert(key, module);
  }
  template <class Container>
  void update(const Container& container) {
    for (const auto& item : container) insert(item.key(), item.value());
  }
  /// Takes the module of that name out and returns it.
  std::shared_ptr<Module> pop(const std::string& key);
  void clear();

 private:
  void insert(const std::string& key, std::shared_ptr<Module> module);
  [[noreturn]] void throw_cast(const std::string& key, const std::type_info& wanted) const;

  Dict modules_{"Module"};
};
REEL_MODULE(ModuleDict);

/// Parameters in order, named "0", "1", ...; each keeps its requires_grad.
/// https://pytorch.org/docs/stable/generated/torch.nn.ParameterList.html
class ParameterListImpl : public Cloneable<ParameterListImpl> {
 public:
  using Item = OrderedDict<std::string, Tensor>::Item;
  using Iterator = std::vector<Item>::iterator;
  using ConstIterator = std::vector<Item>::const_iterator;

  ParameterListImpl() = default;
  template <class First, class... Rest,
            std::enable_if_t<!std::is_base_of_v<ParameterListImpl, std::decay_t<First>>, int> = 0>
  explicit ParameterListImpl(const First& first, const Rest&... rest) {
    append(first);
    (append(rest), ...);
  }

  std::shared_ptr<Module> clone(const std::optional<Device>& device = nullopt) const override;
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;

  void append(const Tensor& parameter);
  void append(const Item& item) { append(item.value()); }
  template <class Container>
  void extend(const Container& container) {
    for (const auto& parameter : container) append(parameter);
  }
  Iterator begin() { return parameters_.begin(); }
  ConstIterator begin() const { return parameters_.begin(); }
  Iterator end() { return parameters_.end(); }
  ConstIterator end() const { return parameters_.end(); }
  /// Parameter number `index`; IndexError out of range.
  Tensor& at(std::size_t index) { return parameters_[index].value(); }
  const Tensor& at(std::size_t index) const { return parameters_[index].value(); }
  Tensor& operator[](std::size_t index) { return at(index); }
  const Tensor& operator[](std::size_t index) const { return at(index); }
  std::size_t size() const noexcept { return parameters_.size(); }
  bool is_empty() const noexcept { return parameters_.is_empty(); }
  template <class Container>
  ParameterListImpl& operator+=(const Container& other) {
    extend(other);
    return *this;
  }
};
REEL_MODULE(ParameterList);

/// Parameters by name; each keeps its requires_grad.
/// https://pytorch.org/docs/stable/generated/torch.nn.ParameterDict.html
class ParameterDictImpl : public Cloneable<ParameterDictImpl> {
 public:
  using Dict = OrderedDict<std::string, Tensor>;
  using Iterator = Dict::Iterator;
  using ConstIterator = Dict::ConstIterator;

  ParameterDictImpl() = default;
  explicit ParameterDictImpl(const Dict& parameters) { update(parameters); }

  std::shared_ptr<Module> clone(const std::optional<Device>& device = nullopt) const override;
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;

  /// Adds a parameter; Error where the name is in use.
  Tensor& insert(std::string key, Tensor parameter);
  /// Takes the parameter of that name out and returns it; Error where there is none.
  Tensor pop(const std::string& key);
  std::vector<std::string> keys() const { return parameters_.keys(); }
  std::vector<Tensor> values() const { return parameters_.values(); }
  Iterator begin() { return parameters_.begin(); }
  ConstIterator begin() const { return parameters_.begin(); }
  Iterator end() { return parameters_.end(); }
  ConstIterator end() const { return parameters_.end(); }
  std::size_t size() const noexcept { return parameters_.size(); }
  bool empty() const noexcept { return parameters_.is_empty(); }
  /// Adds each parameter, or puts it in the place of the one that has its name.
  template <class Container>
  void update(const Container& container) {
    for (const auto& item : container) {
      if (contains(item.key()))
        parameters_[item.key()] = item.value();
      else
        insert(item.key(), item.value());
    }
  }
  void clear() { parameters_.clear(); }
  bool contains(const std::string& key) const noexcept { return parameters_.contains(key); }
  /// The parameter of that name; Error where there is none.
  Tensor& get(const std::string& key) { return parameters_[key]; }
  const Tensor& get(const std::string& key) const { return parameters_[key]; }
  Tensor& operator[](const std::string& key) { return parameters_[key]; }
  const Tensor& operator[](const std::string& key) const { return parameters_[key]; }
};
REEL_MODULE(ParameterDict);

}  // namespace nn
}  // namespace reel
