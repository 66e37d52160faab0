#include "adam.hpp"

#include <cmath>

#include "autograd/ops/ops.hpp"
#include "update.hpp"

namespace reel {
namespace optim {

namespace {

template <class Options>
void visit_fields(Options& options, Fields& visit) {
  auto& [beta1, beta2] = options.betas();
  visit("lr", options.lr());
  visit("beta1", beta1);
  visit("beta2", beta2);
  visit("eps", options.eps());
  visit("weight_decay", options.weight_decay());
  visit("amsgrad", options.amsgrad());
  visit("maximize", options.maximize());
}

/// The constants of one update, in the parameter's type.
template <class T>
struct Rule {
  T sign, decay, shrink, beta1, take1, beta2, take2, step_size, scale, eps;
};

/// scale = 1 / sqrt(1 - beta2^t), step_size = lr / (1 - beta1^t).
template <bool decayed, bool amsgrad, class T>
void update_all(T* p, const T* g, T* m, T* v, T* v_max, std::int64_t n, Rule<T> rule) {
  for (std::int64_t i = 0; i < n; ++i) {
    T d = rule.sign * g[i];
    if constexpr (decayed) d += rule.decay * p[i];
    const T m_new = rule.beta1 * m[i] + rule.take1 * d;
    const T v_new = rule.beta2 * v[i] + rule.take2 * d * d;
    m[i] = m_new;
    v[i] = v_new;
    T v_used = v_new;
    if constexpr (amsgrad) {
      v_used = v_max[i] > v_new ? v_max[i] : v_new;
      v_max[i] = v_used;
    }
    p[i] =
        rule.shrink * p[i] - rule.step_size * m_new / (std::sqrt(v_used) * rule.scale + rule.eps);
  }
}

/// What Adam and AdamW share; they differ in which of `decay` and `shrink` is not neutral.
template <class T, class Options>
void update_one(const ParamUpdate& memory, AdamParamState& state, const Options& options,
                double decay, double shrink) {
  const auto& [beta1, beta2] = options.betas();
  const auto t = static_cast<double>(state.step());
  const Rule<T> rule{static_cast<T>(options.maximize() ? -1 : 1),
                     static_cast<T>(decay),
                     static_cast<T>(shrink),
                     static_cast<T>(beta1),
                     static_cast<T>(1 - beta1),
                     static_cast<T>(beta2),
                     static_cast<T>(1 - beta2),
                     static_cast<T>(options.lr() / (1 - std::pow(beta1, t))),
                     static_cast<T>(1 / std::sqrt(1 - std::pow(beta2, t))),
                     static_cast<T>(options.eps())};
  T* p = memory.param<T>();
  const T* g = memory.grad<T>();
  T* m = state.exp_avg().data_ptr<T>();
  T* v = state.exp_avg_sq().data_ptr<T>();
  const std::int64_t n = memory.size();
  if (options.amsgrad()) {
    T* v_max = state.max_exp_avg_sq().data_ptr<T>();
    if (decay != 0)
      update_all<true, true>(p, g, m, v, v_max, n, rule);
    else
      update_all<false, true>(p, g, m, v, v_max, n, rule);
  } else if (decay != 0) {
    update_all<true, false>(p, g, m, v, static_cast<T*>(nullptr), n, rule);
  } else {
    update_all<false, false>(p, g, m, v, static_cast<T*>(nullptr), n, rule);
  }
}

}  // namespace

void AdamOptions::fields(Fields& visit) { visit_fields(*this, visit); }
void AdamOptions::validate() const { validate_adam("Adam", *this); }
void AdamWOptions::fields(Fields& visit) { visit_fields(*this, visit); }
void AdamWOptions::validate() const { validate_adam("AdamW", *this); }

void AdamParamState::fields(Fields& visit) {
  visit("step", step_);
  visit("exp_avg", exp_avg_);
  visit("exp_avg_sq", exp_avg_sq_);
  visit("max_exp_avg_sq", max_exp_avg_sq_);
}

template <class Options>
Tensor AdamBase::update(const LossClosure& closure, bool decoupled) {
  const Tensor loss = evaluate(closure);
  const NoGradGuard no_grad;
  check_gradients();
  for (auto& group : param_groups()) {
    const auto& options = options_of<Options>(group);
    const double decay = decoupled ? 0 : options.weight_decay();
    const double shrink = decoupled ? 1 - options.lr() * options.weight_decay() : 1;
    for (const auto& param : group.params()) {
      if (!param.grad().defined()) continue;
      auto& state = state_of<AdamParamState>(param);
      fit_buffer(state.exp_avg(), param, "exp_avg");
      fit_buffer(state.exp_avg_sq(), param, "exp_avg_sq");
      if (options.amsgrad()) fit_buffer(state.max_exp_avg_sq(), param, "max_exp_avg_sq");
      const ParamUpdate memory(param);
      ++state.step();
      dispatch_float("Adam", param.dtype(), [&](auto tag) {
        update_one<typename decltype(tag)::type>(memory, state, options, decay, shrink);
      });
      memory.finish();
    }
  }
  return loss;
}

Tensor Adam::step(LossClosure closure) { return update<AdamOptions>(closure, false); }
Tensor AdamW::step(LossClosure closure) { return update<AdamWOptions>(closure, true); }

}  // namespace optim
}  // namespace reel
