// AnyModule and the containers: Sequential, ModuleList, and Functional, a function as a module.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "any_value.hpp"
#include "cloneable.hpp"
#include "module.hpp"
#include "module_holder.hpp"

namespace reel {
namespace nn {

namespace detail {

[[noreturn]] void throw_argument_count(const std::type_info& module, std::size_t required,
                                       std::size_t most, std::size_t given);
[[noreturn]] void throw_argument_type(const std::type_info& module, std::size_t position,
                                      const std::type_info& expected, const std::type_info& given);
[[noreturn]] void throw_result_type(const std::type_info& wanted, const std::type_info& given);

// A module that forwards type-erased values itself, as Sequential does.
template <class M, class = void>
inline constexpr bool forwards_any_v = false;
template <class M>
inline constexpr bool forwards_any_v<M, std::void_t<decltype(std::declval<M&>().forward_any(
                                            std::declval<AnyValue*>(), std::size_t{}))>> = true;

template <class T>
std::decay_t<T>& argument(AnyValue& value, std::size_t position, const std::type_info& module) {
  static_assert(!std::is_lvalue_reference_v<T> || std::is_const_v<std::remove_reference_t<T>>,
                "forward() of a module in a container must not take a non-const reference");
  if (auto* found = value.template try_get_output<std::decay_t<T>>()) return *found;
  throw_argument_type(module, position, typeid(std::decay_t<T>), value.type_info());
}

template <class... Args, class M, std::size_t... I>
AnyValue invoke(M& module, AnyValue* values, std::index_sequence<I...>) {
  static_assert(!std::is_void_v<decltype(module.forward(std::declval<Args>()...))>,
                "forward() of a module in a container must return a value");
  return AnyValue(module.forward(static_cast<Args&&>(argument<Args>(values[I], I, typeid(M)))...));
}

}  // namespace detail

/// Any module with a forward() that is neither overloaded nor a template; the module is shared, not
/// copied. Its calls check the types of arguments and results at run time and throw Error where
/// they do not fit.
class AnyModule {
 public:
  AnyModule() = default;
  template <class M>
  explicit AnyModule(std::shared_ptr<M> module)
      : module_(std::move(module)), type_(&typeid(M)), call_(&call<M>) {
    static_assert(detail::is_module_v<M>, "AnyModule holds classes derived from reel::nn::Module");
    check(module_ != nullptr, "[AnyModule] the ", detail::demangle(typeid(M)), " is null");
  }
  template <class M>
  explicit AnyModule(const ModuleHolder<M>& holder) : AnyModule(holder.ptr()) {}
  template <class M, std::enable_if_t<detail::is_module_v<M>, int> = 0>
  explicit AnyModule(M&& module)
      : AnyModule(std::make_shared<std::decay_t<M>>(std::forward<M>(module))) {}
  template <class M>
  AnyModule& operator=(std::shared_ptr<M> module) {
    return *this = AnyModule(std::move(module));
  }

  /// A deep copy.
  AnyModule clone(const std::optional<Device>& device = nullopt) const {
    AnyModule copy = *this;
    copy.module_ = checked("clone").clone(device);
    return copy;
  }

  /// Calls forward() with type-erased arguments.
  AnyValue forward_any(AnyValue* arguments, std::size_t count) {
    return call_(checked("forward"), arguments, count);
  }
  template <class... Args>
  AnyValue any_forward(Args&&... args) {
    std::array<AnyValue, sizeof...(Args)> values{AnyValue(std::forward<Args>(args))...};
    return forward_any(values.data(), values.size());
  }
  /// Calls forward(); its result must be a `Result`.
  template <class Result = Tensor, class... Args>
  Result forward(Args&&... args) {
    AnyValue result = any_forward(std::forward<Args>(args)...);
    if (auto* value = result.template try_get<Result>()) return std::move(*value);
    detail::throw_result_type(typeid(Result), result.type_info());
  }

  /// The module as type `T`, a module (gives a reference) or a holder (gives a holder); Error where
  /// it is of another type.
  template <class T, std::enable_if_t<detail::is_module_v<T>, int> = 0>
  T& get() const {
    return *ptr<T>();
  }
  template <class T, class Contained = typename T::ContainedType>
  T get() const {
    return T(ptr<Contained>());
  }
  std::shared_ptr<Module> ptr() const {
    checked("ptr");
    return module_;
  }
  template <class T, std::enable_if_t<detail::is_module_v<T>, int> = 0>
  std::shared_ptr<T> ptr() const {
    checked("ptr");
    if (*type_ != typeid(T)) throw_cast(typeid(T));
    return std::static_pointer_cast<T>(module_);
  }
  const std::type_info& type_info() const {
    checked("type_info");
    return *type_;
  }
  bool is_empty() const noexcept { return module_ == nullptr; }

 private:
  Module& checked(const char* operation) const {
    check(!is_empty(), "[AnyModule] ", operation,
          "() of an empty AnyModule; give it a module first");
    return *module_;
  }
  [[noreturn]] void throw_cast(const std::type_info& wanted) const;

  template <class M>
  static AnyValue call(Module& module, AnyValue* arguments, std::size_t count) {
    auto& typed = static_cast<M&>(module);
    if constexpr (detail::forwards_any_v<M>)
      return typed.forward_any(arguments, count);
    else
      return call_with(typed, &M::forward, arguments, count);
  }
  template <class M, class C, class R, class... Args>
  static AnyValue call_with(M& module, R (C::*)(Args...), AnyValue* arguments, std::size_t count) {
    return call_with_types<Args...>(module, arguments, count);
  }
  template <class M, class C, class R, class... Args>
  static AnyValue call_with(M& module, R (C::*)(Args...) const, AnyValue* arguments,
                            std::size_t count) {
    return call_with_types<Args...>(module, arguments, count);
  }
  template <class... Args, class M>
  static AnyValue call_with_types(M& module, AnyValue* arguments, std::size_t count) {
    constexpr auto all = std::index_sequence_for<Args...>{};
    if (count == all.size()) return detail::invoke<Args...>(module, arguments, all);
    auto completed = with_defaults(module, typeid(M), arguments, count, all.size());
    return detail::invoke<Args...>(module, completed.data(), all);
  }
  // The arguments followed by the default values of those left out.
  static std::vector<AnyValue> with_defaults(const Module& module, const std::type_info& type,
                                             AnyValue* arguments, std::size_t count,
                                             std::size_t all);

  std::shared_ptr<Module> module_;
  const std::type_info* type_ = nullptr;
  AnyValue (*call_)(Module&, AnyValue*, std::size_t) = nullptr;
};

/// A module with its name, an element of Sequential's initialiser list.
class NamedAnyModule {
 public:
  template <class M>
  NamedAnyModule(std::string name, M&& module)
      : name_(std::move(name)), module_(std::forward<M>(module)) {}
  const std::string& name() const noexcept { return name_; }
  const AnyModule& module() const noexcept { return module_; }
  AnyModule& module() noexcept { return module_; }

 private:
  std::string name_;
  AnyModule module_;
};

/// Modules called one after the other, each with the result of the one before. Where that is a
/// tuple led by a Tensor, as of recurrent modules, and a Tensor is expected, the Tensor is passed.
/// https://pytorch.org/docs/stable/generated/torch.nn.Sequential.html
class SequentialImpl : public Cloneable<SequentialImpl> {
 public:
  using Iterator = std::vector<AnyModule>::iterator;
  using ConstIterator = std::vector<AnyModule>::const_iterator;

  SequentialImpl() = default;
  template <class First, class... Rest,
            std::enable_if_t<
                !std::is_base_of_v<SequentialImpl, std::decay_t<First>> &&
                    !std::is_same_v<OrderedDict<std::string, AnyModule>, std::decay_t<First>>,
                int> = 0>
  explicit SequentialImpl(First&& first, Rest&&... rest) {
    push_back(std::forward<First>(first));
    (push_back(std::forward<Rest>(rest)), ...);
  }
  explicit SequentialImpl(const OrderedDict<std::string, AnyModule>& modules) {
    for (const auto& item : modules) push_back(item.key(), item.value());
  }
  explicit SequentialImpl(std::initializer_list<NamedAnyModule> modules) {
    for (const auto& item : modules) push_back(item.name(), item.module());
  }

  /// Keeps names and modules that appear more than once.
  std::shared_ptr<Module> clone(const std::optional<Device>& device = nullopt) const override;
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;

  /// Throws Error where there is no module, or one does not take what the one before returns, or
  /// the last does not return a `Result`.
  template <class Result = Tensor, class... Inputs>
  Result forward(Inputs&&... inputs) {
    std::array<AnyValue, sizeof...(Inputs)> values{AnyValue(std::forward<Inputs>(inputs))...};
    AnyValue result = forward_any(values.data(), values.size());
    if (auto* value = result.template try_get_output<Result>()) return std::move(*value);
    detail::throw_result_type(typeid(Result), result.type_info());
  }
  AnyValue forward_any(AnyValue* arguments, std::size_t count);

  /// Appends a module (holder, shared_ptr, module or AnyModule) under `name`, by default its index.
  template <class M>
  void push_back(M&& module) {
    push_back(std::to_string(size()), std::forward<M>(module));
  }
  template <class M>
  void push_back(std::string name, M&& module) {
    append(std::move(name), AnyModule(std::forward<M>(module)));
  }
  /// Appends every module of `container`.
  template <class Container>
  void extend(const Container& container) {
    for (const auto& module : container) push_back(module);
  }

  Iterator begin() { return modules_.begin(); }
  ConstIterator begin() const { return modules_.begin(); }
  Iterator end() { return modules_.end(); }
  ConstIterator end() const { return modules_.end(); }
  std::size_t size() const noexcept { return modules_.size(); }
  bool is_empty() const noexcept { return modules_.empty(); }

  /// Module number `index`; IndexError out of range, Error where it is not a `T`.
  template <class T>
  T& at(std::size_t index) const {
    return checked(index).template get<T>();
  }
  std::shared_ptr<Module> ptr(std::size_t index) const { return checked(index).ptr(); }
  template <class T>
  std::shared_ptr<T> ptr(std::size_t index) const {
    return checked(index).template ptr<T>();
  }
  std::shared_ptr<Module> operator[](std::size_t index) const { return ptr(index); }

 private:
  void append(std::string name, AnyModule module);
  const AnyModule& checked(std::size_t index) const;

  std::vector<AnyModule> modules_;
  std::vector<std::string> names_;
};

class Sequential : public ModuleHolder<SequentialImpl> {
 public:
  using ModuleHolder<SequentialImpl>::ModuleHolder;
  using Impl [[maybe_unused]] = SequentialImpl;
  Sequential() = default;
  Sequential(std::initializer_list<NamedAnyModule> modules)
      : ModuleHolder(std::make_shared<SequentialImpl>(modules)) {}
};

/// A list of submodules, without a forward() of its own.
/// https://pytorch.org/docs/stable/generated/torch.nn.ModuleList.html
class ModuleListImpl : public Cloneable<ModuleListImpl> {
 public:
  using Iterator = std::vector<std::shared_ptr<Module>>::iterator;
  using ConstIterator = std::vector<std::shared_ptr<Module>>::const_iterator;

  ModuleListImpl() = default;
  template <class First, class... Rest,
            std::enable_if_t<!std::is_base_of_v<ModuleListImpl, std::decay_t<First>>, int> = 0>
  explicit ModuleListImpl(First&& first, Rest&&... rest) {
    push_back(std::forward<First>(first));
    (push_back(std::forward<Rest>(rest)), ...);
  }

  std::shared_ptr<Module> clone(const std::optional<Device>& device = nullopt) const override;
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;

  void push_back(std::shared_ptr<Module> module) { insert(size(), std::move(module)); }
  template <class M>
  void push_back(const ModuleHolder<M>& holder) {
    insert(size(), holder.ptr());
  }
  template <class M, std::enable_if_t<detail::is_module_v<M>, int> = 0>
  void push_back(M&& module) {
    insert(size(), std::make_shared<std::decay_t<M>>(std::forward<M>(module)));
  }
  template <class Container>
  void extend(const Container& container) {
    for (const auto& module : container) push_back(module);
  }
  /// Puts `module` before number `index`; IndexError where `index` is above size().
  void insert(std::size_t index, std::shared_ptr<Module> module);
  template <class M>
  void insert(std::size_t index, const ModuleHolder<M>& holder) {
    insert(index, std::shared_ptr<Module>(holder.ptr()));
  }
  template <class M, std::enable_if_t<detail::is_module_v<M>, int> = 0>
  void insert(std::size_t index, M&& module) {
    insert(index,
           std::shared_ptr<Module>(std::make_shared<std::decay_t<M>>(std::forward<M>(module))));
  }

  Iterator begin() { return modules_.begin(); }
  ConstIterator begin() const { return modules_.begin(); }
  Iterator end() { return modules_.end(); }
  ConstIterator end() const { return modules_.end(); }
  std::size_t size() const noexcept { return modules_.size(); }
  bool is_empty() const noexcept { return modules_.empty(); }

  /// Module number `index`; IndexError out of range, Error where it is not a `T`.
  template <class T>
  T& at(std::size_t index) const {
    return *ptr<T>(index);
  }
  std::shared_ptr<Module> ptr(std::size_t index) const;
  template <class T>
  std::shared_ptr<T> ptr(std::size_t index) const {
    const auto typed = std::dynamic_pointer_cast<T>(ptr(index));
    if (!typed) throw_cast(index, typeid(T));
    return typed;
  }
  std::shared_ptr<Module> operator[](std::size_t index) const { return ptr(index); }

 private:
  [[noreturn]] void throw_cast(std::size_t index, const std::type_info& wanted) const;

  std::vector<std::shared_ptr<Module>> modules_;
};
REEL_MODULE(ModuleList);

/// A function Tensor -> Tensor as a module: `Functional(reel::relu)`, or with further arguments
/// bound: `Functional(f, 1, 2.0)` calls f(x, 1, 2.0).
class FunctionalImpl : public Cloneable<FunctionalImpl> {
 public:
  using Function = std::function<Tensor(Tensor)>;

  explicit FunctionalImpl(Function function) : function_(std::move(function)) {
    check(function_ != nullptr, "[Functional] the function is empty");
  }
  template <class F, class... Args, std::enable_if_t<(sizeof...(Args) > 0), int> = 0>
  explicit FunctionalImpl(F function, Args&&... args)
      : function_([function, bound = std::make_tuple(std::forward<Args>(args)...)](Tensor input) {
          return std::apply([&](const auto&... more) { return function(input, more...); }, bound);
        }) {}

  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(Tensor input) { return function_(std::move(input)); }
  Tensor operator()(Tensor input) { return forward(std::move(input)); }

 private:
  Function function_;
};
REEL_MODULE(Functional);

}  // namespace nn
}  // namespace reel
