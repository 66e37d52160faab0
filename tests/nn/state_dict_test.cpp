// state_dict and load_state_dict.
#include <doctest/doctest.h>

#include "nn/container.hpp"
#include "nn/embedding.hpp"
#include "nn/linear.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

using Names = std::vector<std::string>;
using State = OrderedDict<std::string, Tensor>;

struct NetImpl : nn::Module {
  explicit NetImpl(std::int64_t hidden = 3) {
    body = register_module("body", nn::Linear(2, hidden));
    head = register_module("head", nn::Linear(nn::LinearOptions(hidden, 1).bias(false)));
    steps = register_buffer("steps", reel::zeros({1}, kInt64));
  }
  nn::Linear body{nullptr}, head{nullptr};
  Tensor steps;
};
REEL_MODULE(Net);

State snapshot(const nn::Module& module) {
  State result;
  for (const auto& item : module.state_dict()) result.insert(item.key(), item.value().clone());
  return result;
}

bool same(const State& a, const State& b) {
  if (a.keys() != b.keys()) return false;
  for (const auto& item : a)
    if (difference(item.value(), b[item.key()]) != 0) return false;
  return true;
}

}  // namespace

TEST_CASE("state dict: own parameters, own buffers, then submodules") {
  Net net;
  CHECK(net->state_dict().keys() == Names{"steps", "body.weight", "body.bias", "head.weight"});
}

TEST_CASE("state dict: values share the module's memory, without history") {
  Net net;
  const auto state = net->state_dict();
  CHECK_FALSE(state["body.weight"].requires_grad());
  state["body.bias"].fill_(4);
  CHECK(values(net->body->bias) == std::vector<double>{4, 4, 4});
}

TEST_CASE("state dict: loading copies into the existing tensors") {
  Net from, to;
  from->steps.fill_(12);
  const Tensor handle = to->body->weight;
  const auto result = to->load_state_dict(from->state_dict());
  CHECK(result.missing_keys.empty());
  CHECK(result.unexpected_keys.empty());
  CHECK(same(from->state_dict(), to->state_dict()));
  CHECK(handle.is_same(to->body->weight));
  CHECK(handle.requires_grad());
  CHECK(handle.is_leaf());
  from->body->weight.detach().fill_(0);
  CHECK(difference(from->body->weight, to->body->weight) > 0);
}

TEST_CASE("state dict: loading converts the dtype and takes any order") {
  Net from, to;
  from->to(kFloat64);
  const auto forward = from->state_dict();
  State reversed;
  for (std::size_t i = forward.size(); i-- > 0;) reversed.insert(forward[i].key(), *forward[i]);
  to->load_state_dict(reversed);
  CHECK(to->body->weight.scalar_type() == kFloat32);
  from->to(kFloat32);
  CHECK(same(from->state_dict(), to->state_dict()));
}

TEST_CASE("state dict: a strict load lists every misfit and changes nothing") {
  Net net;
  auto state = snapshot(*net);
  for (auto& item : state)
    if (item.value().is_floating_point()) item.value().fill_(0.5);
  state.erase("head.weight");
  state.erase("steps");
  state["body.weight"] = reel::ones({2, 3});
  state["body.bias"] = Tensor();
  state.insert("extra", reel::ones({7}));
  state.insert("body.extra", reel::ones({}));
  const auto before = snapshot(*net);
  const auto text = error_of<Error>([&] { net->load_state_dict(state); });
  CHECK(mentions(text, {"[load_state_dict]", "NetImpl", "nothing was loaded:"}));
  CHECK(text.find("\n  missing: steps, expected [1]\n  missing: head.weight, expected [1, 3]\n"
                  "  unexpected: extra, found [7]\n  unexpected: body.extra, found []\n"
                  "  wrong shape: body.weight, expected [3, 2], found [2, 3]\n"
                  "  undefined: body.bias, expected [3]\n") != std::string::npos);
  CHECK(mentions(text, {"options", "strict = false"}));
  CHECK(same(before, net->state_dict()));
}

TEST_CASE("state dict: a load that is not strict reports names and still refuses shapes") {
  Net net;
  auto state = snapshot(*net);
  state.erase("head.weight");
  state.insert("extra", reel::ones({7}));
  state["body.bias"].fill_(0.25);
  const Tensor head = net->head->weight.detach().clone();
  const auto result = net->load_state_dict(state, false);
  CHECK(result.missing_keys == Names{"head.weight"});
  CHECK(result.unexpected_keys == Names{"extra"});
  CHECK(values(net->body->bias) == std::vector<double>{0.25, 0.25, 0.25});
  CHECK(difference(net->head->weight, head) == 0);

  state["body.weight"] = reel::ones({3, 2, 1});
  state["body.bias"].fill_(0.75);
  const auto text = error_of<Error>([&] { net->load_state_dict(state, false); });
  CHECK(mentions(text, {"wrong shape: body.weight, expected [3, 2], found [3, 2, 1]"}));
  CHECK_FALSE(mentions(text, {"missing"}));
  CHECK_FALSE(mentions(text, {"extra"}));
  CHECK(values(net->body->bias) == std::vector<double>{0.25, 0.25, 0.25});
}

TEST_CASE("state dict: tied weights appear and load under both names") {
  nn::Module tied("Tied");
  const Tensor w = tied.register_parameter("input", reel::zeros({2}));
  tied.register_parameter("output", w);
  auto state = snapshot(tied);
  CHECK(state.keys() == Names{"input", "output"});
  for (auto& item : state) item.value().fill_(3);
  tied.load_state_dict(state);
  CHECK(values(w) == std::vector<double>{3, 3});
  state.erase("output");
  CHECK(mentions(error_of<Error>([&] { tied.load_state_dict(state); }), {"missing: output"}));
}

TEST_CASE("state dict: loading over a saved value is seen by backward") {
  nn::Linear linear(2, 2);
  const Tensor x = reel::ones({1, 2}).requires_grad_();
  const Tensor loss = linear(x).sum();
  linear->load_state_dict(snapshot(*linear));
  CHECK(error_of<AutogradError>([&] { loss.backward(); }) != "");
}
