#include "adagrad.hpp"

#include <cmath>

#include "autograd/ops/ops.hpp"
#include "update.hpp"

namespace reel {
namespace optim {

void AdagradOptions::fields(Fields& visit) {
  visit("lr", lr_);
  visit("lr_decay", lr_decay_);
  visit("weight_decay", weight_decay_);
  visit("initial_accumulator_value", initial_accumulator_value_);
  visit("eps", eps_);
  visit("maximize", maximize_);
}

void AdagradOptions::validate() const {
  check(lr_ >= 0, "[Adagrad] Invalid learning rate: ", lr_);
  check(lr_decay_ >= 0, "[Adagrad] Invalid lr_decay value: ", lr_decay_);
  check(weight_decay_ >= 0, "[Adagrad] Invalid weight_decay value: ", weight_decay_);
  check(initial_accumulator_value_ >= 0,
        "[Adagrad] Invalid initial_accumulator_value value: ", initial_accumulator_value_);
  check(eps_ >= 0, "[Adagrad] Invalid epsilon value: ", eps_);
}

void AdagradParamState::fields(Fields& visit) {
  visit.count("step", step_);
  visit("sum", sum_);
  visit.required("sum");
}

Tensor Adagrad::step(LossClosure closure) {
  return update_each<AdagradOptions, AdagradParamState>(
      closure, [this](const AdagradOptions& o, AdagradParamState& state, const Tensor& param) {
        const bool first = !state.sum().defined();
        fit_buffer(state.sum(), param, "sum");
        if (first) state.sum().fill_(o.initial_accumulator_value());
        ++state.step();
        const double lr = o.lr() / (1 + static_cast<double>(state.step() - 1) * o.lr_decay());
        update_elements(
            "Adagrad", param,
            [o, lr](auto& p, auto g, auto& sum) {
              using T = decltype(g);
              const T d = (o.maximize() ? -g : g) + static_cast<T>(o.weight_decay()) * p;
              sum += d * d;
              p -= static_cast<T>(lr) * d / (std::sqrt(sum) + static_cast<T>(o.eps()));
            },
            state.sum());
      });
}

void AdadeltaOptions::fields(Fields& visit) {
  visit("lr", lr_);
  visit("rho", rho_);
  visit("eps", eps_);
  visit("weight_decay", weight_decay_);
  visit("maximize", maximize_);
}

void AdadeltaOptions::validate() const {
  check(lr_ >= 0, "[Adadelta] Invalid learning rate: ", lr_);
  check(rho_ >= 0 && rho_ <= 1, "[Adadelta] Invalid rho value: ", rho_);
  check(eps_ >= 0, "[Adadelta] Invalid epsilon value: ", eps_);
  check(weight_decay_ >= 0, "[Adadelta] Invalid weight_decay value: ", weight_decay_);
}

void AdadeltaParamState::fields(Fields& visit) {
  visit.count("step", step_);
  visit("square_avg", square_avg_);
  visit("acc_delta", acc_delta_);
  for (const char* name : {"square_avg", "acc_delta"}) visit.required(name);
}

Tensor Adadelta::step(LossClosure closure) {
  return update_each<AdadeltaOptions, AdadeltaParamState>(
      closure, [this](const AdadeltaOptions& o, AdadeltaParamState& state, const Tensor& param) {
        fit_buffer(state.square_avg(), param, "square_avg");
        fit_buffer(state.acc_delta(), param, "acc_delta");
        ++state.step();
        update_elements(
            "Adadelta", param,
            [o](auto& p, auto g, auto& v, auto& u) {
              using T = decltype(g);
              const T rho = static_cast<T>(o.rho()), take = static_cast<T>(1 - o.rho());
              const T eps = static_cast<T>(o.eps());
              const T d = (o.maximize() ? -g : g) + static_cast<T>(o.weight_decay()) * p;
              v = rho * v + take * d * d;
              const T delta = std::sqrt(u + eps) / std::sqrt(v + eps) * d;
              u = rho * u + take * delta * delta;
              p -= static_cast<T>(o.lr()) * delta;
            },
            state.square_avg(), state.acc_delta());
      });
}

std::string Adagrad::name() const { return "Adagrad"; }
std::string Adadelta::name() const { return "Adadelta"; }

template class OptimizerOptionsWithRate<AdagradOptions>;
template class OptimizerOf<AdagradOptions, AdagradParamState>;
template class OptimizerOptionsWithRate<AdadeltaOptions>;
template class OptimizerOf<AdadeltaOptions, AdadeltaParamState>;

}  // namespace optim
}  // namespace reel
