#include "adam_variants.hpp"

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
}

/// value = beta value + (1 - beta) next
template <class T>
void average(T& value, double beta, T next) {
  value = static_cast<T>(beta) * value + static_cast<T>(1 - beta) * next;
}

}  // namespace

void AdamaxOptions::fields(Fields& visit) {
  visit_fields(*this, visit);
  visit("maximize", maximize_);
}
void AdamaxOptions::validate() const { validate_adam("Adamax", *this); }
void AdamaxParamState::fields(Fields& visit) {
  visit.count("step", step_);
  visit("exp_avg", exp_avg_);
  visit("exp_inf", exp_inf_);
  for (const char* name : {"exp_avg", "exp_inf"}) visit.required(name);
}

Tensor Adamax::step(LossClosure closure) {
  return update_each<AdamaxOptions, AdamaxParamState>(
      closure, [this](const AdamaxOptions& o, AdamaxParamState& state, const Tensor& param) {
        fit_buffer(state.exp_avg(), param, "exp_avg");
        fit_buffer(state.exp_inf(), param, "exp_inf");
        ++state.step();
        const auto [beta1, beta2] = o.betas();
        const double lr = o.lr() / (1 - std::pow(beta1, static_cast<double>(state.step())));
        update_elements(
            "Adamax", param,
            [o, beta1 = beta1, beta2 = beta2, lr](auto& p, auto g, auto& m, auto& u) {
              using T = decltype(g);
              const T d = (o.maximize() ? -g : g) + static_cast<T>(o.weight_decay()) * p;
              average(m, beta1, d);
              const T decayed = static_cast<T>(beta2) * u;
              const T now = std::abs(d) + static_cast<T>(o.eps());
              u = decayed > now ? decayed : now;
              p -= static_cast<T>(lr) * m / u;
            },
            state.exp_avg(), state.exp_inf());
      });
}

void NAdamOptions::fields(Fields& visit) {
  visit_fields(*this, visit);
  visit("momentum_decay", momentum_decay_);
}
void NAdamOptions::validate() const {
  validate_adam("NAdam", *this);
  check(momentum_decay_ >= 0, "[NAdam] Invalid momentum_decay value: ", momentum_decay_);
}
void NAdamParamState::fields(Fields& visit) {
  visit.count("step", step_);
  visit("mu_product", mu_product_);
  visit("exp_avg", exp_avg_);
  visit("exp_avg_sq", exp_avg_sq_);
  for (const char* name : {"exp_avg", "exp_avg_sq"}) visit.required(name);
}

Tensor NAdam::step(LossClosure closure) {
  return update_each<NAdamOptions, NAdamParamState>(
      closure, [this](const NAdamOptions& o, NAdamParamState& state, const Tensor& param) {
        fit_buffer(state.exp_avg(), param, "exp_avg");
        fit_buffer(state.exp_avg_sq(), param, "exp_avg_sq");
        const auto t = static_cast<double>(++state.step());
        const auto [beta1, beta2] = o.betas();
        const auto momentum = [&o, beta1 = beta1](double at) {
          return beta1 * (1 - 0.5 * std::pow(0.96, at * o.momentum_decay()));
        };
        const double mu = momentum(t), next = momentum(t + 1);
        state.mu_product() *= mu;
        const double of_grad = o.lr() * (1 - mu) / (1 - state.mu_product());
        const double of_average = o.lr() * next / (1 - state.mu_product() * next);
        const double scale = 1 / std::sqrt(1 - std::pow(beta2, t));
        update_elements(
            "NAdam", param,
            [=, beta1 = beta1, beta2 = beta2](auto& p, auto g, auto& m, auto& v) {
              using T = decltype(g);
              const T d = g + static_cast<T>(o.weight_decay()) * p;
              average(m, beta1, d);
              average(v, beta2, d * d);
              p -= (static_cast<T>(of_grad) * d + static_cast<T>(of_average) * m) /
                   (std::sqrt(v) * static_cast<T>(scale) + static_cast<T>(o.eps()));
            },
            state.exp_avg(), state.exp_avg_sq());
      });
}

void RAdamOptions::fields(Fields& visit) { visit_fields(*this, visit); }
void RAdamOptions::validate() const { validate_adam("RAdam", *this); }
void RAdamParamState::fields(Fields& visit) {
  visit.count("step", step_);
  visit("exp_avg", exp_avg_);
  visit("exp_avg_sq", exp_avg_sq_);
  for (const char* name : {"exp_avg", "exp_avg_sq"}) visit.required(name);
}

Tensor RAdam::step(LossClosure closure) {
  return update_each<RAdamOptions, RAdamParamState>(
      closure, [this](const RAdamOptions& o, RAdamParamState& state, const Tensor& param) {
        fit_buffer(state.exp_avg(), param, "exp_avg");
        fit_buffer(state.exp_avg_sq(), param, "exp_avg_sq");
        const auto t = static_cast<double>(++state.step());
        const auto [beta1, beta2] = o.betas();
        const double decayed = std::pow(beta2, t), longest = 2 / (1 - beta2) - 1;
        const double length = longest - 2 * t * decayed / (1 - decayed);
        const bool rectified = length > 5;
        double lr = o.lr() / (1 - std::pow(beta1, t));
        if (rectified)
          lr *= std::sqrt((1 - decayed) * (length - 4) * (length - 2) * longest /
                          ((longest - 4) * (longest - 2) * length));
        update_elements(
            "RAdam", param,
            [=, beta1 = beta1, beta2 = beta2](auto& p, auto g, auto& m, auto& v) {
              using T = decltype(g);
              const T d = g + static_cast<T>(o.weight_decay()) * p;
              average(m, beta1, d);
              average(v, beta2, d * d);
              const T scale = rectified ? std::sqrt(v) + static_cast<T>(o.eps()) : T(1);
              p -= static_cast<T>(lr) * m / scale;
            },
            state.exp_avg(), state.exp_avg_sq());
      });
}

std::string Adamax::name() const { return "Adamax"; }
std::string NAdam::name() const { return "NAdam"; }
std::string RAdam::name() const { return "RAdam"; }

template class OptimizerOptionsWithRate<AdamaxOptions>;
template class OptimizerOf<AdamaxOptions, AdamaxParamState>;
template class OptimizerOptionsWithRate<NAdamOptions>;
template class OptimizerOf<NAdamOptions, NAdamParamState>;
template class OptimizerOptionsWithRate<RAdamOptions>;
template class OptimizerOf<RAdamOptions, RAdamParamState>;

}  // namespace optim
}  // namespace reel
