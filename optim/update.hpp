// For the optimizers' own sources: the members of their templates, a parameter and its gradient as
// raw memory for one pass, and checks that options share.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "../autograd/tensor.hpp"
#include "optimizer.hpp"

namespace reel {
namespace optim {

template <class Derived>
std::unique_ptr<OptimizerOptions> OptimizerOptionsWithRate<Derived>::clone() const {
  return std::make_unique<Derived>(static_cast<const Derived&>(*this));
}
template <class Derived>
double OptimizerOptionsWithRate<Derived>::get_lr() const {
  return static_cast<const Derived&>(*this).lr();
}
template <class Derived>
void OptimizerOptionsWithRate<Derived>::set_lr(double lr) {
  static_cast<Derived&>(*this).lr(lr);
}

template <class Options, class State>
OptimizerOf<Options, State>::OptimizerOf(std::vector<OptimizerParamGroup> param_groups,
                                         Options defaults)
    : Optimizer(std::move(param_groups), std::make_unique<Options>(std::move(defaults))) {}
template <class Options, class State>
OptimizerOf<Options, State>::OptimizerOf(std::vector<Tensor> params, Options defaults)
    : Optimizer(std::move(params), std::make_unique<Options>(std::move(defaults))) {}
template <class Options, class State>
std::unique_ptr<OptimizerParamState> OptimizerOf<Options, State>::make_state() const {
  return std::make_unique<State>();
}

/// Contiguous memory of a parameter and of its gradient. Where the parameter is a strided view,
/// the memory is a copy that finish() writes back.
class ParamUpdate {
 public:
  explicit ParamUpdate(const Tensor& param)
      : param_(param),
        memory_(param.is_contiguous() ? param : param.detach().contiguous()),
        grad_(param.grad().contiguous()) {}

  template <class T>
  T* param() const {
    return memory_.data_ptr<T>();
  }
  template <class T>
  const T* grad() const {
    return grad_.data_ptr<T>();
  }
  std::int64_t size() const { return memory_.numel(); }
  /// Makes the new values known. Call it under NoGradGuard.
  void finish() const {
    if (param_.is_contiguous())
      param_.impl()->storage->bump_version();
    else
      param_.copy_(memory_);
  }

 private:
  Tensor param_;
  Tensor memory_;
  Tensor grad_;
};

/// The checks that Adam's options and those of its kin share.
template <class Options>
void validate_adam(const char* op, const Options& options) {
  const auto& [beta1, beta2] = options.betas();
  check(options.lr() >= 0, "[", op, "] Invalid learning rate: ", options.lr());
  check(options.eps() >= 0, "[", op, "] Invalid epsilon value: ", options.eps());
  check(0 <= beta1 && beta1 < 1, "[", op, "] Invalid beta parameter at index 0: ", beta1);
  check(0 <= beta2 && beta2 < 1, "[", op, "] Invalid beta parameter at index 1: ", beta2);
  check(options.weight_decay() >= 0, "[", op,
        "] Invalid weight_decay value: ", options.weight_decay());
}

/// Calls rule(p, g, b...) for every element p of `param` with its gradient g and its elements of
/// the `buffers`, all in the parameter's type; the rule changes p and the b. A buffer that is
/// undefined gives a b of no meaning.
template <class Rule, class... Buffer>
void update_elements(const char* op, const Tensor& param, Rule rule, const Buffer&... buffers) {
  const ParamUpdate memory(param);
  dispatch_float(op, param.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T none = 0;
    const auto loop = [&](auto... b) {
      T* p = memory.param<T>();
      const T* g = memory.grad<T>();
      for (std::int64_t i = 0; i < memory.size(); ++i) rule(p[i], g[i], b.first[i * b.second]...);
    };
    loop(buffers.defined() ? std::make_pair(buffers.template data_ptr<T>(), std::int64_t{1})
                           : std::make_pair(&none, std::int64_t{0})...);
  });
  memory.finish();
}

}  // namespace optim
}  // namespace reel
