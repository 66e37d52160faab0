// AnyModule, Sequential, ModuleList, Functional.
#include "nn/container.hpp"

#include <doctest/doctest.h>

#include <sstream>

#include "nn/activation.hpp"
#include "nn/linear.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

using Names = std::vector<std::string>;
using Values = std::vector<double>;

struct AddImpl : nn::Module {
  Tensor forward(const Tensor& x, double amount) { return x + amount; }

 protected:
  REEL_FORWARD_HAS_DEFAULT_ARGS({1, nn::AnyValue(0.5)})
};
REEL_MODULE(Add);

struct TwoImpl : nn::Module {
  Tensor forward(Tensor a, Tensor b) const { return a + b; }
};
REEL_MODULE(Two);

// Like a recurrent module: an output and a state.
struct CounterImpl : nn::Cloneable<CounterImpl> {
  void reset() override {}
  std::tuple<Tensor, std::tuple<Tensor, Tensor>> forward(const Tensor& x,
                                                         std::optional<Tensor> state) {
    const Tensor next = state ? *state + 1 : reel::zeros({1});
    return {x * 2, {next, next}};
  }

 protected:
  REEL_FORWARD_HAS_DEFAULT_ARGS({1, nn::AnyValue(std::optional<Tensor>())})
};
REEL_MODULE(Counter);

struct LengthImpl : nn::Module {
  std::int64_t forward(Tensor x) { return x.numel(); }
};
REEL_MODULE(Length);

Tensor pair() { return reel::tensor({1.f, 2.f}); }

}  // namespace

TEST_CASE("any module: forwards to the module that it shares") {
  nn::Linear linear(2, 3);
  nn::AnyModule any(linear);
  CHECK_FALSE(any.is_empty());
  CHECK(any.ptr() == linear.ptr());
  CHECK(any.type_info() == typeid(nn::LinearImpl));
  CHECK(&any.get<nn::LinearImpl>() == linear.get());
  CHECK(any.get<nn::Linear>() == linear);
  CHECK(any.ptr<nn::LinearImpl>() == linear.ptr());
  CHECK(difference(any.forward(pair()), linear(pair())) == 0);
  CHECK(difference(any.any_forward(pair()).get<Tensor>(), linear(pair())) == 0);
  const nn::AnyModule copy = any;
  CHECK(copy.ptr() == linear.ptr());
  const nn::AnyModule deep = any.clone();
  CHECK(deep.ptr() != linear.ptr());
  CHECK(difference(deep.get<nn::LinearImpl>().weight, linear->weight) == 0);
  any = std::make_shared<nn::TanhImpl>();
  CHECK(difference(any.forward(pair()), pair().tanh()) == 0);
  CHECK(nn::AnyModule(LengthImpl()).forward<std::int64_t>(pair()) == 2);
  CHECK(values(nn::AnyModule(Two()).forward(pair(), pair())) == Values{2, 4});
}

TEST_CASE("any module: default arguments fill what is left out") {
  nn::AnyModule add{Add()};
  CHECK(values(add.forward(pair())) == Values{1.5, 2.5});
  CHECK(values(add.forward(pair(), 2.0)) == Values{3, 4});
  CHECK(mentions(error_of<Error>([&] { add.forward(); }),
                 {"AddImpl::forward expects between 1 and 2 argument(s), found 0"}));
  CHECK(mentions(error_of<Error>([&] { add.forward(pair(), 1.0, 2.0); }),
                 {"AddImpl::forward expects between 1 and 2 argument(s), found 3"}));
}

TEST_CASE("any module: wrong types and counts are explained") {
  nn::AnyModule two{Two()};
  CHECK(mentions(error_of<Error>([&] { two.forward(pair()); }),
                 {"[AnyModule]", "TwoImpl::forward expects 2 argument(s), found 1",
                  "REEL_FORWARD_HAS_DEFAULT_ARGS"}));
  CHECK(mentions(error_of<Error>([&] { two.forward(pair(), 1.0); }),
                 {"[AnyModule]", "TwoImpl::forward expects argument 1 to be of type reel::Tensor",
                  "found double"}));
  CHECK(mentions(error_of<Error>([&] { two.forward<int>(pair(), pair()); }),
                 {"[forward] the result is of type reel::Tensor", "int was asked for"}));
  CHECK(mentions(error_of<Error>([&] { two.get<nn::LinearImpl>(); }),
                 {"[AnyModule] the module is of type", "TwoImpl", "not reel::nn::LinearImpl"}));
  nn::AnyModule empty;
  CHECK(empty.is_empty());
  CHECK(mentions(error_of<Error>([&] { empty.forward(pair()); }),
                 {"[AnyModule] forward() of an empty AnyModule"}));
  CHECK(mentions(error_of<Error>([&] { empty.ptr(); }), {"empty AnyModule"}));
  CHECK(mentions(error_of<Error>([] { nn::AnyModule{std::shared_ptr<nn::TanhImpl>()}; }),
                 {"[AnyModule] the reel::nn::TanhImpl is null"}));
  CHECK(mentions(error_of<Error>([] { nn::AnyValue(1).get<double>(); }),
                 {"[AnyValue] the value is of type int, but double was asked for"}));
}

TEST_CASE("sequential: calls its modules in order") {
  nn::Linear first(2, 3), second(3, 1);
  nn::Sequential net(first, nn::Tanh(), second);
  const Tensor x = pair();
  CHECK(difference(net->forward(x), second(first(x).tanh())) == 0);
  CHECK(difference(net(x), net->forward(x)) == 0);
  CHECK(net->size() == 3);
  CHECK(net->named_parameters().keys() == Names{"0.weight", "0.bias", "2.weight", "2.bias"});
  CHECK(net[0] == first.ptr());
  CHECK(&net->at<nn::LinearImpl>(2) == second.get());
  CHECK(net->ptr<nn::TanhImpl>(1) != nullptr);
  net->push_back(nn::Sigmoid());
  net->push_back("scale", nn::Functional([](const Tensor& t) { return t * 10; }));
  net->push_back(std::make_shared<nn::ReLUImpl>());
  net->push_back(nn::TanhImpl());
  CHECK(net->named_children().keys() == Names{"0", "1", "2", "3", "scale", "5", "6"});
  CHECK(difference(net(x), (second(first(x).tanh()).sigmoid() * 10).relu().tanh()) == 0);
  int count = 0;
  for (const auto& module : *net) count += module.ptr() != nullptr;
  CHECK(count == 7);
  nn::Sequential more;
  more->extend(*net);
  CHECK(difference(more(x), net(x)) == 0);
}

TEST_CASE("sequential: names from an initialiser list or a dictionary") {
  nn::Sequential net({{"in", nn::Linear(2, 3)}, {"act", nn::Tanh()}, {"out", nn::Linear(3, 1)}});
  CHECK(net->named_parameters().keys() == Names{"in.weight", "in.bias", "out.weight", "out.bias"});
  nn::Sequential two({{"a", nn::Tanh()}, {"b", nn::Sigmoid()}});
  CHECK(two->named_children().keys() == Names{"a", "b"});
  OrderedDict<std::string, nn::AnyModule> modules;
  modules.insert("x", nn::AnyModule(nn::Tanh()));
  modules.insert("y", nn::AnyModule(nn::Sigmoid()));
  nn::Sequential from_dict(modules);
  CHECK(from_dict->named_children().keys() == Names{"x", "y"});
  CHECK(difference(from_dict(pair()), two(pair())) == 0);
  std::ostringstream out;
  out << two;
  CHECK(out.str() ==
        "reel::nn::Sequential(\n  (a): reel::nn::Tanh()\n  (b): reel::nn::Sigmoid()\n)");
}

TEST_CASE("sequential: passes a recurrent module's output on, and the whole result at the end") {
  nn::Sequential net(Counter(), nn::Functional([](const Tensor& t) { return t + 1; }), Counter());
  CHECK(values(net->forward(pair())) == Values{6, 10});
  const auto [out, state] = net->forward<std::tuple<Tensor, std::tuple<Tensor, Tensor>>>(pair());
  CHECK(values(out) == Values{6, 10});
  CHECK(values(std::get<0>(state)) == Values{0});
  nn::Sequential last{Counter()};
  CHECK(values(last->forward(pair(), std::optional<Tensor>(reel::ones({1})))) == Values{2, 4});
}

TEST_CASE("sequential: nests") {
  nn::Sequential inner{nn::Tanh(), nn::Sigmoid()};
  nn::Sequential outer(inner, nn::Tanh());
  CHECK(difference(outer(pair()), pair().tanh().sigmoid().tanh()) == 0);
  std::ostringstream out;
  out << outer;
  CHECK(mentions(out.str(), {"(0): reel::nn::Sequential(\n    (0): reel::nn::Tanh()"}));
}

TEST_CASE("sequential: a clone is deep and keeps names, modes and repetitions") {
  nn::Linear linear(2, 2);
  nn::Sequential net({{"a", linear}, {"act", nn::Tanh()}, {"b", linear}});
  net->eval();
  const auto copy = std::dynamic_pointer_cast<nn::SequentialImpl>(net->clone());
  REQUIRE(copy != nullptr);
  CHECK(copy->state_dict().keys() == net->state_dict().keys());
  CHECK(copy->parameters().size() == 2);
  CHECK(copy->ptr(0) == copy->ptr(2));
  CHECK(copy->ptr(0) != net->ptr(0));
  CHECK_FALSE(copy->is_training());
  CHECK_FALSE(copy->ptr(1)->is_training());
  CHECK(difference(copy->forward(pair()), net->forward(pair())) == 0);
  linear->weight.detach().fill_(0);
  CHECK(difference(copy->forward(pair()), net->forward(pair())) > 0);

  struct Owner : nn::Cloneable<Owner> {
    Owner() { Owner::reset(); }
    void reset() override { net = register_module("net", nn::Sequential(nn::Linear(2, 1))); }
    nn::Sequential net{nullptr};
  };
  Owner owner;
  const auto twin = std::dynamic_pointer_cast<Owner>(owner.clone());
  CHECK(difference(twin->net(pair()), owner.net(pair())) == 0);
  CHECK(twin->parameters()[0].is_same(twin->net->parameters()[0]));
  twin->parameters()[0].detach().fill_(9);
  CHECK(difference(twin->net(pair()), owner.net(pair())) > 0);
}

TEST_CASE("sequential: errors") {
  nn::Sequential net;
  CHECK(error_of<Error>([&] { net(pair()); }) ==
        "[Sequential] forward() of an empty Sequential; add modules with push_back");
  net->push_back(Length());
  CHECK(net->forward<std::int64_t>(pair()) == 2);
  CHECK(mentions(error_of<Error>([&] { net(pair()); }),
                 {"[forward] the result is of type long", "reel::Tensor was asked for"}));
  net->push_back(nn::Tanh());
  CHECK(mentions(
      error_of<Error>([&] { net(pair()); }),
      {"reel::nn::TanhImpl::forward expects argument 0 to be of type reel::Tensor", "found long"}));
  CHECK(error_of<IndexError>([&] { net->ptr(2); }) ==
        "[Sequential] index 2 is out of range: there are 2 modules");
  CHECK(mentions(error_of<Error>([&] { net->at<nn::LinearImpl>(1); }),
                 {"TanhImpl, not reel::nn::LinearImpl"}));
  CHECK(mentions(error_of<Error>([&] { net->push_back("0", nn::Tanh()); }),
                 {"already has a submodule named '0'"}));
  CHECK(net->size() == 2);
  CHECK(mentions(error_of<Error>([&] { net->push_back(nn::Linear(nullptr)); }), {"is empty"}));
}

TEST_CASE("module list: holds, indexes, inserts and clones modules") {
  nn::Linear a(1, 2), b(2, 3);
  nn::ModuleList list(a, nn::Tanh());
  list->push_back(b);
  list->push_back(nn::SigmoidImpl());
  CHECK(list->size() == 4);
  CHECK(list[0] == a.ptr());
  CHECK(&list->at<nn::LinearImpl>(2) == b.get());
  CHECK(list->named_parameters().keys() == Names{"0.weight", "0.bias", "2.weight", "2.bias"});
  nn::Linear c(5, 5);
  list->insert(1, c);
  CHECK(list->size() == 5);
  CHECK(list->ptr<nn::LinearImpl>(1) == c.ptr());
  CHECK(list->ptr<nn::LinearImpl>(3) == b.ptr());
  CHECK(list->named_parameters().keys() ==
        Names{"0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias"});
  CHECK(list->named_parameters()["1.weight"].is_same(c->weight));
  CHECK(list->named_children().keys() == Names{"0", "1", "2", "3", "4"});
  Names types;
  for (const auto& module : *list) types.push_back(module->name());
  CHECK(types[4] == "reel::nn::SigmoidImpl");
  const auto copy = std::dynamic_pointer_cast<nn::ModuleListImpl>(list->clone());
  CHECK(copy->size() == 5);
  CHECK(difference(copy->at<nn::LinearImpl>(3).weight, b->weight) == 0);
  CHECK(copy->ptr(3) != list->ptr(3));
  std::ostringstream out;
  out << nn::ModuleList(nn::Linear(1, 2), nn::ReLU());
  CHECK(out.str() ==
        "reel::nn::ModuleList(\n"
        "  (0): reel::nn::Linear(in_features=1, out_features=2, bias=true)\n"
        "  (1): reel::nn::ReLU()\n"
        ")");
  nn::ModuleList more;
  more->extend(*list);
  CHECK(more->size() == 5);
  CHECK(error_of<IndexError>([&] { list->ptr(5); }) ==
        "[ModuleList] index 5 is out of range: there are 5 modules");
  CHECK(error_of<IndexError>([&] { list->insert(6, nn::Tanh()); }) ==
        "[ModuleList] index 6 is out of range: there are 5 modules");
  CHECK(mentions(error_of<Error>([&] { list->at<nn::TanhImpl>(0); }),
                 {"[ModuleList] module 0 is of type reel::nn::LinearImpl, not "
                  "reel::nn::TanhImpl"}));
  CHECK(list->size() == 5);
}

TEST_CASE("functional: a function with bound arguments") {
  nn::Functional plus([](const Tensor& x, double a, double b) { return x * a + b; }, 2.0, 1.0);
  CHECK(values(plus(pair())) == Values{3, 5});
  CHECK(mentions(error_of<Error>([] { nn::Functional(nn::FunctionalImpl::Function{}); }),
                 {"[Functional] the function is empty"}));
}
