// libtorch's names: what <reel/torch.hpp> adds, and what its programs expect of tensors.
#include "torch.hpp"

#include <doctest/doctest.h>

#include "tests/support.hpp"

using namespace reel::test;
using reel::kDouble;

namespace {

struct NetImpl : torch::nn::Module {
  NetImpl(int64_t in, int64_t out)
      : fc(register_module("fc", torch::nn::Linear(in, out))), scale(torch::ones(1)) {}
  torch::Tensor forward(torch::Tensor x, double by = 2.0) { return fc(x) * by; }
  torch::nn::Linear fc;
  torch::Tensor scale;

 protected:
  FORWARD_HAS_DEFAULT_ARGS({1, torch::nn::AnyValue(2.0)})
};
TORCH_MODULE(Net);
TORCH_MODULE_IMPL(OtherName, NetImpl);

struct Options {
  TORCH_ARG(int, size) = 3;
};

}  // namespace

TEST_CASE("libtorch's names: namespaces, macros, devices") {
  Net net(2, 3);
  OtherName same(net.ptr());
  CHECK(torch::nn::Sequential(net)->forward(torch::ones({1, 2})).sizes() ==
        torch::IntArrayRef({1, 3}));
  CHECK(Options().size(5).size() == 5);
  at::Tensor a = at::ones({2}, at::kFloat);
  CHECK(a.dtype() == torch::kFloat32);
  c10::optional<int64_t> none = c10::nullopt;
  CHECK(!none);
  CHECK(*c10::make_optional(3) == 3);
  CHECK(!torch::cuda::is_available());
  CHECK(torch::cuda::device_count() == 0);
  CHECK(mentions(error_of<c10::Error>([] { torch::ones({1}).cuda(); }), {"CPU only", "CUDA"}));
  CHECK(mentions(error_of<c10::Error>([] { torch::Device device("cuda:0"); }), {"cuda"}));
  int64_t sum = 0;
  for (const auto i : c10::irange(4)) sum += i;
  for (const auto i : c10::irange(2, int64_t{5})) sum += i;
  for (const auto i : c10::irange(3, 1)) sum += 100 + i;
  CHECK(sum == 6 + 9);
  CHECK(TORCH_VERSION_MAJOR == 1);
}

TEST_CASE("libtorch's names: strings, variants, layouts") {
  CHECK(c10::str("a", 1, ' ', 0.5, torch::ones({2}).sizes()) == "a1 0.5[2]");
  CHECK(c10::to_string(7) == "7");
  c10::variant<int, double> value = 2;
  CHECK(c10::holds_alternative<int>(value));
  CHECK(c10::get<int>(value) == 2);
  CHECK(c10::get_if<double>(&value) == nullptr);
  const auto options = torch::TensorOptions()
                           .dtype(torch::kFloat64)
                           .layout(torch::kStrided)
                           .device(torch::kCPU)
                           .requires_grad(true);
  const auto x = torch::ones({2, 3}, options);
  CHECK(x.layout() == torch::kStrided);
  CHECK(x.device().index() == -1);
  CHECK(!x.device().has_index());
  CHECK(x.get_device() == -1);
  CHECK(x.is_signed());
  CHECK(!torch::ones({1}, torch::kByte).is_signed());
  CHECK(torch::ones({1}).is_nonzero());
  CHECK(!torch::zeros({1, 1}).is_nonzero());
  CHECK(!x.tensor_data().requires_grad());
  CHECK(x.tensor_data().data_ptr() == x.data_ptr());
  CHECK(c10::str((x * 2).grad_fn(), " ", x.grad_fn()) == (x * 2).grad_fn()->name() + " none");
}

TEST_CASE("libtorch's names: slices and elements of a list of sizes") {
  const auto x = torch::ones({2, 3, 4});
  CHECK(x.sizes().slice(1) == torch::IntArrayRef({3, 4}));
  CHECK(x.sizes().slice(3).empty());
  CHECK(x.sizes().slice(0, 2) == torch::IntArrayRef({2, 3}));
  CHECK(x.sizes().at(2) == 4);
  CHECK(mentions(error_of<reel::IndexError>([&] { x.sizes().at(3); }), {"3", "size 3"}));
  CHECK(mentions(error_of<reel::IndexError>([&] { x.sizes().slice(4); }), {"4", "size 3"}));
  CHECK(mentions(error_of<reel::IndexError>([&] { x.sizes().slice(1, 3); }), {"3", "from 1"}));
}

TEST_CASE("libtorch's names: warnings") {
  std::ostringstream said;
  auto* const before = std::cerr.rdbuf(said.rdbuf());
  for (int i = 0; i < 3; ++i) {
    TORCH_WARN("always ", i);
    TORCH_WARN_ONCE("once ", i);
  }
  std::cerr.rdbuf(before);
  CHECK(mentions(said.str(), {"torch_test.cpp", "always 0", "once 0", "always 1", "always 2"}));
  CHECK(said.str().find("once 1") == std::string::npos);
}

TEST_CASE("libtorch's names: into archives and out of them") {
  Net net(2, 3), other(2, 3);
  torch::optim::SGD optimizer(net->parameters(), torch::optim::SGDOptions(0.25).momentum(0.5));
  torch::optim::SGD fresh(other->parameters(), 0.1);
  torch::serialize::OutputArchive out, number;
  out << net << optimizer;
  number << torch::full({2}, 7);
  out.write("number", number);
  std::stringstream stream;
  out.save_to(stream);
  torch::serialize::InputArchive in, nested;
  in.load_from(stream);
  in >> other >> fresh;
  CHECK(torch::equal(other->fc->weight, net->fc->weight));
  CHECK(fresh.param_groups()[0].options().get_lr() == 0.25);
  in.read("number", nested);
  torch::Tensor seven;
  nested >> seven;
  CHECK(torch::equal(seven, torch::full({2}, 7)));
}

TEST_CASE("libtorch's names: checks") {
  int evaluated = 0;
  const auto text = [&] {
    ++evaluated;
    return "late";
  };
  TORCH_CHECK(true, text());
  TORCH_CHECK(1 < 2);
  CHECK(evaluated == 0);
  CHECK(error_of<c10::Error>([&] { TORCH_CHECK(1 > 2, "wrong: ", 3, ' ', text()); }) ==
        "wrong: 3 late");
  CHECK_THROWS_AS(TORCH_CHECK(false), c10::Error);
  CHECK_THROWS_AS(TORCH_INTERNAL_ASSERT(false), c10::Error);
  CHECK(error_of<c10::Error>([] { AT_ERROR("no"); }) == "no");
  try {
    torch::ones({2}).view({3});
  } catch (const c10::Error& e) {
    CHECK(e.msg() == e.what_without_backtrace());
  }
}

TEST_CASE("tensor: assigning to an expression's result writes into its memory") {
  auto x = torch::zeros({3, 4});
  x[0] = 1.5;
  x[1][2] = 7;
  x[2] = torch::arange(4, torch::kFloat);
  x.slice(1, 3) = -1;
  x.select(0, 1).slice(0, 0, 2) = torch::tensor({5.0f, 6.0f});
  CHECK(values(x) == std::vector<double>{1.5, 1.5, 1.5, -1, 5, 6, 7, -1, 0, 1, 2, -1});
  // A name is bound anew, as ever.
  auto row = x[0];
  row = torch::zeros({4});
  CHECK(x[0][0].item<float>() == 1.5f);
  x = torch::ones({1});
  CHECK(x.numel() == 1);

  // On the tape: what was overwritten gets no gradient, what was written does.
  const auto w = torch::ones({3}, torch::dtype(kDouble).requires_grad(true));
  const auto v = torch::ones({}, torch::dtype(kDouble).requires_grad(true));
  auto y = w * 2;
  y[1] = v * 5;
  y[2] = 1.0;
  y.sum().backward();
  CHECK(values(w.grad()) == std::vector<double>{2, 0, 0});
  CHECK(v.grad().item<double>() == 5);
  CHECK_THROWS_AS(w[0] = 1.0, reel::AutogradError);
}

TEST_CASE("tensor: new tensors of the same dtype, indices that are tensors, other memory") {
  const auto x = torch::arange(6, kDouble).view({2, 3});
  CHECK(x.new_zeros({2}).dtype() == kDouble);
  CHECK(x.new_ones({2}, torch::kInt).dtype() == torch::kInt);
  CHECK(values(x.new_full({2}, 3)) == std::vector<double>{3, 3});
  CHECK(x.new_empty({4, 1}).sizes() == torch::IntArrayRef({4, 1}));
  CHECK(torch::ones({1}).to(x).dtype() == kDouble);

  CHECK(values(x[torch::tensor(1)]) == std::vector<double>{3, 4, 5});
  CHECK(mentions(error_of<reel::DtypeError>([&] { x[torch::tensor(1.0)]; }), {"operator[]"}));
  CHECK(mentions(error_of<reel::DtypeError>([&] { x[torch::tensor({0, 1})]; }), {"index({...})"}));

  auto w = torch::ones({2}, torch::requires_grad());
  (w * 3).sum().backward();
  w.set_data(torch::zeros({3}));
  CHECK(w.numel() == 3);
  CHECK(w.requires_grad());
  CHECK_THROWS_AS(w.set_data(x), reel::DtypeError);
  CHECK_THROWS_AS((w * 2).set_data(w), reel::AutogradError);
  auto view = x.view({6});
  view.set_data(view[1]);
  CHECK(view.item<double>() == 1);
}

TEST_CASE("tensor: random_ and bernoulli_") {
  torch::manual_seed(4);
  auto x = torch::empty({2000}, torch::kLong);
  x.random_(3, 7);
  CHECK(x.min().item<int>() == 3);
  CHECK(x.max().item<int>() == 6);
  CHECK(std::abs(x.to(kDouble).mean().item<double>() - 4.5) < 0.15);
  CHECK(torch::empty({50}).random_(2).le(1).all().item<bool>());
  CHECK(mentions(error_of<reel::Error>([&] { x.random_(2, 2); }), {"from=2", "to=2"}));
  CHECK(mentions(error_of<reel::Error>([&] { torch::empty({1}, torch::kByte).random_(300); }),
                 {"uint8", "299"}));
  CHECK_THROWS_AS(torch::empty({1}, torch::kByte).random_(-1, 3), reel::Error);
  CHECK_THROWS_AS(torch::empty({1}).random_(int64_t{1} << 30), reel::Error);
  auto b = torch::empty({2000}).bernoulli_(0.3);
  CHECK(std::abs(b.mean().item<double>() - 0.3) < 0.05);
  CHECK(b.mul(b).eq(b).all().item<bool>());
  CHECK(torch::empty({9}).bernoulli_(1).eq(1).all().item<bool>());
  CHECK_THROWS_AS(b.bernoulli_(1.5), reel::Error);
}
