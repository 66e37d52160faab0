// ModuleHolder: the handle through which modules are used, so that `Linear` behaves like a value
// that refers to a shared `LinearImpl`.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "../autograd/error.hpp"

namespace reel {
namespace nn {

namespace detail {
struct ModuleHolderBase {};

template <class T>
inline constexpr bool is_module_holder_v = std::is_base_of_v<ModuleHolderBase, std::decay_t<T>>;

template <class T, class = void>
struct contained {
  using type = T;
};
template <class T>
struct contained<T, std::enable_if_t<is_module_holder_v<T>>> {
  using type = typename T::ContainedType;
};
/// T itself, or what it contains where it is a holder.
template <class T>
using contained_t = typename contained<std::decay_t<T>>::type;

[[noreturn]] void throw_empty_holder(const std::type_info& contained);
}  // namespace detail

/// A shared pointer to a module with the module's constructors: `Linear fc(3, 4);`, and empty where
/// made from nullptr: `Linear fc = nullptr;`. Copies refer to the same module. Use of an empty
/// holder throws Error.
template <class Contained>
class ModuleHolder : detail::ModuleHolderBase {
 public:
  using ContainedType = Contained;

  ModuleHolder() : impl_(make_default()) {}
  ModuleHolder(std::nullptr_t) {}
  ModuleHolder(std::shared_ptr<Contained> module) : impl_(std::move(module)) {}
  /// Constructs the module from the arguments.
  template <class Head, class... Tail,
            std::enable_if_t<!(sizeof...(Tail) == 0 &&
                               std::is_same_v<detail::contained_t<Head>, Contained> &&
                               detail::is_module_holder_v<Head>),
                             int> = 0>
  explicit ModuleHolder(Head&& head, Tail&&... tail)
      : impl_(new Contained(std::forward<Head>(head), std::forward<Tail>(tail)...)) {}

  bool is_empty() const noexcept { return impl_ == nullptr; }
  explicit operator bool() const noexcept { return !is_empty(); }

  Contained* operator->() { return get(); }
  const Contained* operator->() const { return get(); }
  Contained& operator*() { return *get(); }
  const Contained& operator*() const { return *get(); }
  Contained* get() { return checked().get(); }
  const Contained* get() const { return checked().get(); }
  const std::shared_ptr<Contained>& ptr() const { return checked(); }

  /// The module's forward().
  template <class... Args, class C = Contained>
  auto operator()(Args&&... args)
      -> decltype(std::declval<C&>().forward(std::forward<Args>(args)...)) {
    return get()->forward(std::forward<Args>(args)...);
  }
  template <class C = Contained>
  auto operator[](std::size_t index) -> decltype(std::declval<C&>()[index]) {
    return (*get())[index];
  }
  template <class Key, class C = Contained,
            std::enable_if_t<!std::is_integral_v<std::decay_t<Key>>, int> = 0>
  auto operator[](Key&& key) -> decltype(std::declval<C&>()[std::forward<Key>(key)]) {
    return (*get())[std::forward<Key>(key)];
  }

  /// Whether both refer to the same module.
  friend bool operator==(const ModuleHolder& a, const ModuleHolder& b) {
    return a.impl_ == b.impl_;
  }
  friend bool operator!=(const ModuleHolder& a, const ModuleHolder& b) {
    return a.impl_ != b.impl_;
  }
  friend bool operator==(const ModuleHolder& a, std::nullptr_t) { return a.is_empty(); }
  friend bool operator!=(const ModuleHolder& a, std::nullptr_t) { return !a.is_empty(); }
  friend bool operator==(std::nullptr_t, const ModuleHolder& a) { return a.is_empty(); }
  friend bool operator!=(std::nullptr_t, const ModuleHolder& a) { return !a.is_empty(); }

 protected:
  std::shared_ptr<Contained> impl_;

 private:
  static std::shared_ptr<Contained> make_default() {
    static_assert(std::is_default_constructible_v<Contained>,
                  "this module has no default constructor: give its arguments, or make the holder "
                  "empty with = nullptr");
    return std::make_shared<Contained>();
  }
  const std::shared_ptr<Contained>& checked() const {
    if (!impl_) detail::throw_empty_holder(typeid(Contained));
    return impl_;
  }
};

}  // namespace nn
}  // namespace reel

/// Defines the holder `Name` of the module `ImplType`.
#define REEL_MODULE_IMPL(Name, ImplType)                    \
  class Name : public ::reel::nn::ModuleHolder<ImplType> {  \
   public:                                                  \
    using ::reel::nn::ModuleHolder<ImplType>::ModuleHolder; \
    using Impl [[maybe_unused]] = ImplType;                 \
  }
/// Defines the holder `Name` of the module `NameImpl`.
#define REEL_MODULE(Name) REEL_MODULE_IMPL(Name, Name##Impl)
