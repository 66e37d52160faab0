// The rival kernels of gemm_bound.
#pragma once

#include <cstdint>

namespace bench {
/// c = op(a) op(b) + beta c, all row-major and dense; op transposes where ta, tb say so.
void dnnl_product(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
                  const float* b, float beta, float* c);
}  // namespace bench
