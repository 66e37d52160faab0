// Cloneable: base of modules that can be copied deeply.
#pragma once

#include <memory>
#include <optional>

#include "module.hpp"

namespace reel {
namespace nn {

/// Gives `Derived` a clone(). `Derived` registers everything in reset() and calls reset() in its
/// constructors; the clone is reset anew and then takes over all values. Weights tied inside
/// reset() stay tied in the clone.
template <class Derived>
class Cloneable : public Module {
 public:
  using Module::Module;

  /// Makes and registers parameters, buffers and submodules, and sets their first values.
  virtual void reset() = 0;

  /// A deep copy, in the same training mode. Throws Error where reset() does not register what the
  /// original has.
  std::shared_ptr<Module> clone(const std::optional<Device>& device = nullopt) const override {
    // Pointers to Module alone: everything here is compiled for each type of module.
    auto* copy = new Derived(static_cast<const Derived&>(*this));
    std::shared_ptr<Module> owner(static_cast<Module*>(copy));
    owner->forget_registrations();
    copy->reset();
    owner->copy_registered_from(*this, device);
    return owner;
  }

 private:
  void clone_(Module& other, const std::optional<Device>& device) final {
    const std::shared_ptr<Module> copy = other.clone(device);
    const auto* same = dynamic_cast<const Derived*>(copy.get());
    if (!same) refuse_clone_of(other);
    static_cast<Derived&>(*this) = *same;
  }
};

}  // namespace nn
}  // namespace reel
