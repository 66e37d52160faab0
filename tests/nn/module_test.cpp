// The tree of modules: registration, listing, modes, conversion, cloning, printing.
#include "nn/module.hpp"

#include <doctest/doctest.h>

#include <sstream>

#include "nn/activation.hpp"
#include "nn/container.hpp"
#include "nn/dropout.hpp"
#include "nn/embedding.hpp"
#include "nn/linear.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

using Names = std::vector<std::string>;

struct InnerImpl : nn::Cloneable<InnerImpl> {
  InnerImpl() { InnerImpl::reset(); }
  void reset() override {
    weight = register_parameter("weight", reel::ones({2}));
    absent = register_parameter("absent", Tensor());
    count = register_buffer("count", reel::zeros({1}, kInt64));
  }
  Tensor weight, absent, count;
};
REEL_MODULE(Inner);

struct OuterImpl : nn::Cloneable<OuterImpl> {
  OuterImpl() { OuterImpl::reset(); }
  void reset() override {
    first = register_module("first", Inner());
    second = register_module("second", std::make_shared<InnerImpl>());
    scale = register_parameter("scale", reel::full({3}, 2.0));
    running = register_buffer("running", reel::zeros({3}));
  }
  Inner first{nullptr}, second{nullptr};
  Tensor scale, running;
};
REEL_MODULE(Outer);

std::string printed(const nn::Module& module) {
  std::ostringstream out;
  out << module;
  return out.str();
}

}  // namespace

TEST_CASE("module: parameters and buffers are listed in order under dotted paths") {
  Outer net;
  CHECK(net->named_parameters().keys() == Names{"scale", "first.weight", "second.weight"});
  CHECK(net->named_parameters(false).keys() == Names{"scale"});
  CHECK(net->named_buffers().keys() == Names{"running", "first.count", "second.count"});
  CHECK(net->named_buffers(false).keys() == Names{"running"});
  CHECK(net->parameters().size() == 3);
  CHECK(net->parameters(false).size() == 1);
  CHECK(net->buffers().size() == 3);
  CHECK(net->named_parameters()["first.weight"].is_same(net->first->weight));
  CHECK(net->parameters()[2].is_same(net->second->weight));
  for (const auto& p : net->parameters()) CHECK(p.requires_grad());
  for (const auto& b : net->buffers()) CHECK_FALSE(b.requires_grad());
}

TEST_CASE("module: register_parameter obeys requires_grad and returns the registered tensor") {
  nn::Module module;
  Tensor raw = reel::ones({2});
  Tensor& w = module.register_parameter("w", raw);
  CHECK(w.is_same(raw));
  CHECK(raw.requires_grad());
  module.register_parameter("frozen", reel::ones({2}), false);
  CHECK_FALSE(module.named_parameters()["frozen"].requires_grad());
  module.register_parameter("steps", reel::zeros({2}, kInt64), false);
  CHECK(module.parameters().size() == 3);
}

TEST_CASE("module: a tensor under two names is listed once") {
  nn::Module module;
  const Tensor w = reel::ones({2, 2});
  module.register_parameter("encoder", w);
  module.register_parameter("decoder", w);
  CHECK(module.parameters().size() == 1);
  CHECK(module.named_parameters().keys() == Names{"encoder"});
  CHECK(module.state_dict().keys() == Names{"encoder", "decoder"});

  nn::Module twice;
  const auto shared = twice.register_module("a", std::make_shared<InnerImpl>());
  twice.register_module("b", shared);
  CHECK(twice.parameters().size() == 1);
  CHECK(twice.modules(false).size() == 1);
  CHECK(twice.children().size() == 1);
  CHECK(twice.named_children().keys() == Names{"a"});
  CHECK(twice.state_dict().keys() == Names{"a.weight", "a.count", "b.weight", "b.count"});
}

TEST_CASE("module: modules and children") {
  auto net = std::make_shared<OuterImpl>();
  CHECK(net->named_modules().keys() == Names{"", "first", "second"});
  CHECK(net->named_modules("net").keys() == Names{"net", "net.first", "net.second"});
  CHECK(net->named_modules("", false).keys() == Names{"first", "second"});
  CHECK(net->modules()[0] == net);
  CHECK(net->modules(false).size() == 2);
  CHECK(net->named_children().keys() == Names{"first", "second"});
  CHECK(net->children()[1] == net->second.ptr());

  OuterImpl on_the_stack;
  CHECK(on_the_stack.modules(false).size() == 2);
  CHECK(mentions(error_of<Error>([&] { on_the_stack.modules(); }),
                 {"[modules]", "OuterImpl", "not owned by a shared_ptr", "std::make_shared",
                  "include_self = false"}));
}

TEST_CASE("module: apply visits parents before children, in every form") {
  Outer net;
  Names seen;
  net->apply([&](nn::Module& m) { seen.push_back(m.as<Inner>() ? "inner" : "outer"); });
  CHECK(seen == Names{"outer", "inner", "inner"});
  seen.clear();
  net->apply([&](const std::string& path, nn::Module&) { seen.push_back(path); }, "net");
  CHECK(seen == Names{"net", "net.first", "net.second"});
  seen.clear();
  const auto& constant = *net;
  constant.apply([&](const std::string& path, const nn::Module&) { seen.push_back(path); });
  CHECK(seen == Names{"", "first", "second"});
  int count = 0;
  constant.apply([&](const nn::Module&) { ++count; });
  net->apply([&](const std::shared_ptr<nn::Module>&) { ++count; });
  net->apply([&](const std::string&, const std::shared_ptr<nn::Module>&) { ++count; });
  CHECK(count == 9);
}

TEST_CASE("module: train and eval reach the whole tree") {
  Outer net;
  CHECK(net->is_training());
  CHECK(net->first->is_training());
  net->eval();
  CHECK_FALSE(net->is_training());
  CHECK_FALSE(net->second->is_training());
  net->train();
  CHECK(net->second->is_training());
}

TEST_CASE("module: zero_grad clears gradients or fills them with zeros") {
  Outer net;
  const auto backward = [&] { (net->scale.sum() + net->first->weight.sum()).backward(); };
  backward();
  CHECK(net->scale.grad().defined());
  net->zero_grad(/*set_to_none=*/false);
  CHECK(values(net->scale.grad()) == std::vector<double>{0, 0, 0});
  CHECK_FALSE(net->second->weight.grad().defined());
  backward();
  CHECK(values(net->scale.grad()) == std::vector<double>{1, 1, 1});
  net->zero_grad();
  CHECK_FALSE(net->scale.grad().defined());
  CHECK_FALSE(net->first->weight.grad().defined());
}

TEST_CASE("module: to converts floating tensors and gradients, keeping every handle") {
  Outer net;
  (net->scale * net->scale).sum().backward();
  net->to(kFloat64);
  CHECK(net->scale.scalar_type() == kFloat64);
  CHECK(net->named_parameters()["scale"].is_same(net->scale));
  CHECK(values(net->scale) == std::vector<double>{2, 2, 2});
  CHECK(net->scale.requires_grad());
  CHECK(net->scale.grad().scalar_type() == kFloat64);
  CHECK(values(net->scale.grad()) == std::vector<double>{4, 4, 4});
  CHECK(net->running.scalar_type() == kFloat64);
  CHECK(net->first->weight.scalar_type() == kFloat64);
  CHECK(net->first->count.scalar_type() == kInt64);
  net->zero_grad();
  (net->scale * net->scale).sum().backward();
  CHECK(net->scale.grad().scalar_type() == kFloat64);
  net->to(kCPU);
  net->to(Device("cpu"), kFloat32);
  CHECK(net->scale.scalar_type() == kFloat32);
  CHECK(mentions(error_of<DtypeError>([&] { net->to(kInt64); }),
                 {"[Module::to]", "OuterImpl", "float32 or float64", "int64"}));
  CHECK(net->scale.scalar_type() == kFloat32);
}

TEST_CASE("module: conversion between forward and backward is seen by backward") {
  Outer net;
  const Tensor loss = (net->scale * net->scale).sum();
  net->to(kFloat64);
  CHECK(error_of<AutogradError>([&] { loss.backward(); }) != "");
}

TEST_CASE("module: a clone has the values, the modes and nothing else in common") {
  Outer net;
  net->first->weight.detach().fill_(5);
  net->running.fill_(7);
  net->second->count.fill_(9);
  net->second->weight.set_requires_grad(false);
  net->first->eval();
  net->to(kFloat64);
  const auto copy = std::dynamic_pointer_cast<OuterImpl>(net->clone());
  REQUIRE(copy != nullptr);
  CHECK(copy->named_parameters().keys() == net->named_parameters().keys());
  CHECK(values(copy->first->weight) == std::vector<double>{5, 5});
  CHECK(copy->first->weight.scalar_type() == kFloat64);
  CHECK(values(copy->running) == std::vector<double>{7, 7, 7});
  CHECK(values(copy->second->count) == std::vector<double>{9});
  CHECK_FALSE(copy->second->weight.requires_grad());
  CHECK(copy->first->weight.requires_grad());
  CHECK_FALSE(copy->first->is_training());
  CHECK(copy->second->is_training());
  // The members are the registered tensors and modules, and none is the original's.
  CHECK(copy->children()[0] == copy->first.ptr());
  CHECK(copy->named_parameters()["first.weight"].is_same(copy->first->weight));
  CHECK(copy->first.ptr() != net->first.ptr());
  copy->first->weight.detach().fill_(1);
  CHECK(values(net->first->weight) == std::vector<double>{5, 5});
}

TEST_CASE("module: clone explains itself where it cannot") {
  struct Plain : nn::Module {};
  CHECK(mentions(error_of<Error>([] { Plain().clone(); }),
                 {"[clone]", "Plain", "cannot be cloned", "reel::nn::Cloneable"}));

  struct InConstructor : nn::Cloneable<InConstructor> {
    InConstructor() { register_parameter("w", reel::ones({1})); }
    void reset() override {}
  };
  CHECK(
      mentions(error_of<Error>([] { InConstructor().clone(); }),
               {"[clone]", "reset() registered 0 parameters", "has 1", "not in the constructor"}));

  struct WithPlain : nn::Cloneable<WithPlain> {
    WithPlain() { WithPlain::reset(); }
    void reset() override { register_module("plain", std::make_shared<Plain>()); }
  };
  CHECK(mentions(error_of<Error>([] { WithPlain().clone(); }), {"Plain", "cannot be cloned"}));

  struct Changing : nn::Cloneable<Changing> {
    Changing() { Changing::reset(); }
    void reset() override { register_parameter(times++ == 0 ? "v" : "w", reel::ones({1})); }
    int times = 0;
  };
  CHECK(mentions(error_of<Error>([] { Changing().clone(); }),
                 {"reset() registered 1 parameters", "has 1 of other names"}));

  struct Replaced : nn::Cloneable<Replaced> {
    Replaced() { Replaced::reset(); }
    void reset() override { register_module("part", nn::Tanh()); }
  };
  Replaced replaced;
  replaced.replace_module("part", nn::Sigmoid());
  CHECK(mentions(error_of<Error>([&] { replaced.clone(); }),
                 {"[clone]", "expected a submodule of type", "TanhImpl", "found", "SigmoidImpl"}));
}

TEST_CASE("module: replace and unregister") {
  Outer net;
  Inner other;
  net->first = net->replace_module("first", other);
  CHECK(net->children()[0] == other.ptr());
  CHECK(net->first == other);
  CHECK(net->named_children().keys() == Names{"first", "second"});
  net->unregister_module("first");
  CHECK(net->named_parameters().keys() == Names{"scale", "second.weight"});
  CHECK(error_of<Error>([&] {
          net->unregister_module("first");
        }).find("has no submodule named 'first'") != std::string::npos);
  CHECK(
      mentions(error_of<Error>([&] { net->replace_module("first", other); }),
               {"[replace_module]", "OuterImpl", "no submodule named 'first'", "register_module"}));
  CHECK(mentions(error_of<Error>([&] { net->replace_module("second", Inner(nullptr)); }),
                 {"[replace_module]", "'second' is null"}));
}

TEST_CASE("module: registration refuses bad names, nulls, results and cycles") {
  nn::Module module("Net");
  module.register_parameter("w", reel::ones({1}));
  module.register_buffer("b", reel::ones({1}));
  module.register_module("m", Inner());
  CHECK(error_of<Error>([&] { module.register_parameter("", reel::ones({1})); }) ==
        "[register_parameter] Net: the name must not be empty");
  CHECK(error_of<Error>([&] { module.register_buffer("a.b", reel::ones({1})); }) ==
        "[register_buffer] Net: the name 'a.b' must not contain a dot, which separates modules in "
        "paths");
  CHECK(mentions(error_of<Error>([&] { module.register_module("a.b", Inner()); }),
                 {"[register_module] Net", "'a.b'", "dot"}));
  CHECK(mentions(error_of<Error>([&] { module.register_module("", Inner()); }), {"empty"}));
  CHECK(error_of<Error>([&] { module.register_parameter("w", reel::ones({1})); }) ==
        "[register_parameter] Net already has a parameter named 'w'; choose another name");
  CHECK(error_of<Error>([&] { module.register_parameter("b", reel::ones({1})); }) ==
        "[register_parameter] Net already has a buffer named 'b'; choose another name");
  CHECK(error_of<Error>([&] { module.register_buffer("w", reel::ones({1})); }) ==
        "[register_buffer] Net already has a parameter named 'w'; choose another name");
  CHECK(error_of<Error>([&] { module.register_module("m", Inner()); }) ==
        "[register_module] Net already has a submodule named 'm'; choose another name or use "
        "replace_module");
  CHECK(mentions(error_of<Error>([&] { module.register_module("n", nn::Linear(nullptr)); }),
                 {"[register_module] Net", "'n' is null", "construct it first"}));
  CHECK(
      mentions(error_of<Error>([&] { module.register_module("n", std::shared_ptr<InnerImpl>()); }),
               {"'n' is null"}));

  Tensor leaf = reel::ones({1});
  leaf.requires_grad_();
  CHECK(mentions(error_of<AutogradError>([&] { module.register_parameter("r", leaf * 2); }),
                 {"[register_parameter] Net: 'r'", "result of a recorded operation", "detach()"}));
  CHECK(mentions(
      error_of<DtypeError>([&] { module.register_parameter("i", reel::ones({1}, kInt64)); }),
      {"[register_parameter] Net: 'i'", "int64", "requires_grad = false", "register_buffer"}));

  const auto parent = std::make_shared<nn::Module>("Parent");
  const auto child = std::make_shared<nn::Module>("Child");
  parent->register_module("child", child);
  CHECK(mentions(error_of<Error>([&] { child->register_module("up", parent); }),
                 {"[register_module] Child", "'up' (Parent) contains this module"}));
  CHECK(mentions(error_of<Error>([&] { child->register_module("self", child); }),
                 {"contains this module"}));
  // What failed left nothing behind.
  CHECK(module.named_parameters().keys() == Names{"w", "m.weight"});
  CHECK(child->children().empty());
}

TEST_CASE("module: name and as") {
  CHECK(nn::Module("Custom").name() == "Custom");
  CHECK(nn::LinearImpl(1, 1).name() == "reel::nn::LinearImpl");
  nn::Linear linear(2, 3);
  nn::Module& module = *linear;
  CHECK(module.as<nn::Linear>() == linear.get());
  CHECK(module.as<nn::LinearImpl>() == linear.get());
  CHECK(module.as<nn::Tanh>() == nullptr);
  const nn::Module& constant = module;
  CHECK(constant.as<nn::Linear>()->options.out_features() == 3);
}

// The texts are libtorch 1.13.1's for the same modules, with its namespace replaced.
TEST_CASE("module: prints PyTorch's tree") {
  CHECK(printed(*nn::Linear(3, 4)) == "reel::nn::Linear(in_features=3, out_features=4, bias=true)");
  CHECK(printed(*nn::Linear(nn::LinearOptions(3, 4).bias(false))) ==
        "reel::nn::Linear(in_features=3, out_features=4, bias=false)");
  CHECK(printed(*nn::Embedding(10, 3)) ==
        "reel::nn::Embedding(num_embeddings=10, embedding_dim=3)");
  CHECK(printed(*nn::Embedding(
            nn::EmbeddingOptions(10, 3).padding_idx(-2).max_norm(2).norm_type(2.5))) ==
        "reel::nn::Embedding(num_embeddings=10, embedding_dim=3, padding_idx=8, max_norm=2, "
        "norm_type=2.5)");
  CHECK(printed(*nn::Dropout()) == "reel::nn::Dropout(p=0.5, inplace=false)");
  CHECK(printed(*nn::Dropout(nn::DropoutOptions(0.42).inplace(true))) ==
        "reel::nn::Dropout(p=0.42, inplace=true)");
  CHECK(printed(*nn::Identity()) == "reel::nn::Identity()");
  CHECK(printed(*nn::Flatten()) == "reel::nn::Flatten(start_dim=1, end_dim=-1)");
  CHECK(printed(*nn::Tanh()) == "reel::nn::Tanh()");
  CHECK(printed(*nn::Sigmoid()) == "reel::nn::Sigmoid()");
  CHECK(printed(*nn::ReLU()) == "reel::nn::ReLU()");
  CHECK(printed(*nn::ReLU(true)) == "reel::nn::ReLU(inplace=true)");
  CHECK(printed(*nn::Softmax(1)) == "reel::nn::Softmax(dim=1)");
  CHECK(printed(*nn::LogSoftmax(-1)) == "reel::nn::LogSoftmax(dim=-1)");

  nn::Module net("Net");
  net.register_module("embedding", nn::Embedding(10, 4));
  net.register_module("fc", nn::Linear(nn::LinearOptions(4, 3).bias(false)));
  net.register_module("head", nn::Sequential(nn::Linear(3, 3), nn::Tanh(), nn::Dropout(0.25)));
  net.register_parameter("w", reel::zeros({2}));
  CHECK(printed(net) ==
        "Net(\n"
        "  (embedding): reel::nn::Embedding(num_embeddings=10, embedding_dim=4)\n"
        "  (fc): reel::nn::Linear(in_features=4, out_features=3, bias=false)\n"
        "  (head): reel::nn::Sequential(\n"
        "    (0): reel::nn::Linear(in_features=3, out_features=3, bias=true)\n"
        "    (1): reel::nn::Tanh()\n"
        "    (2): reel::nn::Dropout(p=0.25, inplace=false)\n"
        "  )\n"
        ")");
  std::ostringstream out;
  out << nn::Linear(1, 2) << true;  // the stream's flags stay as they were
  CHECK(out.str() == "reel::nn::Linear(in_features=1, out_features=2, bias=true)1");
}

TEST_CASE("holder: refers to a shared module, or to none") {
  nn::Linear linear(2, 3);
  nn::Linear same = linear;
  nn::Linear other(2, 3);
  nn::Linear empty = nullptr;
  nn::Linear from_pointer = linear.ptr();
  nn::Linear from_options(nn::LinearOptions(2, 3).bias(false));
  CHECK(same == linear);
  CHECK(same.get() == linear.get());
  CHECK(from_pointer == linear);
  CHECK(other != linear);
  CHECK(empty == nullptr);
  CHECK(nullptr != linear);
  CHECK(empty.is_empty());
  CHECK_FALSE(linear.is_empty());
  CHECK(static_cast<bool>(linear));
  CHECK_FALSE(static_cast<bool>(empty));
  CHECK_FALSE(from_options->bias.defined());
  CHECK((*linear).options.in_features() == 2);
  const Tensor x = reel::ones({1, 2});
  CHECK(difference(linear(x), linear->forward(x)) == 0);
  empty = linear;
  CHECK(empty->weight.is_same(linear->weight));
  static_assert(std::is_same_v<nn::Linear::Impl, nn::LinearImpl>);
  static_assert(std::is_same_v<nn::Linear::ContainedType, nn::LinearImpl>);
}

TEST_CASE("holder: use of an empty one is an error, in every way") {
  nn::Linear empty = nullptr;
  const nn::Linear& constant = empty;
  const Names parts{"[ModuleHolder]", "reel::nn::LinearImpl is empty", "register_module"};
  CHECK(mentions(error_of<Error>([&] { empty->eval(); }), parts));
  CHECK(mentions(error_of<Error>([&] { (*empty).eval(); }), parts));
  CHECK(mentions(error_of<Error>([&] { constant->is_training(); }), parts));
  CHECK(mentions(error_of<Error>([&] { empty(reel::ones({1, 2})); }), parts));
  CHECK(mentions(error_of<Error>([&] { empty.ptr(); }), parts));
  CHECK(mentions(error_of<Error>([&] { empty.get(); }), parts));
}
