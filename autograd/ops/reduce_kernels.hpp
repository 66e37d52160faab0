// Loops that reduce the middle of a contiguous [outer, n, inner] block. With inner = 1 they run
// along a row; else over whole rows of columns, so that memory is always read in order. For the
// library's own source files.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "../kernels.hpp"
#include "../simd.hpp"

namespace reel::kernels {
namespace {

/// What a sum or product of T is kept in.
template <class T>
using Sum = std::conditional_t<std::is_floating_point_v<T>, T, std::int64_t>;

constexpr std::int64_t kColumns = 512;  // columns that are reduced together

// ---------------------------------------------------------------- sums and products
/// What is summed: the values or their squares.
struct Values {
  template <class V>
  V operator()(const V& v) const {
    return v;
  }
};
struct Squares {
  template <class V>
  V operator()(const V& v) const {
    return v * v;
  }
};

/// Sum of n contiguous values. Four running sums per block and halving between blocks keep the
/// rounding error of long sums small.
template <class T, class Of = Values>
Sum<T> sum_row(const T* p, std::int64_t n, Of of = {}) {
  if constexpr (std::is_same_v<T, std::uint8_t>) {
    std::int64_t s = 0;
    for (constexpr std::int64_t block = 1 << 22; n > 0; p += block, n -= block) {
      std::uint32_t part = 0;  // half the width, so twice as many at a time
      for (std::int64_t i = 0; i < std::min(block, n); ++i) part += p[i];
      s += part;
    }
    return s;
  } else if constexpr (!std::is_floating_point_v<T>) {
    std::int64_t s = 0;
    for (std::int64_t i = 0; i < n; ++i) s += static_cast<std::int64_t>(p[i]);
    return s;
  } else {
    using L = simd::Lanes<T>;
    constexpr std::int64_t block = 64 * L::count;
    if (n > block) {
      const std::int64_t half = (n / 2 + block - 1) / block * block;
      return sum_row(p, half, of) + sum_row(p + half, n - half, of);
    }
    auto a = typename L::type(T(0)), b = a, c = a, d = a;
    std::int64_t i = 0;
    for (; i + 4 * L::count <= n; i += 4 * L::count) {
      a += of(L::load(p + i));
      b += of(L::load(p + i + L::count));
      c += of(L::load(p + i + 2 * L::count));
      d += of(L::load(p + i + 3 * L::count));
    }
    for (; i + L::count <= n; i += L::count) a += of(L::load(p + i));
    T s = xsimd::hadd((a + b) + (c + d));
    for (; i < n; ++i) s += of(p[i]);
    return s;
  }
}

/// out[j] = sum over rows of x[row][j], a few rows at a time, in halves.
template <class T, class Of = Values>
void sum_columns(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
                 Sum<T>* __restrict out, Of of = {}) {
  constexpr std::int64_t kRows = 64;
  if (rows > kRows) {
    const std::int64_t half = (rows / 2 + kRows - 1) / kRows * kRows;
    sum_columns(x, half, cols, stride, out, of);
    Sum<T> second[kColumns];
    sum_columns(x + half * stride, rows - half, cols, stride, second, of);
    for (std::int64_t j = 0; j < cols; ++j) out[j] += second[j];
    return;
  }
  std::fill(out, out + cols, Sum<T>(0));
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* row = x + r * stride;
    for (std::int64_t j = 0; j < cols; ++j) out[j] += of(static_cast<Sum<T>>(row[j]));
  }
}

template <class T>
Sum<T> product_row(const T* p, std::int64_t n) {
  using L = simd::Lanes<Sum<T>>;
  Sum<T> s = 1;
  std::int64_t i = 0;
  if constexpr (std::is_floating_point_v<T>) {
    auto a = typename L::type(T(1)), b = a, c = a, d = a;
    for (; i + 4 * L::count <= n; i += 4 * L::count) {
      a *= L::load(p + i);
      b *= L::load(p + i + L::count);
      c *= L::load(p + i + 2 * L::count);
      d *= L::load(p + i + 3 * L::count);
    }
    alignas(64) T lanes[L::count];
    L::store(lanes, (a * b) * (c * d));
    for (const T v : lanes) s *= v;
  }
  for (; i < n; ++i) s *= static_cast<Sum<T>>(p[i]);
  return s;
}
template <class T>
void product_columns(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
                     Sum<T>* __restrict out) {
  std::fill(out, out + cols, Sum<T>(1));
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* row = x + r * stride;
    for (std::int64_t j = 0; j < cols; ++j) out[j] *= static_cast<Sum<T>>(row[j]);
  }
}

// ---------------------------------------------------------------- largest and smallest
struct Greater {
  template <class T>
  bool operator()(T a, T b) const {
    return a > b;
  }
  template <class B>
  static B better(const B& a, const B& b) {
    return xsimd::max(a, b);
  }
};
struct Less {
  template <class T>
  bool operator()(T a, T b) const {
    return a < b;
  }
  template <class B>
  static B better(const B& a, const B& b) {
    return xsimd::min(a, b);
  }
};

/// The best of n >= 1 values; NaN where there is one.
template <class T, class Better>
T best_in_row(const T* p, std::int64_t n, Better better) {
  T best = p[0];
  std::int64_t i = 1;
  if constexpr (std::is_floating_point_v<T>) {
    using L = simd::Lanes<T>;
    if (n >= 4 * L::count) {
      auto a = L::load(p), b = a, c = a, d = a;
      auto numbers = a == a;  // not !=: xsimd's is false for NaN
      for (i = 0; i + 4 * L::count <= n; i += 4 * L::count) {
        const auto v = L::load(p + i), w = L::load(p + i + L::count),
                   x = L::load(p + i + 2 * L::count), y = L::load(p + i + 3 * L::count);
        numbers = numbers && (v == v) && (w == w) && (x == x) && (y == y);
        a = better.better(a, v);
        b = better.better(b, w);
        c = better.better(c, x);
        d = better.better(d, y);
      }
      if (!xsimd::all(numbers)) return std::numeric_limits<T>::quiet_NaN();
      alignas(64) T lanes[L::count];
      L::store(lanes, better.better(better.better(a, b), better.better(c, d)));
      best = lanes[0];
      for (const T v : lanes)
        if (better(v, best)) best = v;
    }
    for (; i < n; ++i)
      if (better(p[i], best) || p[i] != p[i]) best = p[i];
    return best;
  } else {
    for (; i < n; ++i) best = better(p[i], best) ? p[i] : best;
    return best;
  }
}
/// Position of the first best of n >= 1 values, or of the first NaN.
template <class T, class Better>
std::int64_t best_position(const T* p, std::int64_t n, Better better) {
  const T best = best_in_row(p, n, better);
  const bool nan = best != best;
  std::int64_t i = 0;
  for (constexpr std::int64_t block = 64; i + block <= n; i += block) {
    unsigned found = 0;
    for (std::int64_t k = 0; k < block; ++k)
      found |=
          static_cast<unsigned>(p[i + k] == best) | static_cast<unsigned>(p[i + k] != p[i + k]);
    if (found) break;
  }
  while (nan ? p[i] == p[i] : p[i] != best) ++i;
  return i;
}

// Two rows at a time: what is best so far is loaded and stored half as often.
template <class T, class Better>
void best_columns(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
                  T* __restrict out, Better better) {
  std::copy(x, x + cols, out);
  for (std::int64_t r = 1; r < rows; r += 2) {
    const T *row = x + r * stride, *next = r + 1 < rows ? row + stride : row;
    for (std::int64_t j = 0; j < cols; ++j) {
      const T v = row[j], w = next[j];
      const T best = better(v, out[j]) ? v : out[j];
      out[j] = better(w, best) ? w : best;
      if constexpr (std::is_floating_point_v<T>)
        out[j] = __builtin_isunordered(v, w) ? v + w : out[j];
    }
  }
}
template <class T, class Better>
void best_positions(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
                    std::int64_t* out, Better better) {
  // Counters as wide as the values, so that both fill the same SIMD lanes.
  using Count = std::conditional_t<sizeof(T) == 8, std::int64_t, std::int32_t>;
  T best[kColumns];
  Count at[kColumns];
  constexpr std::int64_t kRows = 1 << 30;  // rows that a counter can count
  for (std::int64_t first = 0; first < rows; first += kRows) {
    if (first == 0) std::copy(x, x + cols, best);
    std::fill(at, at + cols, Count(-1));
    const auto count = static_cast<Count>(std::min(kRows, rows - first));
    for (Count r = 0; r < count; ++r) {
      const T* row = x + (first + r) * stride;
      for (std::int64_t j = 0; j < cols; ++j) {
        const T v = row[j], b = best[j];
        const bool wins = better(v, b) | ((v != v) & (b == b));
        best[j] = wins ? v : b;
        at[j] = wins ? r : at[j];
      }
    }
    for (std::int64_t j = 0; j < cols; ++j)
      if (first == 0 || at[j] >= 0) out[j] = first + std::max(at[j], Count(0));
  }
}

/// Calls row(from, n) for each row, or columns(from, columns, to) for each bundle of columns, of a
/// contiguous [outer, n, inner] block; results go to `to` in order.
template <class T, class R, class Row, class Columns>
void reduce_block(const T* from, std::int64_t outer, std::int64_t n, std::int64_t inner, R* to,
                  Row row, Columns columns) {
  if (inner == 1) {
    for (std::int64_t i = 0; i < outer; ++i) to[i] = row(from + i * n, n);
    return;
  }
  for (std::int64_t i = 0; i < outer; ++i)
    for (std::int64_t j = 0; j < inner; j += kColumns)
      columns(from + i * n * inner + j, std::min(kColumns, inner - j), to + i * inner + j);
}

}  // namespace
}  // namespace reel::kernels
