#include "sgd.hpp"

#include "autograd/ops/ops.hpp"
#include "update.hpp"

namespace reel {
namespace optim {

void SGDOptions::fields(Fields& visit) {
  visit("lr", lr_);
  visit("momentum", momentum_);
  visit("dampening", dampening_);
  visit("weight_decay", weight_decay_);
  visit("nesterov", nesterov_);
  visit("maximize", maximize_);
}

void SGDOptions::validate() const {
  check(lr_ >= 0, "[SGD] Invalid learning rate: ", lr_);
  check(momentum_ >= 0, "[SGD] Invalid momentum value: ", momentum_);
  check(weight_decay_ >= 0, "[SGD] Invalid weight_decay value: ", weight_decay_);
  check(!nesterov_ || (momentum_ > 0 && dampening_ == 0),
        "[SGD] Nesterov momentum requires a momentum and zero dampening");
}

void SGDParamState::fields(Fields& visit) { visit("momentum_buffer", momentum_buffer_); }

namespace {

/// The constants of one update, in the parameter's type.
template <class T>
struct Rule {
  T lr, sign, decay, momentum, take;
};

enum class Mode { kPlain, kMomentum, kNesterov };

template <Mode mode, bool decayed, class T>
void update_all(T* p, const T* g, T* buffer, std::int64_t n, Rule<T> rule) {
  for (std::int64_t i = 0; i < n; ++i) {
    T d = rule.sign * g[i];
    if constexpr (decayed) d += rule.decay * p[i];
    if constexpr (mode != Mode::kPlain) {
      const T b = rule.momentum * buffer[i] + rule.take * d;
      buffer[i] = b;
      d = mode == Mode::kNesterov ? d + rule.momentum * b : b;
    }
    p[i] -= rule.lr * d;
  }
}

template <Mode mode, class T>
void update_all(T* p, const T* g, T* buffer, std::int64_t n, Rule<T> rule) {
  if (rule.decay != 0)
    update_all<mode, true>(p, g, buffer, n, rule);
  else
    update_all<mode, false>(p, g, buffer, n, rule);
}

}  // namespace

Tensor SGD::step(LossClosure closure) {
  const Tensor loss = evaluate(closure);
  const NoGradGuard no_grad;
  check_gradients();
  for (auto& group : param_groups()) {
    const auto& options = options_of<SGDOptions>(group);
    for (const auto& param : group.params()) {
      if (!param.grad().defined()) continue;
      // The first buffer is the gradient itself: zeros, and nothing dampened.
      double take = 1;
      Tensor buffer;
      if (options.momentum() != 0) {
        Tensor& kept = state_of<SGDParamState>(param).momentum_buffer();
        if (kept.defined()) take = 1 - options.dampening();
        fit_buffer(kept, param, "momentum_buffer");
        buffer = kept;
      }
      const ParamUpdate memory(param);
      dispatch_float("SGD", param.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        const Rule<T> rule{static_cast<T>(options.lr()),
                           static_cast<T>(options.maximize() ? -1 : 1),
                           static_cast<T>(options.weight_decay()),
                           static_cast<T>(options.momentum()), static_cast<T>(take)};
        T* p = memory.param<T>();
        const T* g = memory.grad<T>();
        if (!buffer.defined())
          update_all<Mode::kPlain, T>(p, g, nullptr, memory.size(), rule);
        else if (options.nesterov())
          update_all<Mode::kNesterov, T>(p, g, buffer.data_ptr<T>(), memory.size(), rule);
        else
          update_all<Mode::kMomentum, T>(p, g, buffer.data_ptr<T>(), memory.size(), rule);
      });
      memory.finish();
    }
  }
  return loss;
}

std::string SGD::name() const { return "SGD"; }

template class OptimizerOptionsWithRate<SGDOptions>;
template class OptimizerOf<SGDOptions, SGDParamState>;

}  // namespace optim
}  // namespace reel
