// Windows along a sequence: Conv1d, MaxPool1d, AvgPool1d, as modules and as functions.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <tuple>
#include <variant>

#include "cloneable.hpp"
#include "expanding_array.hpp"
#include "module_holder.hpp"
#include "options.hpp"

namespace reel {
namespace nn {

struct Conv1dOptions {
  /// A number of zeros at both ends, kValid for none, or kSame for as many as keep the length.
  using padding_t = std::variant<ExpandingArray<1>, enumtype::kValid, enumtype::kSame>;
  using padding_mode_t =
      std::variant<enumtype::kZeros, enumtype::kReflect, enumtype::kReplicate, enumtype::kCircular>;

  Conv1dOptions(std::int64_t in_channels, std::int64_t out_channels, ExpandingArray<1> kernel_size)
      : in_channels_(in_channels), out_channels_(out_channels), kernel_size_(kernel_size) {}
  REEL_ARG(std::int64_t, in_channels);
  REEL_ARG(std::int64_t, out_channels);
  REEL_ARG(ExpandingArray<1>, kernel_size);
  REEL_ARG(ExpandingArray<1>, stride) = 1;
  REEL_ARG(padding_t, padding) = ExpandingArray<1>(0);
  REEL_ARG(ExpandingArray<1>, dilation) = 1;
  /// Channels and outputs are cut into so many groups that do not see each other.
  REEL_ARG(std::int64_t, groups) = 1;
  REEL_ARG(bool, bias) = true;
  /// What the padding is filled with.
  REEL_ARG(padding_mode_t, padding_mode) = kZeros;
};
struct MaxPool1dOptions {
  MaxPool1dOptions(ExpandingArray<1> kernel_size)
      : kernel_size_(kernel_size), stride_(kernel_size) {}
  REEL_ARG(ExpandingArray<1>, kernel_size);
  /// kernel_size where not given.
  REEL_ARG(ExpandingArray<1>, stride);
  REEL_ARG(ExpandingArray<1>, padding) = 0;
  REEL_ARG(ExpandingArray<1>, dilation) = 1;
  REEL_ARG(bool, ceil_mode) = false;
};
struct AvgPool1dOptions {
  AvgPool1dOptions(ExpandingArray<1> kernel_size)
      : kernel_size_(kernel_size), stride_(kernel_size) {}
  REEL_ARG(ExpandingArray<1>, kernel_size);
  /// kernel_size where not given.
  REEL_ARG(ExpandingArray<1>, stride);
  REEL_ARG(ExpandingArray<1>, padding) = 0;
  REEL_ARG(bool, ceil_mode) = false;
  REEL_ARG(bool, count_include_pad) = true;
};
struct AdaptiveAvgPool1dOptions {
  AdaptiveAvgPool1dOptions(ExpandingArray<1> output_size) : output_size_(output_size) {}
  REEL_ARG(ExpandingArray<1>, output_size);
};
struct AdaptiveMaxPool1dOptions {
  AdaptiveMaxPool1dOptions(ExpandingArray<1> output_size) : output_size_(output_size) {}
  REEL_ARG(ExpandingArray<1>, output_size);
};

namespace functional {
struct Conv1dFuncOptions {
  using padding_t = Conv1dOptions::padding_t;
  REEL_ARG(Tensor, bias) = {};
  REEL_ARG(ExpandingArray<1>, stride) = 1;
  REEL_ARG(padding_t, padding) = ExpandingArray<1>(0);
  REEL_ARG(ExpandingArray<1>, dilation) = 1;
  REEL_ARG(std::int64_t, groups) = 1;
};
using MaxPool1dFuncOptions = MaxPool1dOptions;
using AvgPool1dFuncOptions = AvgPool1dOptions;
using AdaptiveAvgPool1dFuncOptions = AdaptiveAvgPool1dOptions;
using AdaptiveMaxPool1dFuncOptions = AdaptiveMaxPool1dOptions;

/// See reel::conv1d.
Tensor conv1d(const Tensor& input, const Tensor& weight, const Conv1dFuncOptions& options = {});
/// See reel::max_pool1d, reel::max_pool1d_with_indices and reel::avg_pool1d.
Tensor max_pool1d(const Tensor& input, const MaxPool1dFuncOptions& options);
std::tuple<Tensor, Tensor> max_pool1d_with_indices(const Tensor& input,
                                                   const MaxPool1dFuncOptions& options);
Tensor avg_pool1d(const Tensor& input, const AvgPool1dFuncOptions& options);
/// The mean, or the largest, of each of output_size windows that cover the last dimension of
/// [N, C, L] or [C, L] evenly: window i from floor(i L / n) to ceil((i + 1) L / n). Throws
/// ShapeError. https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool1d.html
Tensor adaptive_avg_pool1d(const Tensor& input, const AdaptiveAvgPool1dFuncOptions& options);
Tensor adaptive_max_pool1d(const Tensor& input, const AdaptiveMaxPool1dFuncOptions& options);
/// The result and the positions of its elements.
std::tuple<Tensor, Tensor> adaptive_max_pool1d_with_indices(
    const Tensor& input, const AdaptiveMaxPool1dFuncOptions& options);
}  // namespace functional

/// [N, in_channels, L] (or without N) gives [N, out_channels, windows]; weight [out_channels,
/// in_channels / groups, kernel_size] and bias [out_channels] start as U(-1/sqrt(n), 1/sqrt(n)) for
/// n = in_channels / groups * kernel_size. Throws ShapeError where channels are not divisible by
/// groups, a size is not positive, or the input does not fit.
/// https://pytorch.org/docs/stable/generated/torch.nn.Conv1d.html
class Conv1dImpl : public Cloneable<Conv1dImpl> {
 public:
  Conv1dImpl(std::int64_t in_channels, std::int64_t out_channels, ExpandingArray<1> kernel_size)
      : Conv1dImpl(Conv1dOptions(in_channels, out_channels, kernel_size)) {}
  explicit Conv1dImpl(const Conv1dOptions& options);
  void reset() override;
  void reset_parameters();
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);

  Conv1dOptions options;
  Tensor weight;
  Tensor bias;
};
REEL_MODULE(Conv1d);

/// https://pytorch.org/docs/stable/generated/torch.nn.MaxPool1d.html
class MaxPool1dImpl : public Cloneable<MaxPool1dImpl> {
 public:
  MaxPool1dImpl(ExpandingArray<1> kernel_size) : MaxPool1dImpl(MaxPool1dOptions(kernel_size)) {}
  explicit MaxPool1dImpl(const MaxPool1dOptions& options_) : options(options_) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);
  /// The result and the positions of its elements.
  std::tuple<Tensor, Tensor> forward_with_indices(const Tensor& input);

  MaxPool1dOptions options;
};
REEL_MODULE(MaxPool1d);

/// https://pytorch.org/docs/stable/generated/torch.nn.AvgPool1d.html
class AvgPool1dImpl : public Cloneable<AvgPool1dImpl> {
 public:
  AvgPool1dImpl(ExpandingArray<1> kernel_size) : AvgPool1dImpl(AvgPool1dOptions(kernel_size)) {}
  explicit AvgPool1dImpl(const AvgPool1dOptions& options_) : options(options_) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);

  AvgPool1dOptions options;
};
REEL_MODULE(AvgPool1d);

/// See functional::adaptive_avg_pool1d.
class AdaptiveAvgPool1dImpl : public Cloneable<AdaptiveAvgPool1dImpl> {
 public:
  AdaptiveAvgPool1dImpl(ExpandingArray<1> output_size)
      : AdaptiveAvgPool1dImpl(AdaptiveAvgPool1dOptions(output_size)) {}
  explicit AdaptiveAvgPool1dImpl(const AdaptiveAvgPool1dOptions& options_) : options(options_) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);

  AdaptiveAvgPool1dOptions options;
};
REEL_MODULE(AdaptiveAvgPool1d);

/// See functional::adaptive_max_pool1d.
class AdaptiveMaxPool1dImpl : public Cloneable<AdaptiveMaxPool1dImpl> {
 public:
  AdaptiveMaxPool1dImpl(ExpandingArray<1> output_size)
      : AdaptiveMaxPool1dImpl(AdaptiveMaxPool1dOptions(output_size)) {}
  explicit AdaptiveMaxPool1dImpl(const AdaptiveMaxPool1dOptions& options_) : options(options_) {}
  void reset() override {}
  void pretty_print(std::ostream& stream) const override;
  Tensor forward(const Tensor& input);
  /// The result and the positions of its elements.
  std::tuple<Tensor, Tensor> forward_with_indices(const Tensor& input);

  AdaptiveMaxPool1dOptions options;
};
REEL_MODULE(AdaptiveMaxPool1d);

}  // namespace nn
}  // namespace reel
