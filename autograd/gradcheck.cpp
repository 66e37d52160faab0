#include "gradcheck.hpp"

#include <cmath>

#include "ops/ops.hpp"
#include "tape.hpp"

namespace reel::autograd {
namespace {

std::vector<Tensor> differentiable(const std::vector<Tensor>& outputs) {
  std::vector<Tensor> kept;
  for (const Tensor& t : outputs)
    if (t.defined() && t.requires_grad()) kept.push_back(t);
  return kept;
}

std::vector<Tensor> cotangents(const std::vector<Tensor>& outputs) {
  std::vector<Tensor> v;
  for (const Tensor& t : outputs) v.push_back(randn(t.sizes(), t.scalar_type()));
  return v;
}

// <v, f(inputs)> over the outputs that had a gradient the first time.
double value(const GradcheckFunction& f, const std::vector<Tensor>& inputs,
             const std::vector<Tensor>& v, const std::vector<bool>& counted) {
  const auto outputs = f(inputs);
  double total = 0;
  std::size_t k = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (counted[i]) total += (outputs[i].detach() * v[k++]).sum().item<double>();
  return total;
}

}  // namespace

bool gradcheck(const GradcheckFunction& f, const std::vector<Tensor>& inputs, double eps,
               double atol, double rtol, bool raise) {
  std::vector<Tensor> wanted;
  for (const Tensor& x : inputs) {
    if (!x.requires_grad()) continue;
    check<DtypeError>(
        x.scalar_type() == kFloat64,
        "[gradcheck] inputs must be float64 for the differences to be exact enough, found ",
        dtype_name(x.scalar_type()));
    wanted.push_back(x);
  }
  check(!wanted.empty(), "[gradcheck] at least one input must require a gradient");
  const auto outputs = f(inputs);
  std::vector<bool> counted;
  for (const Tensor& t : outputs) counted.push_back(t.defined() && t.requires_grad());
  const auto ends = differentiable(outputs);
  check<AutogradError>(!ends.empty(), "[gradcheck] no output of the function requires a gradient");
  const auto v = cotangents(ends);
  const auto analytic = grad(ends, wanted, v, false, false, true);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const Tensor found = analytic[i].defined() ? analytic[i].contiguous() : zeros_like(wanted[i]);
    check<ShapeError>(found.sizes() == wanted[i].sizes(), "[gradcheck] input ", i, " of shape ",
                      wanted[i].sizes(), " got a gradient of shape ", found.sizes());
    const Tensor flat = wanted[i].detach();  // shares memory: written through its strides
    Dims index(flat.sizes().size(), 0);
    for (std::int64_t k = 0; k < flat.numel(); ++k) {
      double* at = flat.data_ptr<double>();
      std::int64_t rest = k;
      for (std::size_t d = flat.sizes().size(); d-- > 0;) {
        at += rest % flat.sizes()[d] * flat.strides()[d];
        rest /= flat.sizes()[d];
      }
      const double before = *at;
      double above, below;
      {
        NoGradGuard no_grad;
        *at = before + eps;
        above = value(f, inputs, v, counted);
        *at = before - eps;
        below = value(f, inputs, v, counted);
        *at = before;
      }
      const double numerical = (above - below) / (2 * eps), tape = found.data_ptr<double>()[k];
      if (std::abs(tape - numerical) <= atol + rtol * std::abs(numerical)) continue;
      if (!raise) return false;
      throw AutogradError(detail::message("[gradcheck] input ", i, " of shape ", wanted[i].sizes(),
                                          ", element ", k, ": the tape says ", tape,
                                          ", central differences say ", numerical));
    }
  }
  return true;
}

bool gradgradcheck(const GradcheckFunction& f, const std::vector<Tensor>& inputs, double eps,
                   double atol, double rtol, bool raise) {
  const auto ends = differentiable(f(inputs));
  check<AutogradError>(!ends.empty(),
                       "[gradgradcheck] no output of the function requires a gradient");
  std::vector<Tensor> all = inputs;
  for (const Tensor& v : cotangents(ends)) all.push_back(v.requires_grad_());
  const std::size_t n = inputs.size();
  const auto gradients = [&f, n](const std::vector<Tensor>& x) {
    AutoGradMode on(true);
    const std::vector<Tensor> own(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(n));
    const std::vector<Tensor> v(x.begin() + static_cast<std::ptrdiff_t>(n), x.end());
    std::vector<Tensor> wanted;
    for (const Tensor& t : own)
      if (t.requires_grad()) wanted.push_back(t);
    auto result = grad(differentiable(f(own)), wanted, v, true, true, true);
    for (std::size_t i = 0; i < result.size(); ++i)
      if (!result[i].defined()) result[i] = zeros_like(wanted[i]);
    return result;
  };
  return gradcheck(gradients, all, eps, atol, rtol, raise);
}

}  // namespace reel::autograd
