#include "gemm.hpp"

#include <algorithm>
#include <utility>

#include "kernels.hpp"
#include "ops/ops.hpp"
#include "tape.hpp"
#include "threads.hpp"
#include "xtensor_api.hpp"

extern "C" {
// OpenBLAS's own switch; other BLAS libraries do not have it.
void openblas_set_num_threads(int) __attribute__((weak));
}

namespace reel {

namespace {
int threads = 1;

// BLAS multiplies from several threads of ours as well; one thread each unless asked otherwise,
// so that results do not depend on how many cores a machine has.
void pin_threads() {
  if (openblas_set_num_threads) openblas_set_num_threads(threads);
}

struct Operand2d {
  Tensor tensor;
  bool transposed;
  std::int64_t ld;
};
// BLAS takes rows or columns that are contiguous; anything else is copied.
Operand2d operand(const Tensor& t) {
  const auto rows = t.size(0), cols = t.size(1), s0 = t.stride(0), s1 = t.stride(1);
  if ((s1 == 1 || cols == 1) && (s0 >= cols || rows == 1))
    return {t, false, std::max<std::int64_t>({s0, cols, 1})};
  if ((s0 == 1 || rows == 1) && (s1 >= rows || cols == 1))
    return {t, true, std::max<std::int64_t>({s1, rows, 1})};
  return {t.detach().contiguous(), false, std::max<std::int64_t>(cols, 1)};
}

template <class T>
void multiply(const Operand2d& a, const Operand2d& b, const Tensor& c, std::int64_t ldc, T alpha, T beta) {
  const auto trans = [](bool t) { return t ? cxxblas::Transpose::Trans : cxxblas::Transpose::NoTrans; };
  cxxblas::gemm<xt::blas_index_t>(
      cxxblas::StorageOrder::RowMajor, trans(a.transposed), trans(b.transposed),
      static_cast<xt::blas_index_t>(c.size(0)), static_cast<xt::blas_index_t>(c.size(1)),
      static_cast<xt::blas_index_t>(a.tensor.size(1)), alpha, a.tensor.data_ptr<T>(),
      static_cast<xt::blas_index_t>(a.ld), b.tensor.data_ptr<T>(),
      static_cast<xt::blas_index_t>(b.ld), beta, c.data_ptr<T>(), static_cast<xt::blas_index_t>(ldc));
}
}  // namespace

void set_num_threads(int n) {
  check(n >= 1, "[set_num_threads] expected at least 1, found ", n);
  threads = n;
  pin_threads();
}
int get_num_threads() { return threads; }

void gemm(const Tensor& a, const Tensor& b, const Tensor& c, double alpha, double beta) {
  static const bool pinned = (pin_threads(), true);
  static_cast<void>(pinned);
  check<ShapeError>(a.dim() == 2 && b.dim() == 2 && a.size(1) == b.size(0) &&
                        c.size(0) == a.size(0) && c.size(1) == b.size(1),
                    "[gemm] cannot multiply ", a.sizes(), " by ", b.sizes(), " into ", c.sizes());
  if (c.numel() == 0) return;
  if (a.size(1) == 0) {
    if (beta == 0.0) kernels::fill(c, 0);
    return;
  }
  const bool direct = c.stride(1) == 1 || c.size(1) == 1;
  if (!direct && c.stride(0) == 1) return gemm(b.detach().t(), a.detach().t(), c.detach().t(), alpha, beta);
  const Operand2d x = operand(a), y = operand(b);
  if (!direct) {
    Tensor dense = c.detach().contiguous();
    gemm(a, b, dense, alpha, beta);
    kernels::copy(c, dense);
    return;
  }
  const std::int64_t ldc = std::max<std::int64_t>({c.stride(0), c.size(1), 1});
  dispatch_float("matmul", c.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    multiply<T>(x, y, c, ldc, static_cast<T>(alpha), static_cast<T>(beta));
  });
}

}  // namespace reel
