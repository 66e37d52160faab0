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
// Threads are ours: its own wait for one another on a busy machine even in small products.
void pin_threads() {
  if (openblas_set_num_threads) openblas_set_num_threads(1);
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

// Where a BLAS that suits the machine is the faster one, measured against OpenBLAS. Its AVX-512
// kernels read small operands where they lie; ours do where those of `a` lie in rows.
bool is_for_blas(const Tensor& a, const Tensor& b) {
  const std::int64_t m = a.size(0), k = a.size(1), n = b.size(1);
  if (kVectorBytes < 64) return m >= 128 && n >= 64 && k >= 64;
  if (m < 2 || n < 2 || m * n * k < 4096) return false;
  if (a.stride(1) != 1 || k > 2048) return true;
  return b.stride(1) != 1 && m < 8 && n * k < 100000;
}

bool goes_to_blas(const Tensor& a, const Tensor& b) {
  static const bool serves = (pin_threads(), blas_is_fast());
  return serves && (!kWideVectors || is_for_blas(a, b));
}

template <class T>
product::Start<T> start(const Tensor& c, std::int64_t ldc, bool accumulate) {
  return accumulate ? product::Start<T>{c.data_ptr<T>(), ldc} : product::Start<T>();
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

// Large products are cut into as many groups of rows, on any number of threads, since a BLAS may
// sum a block of another size in another order.
constexpr std::int64_t kLarge = 1 << 23, kGroups = 4;

template <class T>
void blas(const Tensor& left, const Tensor& right, const Tensor& c, std::int64_t ldc,
          bool accumulate) {
  const Operand2d a = operand(left), b = operand(right);
  const auto trans = [](bool t) {
    return t ? cxxblas::Transpose::Trans : cxxblas::Transpose::NoTrans;
  };
  using Index = xt::blas_index_t;
  const std::int64_t m = c.size(0), n = c.size(1), k = left.size(1);
  const std::int64_t groups = m >= 64 * kGroups && m * n * k >= kLarge ? kGroups : 1;
  detail::share(groups, [&](std::int64_t i) {
    const std::int64_t from = i * m / groups, rows = (i + 1) * m / groups - from;
    cxxblas::gemm<Index>(cxxblas::StorageOrder::RowMajor, trans(a.transposed), trans(b.transposed),
                         static_cast<Index>(rows), static_cast<Index>(n), static_cast<Index>(k),
                         T(1), a.tensor.data_ptr<T>() + from * (a.transposed ? 1 : a.ld),
                         static_cast<Index>(a.ld), b.tensor.data_ptr<T>(), static_cast<Index>(b.ld),
                         T(accumulate ? 1 : 0), c.data_ptr<T>() + from * ldc,
                         static_cast<Index>(ldc));
  });
}
}  // namespace

void gemm(const Tensor& a, const Tensor& b, const Tensor& c, bool accumulate) {
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
    if (goes_to_blas(a, b))
      blas<T>(a, b, c, ldc, accumulate);
    else
      product::multiply<T>(product::matrix<T>(a), product::matrix<T>(b), c.data_ptr<T>(), ldc,
                           start<T>(c, ldc, accumulate));
  });
}

void gemm_plus_row(const Tensor& a, const Tensor& b, const Tensor& row, const Tensor& c) {
  if (!row.defined()) return gemm(a, b, c);
  if (a.size(1) == 0 || !row.is_contiguous() || goes_to_blas(a, b)) {
    kernels::copy(c, row.detach().expand(c.sizes()));
    return gemm(a, b, c, true);
  }
  dispatch_float("matmul", c.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    product::multiply<T>(product::matrix<T>(a), product::matrix<T>(b), c.data_ptr<T>(), c.size(1),
                         {row.data_ptr<T>(), 0});
  });
}

void PackedOperand::multiply(const Tensor& a, const Tensor& c, bool accumulate) {
  // A single row reads a weight in rows well as it lies, while that is in a cache; and the first
  // such product does not pay for rearranging.
  const bool lies_well = b_.stride(1) == 1 && b_.numel() < (1 << 19);
  const bool direct = a.size(0) == 1 && (lies_well || uses_++ == 0);
  if (!kWideVectors || c.stride(1) != 1 || direct) return gemm(a, b_, c, accumulate);
  dispatch_float("matmul", c.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (!packed_) packed_ = std::make_shared<product::Packed<T>>(product::matrix<T>(b_));
    static_cast<const product::Packed<T>*>(packed_.get())
        ->multiply(product::matrix<T>(a), c.data_ptr<T>(), c.stride(0),
                   start<T>(c, c.stride(0), accumulate));
  });
}

}  // namespace reel
