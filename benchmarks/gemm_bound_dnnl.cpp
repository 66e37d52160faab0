// oneDNN's part of gemm_bound.
#include "gemm_bound.hpp"

#include <dnnl.h>

// Of the OpenMP library under oneDNN.
extern "C" void omp_set_num_threads(int) __attribute__((weak));

namespace bench {
void dnnl_product(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
                  const float* b, float beta, float* c) {
  static const bool one_thread = omp_set_num_threads ? (omp_set_num_threads(1), true) : false;
  (void)one_thread;
  dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, 1.f, a, ta ? m : k, b, tb ? k : n, beta, c,
             n);
}
}  // namespace bench
