// Windows that slide along a sequence: convolution and pooling. Input [N, C, L] or [C, L].
#pragma once

#include <string_view>
#include <tuple>
#include <type_traits>

#include "../tensor.hpp"

namespace reel {

namespace detail {
Tensor conv1d_named(const Tensor& input, const Tensor& weight, const Tensor& bias,
                    IntArrayRef stride, std::string_view padding, IntArrayRef dilation,
                    std::int64_t groups);
}

/// out[n][o][l] = bias[o] + sum_c,k weight[o][c][k] x[n][c][l stride + k dilation - padding], zeros
/// outside x; weight [out, C / groups, K], group g of the outputs seeing group g of the channels.
/// Gives [N, out, (L + 2 padding - dilation (K - 1) - 1) / stride + 1], rounded down. Throws
/// ShapeError, and DtypeError for integers.
/// https://pytorch.org/docs/stable/generated/torch.nn.Conv1d.html
Tensor conv1d(const Tensor& input, const Tensor& weight, const Tensor& bias = Tensor(),
              IntArrayRef stride = 1, IntArrayRef padding = 0, IntArrayRef dilation = 1,
              std::int64_t groups = 1);
/// The same with padding "valid" (none) or "same" (the result is as long as the input; throws Error
/// unless stride is 1).
template <class Text,
          std::enable_if_t<std::is_convertible_v<const Text&, std::string_view>, int> = 0>
Tensor conv1d(const Tensor& input, const Tensor& weight, const Tensor& bias, IntArrayRef stride,
              const Text& padding, IntArrayRef dilation = 1, std::int64_t groups = 1) {
  return detail::conv1d_named(input, weight, bias, stride, padding, dilation, groups);
}
/// The largest element of each window of `kernel_size` elements, `dilation` apart; windows are
/// `stride` (kernel_size where empty) apart and may begin `padding` before x, at most half a
/// window. With ceil_mode the last window may end behind the padding. The first of equal elements
/// gets the gradient; NaN wins. Throws ShapeError, and DtypeError for integers.
/// https://pytorch.org/docs/stable/generated/torch.nn.MaxPool1d.html
Tensor max_pool1d(const Tensor& input, IntArrayRef kernel_size, IntArrayRef stride = {},
                  IntArrayRef padding = 0, IntArrayRef dilation = 1, bool ceil_mode = false);
/// The same with the positions in x of the elements, int64.
std::tuple<Tensor, Tensor> max_pool1d_with_indices(const Tensor& input, IntArrayRef kernel_size,
                                                   IntArrayRef stride = {}, IntArrayRef padding = 0,
                                                   IntArrayRef dilation = 1,
                                                   bool ceil_mode = false);
/// The mean of each window; the zeros of the padding count unless count_include_pad is false.
/// https://pytorch.org/docs/stable/generated/torch.nn.AvgPool1d.html
Tensor avg_pool1d(const Tensor& input, IntArrayRef kernel_size, IntArrayRef stride = {},
                  IntArrayRef padding = 0, bool ceil_mode = false, bool count_include_pad = true);

}  // namespace reel
