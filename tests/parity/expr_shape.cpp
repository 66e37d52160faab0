// Expressions: shapes, joining and splitting, indexing, writing through views.
#include "support.hpp"

using torch::indexing::Ellipsis;
using torch::indexing::None;
using torch::indexing::Slice;

PARITY_PROGRAM(shapes) {
  const auto x = parity::wave({2, 3, 4}, 0.2, 1.3, torch::kDouble).requires_grad_();
  const auto m = parity::wave({3, 4}, 0.6, 1.3, torch::kDouble).requires_grad_();
  const std::vector<torch::Tensor> leaves{x, m};
  SHOW_GRAD(x.view({6, 4}));
  SHOW_GRAD(x.view(-1));
  SHOW_GRAD(x.reshape({4, -1}));
  SHOW_GRAD(torch::reshape(x, {2, 12}));
  SHOW_GRAD(x.flatten());
  SHOW_GRAD(torch::flatten(x, 1));
  SHOW_GRAD(x.unflatten(2, {2, 2}));
  SHOW_GRAD(x.transpose(0, 1));
  SHOW_GRAD(torch::transpose(x, 1, 2));
  SHOW_GRAD(x.permute({2, 0, 1}));
  SHOW_GRAD(torch::permute(x, {1, 0, 2}));
  SHOW_GRAD(torch::movedim(x, 0, 2));
  SHOW_GRAD(x.movedim({0}, {1}));
  SHOW_GRAD(x.unsqueeze(1));
  SHOW_GRAD(torch::unsqueeze(x, -1));
  SHOW_GRAD(x.unsqueeze(0).squeeze(0));
  SHOW_GRAD(x.unsqueeze(1).squeeze());
  SHOW_GRAD(torch::squeeze(x));
  SHOW_GRAD(m.expand({2, 3, 4}));
  SHOW_GRAD(m.unsqueeze(0).expand({2, -1, -1}));
  SHOW_GRAD(m.expand_as(x));
  SHOW_GRAD(m.repeat({2, 1}));
  SHOW_GRAD(m.tile({2}));
  SHOW_GRAD(torch::tile(m, {2, 2}));
  SHOW_GRAD(m.repeat_interleave(2));
  SHOW_GRAD(torch::repeat_interleave(m, 2, 0));
  SHOW_GRAD(torch::repeat_interleave(m, torch::tensor({1, 0, 2}), 0));
  SHOW_GRAD(torch::cat({m, m}, 1));
  SHOW_GRAD(torch::cat({m, m.slice(0, 0, 1)}));
  SHOW_GRAD(torch::concat({m, m}));
  SHOW_GRAD(torch::stack({m, m}));
  SHOW_GRAD(torch::stack({m, m}, 2));
  SHOW_GRAD(torch::hstack({m, m}));
  SHOW_GRAD(torch::vstack({m, m}));
  SHOW_GRAD(torch::column_stack({m, m}));
  SHOW_GRAD(x.split(2, 2)[1]);
  SHOW_GRAD(torch::split(x, 1, 0)[1]);
  SHOW_GRAD(x.split({1, 2}, 1)[1]);
  SHOW_GRAD(torch::split_with_sizes(x, {1, 3}, 2)[1]);
  SHOW_GRAD(x.chunk(2, 2)[0]);
  SHOW_GRAD(torch::chunk(x, 3, 1)[2]);
  SHOW_GRAD(x.unbind(1)[2]);
  SHOW_GRAD(torch::unbind(x)[1]);
  SHOW_GRAD(x.narrow(1, 1, 2));
  SHOW_GRAD(torch::narrow(x, 2, 0, 2));
  SHOW_GRAD(x.select(1, 0));
  SHOW_GRAD(torch::select(x, 2, -1));
  SHOW_GRAD(x.slice(1, 0, 2));
  SHOW_GRAD(x.slice(2, 1, 4, 2));
  SHOW_GRAD(torch::slice(x, 0, 1));
  SHOW_GRAD(x.flip({0, 2}));
  SHOW_GRAD(torch::flip(x, {1}));
  SHOW_GRAD(torch::flipud(m));
  SHOW_GRAD(torch::fliplr(m));
  SHOW_GRAD(x.roll(1, 2));
  SHOW_GRAD(torch::roll(x, {1, -1}, {0, 1}));
  SHOW_GRAD(torch::roll(m, 3));
  SHOW_GRAD(torch::constant_pad_nd(m, {1, 2}, 0.5));
  SHOW_GRAD(torch::nn::functional::pad(m, torch::nn::functional::PadFuncOptions({1, 1})));
  SHOW_GRAD(torch::nn::functional::pad(
      x, torch::nn::functional::PadFuncOptions({1, 2}).mode(torch::kReplicate)));
  SHOW_GRAD(torch::nn::functional::pad(
      x, torch::nn::functional::PadFuncOptions({1, 2}).mode(torch::kReflect)));
  SHOW_GRAD(torch::nn::functional::pad(
      m, torch::nn::functional::PadFuncOptions({1, 1, 0, 2}).mode(torch::kConstant).value(2)));
  SHOW_GRAD(x.unfold(2, 2, 1));
  SHOW_GRAD(x.as_strided({2, 2}, {12, 1}));
  SHOW_GRAD(m.t());
  SHOW_GRAD(x.mT());
  SHOW_GRAD(torch::swapaxes(x, 0, 1));
  SHOW_GRAD(x.swapdims(1, 2));
  SHOW_GRAD(x.contiguous());
  SHOW_GRAD(x.clone());
  SHOW_GRAD(x.view_as(x));
  SHOW_GRAD(x.reshape_as(x));
  SHOW_GRAD(torch::ravel(m));
  SHOW_GRAD(m.diag());
  SHOW_GRAD(x.sum_to_size({1, 3, 1}));
  SHOW_GRAD(torch::broadcast_to(m, {2, 3, 4}));
  SHOW_GRAD(torch::broadcast_tensors({m, x})[0]);
  SHOW_GRAD(torch::take(m, torch::tensor({0, 5})));
  std::printf("%s %s %lld %lld %d %d\n", x.dtype() == torch::kDouble ? "double" : "?",
              x.sizes() == torch::IntArrayRef({2, 3, 4}) ? "sizes" : "?",
              static_cast<long long>(x.dim()), static_cast<long long>(x.stride(0)),
              x.transpose(0, 1).is_contiguous(), x.device().is_cpu());
}

PARITY_PROGRAM(indexing) {
  const auto x = parity::wave({4, 3, 5}, 0.2, 1.3, torch::kDouble).requires_grad_();
  const auto m = parity::wave({3, 4}, 0.6, 1.3, torch::kDouble).requires_grad_();
  const std::vector<torch::Tensor> leaves{x, m};
  const auto rows = torch::tensor({2, 0, 2}), mask = torch::tensor({true, false, true, true});
  SHOW_GRAD(x[0]);
  SHOW_GRAD(x[-1][2]);
  SHOW_GRAD(x[1][2][3]);
  SHOW_GRAD(x.index({0}));
  SHOW_GRAD(x.index({Slice(), 1}));
  SHOW_GRAD(x.index({Slice(1, 3)}));
  SHOW_GRAD(x.index({Slice(None, None, 2), Slice(), Slice(1, None)}));
  SHOW_GRAD(x.index({Ellipsis, 0}));
  SHOW_GRAD(x.index({"...", Slice(-2, None)}));
  SHOW_GRAD(x.index({None, 0}));
  SHOW_GRAD(x.index({rows}));
  SHOW_GRAD(x.index({Slice(), rows}));
  SHOW_GRAD(x.index({rows, torch::tensor({0, 1, 2})}));
  SHOW_GRAD(x.index({mask}));
  SHOW_GRAD(x.index({x > 0.5}));
  SHOW_GRAD(torch::index_select(x, 1, torch::tensor({0, 0, 2})));
  SHOW_GRAD(x.index_select(0, rows));
  SHOW_GRAD(torch::gather(m, 1, torch::tensor({{0, 3}, {1, 1}, {2, 0}})));
  SHOW_GRAD(m.gather(0, torch::tensor({{0, 2, 1, 1}})));
  SHOW_GRAD(m.scatter(1, torch::tensor({{0}, {3}, {1}}), 9.0));
  SHOW_GRAD(m.scatter(1, torch::tensor({{0}, {3}, {1}}), m.slice(1, 0, 1)));
  SHOW_GRAD(m.scatter_add(1, torch::tensor({{0, 0}, {3, 1}, {1, 1}}), m.slice(1, 0, 2)));
  SHOW_GRAD(torch::index_add(m, 0, torch::tensor({0, 0}), m.slice(0, 1, 3)));
  SHOW_GRAD(m.index_add(0, torch::tensor({1, 0}), m.slice(0, 1, 3), 2));
  SHOW_GRAD(torch::masked_select(m, m > 0));
  SHOW_GRAD(m.masked_select(m.lt(0.5)));
  SHOW_GRAD(torch::take_along_dim(m, m.argsort(1, false), 1));
  SHOW_GRAD(torch::embedding(m, torch::tensor({{0, 2}, {1, 1}})));
  SHOW_GRAD(torch::nn::functional::embedding(torch::tensor({0, 2}), m));
  SHOW_GRAD(torch::nonzero(m > 0.5));
  SHOW_GRAD(m.nonzero());
  SHOW_GRAD(torch::where(m > 0)[0]);
}

PARITY_PROGRAM(writing) {
  auto x = torch::zeros({3, 4});
  x[0] = 1.5;
  x[1][2] = 7;
  x[2] = torch::arange(4, torch::kFloat);
  SHOW(x);
  x.index_put_({Slice(), 0}, -1);
  x.index_put_({torch::tensor({0, 1})}, torch::ones({4}) * 2);
  x.index_put_({1, Slice(2, None)}, torch::tensor({8.0, 9.0}));
  x.index({0, Slice()}) += 0.25;
  SHOW(x);
  x.select(1, 3).fill_(4);
  x.narrow(0, 0, 1).mul_(3);
  x.slice(1, 1, 3).zero_();
  x[0].copy_(torch::ones({4}));
  SHOW(x);
  x += 1;
  x -= torch::ones({4});
  x *= 2;
  x /= 4;
  SHOW(x);
  x.add_(1).sub_(0.5).mul_(x).div_(2).pow_(2).clamp_(0, 3).sqrt_();
  SHOW(x);
  x.masked_fill_(x > 1, 0);
  x.scatter_(1, torch::tensor({{1}, {0}, {2}}), 5.0);
  x.scatter_add_(1, torch::tensor({{1}, {0}, {2}}), torch::ones({3, 1}));
  x.index_add_(0, torch::tensor({0}), torch::ones({1, 4}));
  SHOW(x);
  x.t_();
  x.unsqueeze_(0);
  SHOW(x);
  x.squeeze_().transpose_(0, 1);
  SHOW(x);
  SHOW(x.addmm_(torch::ones({3, 2}), torch::ones({2, 4})));
  SHOW(x.cumsum_(1)
           .tril_()
           .addcmul_(x, x, 0.1)
           .lerp_(torch::zeros({3, 4}), 0.5)
           .relu_()
           .neg_()
           .abs_());
  x.set_data(torch::ones({2}));
  SHOW(x);

  // In place on the tape.
  auto w = parity::wave({3}, 0.3, 1, torch::kDouble).requires_grad_();
  auto y = w * 2;
  y[1] = 4.0;
  y.slice(0, 2).mul_(w.slice(0, 0, 1));
  y.add_(w);
  y.sum().backward();
  SHOW(w.grad());
  const auto g = w.grad().clone();
  w.grad().zero_();
  w.mutable_grad() = g * 2;
  SHOW(w.grad());
  w.mutable_grad().reset();
  std::printf("defined %d\n", w.grad().defined());
  w.data().sub_(0.5);
  {
    torch::NoGradGuard no_grad;
    w -= 0.25;
  }
  SHOW(w);
}
