// What optimizers promise beyond their formulas: groups, options, state, and the text of errors.
#include "optim/optimizer.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>

#include "optim/optim.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
using optim::Adam;
using optim::AdamOptions;
using optim::AdamW;
using optim::AdamWOptions;
using optim::OptimizerParamGroup;
using optim::SGD;
using optim::SGDOptions;

namespace {

Tensor parameter(IntArrayRef sizes, double value, ScalarType dtype = kFloat64) {
  Tensor t = reel::full(sizes, value, dtype);
  t.requires_grad_();
  return t;
}
void set_grad(const Tensor& t, double value) {
  t.mutable_grad() = reel::full(t.sizes(), value, t.dtype());
}
bool same_bits(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() && a.dtype() == b.dtype() &&
         std::memcmp(a.contiguous().data_ptr(), b.contiguous().data_ptr(), a.nbytes()) == 0;
}

}  // namespace

TEST_CASE("optim: a group without options takes the defaults, and keeps its own copy") {
  const Tensor a = parameter({2}, 1), b = parameter({2}, 1), c = parameter({1}, 1);
  Adam adam(std::vector<OptimizerParamGroup>{OptimizerParamGroup({a, c}),
                                             OptimizerParamGroup(
                                                 {b}, std::make_unique<AdamOptions>(0.5))},
            AdamOptions(0.25));
  CHECK(adam.size() == 3);
  CHECK(adam.parameters().size() == 2);
  REQUIRE(adam.param_groups().size() == 2);
  auto& first = static_cast<AdamOptions&>(adam.param_groups()[0].options());
  CHECK(first.lr() == 0.25);
  CHECK(adam.param_groups()[1].options().get_lr() == 0.5);
  first.lr(0.125).betas({0.5, 0.75});
  CHECK(adam.param_groups()[0].options().get_lr() == 0.125);
  CHECK(std::get<1>(static_cast<AdamOptions&>(adam.param_groups()[0].options()).betas()) == 0.75);
  CHECK(static_cast<AdamOptions&>(adam.defaults()).lr() == 0.25);
  adam.param_groups()[1].options().set_lr(2);
  CHECK(adam.param_groups()[1].options().get_lr() == 2);
  CHECK(first == *first.clone());
  CHECK(first != adam.param_groups()[1].options());
  CHECK(AdamOptions(1) != SGDOptions(1));

  const OptimizerParamGroup bare({a});
  CHECK_FALSE(bare.has_options());
  CHECK(mentions(error_of<Error>([&] { bare.options(); }), {"has no options"}));
}

TEST_CASE("optim: options have PyTorch's defaults") {
  const SGDOptions sgd(0.1);
  CHECK(sgd.momentum() == 0);
  CHECK(sgd.dampening() == 0);
  CHECK(sgd.weight_decay() == 0);
  CHECK_FALSE(sgd.nesterov());
  CHECK_FALSE(sgd.maximize());
  const AdamOptions adam;
  CHECK(adam.lr() == 1e-3);
  CHECK(adam.betas() == std::make_tuple(0.9, 0.999));
  CHECK(adam.eps() == 1e-8);
  CHECK(adam.weight_decay() == 0);
  CHECK_FALSE(adam.amsgrad());
  const AdamWOptions adamw;
  CHECK(adamw.weight_decay() == 1e-2);
}

TEST_CASE("optim: a parameter without gradient is left alone and gets no state") {
  const Tensor a = parameter({2}, 1), b = parameter({2}, 3);
  SGD sgd({a, b}, SGDOptions(0.5).momentum(0.9).weight_decay(0.1));
  set_grad(a, 1);
  sgd.step();
  CHECK(values(b) == std::vector<double>{3, 3});
  CHECK(sgd.state().size() == 1);
  CHECK(sgd.state().count(a.impl()) == 1);
  CHECK(values(a)[0] == doctest::Approx(1 - 0.5 * 1.1));
}

TEST_CASE("optim: zero_grad drops or zeroes") {
  const Tensor a = parameter({2}, 1);
  SGD sgd({a}, 0.1);
  set_grad(a, 5);
  const Tensor held = a.grad();
  sgd.zero_grad(false);
  CHECK(a.grad().is_same(held));
  CHECK(values(held) == std::vector<double>{0, 0});
  sgd.zero_grad();
  CHECK_FALSE(a.grad().defined());
  sgd.zero_grad(false);
  CHECK_FALSE(a.grad().defined());
}

TEST_CASE("optim: step calls its closure with recording on and returns the loss") {
  const Tensor a = parameter({2}, 1);
  SGD sgd({a}, 0.25);
  const NoGradGuard no_grad;
  int calls = 0;
  const Tensor loss = sgd.step([&] {
    ++calls;
    CHECK(GradMode::is_enabled());
    sgd.zero_grad();
    const Tensor l = (a * a).sum();
    l.backward();
    return l;
  });
  CHECK(calls == 1);
  CHECK_FALSE(GradMode::is_enabled());
  CHECK(loss.item<double>() == 2);
  CHECK(values(a) == std::vector<double>{0.5, 0.5});
  CHECK_FALSE(sgd.step().defined());
}

TEST_CASE("optim: an update raises the version, so that backward sees a saved weight change") {
  const Tensor a = parameter({2}, 2);
  SGD sgd({a}, 0.25);
  const Tensor loss = (a * a).sum();
  set_grad(a, 1);
  const auto before = a._version();
  sgd.step();
  CHECK(a._version() > before);
  CHECK_FALSE(error_of<AutogradError>([&] { loss.backward(); }).empty());
}

TEST_CASE("optim: a gradient of any layout is taken, and no gradient is changed") {
  for (const auto layout : kLayouts) {
    CAPTURE(layout_name(layout));
    const Tensor want = parameter({3, 5}, 1), got = parameter({3, 5}, 1);
    Tensor grad = reel::linspace(-1, 1, 15, kFloat64).view({3, 5});
    want.mutable_grad() = grad;
    got.mutable_grad() = laid_out(grad, layout);
    Adam first({want}, AdamOptions(0.1).weight_decay(0.1));
    Adam second({got}, AdamOptions(0.1).weight_decay(0.1));
    for (int i = 0; i < 3; ++i) {
      first.step();
      second.step();
    }
    CHECK(same_bits(want, got));
    CHECK(difference(got.grad(), reel::linspace(-1, 1, 15, kFloat64).view({3, 5})) == 0);
  }
}

TEST_CASE("optim: the result does not depend on where a parameter lies in memory") {
  for (const ScalarType dtype : {kFloat32, kFloat64})
    for (const std::int64_t n : {1, 7, 31, 100}) {
      const Tensor aligned = reel::linspace(-2, 3, n, dtype).requires_grad_();
      for (std::int64_t offset = 1; offset < 5; ++offset) {
        const Tensor block = reel::zeros({n + offset}, dtype);
        Tensor shifted = block.slice(0, offset);
        shifted.copy_(aligned.detach());
        shifted = shifted.detach().requires_grad_();
        Tensor fresh = aligned.detach().clone().requires_grad_();
        fresh.mutable_grad() = reel::linspace(1, 2, n, dtype);
        shifted.mutable_grad() = fresh.grad();
        Adam first({fresh}, AdamOptions(0.1).amsgrad(true).weight_decay(0.2));
        Adam second({shifted}, AdamOptions(0.1).amsgrad(true).weight_decay(0.2));
        SGD third({fresh}, SGDOptions(0.1).momentum(0.9).nesterov(true).weight_decay(0.2));
        SGD fourth({shifted}, SGDOptions(0.1).momentum(0.9).nesterov(true).weight_decay(0.2));
        for (int i = 0; i < 4; ++i) {
          first.step();
          second.step();
          third.step();
          fourth.step();
        }
        CHECK(same_bits(fresh, shifted));
        CHECK((offset == 0 || values(block)[0] == 0));
      }
    }
}

TEST_CASE("optim: constructor arguments are checked with PyTorch's words") {
  const std::vector<Tensor> params{parameter({2}, 1)};
  const auto sgd = [&](SGDOptions o) { return error_of<Error>([&] { SGD made(params, o); }); };
  const auto adam = [&](AdamOptions o) { return error_of<Error>([&] { Adam made(params, o); }); };
  CHECK(sgd(SGDOptions(0)).empty());
  CHECK(sgd(SGDOptions(-0.5)) == "[SGD] Invalid learning rate: -0.5");
  CHECK(sgd(SGDOptions(std::numeric_limits<double>::quiet_NaN())) ==
        "[SGD] Invalid learning rate: nan");
  CHECK(sgd(SGDOptions(1).momentum(-1)) == "[SGD] Invalid momentum value: -1");
  CHECK(sgd(SGDOptions(1).weight_decay(-1)) == "[SGD] Invalid weight_decay value: -1");
  const std::string nesterov = "[SGD] Nesterov momentum requires a momentum and zero dampening";
  CHECK(sgd(SGDOptions(1).nesterov(true)) == nesterov);
  CHECK(sgd(SGDOptions(1).nesterov(true).momentum(0.5).dampening(0.5)) == nesterov);
  CHECK(sgd(SGDOptions(1).nesterov(true).momentum(0.5)).empty());
  CHECK(adam(AdamOptions(-1)) == "[Adam] Invalid learning rate: -1");
  CHECK(adam(AdamOptions().eps(-1)) == "[Adam] Invalid epsilon value: -1");
  CHECK(adam(AdamOptions().betas({1, 0.5})) == "[Adam] Invalid beta parameter at index 0: 1");
  CHECK(adam(AdamOptions().betas({-0.5, 0.5})) == "[Adam] Invalid beta parameter at index 0: -0.5");
  CHECK(adam(AdamOptions().betas({0.5, 1})) == "[Adam] Invalid beta parameter at index 1: 1");
  CHECK(adam(AdamOptions().weight_decay(-1)) == "[Adam] Invalid weight_decay value: -1");
  CHECK(error_of<Error>([&] { AdamW made(params, AdamWOptions().eps(-1)); }) ==
        "[AdamW] Invalid epsilon value: -1");
  // Options of a group are checked too.
  SGD good(params, 0.1);
  CHECK(error_of<Error>([&] {
          good.add_param_group(
              OptimizerParamGroup({parameter({1}, 1)}, std::make_unique<SGDOptions>(-2)));
        }) == "[SGD] Invalid learning rate: -2");
  CHECK(good.size() == 1);
}

TEST_CASE("optim: parameters are checked") {
  const Tensor a = parameter({2}, 1), b = parameter({3}, 1);
  CHECK(mentions(error_of<AutogradError>([&] {
                   SGD made({a, b * 2}, 0.1);
                 }),
                 {"can't optimize a non-leaf Tensor", "parameter 1", "[3]"}));
  CHECK(mentions(error_of<Error>([&] {
                   SGD made({a, Tensor()}, 0.1);
                 }),
                 {"parameter 1", "undefined"}));
  CHECK(mentions(error_of<Error>([&] {
                   SGD made({a, b, a}, 0.1);
                 }),
                 {"duplicate parameters", "parameter 2"}));
  SGD sgd({a}, 0.1);
  CHECK(mentions(error_of<Error>([&] {
                   sgd.add_param_group(OptimizerParamGroup({b, a}));
                 }),
                 {"some parameters appear in more than one parameter group", "parameter 1"}));
  CHECK(mentions(error_of<Error>([&] { sgd.add_parameters({a}); }), {"more than one"}));
  CHECK(sgd.size() == 1);
  sgd.add_parameters({b});
  CHECK(sgd.parameters().size() == 2);
  CHECK(mentions(error_of<Error>([&] {
                   sgd.add_param_group(
                       OptimizerParamGroup({parameter({1}, 1)}, std::make_unique<AdamOptions>()));
                 }),
                 {"options of another optimizer"}));
  SGD empty(std::vector<Tensor>{}, 0.1);
  CHECK(empty.size() == 0);
  empty.step();
  empty.add_parameters({a});
  set_grad(a, 1);
  empty.step();
  CHECK(values(a)[0] == doctest::Approx(0.9));
}

TEST_CASE("optim: a step that cannot be made changes nothing") {
  const Tensor a = parameter({2}, 1), b = parameter({2}, 1);
  Adam adam({a, b}, AdamOptions(0.1));
  set_grad(a, 1);
  b.mutable_grad() = reel::ones({3}, kFloat64);
  CHECK(mentions(error_of<ShapeError>([&] { adam.step(); }),
                 {"[Adam]", "parameter 1 of group 0", "[3]", "expected [2]"}));
  b.mutable_grad() = reel::ones({2}, kFloat32);
  CHECK(mentions(error_of<DtypeError>([&] { adam.step(); }), {"float32", "expected float64"}));
  CHECK(values(a) == std::vector<double>{1, 1});
  CHECK(adam.state().empty());

  Tensor whole = reel::ones({2}, kInt64);
  whole.mutable_grad() = reel::ones({2}, kInt64);
  SGD sgd({whole}, 0.1);
  CHECK(mentions(error_of<DtypeError>([&] { sgd.step(); }), {"int64", "only floating"}));
}

TEST_CASE("optim: state of another class or shape is refused") {
  const Tensor a = parameter({2}, 1);
  set_grad(a, 1);
  Adam adam({a}, AdamOptions(0.1));
  adam.state()[a.impl()] = std::make_unique<optim::SGDParamState>();
  CHECK(mentions(error_of<Error>([&] { adam.step(); }), {"[Adam]", "state of another optimizer"}));
  auto state = std::make_unique<optim::AdamParamState>();
  state->exp_avg(reel::zeros({5}, kFloat64));
  adam.state()[a.impl()] = std::move(state);
  CHECK(mentions(error_of<ShapeError>([&] { adam.step(); }), {"exp_avg", "[5]", "[2]"}));
  adam.state().clear();
  adam.param_groups()[0].set_options(std::make_unique<SGDOptions>(1));
  CHECK(mentions(error_of<Error>([&] { adam.step(); }), {"options of another optimizer"}));
  CHECK(values(a) == std::vector<double>{1, 1});
}

TEST_CASE("optim: state_dict carries everything to another optimizer") {
  const auto grads = [](const Tensor& t, int step) {
    t.mutable_grad() = reel::full(t.sizes(), 0.3 * step - 1, t.dtype());
  };
  for (const bool amsgrad : {false, true}) {
    const Tensor a = parameter({3}, 1), b = parameter({2, 2}, 2), idle = parameter({1}, 3);
    const auto options = AdamOptions(0.1).betas({0.5, 0.6}).amsgrad(amsgrad).weight_decay(0.01);
    Adam straight(
        std::vector<OptimizerParamGroup>{OptimizerParamGroup({a, idle}), OptimizerParamGroup({b})},
        options);
    straight.param_groups()[1].options().set_lr(0.3);
    const auto run = [&](Adam& adam, const Tensor& x, const Tensor& y, int from, int to) {
      for (int i = from; i < to; ++i) {
        grads(x, i);
        grads(y, i + 1);
        adam.step();
      }
    };
    run(straight, a, b, 0, 5);
    const Tensor a2 = a.detach().clone().requires_grad_();
    const Tensor b2 = b.detach().clone().requires_grad_();
    Adam resumed(std::vector<OptimizerParamGroup>{OptimizerParamGroup({a2, idle}),
                                                  OptimizerParamGroup({b2})},
                 AdamOptions(7).eps(1));
    auto& kept = static_cast<AdamOptions&>(resumed.param_groups()[0].options());
    resumed.load_state_dict(straight.state_dict());
    CHECK(kept == straight.param_groups()[0].options());
    CHECK(resumed.state().size() == 2);
    run(straight, a, b, 5, 10);
    run(resumed, a2, b2, 5, 10);
    CHECK(same_bits(a, a2));
    CHECK(same_bits(b, b2));
  }
}

TEST_CASE("optim: load_state_dict lists what does not fit and changes nothing") {
  const Tensor a = parameter({3}, 1);
  set_grad(a, 1);
  Adam adam({a}, AdamOptions(0.1));
  adam.step();
  const auto good = adam.state_dict();
  const auto exp_avg = [&] {
    return static_cast<optim::AdamParamState&>(*adam.state().at(a.impl())).exp_avg();
  };
  const Tensor before = exp_avg().clone();
  const auto refused = [&](const std::function<void(optim::Optimizer::StateDict&)>& change) {
    auto dict = good;
    change(dict);
    const auto message = error_of<Error>([&] { adam.load_state_dict(dict); });
    CHECK(same_bits(before, exp_avg()));
    CHECK(adam.param_groups()[0].options().get_lr() == 0.1);
    return message;
  };
  const auto entry = [](optim::Optimizer::StateDict& dict, const std::string& name) -> Tensor& {
    for (auto& [key, value] : dict)
      if (key == name) return value;
    throw std::runtime_error("no entry " + name);
  };
  CHECK(refused([](auto&) {}).empty());
  CHECK(
      mentions(refused([&](auto& dict) {
                 entry(dict, "param_groups.0.lr") = reel::full({}, 5, kFloat64);
                 entry(dict, "state.0.0.exp_avg") = reel::ones({4}, kFloat64);
                 dict.emplace_back("state.0.1.exp_avg", reel::ones({3}, kFloat64));
                 dict.erase(dict.begin() + 3);
               }),
               {"[Adam::load_state_dict]", "missing param_groups.0.beta1",
                "state.0.0.exp_avg has shape [4], expected [3]", "unexpected state.0.1.exp_avg"}));
  CHECK(mentions(refused([&](auto& dict) {
                   entry(dict, "param_groups.0.beta1") = reel::full({}, 1.5, kFloat64);
                 }),
                 {"parameter group 0", "Invalid beta parameter at index 0: 1.5"}));
  CHECK(mentions(
      refused([&](auto& dict) { entry(dict, "state.0.0.step") = reel::full({}, 1.5, kFloat64); }),
      {"state.0.0.step must be one int64, found float64"}));
  for (const std::int64_t wrong :
       {std::int64_t{-3}, std::int64_t{1} << 60, std::numeric_limits<std::int64_t>::max()})
    CHECK(
        mentions(refused([&](auto& dict) { entry(dict, "state.0.0.step") = reel::tensor(wrong); }),
                 {"state.0.0.step must be a count from 0 to 9007199254740992, found " +
                  std::to_string(wrong)}));
  CHECK(mentions(refused([&](auto& dict) {
                   entry(dict, "param_groups.0.params") = reel::full({}, 2, kInt64);
                 }),
                 {"parameter group 0 has 2 parameters, expected 1"}));
  AdamW other({a}, AdamWOptions(0.1));
  CHECK(mentions(error_of<Error>([&] { adam.load_state_dict(other.state_dict()); }),
                 {"missing Adam.version", "unexpected AdamW.version"}));
}

TEST_CASE(
    "optim: an optimizer of the user's own needs step alone, and says what a file would need") {
  struct Own : optim::Optimizer {
    explicit Own(std::vector<Tensor> params)
        : Optimizer(std::move(params), std::make_unique<optim::OptimizerOptions>()) {}
    Tensor step(LossClosure) override { return Tensor(); }
  };
  CHECK(mentions(error_of<Error>([&] { Own own({parameter({1}, 1)}); }),
                 {"OptimizerOptions::clone() is not implemented"}));
  struct OwnOptions : optim::OptimizerCloneableOptions<OwnOptions> {};
  struct Better : optim::Optimizer {
    explicit Better(std::vector<Tensor> params)
        : Optimizer(std::move(params), std::make_unique<OwnOptions>()) {}
    Tensor step(LossClosure closure) override { return evaluate(closure); }
  };
  Better better({parameter({1}, 1)});
  better.step(nullptr);
  CHECK(mentions(error_of<Error>([&] { better.state_dict(); }),
                 {"OptimizerOptions::fields() is not implemented"}));
  CHECK(mentions(error_of<Error>([&] { better.defaults().get_lr(); }), {"get_lr()"}));
}

TEST_CASE("optim: schedules check themselves and can be carried on") {
  const Tensor a = parameter({1}, 1);
  SGD sgd({a}, 1.0);
  CHECK(mentions(error_of<Error>([&] { optim::StepLR bad(sgd, 0); }), {"step_size", "found 0"}));
  struct Wrong : optim::LRScheduler {
    using LRScheduler::LRScheduler;
    std::vector<double> get_lrs() override { return {1, 2}; }
  } wrong(sgd);
  CHECK(
      mentions(error_of<Error>([&] { wrong.step(); }),
               {"Number of learning rates not equal to number of param groups", "2 rates for 1"}));
  CHECK(wrong.state_dict()[0].second.item<std::int64_t>() == 0);
  optim::StepLR first(sgd, 3, 0.5);
  first.step();
  first.step();
  optim::StepLR second(sgd, 3, 0.5);
  second.load_state_dict(first.state_dict());
  second.step();
  CHECK(second.get_last_lr() == std::vector<double>{0.5});
  CHECK(mentions(error_of<Error>([&] {
                   second.load_state_dict({{"steps", reel::full({}, 1, kInt64)}});
                 }),
                 {"unexpected steps"}));
  CHECK(mentions(error_of<Error>([&] { second.load_state_dict({}); }), {"missing step_count"}));
}
