#include "functional.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "autograd/autograd.hpp"
#include "embedding_rows.hpp"

namespace reel {
namespace nn {
namespace functional {

namespace {

struct ToReduction {
  Reduction::Reduction operator()(enumtype::kMean) const { return Reduction::Mean; }
  Reduction::Reduction operator()(enumtype::kSum) const { return Reduction::Sum; }
  Reduction::Reduction operator()(enumtype::kNone) const { return Reduction::None; }
};

double norm_of_row(const Tensor& row, double order) {
  return dispatch_float("embedding", row.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* values = row.data_ptr<T>();
    const auto step = row.stride(0);
    double sum = 0.0, most = 0.0;
    for (std::int64_t i = 0; i < row.numel(); ++i) {
      const double size = std::abs(static_cast<double>(values[i * step]));
      most = std::max(most, size);
      sum += order == 2.0 ? size * size : std::pow(size, order);
    }
    return std::isinf(order) ? most : std::pow(sum, 1.0 / order);
  });
}

}  // namespace

// Scales the rows named by `indices` to at most `max_norm`.
void renormalise_rows(const Tensor& weight, const Tensor& indices, double max_norm, double order) {
  check(max_norm >= 0.0 && order > 0.0,
        "[embedding] max_norm must not be negative and norm_type must be positive, found ",
        max_norm, " and ", order);
  check<DtypeError>(is_integral(indices.scalar_type(), false),
                    "[embedding] expected indices of int64 or int32, found ",
                    dtype_name(indices.scalar_type()));
  const NoGradGuard no_grad;
  const Tensor flat = indices.to(kInt64).contiguous();
  const auto* first = flat.data_ptr<std::int64_t>();
  std::vector<std::int64_t> rows(first, first + flat.numel());
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  check<IndexError>(rows.empty() || (rows.front() >= 0 && rows.back() < weight.size(0)),
                    "[embedding] indices must be within [0, ", weight.size(0), "), found ",
                    rows.empty() || rows.front() >= 0 ? "at most " : "at least ",
                    rows.empty()        ? 0
                    : rows.front() >= 0 ? rows.back()
                                        : rows.front());
  for (const auto index : rows) {
    const Tensor row = weight.detach().select(0, index);
    const double norm = norm_of_row(row, order);
    if (norm > max_norm) row.mul_(max_norm / (norm + 1e-7));
  }
}

Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  return reel::linear(input, weight, bias);
}

Tensor bilinear(const Tensor& input1, const Tensor& input2, const Tensor& weight,
                const Tensor& bias) {
  return reel::bilinear(input1, input2, weight, bias);
}

Tensor pad(const Tensor& input, const PadFuncOptions& options) {
  const auto& mode = options.mode();
  if (std::holds_alternative<enumtype::kConstant>(mode))
    return reel::constant_pad_nd(input, options.pad(), options.value());
  check(options.value() == 0, "[pad] mode ", enumtype::get_enum_name(mode),
        " takes no value, found ", options.value());
  return reel::pad(input, options.pad(),
                   std::holds_alternative<enumtype::kReflect>(mode)     ? "reflect"
                   : std::holds_alternative<enumtype::kReplicate>(mode) ? "replicate"
                                                                        : "circular");
}

Tensor embedding(const Tensor& input, const Tensor& weight, const EmbeddingFuncOptions& options) {
  check(!options.scale_grad_by_freq(),
        "[embedding] scale_grad_by_freq is not supported; leave it false");
  check(!options.sparse(), "[embedding] sparse gradients are not supported; leave sparse false");
  std::int64_t padding = -1;
  if (options.padding_idx()) {
    const auto rows = weight.size(0);
    padding = *options.padding_idx();
    check<IndexError>(padding >= -rows && padding < rows,
                      "[embedding] padding_idx must be within [", -rows, ", ", rows,
                      "), the range of the weight's rows; found ", padding);
    if (padding < 0) padding += rows;
  }
  if (options.max_norm()) renormalise_rows(weight, input, *options.max_norm(), options.norm_type());
  return reel::embedding(weight, input, padding);
}

Tensor one_hot(const Tensor& tensor, std::int64_t num_classes) {
  check<DtypeError>(tensor.scalar_type() == kInt64, "[one_hot] expected class numbers of dtype ",
                    "int64, found ", dtype_name(tensor.scalar_type()),
                    "; convert them with .to(reel::kInt64)");
  const Tensor classes = tensor.contiguous();
  const auto* first = classes.data_ptr<std::int64_t>();
  const auto* last = first + classes.numel();
  if (num_classes == -1) {
    check(first != last,
          "[one_hot] an empty tensor does not tell the number of classes; pass "
          "num_classes");
    num_classes = *std::max_element(first, last) + 1;
  }
  check(num_classes > 0 || (num_classes == 0 && first == last),
        "[one_hot] num_classes must be positive, or -1 to find it; found ", num_classes);
  Dims sizes = tensor.sizes();
  sizes.push_back(num_classes);
  Tensor result = zeros(sizes, kInt64);
  auto* row = result.data_ptr<std::int64_t>();
  for (const auto* c = first; c != last; ++c, row += num_classes) {
    check<IndexError>(*c >= 0 && *c < num_classes, "[one_hot] class numbers must be within [0, ",
                      num_classes, "), found ", *c);
    row[*c] = 1;
  }
  return result;
}

Tensor dropout(Tensor input, const DropoutFuncOptions& options) {
  check(options.p() >= 0.0 && options.p() <= 1.0,
        "[dropout] the probability p must be between 0 and 1, found ", options.p());
  if (!options.inplace()) return reel::dropout(input, options.p(), options.training());
  if (options.training()) input.mul_(reel::dropout(ones_like(input.detach()), options.p(), true));
  return input;
}

Tensor cross_entropy(const Tensor& input, const Tensor& target,
                     const CrossEntropyFuncOptions& options) {
  return reel::cross_entropy_loss(input, target, options.weight(),
                                  std::visit(ToReduction{}, options.reduction()),
                                  options.ignore_index(), options.label_smoothing());
}

Tensor nll_loss(const Tensor& input, const Tensor& target, const NLLLossFuncOptions& options) {
  return reel::nll_loss(input, target, options.weight(),
                        std::visit(ToReduction{}, options.reduction()), options.ignore_index());
}

Tensor mse_loss(const Tensor& input, const Tensor& target, const MSELossFuncOptions& options) {
  return reel::mse_loss(input, target, std::visit(ToReduction{}, options.reduction()));
}

Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, const CTCLossFuncOptions& options) {
  return reel::ctc_loss(log_probs, targets, input_lengths, target_lengths, options.blank(),
                        std::visit(ToReduction{}, options.reduction()), options.zero_infinity());
}

}  // namespace functional
}  // namespace nn
}  // namespace reel
