// The only place that includes xtensor and xtensor-blas: picks the headers' path (they moved at
// xtensor 0.26) and refuses what cannot be served.
#pragma once

#if !defined(HAVE_CBLAS)
#error \
    "reel: define HAVE_CBLAS=1 for every source file, or xtensor-blas uses a slow loop instead of BLAS"
#endif

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#endif
#if __has_include(<xtensor-blas/xblas.hpp>)
#include <xtensor-blas/xblas.hpp>
#else
#error "reel: xtensor-blas not found; install libxtensor-blas-dev, or run scripts/setup"
#endif
#if __has_include(<xtensor/containers/xadapt.hpp>)
#include <xtensor/containers/xadapt.hpp>
#elif __has_include(<xtensor/xadapt.hpp>)
#include <xtensor/xadapt.hpp>
#else
#error "reel: xtensor not found; install libxtensor-dev, or run scripts/setup"
#endif
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
