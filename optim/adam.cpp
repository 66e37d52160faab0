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
template <class Options>
void update_one(const char* op, const Tensor& param, AdamParamState& state, const Options& options,
                double decay, double shrink) {
  const ParamUpdate memory(param);
  const auto& [beta1, beta2] = options.betas();
  const auto t = static_cast<double>(++state.step());
  const double step_size = options.lr() / (1 - std::pow(beta1, t));
  const double scale = 1 / std::sqrt(1 - std::pow(beta2, t));
  dispatch_float(op, param.dtype(), [&, &beta1 = beta1, &beta2 = beta2](auto tag) {
    using T = typename decltype(tag)::type;
    const Rule<T> rule{static_cast<T>(options.maximize() ? -1 : 1),
                       static_cast<T>(decay),
                       static_cast<T>(shrink),
                       static_cast<T>(beta1),
                       static_cast<T>(1 - beta1),
                       static_cast<T>(beta2),
                       static_cast<T>(1 - beta2),
                       static_cast<T>(step_size),
                       static_cast<T>(scale),
                       static_cast<T>(options.eps())};
    T* p = memory.param<T>();
    const T* g = memory.grad<T>();
    T* m = state.exp_avg().data_ptr<T>();
    T* v = state.exp_avg_sq().data_ptr<T>();
    T* v_max = options.amsgrad() ? state.max_exp_avg_sq().data_ptr<T>() : nullptr;
    const auto update =
        v_max != nullptr ? (decay != 0 ? update_all<true, true, T> : update_all<false, true, T>)
                         : (decay != 0 ? update_all<true, false, T> : update_all<false, false, T>);
    update(p, g, m, v, v_max, memory.size(), rule);
  });
  memory.finish();
}

}  // namespace

void AdamOptions::fields(Fields& visit) { visit_fields(*this, visit); }
void AdamOptions::validate() const { validate_adam("Adam", *this); }
void AdamWOptions::fields(Fields& visit) { visit_fields(*this, visit); }
void AdamWOptions::validate() const { validate_adam("AdamW", *this); }

void AdamParamState::fields(Fields& visit) {
  visit.count("step", step_);
  visit("exp_avg", exp_avg_);
  visit("exp_avg_sq", exp_avg_sq_);
  visit("max_exp_avg_sq", max_exp_avg_sq_);
  for (const char* name : {"exp_avg", "exp_avg_sq"}) visit.required(name);
}

Tensor Adam::step(LossClosure closure) {
  return update_each<AdamOptions, AdamParamState>(
      closure, [this](const AdamOptions& options, AdamParamState& state, const Tensor& param) {
        fit_buffer(state.exp_avg(), param, "exp_avg");
        fit_buffer(state.exp_avg_sq(), param, "exp_avg_sq");
        if (options.amsgrad()) fit_buffer(state.max_exp_avg_sq(), param, "max_exp_avg_sq");
        update_one("Adam", param, state, options, options.weight_decay(), 1);
      });
}
Tensor AdamW::step(LossClosure closure) {
  return update_each<AdamWOptions, AdamParamState>(
      closure, [this](const AdamWOptions& options, AdamParamState& state, const Tensor& param) {
        fit_buffer(state.exp_avg(), param, "exp_avg");
        fit_buffer(state.exp_avg_sq(), param, "exp_avg_sq");
        if (options.amsgrad()) fit_buffer(state.max_exp_avg_sq(), param, "max_exp_avg_sq");
        update_one("AdamW", param, state, options, 0, 1 - options.lr() * options.weight_decay());
      });
}
std::string Adam::name() const { return "Adam"; }
std::string AdamW::name() const { return "AdamW"; }

template class OptimizerOptionsWithRate<AdamOptions>;
template class OptimizerOf<AdamOptions, AdamParamState>;
template class OptimizerOptionsWithRate<AdamWOptions>;
template class OptimizerOf<AdamWOptions, AdamParamState>;

}  // namespace optim
}  // namespace reel
