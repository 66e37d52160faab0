#include "convolution.hpp"

#include <cmath>
#include <ostream>

#include "autograd/autograd.hpp"
#include "init.hpp"

namespace reel {
namespace nn {

namespace functional {

Tensor conv1d(const Tensor& input, const Tensor& weight, const Conv1dFuncOptions& options) {
  if (const auto* padding = std::get_if<ExpandingArray<1>>(&options.padding()))
    return reel::conv1d(input, weight, options.bias(), options.stride(), *padding,
                        options.dilation(), options.groups());
  const bool same = std::holds_alternative<enumtype::kSame>(options.padding());
  return reel::conv1d(input, weight, options.bias(), options.stride(), same ? "same" : "valid",
                      options.dilation(), options.groups());
}

Tensor max_pool1d(const Tensor& input, const MaxPool1dFuncOptions& options) {
  return reel::max_pool1d(input, options.kernel_size(), options.stride(), options.padding(),
                          options.dilation(), options.ceil_mode());
}
std::tuple<Tensor, Tensor> max_pool1d_with_indices(const Tensor& input,
                                                   const MaxPool1dFuncOptions& options) {
  return reel::max_pool1d_with_indices(input, options.kernel_size(), options.stride(),
                                       options.padding(), options.dilation(), options.ceil_mode());
}
Tensor avg_pool1d(const Tensor& input, const AvgPool1dFuncOptions& options) {
  return reel::avg_pool1d(input, options.kernel_size(), options.stride(), options.padding(),
                          options.ceil_mode(), options.count_include_pad());
}

namespace {
// What `visit(window, start)` gives of each window, side by side.
template <class Visit>
Tensor over_windows(const char* name, const Tensor& input, std::int64_t count, Visit visit) {
  check<ShapeError>(input.dim() == 2 || input.dim() == 3, "[", name,
                    "] expected an input [N, C, L] or [C, L], found shape ", input.sizes());
  const std::int64_t length = input.size(-1);
  check<ShapeError>(count > 0 && length > 0, "[", name, "] output_size ", count,
                    " and the length must be positive, found an input of shape ", input.sizes());
  std::vector<Tensor> results;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t start = i * length / count, end = ((i + 1) * length + count - 1) / count;
    results.push_back(visit(input.slice(-1, start, end), start));
  }
  return stack(results, -1);
}
}  // namespace

Tensor adaptive_avg_pool1d(const Tensor& input, const AdaptiveAvgPool1dFuncOptions& options) {
  return over_windows("adaptive_avg_pool1d", input, options.output_size()->front(),
                      [](const Tensor& window, std::int64_t) { return window.mean(-1); });
}
std::tuple<Tensor, Tensor> adaptive_max_pool1d_with_indices(
    const Tensor& input, const AdaptiveMaxPool1dFuncOptions& options) {
  const Tensor indices = over_windows("adaptive_max_pool1d", input, options.output_size()->front(),
                                      [](const Tensor& window, std::int64_t start) {
                                        return std::get<1>(window.detach().max(-1)) + start;
                                      });
  return {input.gather(-1, indices), indices};
}
Tensor adaptive_max_pool1d(const Tensor& input, const AdaptiveMaxPool1dFuncOptions& options) {
  return std::get<0>(adaptive_max_pool1d_with_indices(input, options));
}

}  // namespace functional

// ---------------------------------------------------------------- Conv1d
namespace {
using Padding = Conv1dOptions::padding_t;

// How much padding stands before and behind the input.
std::pair<std::int64_t, std::int64_t> ends(const Conv1dOptions& options) {
  if (const auto* padding = std::get_if<ExpandingArray<1>>(&options.padding()))
    return {(*padding)->front(), (*padding)->front()};
  if (std::holds_alternative<enumtype::kValid>(options.padding())) return {0, 0};
  const std::int64_t total = options.dilation()->front() * (options.kernel_size()->front() - 1);
  return {total / 2, total - total / 2};
}
}  // namespace

Conv1dImpl::Conv1dImpl(const Conv1dOptions& options_) : options(options_) { Conv1dImpl::reset(); }

void Conv1dImpl::reset() {
  const auto in = options.in_channels(), out = options.out_channels(), groups = options.groups();
  const auto kernel = options.kernel_size()->front();
  check<ShapeError>(in >= 1 && out >= 1 && kernel >= 1 && groups >= 1,
                    "[Conv1d] in_channels, out_channels, kernel_size and groups must be positive, ",
                    "found ", in, ", ", out, ", ", kernel, " and ", groups);
  check<ShapeError>(in % groups == 0 && out % groups == 0, "[Conv1d] in_channels ", in,
                    " and out_channels ", out, " must be divisible by groups ", groups);
  check(
      !std::holds_alternative<enumtype::kSame>(options.padding()) || options.stride()->front() == 1,
      "[Conv1d] padding kSame needs stride 1, found ", options.stride());
  weight = register_parameter("weight", empty({out, in / groups, kernel}));
  bias = register_parameter("bias", options.bias() ? empty({out}) : Tensor());
  reset_parameters();
}

void Conv1dImpl::reset_parameters() {
  init::kaiming_uniform_(weight, std::sqrt(5.0));
  if (!bias.defined()) return;
  const double bound = 1.0 / std::sqrt(static_cast<double>(weight.size(1) * weight.size(2)));
  init::uniform_(bias, -bound, bound);
}

void Conv1dImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::Conv1d(" << options.in_channels() << ", " << options.out_channels()
         << ", kernel_size=" << options.kernel_size() << ", stride=" << options.stride();
  if (std::holds_alternative<enumtype::kValid>(options.padding()))
    stream << ", padding='valid'";
  else if (std::holds_alternative<enumtype::kSame>(options.padding()))
    stream << ", padding='same'";
  else if (ends(options).first != 0)
    stream << ", padding=" << ends(options).first;
  if (options.dilation()->front() != 1) stream << ", dilation=" << options.dilation();
  if (options.groups() != 1) stream << ", groups=" << options.groups();
  if (!options.bias()) stream << ", bias=false";
  if (!std::holds_alternative<enumtype::kZeros>(options.padding_mode()))
    stream << ", padding_mode=" << enumtype::get_enum_name(options.padding_mode());
  stream << ")";
}

Tensor Conv1dImpl::forward(const Tensor& input) {
  const auto call = [this](const Tensor& x, const Padding& padding) {
    return functional::conv1d(x, weight,
                              functional::Conv1dFuncOptions()
                                  .bias(bias)
                                  .stride(options.stride())
                                  .padding(padding)
                                  .dilation(options.dilation())
                                  .groups(options.groups()));
  };
  const auto& mode = options.padding_mode();
  if (std::holds_alternative<enumtype::kZeros>(mode)) return call(input, options.padding());
  const char* name = std::holds_alternative<enumtype::kReflect>(mode)     ? "reflect"
                     : std::holds_alternative<enumtype::kReplicate>(mode) ? "replicate"
                                                                          : "circular";
  const auto [before, behind] = ends(options);
  return call(reel::pad(input, {before, behind}, name), ExpandingArray<1>(0));
}

// ---------------------------------------------------------------- pooling
void MaxPool1dImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::MaxPool1d(kernel_size=" << options.kernel_size()
         << ", stride=" << options.stride() << ", padding=" << options.padding()
         << ", dilation=" << options.dilation()
         << ", ceil_mode=" << (options.ceil_mode() ? "true" : "false") << ")";
}
Tensor MaxPool1dImpl::forward(const Tensor& input) {
  return functional::max_pool1d(input, options);
}
std::tuple<Tensor, Tensor> MaxPool1dImpl::forward_with_indices(const Tensor& input) {
  return functional::max_pool1d_with_indices(input, options);
}

void AvgPool1dImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::AvgPool1d(kernel_size=" << options.kernel_size()
         << ", stride=" << options.stride() << ", padding=" << options.padding() << ")";
}
Tensor AvgPool1dImpl::forward(const Tensor& input) {
  return functional::avg_pool1d(input, options);
}

void AdaptiveAvgPool1dImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::AdaptiveAvgPool1d(output_size=" << options.output_size() << ")";
}
Tensor AdaptiveAvgPool1dImpl::forward(const Tensor& input) {
  return functional::adaptive_avg_pool1d(input, options);
}

void AdaptiveMaxPool1dImpl::pretty_print(std::ostream& stream) const {
  stream << "reel::nn::AdaptiveMaxPool1d(output_size=" << options.output_size() << ")";
}
Tensor AdaptiveMaxPool1dImpl::forward(const Tensor& input) {
  return functional::adaptive_max_pool1d(input, options);
}
std::tuple<Tensor, Tensor> AdaptiveMaxPool1dImpl::forward_with_indices(const Tensor& input) {
  return functional::adaptive_max_pool1d_with_indices(input, options);
}

}  // namespace nn
}  // namespace reel
