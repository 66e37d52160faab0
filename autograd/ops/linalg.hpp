// Matrix products.
#pragma once

#include <memory>
#include <string>

#include "../gemm.hpp"
#include "../tensor.hpp"

namespace reel {

/// Matrix product by PyTorch's rules for every combination of ranks: vectors are rows on the left
/// and columns on the right, leading dimensions broadcast. Throws ShapeError.
/// https://pytorch.org/docs/stable/generated/torch.matmul.html
Tensor matmul(const Tensor& a, const Tensor& b);
/// [n, k] @ [k, m]
Tensor mm(const Tensor& a, const Tensor& b);
/// [b, n, k] @ [b, k, m]
Tensor bmm(const Tensor& a, const Tensor& b);
/// beta input + alpha a @ b
Tensor addmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta = 1,
             const Scalar& alpha = 1);
/// beta input + alpha a @ b for batches: [b, n, k] @ [b, k, m]
Tensor baddbmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta = 1,
               const Scalar& alpha = 1);
/// [n, k] @ [k]
Tensor mv(const Tensor& matrix, const Tensor& vector);
/// Sum of the products of two vectors of one length.
Tensor dot(const Tensor& a, const Tensor& b);
/// out[i][j] = a[i] b[j]
Tensor outer(const Tensor& a, const Tensor& b);
/// beta x + alpha A v
Tensor addmv(const Tensor& self, const Tensor& matrix, const Tensor& vector, const Scalar& beta = 1,
             const Scalar& alpha = 1);
/// beta x + alpha u v^T
Tensor addr(const Tensor& self, const Tensor& u, const Tensor& v, const Scalar& beta = 1,
            const Scalar& alpha = 1);
/// out[n][o] = sum_ij x1[n][i] weight[o][i][j] x2[n][j] + bias[o]: [*, i] and [*, j] with weight
/// [out, i, j] give [*, out].
/// https://pytorch.org/docs/stable/generated/torch.nn.functional.bilinear.html
Tensor bilinear(const Tensor& x1, const Tensor& x2, const Tensor& weight,
                const Tensor& bias = Tensor());
/// Sums of products by index letters, such as "bij,bjk->bik"; without "->" the letters that occur
/// once, in alphabetical order, are the result's. Each letter stands for one size. Throws Error for
/// what this does not cover: "..." and a letter twice in one operand.
/// https://pytorch.org/docs/stable/generated/torch.einsum.html
Tensor einsum(const std::string& equation, TensorList operands);
/// x W^T + bias over the last dimension of x: [*, in] with weight [out, in] and bias [out].
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = Tensor());

namespace detail {
/// A weight [out, in] that the steps of one sequence share, with the rearranged copies of it that
/// they multiply by. The tape keeps the second one alone.
struct RepeatedWeight {
  explicit RepeatedWeight(const Tensor& w);
  Tensor weight;
  PackedOperand forward;
  std::shared_ptr<PackedOperand> backward;
};
/// input + x W^T for x [size, in] and rows [row, row + size) of `input` [rows, out]. The result
/// takes over the memory of these rows, which nobody may read afterwards: for the steps of a
/// recurrent net, for which a view and its node more for each would tell.
Tensor add_linear_into(const Tensor& input, std::int64_t row, const Tensor& x, RepeatedWeight& w);
}  // namespace detail

}  // namespace reel
