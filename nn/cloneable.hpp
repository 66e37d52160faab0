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
    auto copy = std::make_shared<Derived>(static_cast<const Derived&>(*this));
    copy->forget_registrations();
    copy->reset();
    copy->copy_registered_from(*this, device);
    return copy;
  }

 private:
  void clone_(Module& other, const std::optional<Device>& device) final {
    const auto copy = std::dynamic_pointer_cast<Derived>(other.clone(device));
    check(copy != nullptr, "[clone] expected a submodule of type ", name(), ", found ",
          other.name(), ": reset() must register the same types as the original has");
    static_cast<Derived&>(*this) = *copy;
  }
};

}  // namespace nn
}  // namespace reel
