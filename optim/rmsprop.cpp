#include "rmsprop.hpp"

#include <cmath>

#include "autograd/ops/ops.hpp"
#include "update.hpp"

namespace reel {
namespace optim {

void RMSpropOptions::fields(Fields& visit) {
  visit("lr", lr_);
  visit("alpha", alpha_);
  visit("eps", eps_);
  visit("weight_decay", weight_decay_);
  visit("momentum", momentum_);
  visit("centered", centered_);
  visit("maximize", maximize_);
}

void RMSpropOptions::validate() const {
  check(lr_ >= 0, "[RMSprop] Invalid learning rate: ", lr_);
  check(eps_ >= 0, "[RMSprop] Invalid epsilon value: ", eps_);
  check(momentum_ >= 0, "[RMSprop] Invalid momentum value: ", momentum_);
  check(weight_decay_ >= 0, "[RMSprop] Invalid weight_decay value: ", weight_decay_);
  check(alpha_ >= 0, "[RMSprop] Invalid alpha value: ", alpha_);
}

void RMSpropParamState::fields(Fields& visit) {
  visit.count("step", step_);
  visit("square_avg", square_avg_);
  visit("momentum_buffer", momentum_buffer_);
  visit("grad_avg", grad_avg_);
  visit.required("square_avg");
}

Tensor RMSprop::step(LossClosure closure) {
  return update_each<RMSpropOptions, RMSpropParamState>(
      closure, [this](const RMSpropOptions& o, RMSpropParamState& state, const Tensor& param) {
        fit_buffer(state.square_avg(), param, "square_avg");
        if (o.momentum() > 0) fit_buffer(state.momentum_buffer(), param, "momentum_buffer");
        if (o.centered()) fit_buffer(state.grad_avg(), param, "grad_avg");
        ++state.step();
        update_elements(
            "RMSprop", param,
            [o](auto& p, auto g, auto& v, auto& b, auto& m) {
              using T = decltype(g);
              const T alpha = static_cast<T>(o.alpha()), take = static_cast<T>(1 - o.alpha());
              const T d = (o.maximize() ? -g : g) + static_cast<T>(o.weight_decay()) * p;
              v = alpha * v + take * d * d;
              T used = v;
              if (o.centered()) {
                m = alpha * m + take * d;
                used -= m * m;
              }
              const T scaled = d / (std::sqrt(used) + static_cast<T>(o.eps()));
              if (o.momentum() > 0) b = static_cast<T>(o.momentum()) * b + scaled;
              p -= static_cast<T>(o.lr()) * (o.momentum() > 0 ? b : scaled);
            },
            state.square_avg(), state.momentum_buffer(), state.grad_avg());
      });
}

std::string RMSprop::name() const { return "RMSprop"; }

template class OptimizerOptionsWithRate<RMSpropOptions>;
template class OptimizerOf<RMSpropOptions, RMSpropParamState>;

}  // namespace optim
}  // namespace reel
