// What the parity programs share. Everything here and in them is libtorch's C++ API; the same files
// are built with libtorch and with reel.
#pragma once

#include <torch/torch.h>

#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace parity {

/// The programs, by name, as PARITY_PROGRAM registers them.
using Program = void (*)();
inline std::vector<std::pair<std::string, Program>>& programs() {
  static std::vector<std::pair<std::string, Program>> all;
  return all;
}
struct Registration {
  Registration(const char* name, Program program) { programs().emplace_back(name, program); }
};

/// One line of output: a name and its numbers, enough digits to tell all floats apart.
inline void print(const std::string& name, const torch::Tensor& values) {
  const torch::Tensor flat =
      values.detach().to(torch::kDouble).contiguous().reshape({values.numel()});
  std::printf("%s", name.c_str());
  for (const auto size : values.sizes()) std::printf(" [%lld]", static_cast<long long>(size));
  for (int64_t i = 0; i < flat.numel(); ++i) std::printf(" %.10g", flat[i].item<double>());
  std::printf("\n");
}
inline void print(const std::string& name, double value) {
  std::printf("%s %.10g\n", name.c_str(), value);
}

/// Numbers in [-scale, scale] by a formula, since libtorch's random numbers are not reel's.
inline torch::Tensor wave(torch::IntArrayRef sizes, double shift = 0, double scale = 1,
                          torch::Dtype dtype = torch::kFloat) {
  int64_t n = 1;
  for (const auto size : sizes) n *= size;
  const auto steps = torch::arange(n, torch::kDouble);
  return torch::sin(steps * 0.7368 + steps * steps * 0.0113 + shift)
      .mul(scale)
      .to(dtype)
      .view(sizes);
}

/// The value of an expression, one number for the gradient by each of the leaves, and one for the
/// second derivatives.
inline void print_with_gradients(const std::string& name, const torch::Tensor& value,
                                 const std::vector<torch::Tensor>& leaves) {
  print(name, value);
  if (!value.requires_grad()) return;
  const auto weights = wave(value.sizes(), 0.4, 1, value.scalar_type());
  const auto first =
      torch::autograd::grad({(value * weights).sum()}, leaves, {}, /*retain_graph=*/true,
                            /*create_graph=*/true, /*allow_unused=*/true);
  auto sum = torch::zeros({}, torch::kDouble);
  std::printf("  gradients");
  for (const auto& g : first) {
    const auto s = g.defined() ? (g * wave(g.sizes(), 1.3, 1, g.scalar_type())).sum()
                               : torch::zeros({}, torch::kDouble);
    std::printf(" %.10g", s.item<double>());
    sum = sum + s;
  }
  double second = 0;
  try {
    if (sum.requires_grad())
      for (const auto& g : torch::autograd::grad({sum}, leaves, {}, true, false, true))
        if (g.defined())
          second += (g * wave(g.sizes(), 2.1, 1, g.scalar_type())).sum().item<double>();
    std::printf(" second %.10g\n", second);
  } catch (const std::exception&) {
    std::printf(" second unsupported\n");
  }
}

/// Class numbers in [0, classes) by a formula.
inline torch::Tensor labels(torch::IntArrayRef sizes, int64_t classes, double shift = 0) {
  return wave(sizes, shift, 0.5 * static_cast<double>(classes), torch::kDouble)
      .add(0.5 * static_cast<double>(classes))
      .floor()
      .clamp(0, static_cast<double>(classes - 1))
      .to(torch::kLong);
}

/// Gives every parameter values by the formula.
inline void fill(torch::nn::Module& module, double scale = 0.3) {
  torch::NoGradGuard no_grad;
  double shift = 0;
  for (auto& parameter : module.named_parameters()) {
    const torch::Tensor p = parameter.value();
    p.copy_(wave(p.sizes(), shift, scale));
    shift += 0.61;
  }
}

/// The sum of all gradients' magnitudes: one number that every one of them moves.
inline double gradient_size(const std::vector<torch::Tensor>& parameters) {
  double sum = 0;
  for (const auto& p : parameters)
    if (p.grad().defined()) sum += p.grad().abs().sum().item<double>();
  return sum;
}

}  // namespace parity

/// Prints an expression under its own text.
#define SHOW(...) parity::print(#__VA_ARGS__, __VA_ARGS__)
/// The same with its derivatives by the tensors in `leaves`.
#define SHOW_GRAD(...) parity::print_with_gradients(#__VA_ARGS__, __VA_ARGS__, leaves)

#define PARITY_PROGRAM(name)                                           \
  static void name##_program();                                        \
  static const parity::Registration name##_is(#name, &name##_program); \
  static void name##_program()
