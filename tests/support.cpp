#include "support.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>

namespace reel::test {

std::filesystem::path source_path(const std::string& relative) {
  return std::filesystem::path(REEL_FIXTURES).parent_path().parent_path() / relative;
}

namespace {
// The distance, in elements, of row-major position `index` from the first element.
std::int64_t offset_of(const Tensor& t, std::int64_t index) {
  std::int64_t offset = 0;
  for (std::int64_t d = t.dim() - 1; d >= 0; --d) {
    offset += index % t.size(d) * t.stride(d);
    index /= t.size(d);
  }
  return offset;
}
}  // namespace

std::vector<double> values(const Tensor& t) {
  std::vector<double> out(static_cast<std::size_t>(t.numel()));
  dispatch(t.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* data = t.data_ptr<T>();
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<double>(data[offset_of(t, static_cast<std::int64_t>(i))]);
  });
  return out;
}

double& element(const Tensor& t, std::int64_t index) {
  return t.data_ptr<double>()[offset_of(t, index)];
}

double difference(const Tensor& got, const Tensor& want) {
  constexpr double kWorst = std::numeric_limits<double>::infinity();
  if (!got.defined() || !want.defined()) return got.defined() == want.defined() ? 0 : kWorst;
  if (got.sizes() != want.sizes() || got.scalar_type() != want.scalar_type()) return kWorst;
  double worst = 0;
  const auto a = values(got), b = values(want);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double error = std::abs(a[i] - b[i]) / std::max(1.0, std::abs(b[i]));
    worst = std::isfinite(error) ? std::max(worst, error) : kWorst;
  }
  return worst;
}

std::string layout_name(MemoryLayout layout) {
  switch (layout) {
    case MemoryLayout::kContiguous:
      return "contiguous";
    case MemoryLayout::kOffset:
      return "offset";
    case MemoryLayout::kGaps:
      return "gaps";
    case MemoryLayout::kTransposed:
      return "transposed";
  }
  return "unknown";
}

Tensor laid_out(const Tensor& t, MemoryLayout layout) {
  NoGradGuard no_grad;
  const Scalar junk = is_floating_point(t.scalar_type())
                          ? Scalar(std::numeric_limits<double>::quiet_NaN())
                          : Scalar(1);
  Tensor out;
  if (layout == MemoryLayout::kContiguous) {
    out = reel::empty(t.sizes(), t.scalar_type());
  } else if (layout == MemoryLayout::kOffset) {
    out = reel::full({t.numel() + 1}, junk, t.scalar_type()).narrow(0, 1, t.numel());
    out = out.view(t.sizes());
  } else if (layout == MemoryLayout::kGaps) {
    std::vector<std::int64_t> sizes = t.sizes().vec();
    if (sizes.empty()) return laid_out(t, MemoryLayout::kOffset);
    sizes.back() *= 2;
    out = reel::full(sizes, junk, t.scalar_type()).slice(-1, 0, sizes.back(), 2);
  } else {
    std::vector<std::int64_t> sizes = t.sizes().vec(), order;
    std::reverse(sizes.begin(), sizes.end());
    for (std::int64_t d = t.dim() - 1; d >= 0; --d) order.push_back(d);
    out = reel::empty(sizes, t.scalar_type()).permute(order);
  }
  out.copy_(t);
  return out.detach();
}

namespace {
double weighted_sum(const Tensors& outputs, const Tensors& weights) {
  double sum = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto y = values(outputs[i]), w = values(weights[i]);
    for (std::size_t j = 0; j < y.size(); ++j) sum += y[j] * w[j];
  }
  return sum;
}

Tensors differentiable(const Tensors& outputs) {
  Tensors kept;
  for (const auto& t : outputs)
    if (t.is_floating_point()) kept.push_back(t);
  return kept;
}
}  // namespace

double gradient_difference(const TensorFunction& fn, const Tensors& inputs, double eps) {
  Tensors wanted;
  for (const auto& t : inputs)
    if (t.requires_grad()) wanted.push_back(t);
  const Tensors outputs = differentiable(fn(inputs));
  Tensors cotangents;
  for (const auto& t : outputs) cotangents.push_back(reel::randn(t.sizes(), t.scalar_type()));
  const Tensors analytic = autograd::grad(outputs, wanted, cotangents, nullopt, false, true);
  NoGradGuard no_grad;
  double worst = 0;
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    for (std::int64_t i = 0; i < wanted[k].numel(); ++i) {
      double& x = element(wanted[k], i);
      const double before = x;
      x = before + eps;
      const double above = weighted_sum(differentiable(fn(inputs)), cotangents);
      x = before - eps;
      const double below = weighted_sum(differentiable(fn(inputs)), cotangents);
      x = before;
      const double numeric = (above - below) / (2 * eps);
      const double found = analytic[k].defined() ? element(analytic[k], i) : 0.0;
      const double error = std::abs(found - numeric) / std::max(1.0, std::abs(found));
      worst = std::isfinite(error) ? std::max(worst, error) : error;
      if (!std::isfinite(worst)) return std::numeric_limits<double>::infinity();
    }
  }
  return worst;
}

bool mentions(const std::string& text, const std::vector<std::string>& parts) {
  std::size_t at = 0;
  for (const auto& part : parts) {
    at = text.find(part, at);
    if (at == std::string::npos) return false;
    at += part.size();
  }
  return true;
}

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace reel::test
