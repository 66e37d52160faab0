// Which product goes where: our own kernels, or BLAS for the large ones where it is at its best.
#include "gemm.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "kernels.hpp"
#include "ops/ops.hpp"
#include "product.hpp"
#include "simd.hpp"
#include "tape.hpp"
#include "threads.hpp"
#include "xtensor_api.hpp"

extern "C" {
// OpenBLAS's own functions; other BLAS libraries do not have them.
void openblas_set_num_threads(int) __attribute__((weak));
char* openblas_get_corename(void) __attribute__((weak));
}

namespace reel {

namespace {
int threads = 1;

// One BLAS thread unless asked otherwise: results must not depend on how many cores there are.
void pin_threads() {
  if (openblas_set_num_threads) openblas_set_num_threads(threads);
}

// Without AVX2 our kernels are no match for any BLAS.
constexpr std::size_t kVectorBytes = sizeof(simd::Lanes<float>::type);
constexpr bool kWideVectors = kVectorBytes >= 32;

// OpenBLAS falls back to kernels of 2004 on a processor that it does not know; measured, five times
// slower than ours. It is trusted with large products only when it uses the full vector width.
bool blas_is_fast() {
  if (!kWideVectors) return true;
  if (!openblas_get_corename) return false;
  const std::string core = openblas_get_corename();
  for (const char* wide : {"SkylakeX", "Cooperlake", "SapphireRapids", "Sapphirerapids"})
    if (core == wide) return true;
  for (const char* narrow : {"Haswell", "Zen"})
    if (core == narrow) return kVectorBytes == 32;
  return false;
}

// Measured: from here on a BLAS that suits the machine gains 5 to 15 % over our kernels.
bool is_large(std::int64_t m, std::int64_t n, std::int64_t k) {
  return m >= 128 && n >= 64 && k >= 64;
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
void blas(const Tensor& left, const Tensor& right, const Tensor& c, std::int64_t ldc,
          bool accumulate) {
  const Operand2d a = operand(left), b = operand(right);
  const auto trans = [](bool t) {
    return t ? cxxblas::Transpose::Trans : cxxblas::Transpose::NoTrans;
  };
  using Index = xt::blas_index_t;
  cxxblas::gemm<Index>(cxxblas::StorageOrder::RowMajor, trans(a.transposed), trans(b.transposed),
                       static_cast<Index>(c.size(0)), static_cast<Index>(c.size(1)),
                       static_cast<Index>(left.size(1)), T(1), a.tensor.data_ptr<T>(),
                       static_cast<Index>(a.ld), b.tensor.data_ptr<T>(), static_cast<Index>(b.ld),
                       T(accumulate ? 1 : 0), c.data_ptr<T>(), static_cast<Index>(ldc));
}
}  // namespace

void set_num_threads(int n) {
  check(n >= 1, "[set_num_threads] expected at least 1, found ", n);
  threads = n;
  pin_threads();
}
int get_num_threads() { return threads; }

void gemm(const Tensor& a, const Tensor& b, const Tensor& c, bool accumulate) {
  static const bool blas_serves = (pin_threads(), blas_is_fast());
  check<ShapeError>(a.dim() == 2 && b.dim() == 2 && a.size(1) == b.size(0) &&
                        c.size(0) == a.size(0) && c.size(1) == b.size(1),
                    "[gemm] cannot multiply ", a.sizes(), " by ", b.sizes(), " into ", c.sizes());
  if (c.numel() == 0) return;
  if (a.size(1) == 0) {
    if (!accumulate) kernels::fill(c, 0);
    return;
  }
  if (c.stride(1) != 1 && c.size(1) != 1) {
    if (c.stride(0) == 1) return gemm(b.detach().t(), a.detach().t(), c.detach().t(), accumulate);
    const Tensor dense = c.detach().contiguous();
    gemm(a, b, dense, accumulate);
    return kernels::copy(c, dense);
  }
  const std::int64_t ldc = std::max<std::int64_t>({c.stride(0), c.size(1), 1});
  dispatch_float("matmul", c.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (blas_serves && (!kWideVectors || is_large(c.size(0), c.size(1), a.size(1))))
      blas<T>(a, b, c, ldc, accumulate);
    else
      product::multiply(product::matrix<T>(a), product::matrix<T>(b), c.data_ptr<T>(), ldc,
                        accumulate);
  });
}

void PackedOperand::multiply(const Tensor& a, const Tensor& c, bool accumulate) {
  // A single row reads each weight once: there is nothing to gain from rearranging them first.
  if (!kWideVectors || a.size(0) == 1 || c.stride(1) != 1) return gemm(a, b_, c, accumulate);
  dispatch_float("matmul", c.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (!packed_) packed_ = std::make_shared<product::Packed<T>>(product::matrix<T>(b_));
    static_cast<const product::Packed<T>*>(packed_.get())
        ->multiply(product::matrix<T>(a), c.data_ptr<T>(), c.stride(0), accumulate);
  });
}

}  // namespace reel
