// Functions of one's own on the tape: saved tensors, saved numbers, several outputs; gradients of
// gradients through them; hooks.
#include "support.hpp"

namespace {
namespace custom_function {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::tensor_list;
using torch::autograd::variable_list;

/// x W^T + b
class LinearFunction : public Function<LinearFunction> {
 public:
  static Tensor forward(AutogradContext* ctx, Tensor input, Tensor weight, Tensor bias = Tensor()) {
    ctx->save_for_backward({input, weight, bias});
    auto output = input.mm(weight.t());
    if (bias.defined()) output += bias.unsqueeze(0).expand_as(output);
    return output;
  }
  static tensor_list backward(AutogradContext* ctx, tensor_list grad_outputs) {
    const auto saved = ctx->get_saved_variables();
    const auto grad = grad_outputs[0];
    Tensor grad_bias;
    if (saved[2].defined()) grad_bias = grad.sum(0);
    return {grad.mm(saved[1]), grad.t().mm(saved[0]), grad_bias};
  }
};

/// Sine and cosine of x times a number, at once.
struct SinCos : Function<SinCos> {
  static variable_list forward(AutogradContext* ctx, const Tensor& x, double by) {
    ctx->saved_data["by"] = by;
    ctx->save_for_backward({x});
    return {(x * by).sin(), (x * by).cos()};
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const double by = ctx->saved_data["by"].toDouble();
    const auto x = ctx->get_saved_variables()[0] * by;
    return {by * (grads[0] * x.cos() - grads[1] * x.sin()), Tensor()};
  }
};

/// The step function forwards, the identity backwards (a straight-through estimator).
struct Sign : Function<Sign> {
  static Tensor forward(AutogradContext*, const Tensor& x) { return x.sign(); }
  static variable_list backward(AutogradContext*, variable_list grads) { return {grads[0]}; }
};

}  // namespace custom_function
}  // namespace

PARITY_PROGRAM(custom_function) {
  using namespace custom_function;
  const auto options = torch::TensorOptions().dtype(torch::kFloat).requires_grad(true);
  auto w1 = parity::wave({12, 4}, 0.1, 0.5).set_requires_grad(true);
  auto b1 = torch::zeros({12}, options);
  auto w2 = parity::wave({1, 12}, 0.7, 0.5).requires_grad_();
  torch::optim::Adam optimizer({w1, b1, w2}, torch::optim::AdamOptions(0.02).eps(1e-7));

  int hook_calls = 0;
  for (int step = 0; step < 50; ++step) {
    auto x = parity::wave({6, 4}, 0.1 * step).requires_grad_(true);
    const auto target = x.detach().sum(1, /*keepdim=*/true).sin();
    auto hidden = LinearFunction::apply(x, w1, b1);
    hidden.register_hook([&](Tensor grad) {
      ++hook_calls;
      return grad * 0.9;
    });
    const auto waves = SinCos::apply(hidden, 0.5 + 0.01 * step);
    const auto y = LinearFunction::apply(waves[0] * waves[1] + 0.01 * Sign::apply(hidden), w2);
    auto loss = (y - target).pow(2).mean();

    // The gradient by the input is kept near length 1.
    const auto grad = torch::autograd::grad({y.sum()}, {x}, /*grad_outputs=*/{},
                                            /*retain_graph=*/true, /*create_graph=*/true)[0];
    const auto penalty = (grad.norm(2, 1) - 1).square().mean();
    loss = loss + 0.1 * penalty;
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    std::printf("step %d loss %.10g penalty %.10g gradient %.10g\n", step, loss.item<double>(),
                penalty.item<double>(), parity::gradient_size({w1, b1, w2}));
  }
  std::printf("hook calls %d\n", hook_calls);

  auto leaf = torch::ones({3}, options);
  auto product = leaf * leaf;
  product.retain_grad();
  (product * product).sum().backward();
  parity::print("grad of a non-leaf", product.grad());
  parity::print("grad of the leaf", leaf.grad());
  std::printf("leaf %d %d, requires %d %d, function %s\n", leaf.is_leaf(), product.is_leaf(),
              leaf.requires_grad(), product.detach().requires_grad(),
              product.grad_fn()->name().c_str());
  try {
    torch::ones({2}).backward();
  } catch (const c10::Error& error) {
    std::printf("an error, as it should\n");
  }
}
