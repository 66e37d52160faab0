#include "convolution.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "elementwise.hpp"
#include "ops.hpp"

namespace reel {
namespace {

// The number that a list of one holds; `otherwise` for an empty list.
std::int64_t single(const char* op, const char* what, IntArrayRef list, std::int64_t least,
                    std::optional<std::int64_t> otherwise = nullopt) {
  if (list.empty() && otherwise) return *otherwise;
  check<ShapeError>(list.size() == 1, "[", op, "] expected one number for ", what, ", found ",
                    list);
  check<ShapeError>(list[0] >= least, "[", op, "] ", what, " must be at least ", least, ", found ",
                    list[0]);
  return list[0];
}

// x [N, C, L] with zeros before and behind as [C, K, N * windows]: a row for each channel and place
// in the window.
Tensor columns(const Tensor& x, std::int64_t before, std::int64_t behind, std::int64_t kernel,
               std::int64_t stride, std::int64_t dilation) {
  const Tensor padded = before == 0 && behind == 0 ? x : constant_pad_nd(x, {before, behind});
  Tensor windows = padded.unfold(2, dilation * (kernel - 1) + 1, stride);
  if (dilation != 1) windows = windows.slice(3, nullopt, nullopt, dilation);
  return windows.permute({1, 3, 0, 2}).reshape({x.size(1), kernel, x.size(0) * windows.size(2)});
}

Tensor convolve(const Tensor& input, const Tensor& weight, const Tensor& bias, std::int64_t stride,
                std::int64_t before, std::int64_t behind, std::int64_t dilation,
                std::int64_t groups) {
  detail::check_floating("conv1d", input);
  check<ShapeError>(groups >= 1, "[conv1d] groups must be at least 1, found ", groups);
  check<ShapeError>(input.dim() == 2 || input.dim() == 3,
                    "[conv1d] expected an input [N, C, L] or [C, L], found shape ", input.sizes());
  const std::int64_t channels = input.size(-2), length = input.size(-1);
  check<ShapeError>(weight.dim() == 3 && weight.size(0) % groups == 0,
                    "[conv1d] expected a weight [out, C / groups, K] with out divisible by groups ",
                    groups, ", found shape ", weight.sizes());
  check<ShapeError>(weight.size(1) * groups == channels, "[conv1d] a weight of shape ",
                    weight.sizes(), " with groups ", groups, " expects an input of ",
                    weight.size(1) * groups, " channels, found ", channels,
                    " in an input of shape ", input.sizes());
  for (const Tensor& t : {weight, bias})
    check<DtypeError>(!t.defined() || t.scalar_type() == input.scalar_type(),
                      "[conv1d] expected weight and bias of the input's dtype ",
                      dtype_name(input.scalar_type()), ", found ",
                      t.defined() ? dtype_name(t.scalar_type()) : "");
  const std::int64_t out = weight.size(0), kernel = weight.size(2);
  check<ShapeError>(!bias.defined() || (bias.dim() == 1 && bias.size(0) == out),
                    "[conv1d] expected a bias of shape [", out, "], found ",
                    bias.defined() ? bias.sizes() : IntArrayRef());
  const std::int64_t padded = length + before + behind, span = dilation * (kernel - 1) + 1;
  check<ShapeError>(kernel >= 1 && span <= padded, "[conv1d] a window over ", span,
                    " elements does not fit an input of shape ", input.sizes(), " padded to ",
                    padded);
  const Tensor x = input.dim() == 2 ? input.unsqueeze(0) : input;
  const Tensor rows = columns(x, before, behind, kernel, stride, dilation);
  const std::int64_t inner = channels / groups * kernel, width = rows.size(2);
  const Tensor product = groups == 1
                             ? mm(weight.reshape({out, inner}), rows.reshape({inner, width}))
                             : bmm(weight.reshape({groups, out / groups, inner}),
                                   rows.reshape({groups, inner, width}));
  Tensor y = product.reshape({out, x.size(0), (padded - span) / stride + 1}).transpose(0, 1);
  y = bias.defined() ? y + bias.unsqueeze(1) : y.contiguous();
  return input.dim() == 2 ? y.squeeze(0) : y;
}

// The windows of a pooling op.
struct Pool {
  std::int64_t kernel, stride, padding, dilation, length, windows;

  Pool(const char* op, const Tensor& input, IntArrayRef kernel_size, IntArrayRef strides,
       IntArrayRef paddings, IntArrayRef dilations, bool ceil_mode)
      : kernel(single(op, "kernel_size", kernel_size, 1)),
        stride(single(op, "stride", strides, 1, kernel)),
        padding(single(op, "padding", paddings, 0)),
        dilation(single(op, "dilation", dilations, 1)) {
    detail::check_floating(op, input);
    check<ShapeError>(input.dim() == 2 || input.dim() == 3, "[", op,
                      "] expected an input [N, C, L] or [C, L], found shape ", input.sizes());
    check<ShapeError>(2 * padding <= kernel, "[", op,
                      "] padding must be at most half of kernel_size, found ", padding, " and ",
                      kernel);
    length = input.size(-1);
    const std::int64_t spare = length + 2 * padding - dilation * (kernel - 1) - 1;
    check<ShapeError>(spare >= 0 || (ceil_mode && spare + stride > 0), "[", op, "] a window over ",
                      dilation * (kernel - 1) + 1, " elements does not fit an input of shape ",
                      input.sizes(), " with padding ", padding);
    windows = (spare + (ceil_mode ? stride - 1 : 0)) / stride + 1;
    // A window must not begin behind the input.
    if (ceil_mode && (windows - 1) * stride >= length + padding) --windows;
  }
  // Elements read behind the input.
  std::int64_t behind() const {
    return std::max<std::int64_t>(
        (windows - 1) * stride + dilation * (kernel - 1) + 1 - padding - length, 0);
  }
};

}  // namespace

Tensor conv1d(const Tensor& input, const Tensor& weight, const Tensor& bias, IntArrayRef stride,
              IntArrayRef padding, IntArrayRef dilation, std::int64_t groups) {
  const std::int64_t pad = single("conv1d", "padding", padding, 0);
  return convolve(input, weight, bias, single("conv1d", "stride", stride, 1), pad, pad,
                  single("conv1d", "dilation", dilation, 1), groups);
}

Tensor detail::conv1d_named(const Tensor& input, const Tensor& weight, const Tensor& bias,
                            IntArrayRef stride, std::string_view padding, IntArrayRef dilation,
                            std::int64_t groups) {
  check(padding == "same" || padding == "valid",
        "[conv1d] padding must be a number, \"same\" or \"valid\", found \"", std::string(padding),
        "\"");
  const std::int64_t step = single("conv1d", "stride", stride, 1),
                     apart = single("conv1d", "dilation", dilation, 1);
  if (padding == "valid") return convolve(input, weight, bias, step, 0, 0, apart, groups);
  check(step == 1, "[conv1d] padding \"same\" needs stride 1, found ", step);
  const std::int64_t total = weight.dim() == 3 ? apart * (weight.size(2) - 1) : 0;
  return convolve(input, weight, bias, step, total / 2, total - total / 2, apart, groups);
}

std::tuple<Tensor, Tensor> max_pool1d_with_indices(const Tensor& input, IntArrayRef kernel_size,
                                                   IntArrayRef stride, IntArrayRef padding,
                                                   IntArrayRef dilation, bool ceil_mode) {
  const Pool p("max_pool1d", input, kernel_size, stride, padding, dilation, ceil_mode);
  const Tensor x = input.detach().contiguous();
  Dims sizes(input.sizes());
  sizes[sizes.size() - 1] = p.windows;
  const Tensor indices = empty(sizes, kInt64);
  dispatch_float("max_pool1d", x.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* row = x.data_ptr<T>();
    auto* to = indices.data_ptr<std::int64_t>();
    for (std::int64_t i = 0; i < indices.numel(); i += p.windows, row += p.length)
      for (std::int64_t w = 0; w < p.windows; ++w) {
        std::int64_t best = -1;
        for (std::int64_t k = 0; k < p.kernel; ++k) {
          const std::int64_t at = w * p.stride - p.padding + k * p.dilation;
          if (at < 0 || at >= p.length) continue;
          if (best < 0 || row[at] > row[best] || row[at] != row[at]) best = at;
        }
        check<ShapeError>(best >= 0, "[max_pool1d] window ", w, " lies wholly in the padding of ",
                          "an input of shape ", input.sizes());
        *to++ = best;
      }
  });
  return {gather(input, -1, indices), indices};
}

Tensor max_pool1d(const Tensor& input, IntArrayRef kernel_size, IntArrayRef stride,
                  IntArrayRef padding, IntArrayRef dilation, bool ceil_mode) {
  return std::get<0>(
      max_pool1d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode));
}

Tensor avg_pool1d(const Tensor& input, IntArrayRef kernel_size, IntArrayRef stride,
                  IntArrayRef padding, bool ceil_mode, bool count_include_pad) {
  const Pool p("avg_pool1d", input, kernel_size, stride, padding, 1, ceil_mode);
  const Tensor sums =
      constant_pad_nd(input, {p.padding, p.behind()}).unfold(-1, p.kernel, p.stride).sum(-1);
  const Tensor counts = empty({p.windows}, kFloat64);
  for (std::int64_t w = 0; w < p.windows; ++w) {
    // What ceil_mode adds behind the padding never counts.
    const std::int64_t edge = count_include_pad ? p.padding : 0, from = w * p.stride - p.padding;
    counts.data_ptr<double>()[w] = static_cast<double>(std::min(from + p.kernel, p.length + edge) -
                                                       std::max<std::int64_t>(from, -edge));
  }
  return sums / counts.to(input.scalar_type());
}

}  // namespace reel
