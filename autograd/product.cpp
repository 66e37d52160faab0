#include "product.hpp"

#include <algorithm>

#include "simd.hpp"
#include "threads.hpp"

namespace reel::product {
namespace {

template <class T>
struct Kernel {
  using L = simd::Lanes<T>;
  using V = typename L::type;
  // A tile of kRows x 2 vectors of c stays in registers: 8 x 2 of AVX-512's 32, 6 x 2 of 16.
  static constexpr int kRows = sizeof(V) == 64 ? 8 : 6;
  static constexpr std::int64_t kWidth = 2 * L::count;

  // c[Rows][Vectors * L::count] = start + sum over k of a[.][k] b[k][.]; b's rows are `sb` apart.
  template <int Rows, int Vectors>
  static void tile(const Matrix<T>& a, const T* b, std::int64_t sb, T* c, std::int64_t ldc,
                   const Start<T>& start) {
    V acc[Rows][Vectors];
    for (int i = 0; i < Rows; ++i)
      for (int v = 0; v < Vectors; ++v)
        acc[i][v] = start.data ? L::load(start.data + i * start.ld + v * L::count) : V(T(0));
    const T* row[Rows];
    for (int i = 0; i < Rows; ++i) row[i] = a.data + i * a.row_stride;
    const std::int64_t step = a.col_stride;
    for (std::int64_t k = 0; k < a.cols; ++k, b += sb) {
      V bk[Vectors];
      for (int v = 0; v < Vectors; ++v) bk[v] = L::load(b + v * L::count);
      for (int i = 0; i < Rows; ++i) {
        const V x(row[i][k * step]);
        for (int v = 0; v < Vectors; ++v) acc[i][v] = xsimd::fma(x, bk[v], acc[i][v]);
      }
    }
    for (int i = 0; i < Rows; ++i)
      for (int v = 0; v < Vectors; ++v) L::store(c + i * ldc + v * L::count, acc[i][v]);
  }

  // A tile of fewer columns than its vectors hold, by way of a full one.
  template <int Rows, int Vectors>
  static void narrow_tile(const Matrix<T>& a, const T* b, std::int64_t sb, T* c, std::int64_t ldc,
                          std::int64_t cols, const Start<T>& start) {
    constexpr std::int64_t kFull = Vectors * L::count;
    alignas(64) T full[Rows][kFull] = {};
    if (start.data)
      for (int i = 0; i < Rows; ++i) {
        const T* from = start.data + i * start.ld;
        std::copy(from, from + cols, full[i]);
      }
    tile<Rows, Vectors>(a, b, sb, full[0], kFull, {full[0], kFull});
    for (int i = 0; i < Rows; ++i) std::copy(full[i], full[i] + cols, c + i * ldc);
  }

  using Tile = void (*)(const Matrix<T>&, const T*, std::int64_t, T*, std::int64_t, std::int64_t,
                        const Start<T>&);
  template <int Rows>
  static void any_tile(const Matrix<T>& a, const T* b, std::int64_t sb, T* c, std::int64_t ldc,
                       std::int64_t cols, const Start<T>& start) {
    if (cols == kWidth)
      tile<Rows, 2>(a, b, sb, c, ldc, start);
    else if (cols > L::count)
      narrow_tile<Rows, 2>(a, b, sb, c, ldc, cols, start);
    else
      narrow_tile<Rows, 1>(a, b, sb, c, ldc, cols, start);
  }
  template <int... R>
  static Tile tile_for(std::int64_t rows, std::integer_sequence<int, R...>) {
    static constexpr Tile tiles[] = {any_tile<R + 1>...};
    return tiles[rows - 1];
  }
  // Of as many rows as `a` has, at most kRows.
  static void product_tile(const Matrix<T>& a, const T* b, std::int64_t sb, T* c, std::int64_t ldc,
                           std::int64_t cols, const Start<T>& start) {
    tile_for(a.rows, std::make_integer_sequence<int, kRows>{})(a, b, sb, c, ldc, cols, start);
  }

  // All rows of `a` times one strip of b.
  static void strip(const Matrix<T>& a, const T* b, std::int64_t sb, T* c, std::int64_t ldc,
                    std::int64_t cols, const Start<T>& start) {
    // Rows are split evenly: 9 rows as 5 and 4 rather than 8 and 1.
    std::int64_t blocks = (a.rows + kRows - 1) / kRows;
    for (std::int64_t i = 0; i < a.rows; --blocks) {
      const std::int64_t rows = (a.rows - i + blocks - 1) / blocks;
      product_tile({a.at(i, 0), rows, a.cols, a.row_stride, a.col_stride}, b, sb, c + i * ldc, ldc,
                   cols, start.at(i, 0));
      i += rows;
    }
  }

  // One strip of b, row after row, padded with zeros.
  static void pack_strip(const Matrix<T>& b, std::int64_t first, T* to) {
    const std::int64_t cols = std::min(kWidth, b.cols - first);
    if (cols < kWidth) std::fill(to, to + b.rows * kWidth, T(0));
    if (b.col_stride == 1) {
      for (std::int64_t k = 0; k < b.rows; ++k, to += kWidth) {
        const T* from = b.at(k, first);
        if (cols == kWidth) {  // a copy of known size needs no call
          L::store(to, L::load(from));
          L::store(to + L::count, L::load(from + L::count));
        } else {
          std::copy(from, from + cols, to);
        }
      }
      return;
    }
    // A transposed matrix, a few rows at a time: reads run along its contiguous direction while
    // the lines written stay in the first-level cache.
    constexpr std::int64_t kBlock = 16;
    for (std::int64_t k0 = 0; k0 < b.rows; k0 += kBlock) {
      const std::int64_t rows = std::min(kBlock, b.rows - k0);
      std::int64_t j = 0;
      if (b.row_stride == 1 && rows == kBlock)
        for (; j + kSquare <= cols; j += kSquare)
          for (std::int64_t k = k0; k < k0 + kBlock; k += kSquare)
            transpose(b.at(k, first + j), b.col_stride, to + k * kWidth + j);
      for (; j < cols; ++j) {
        const T* from = b.at(k0, first + j);
        for (std::int64_t k = 0; k < rows; ++k, from += b.row_stride)
          to[(k0 + k) * kWidth + j] = *from;
      }
    }
  }

  // A square as wide as 128 bits: its halves are interleaved once for each power of two. (Across
  // the lanes of wider vectors xsimd's versions interleave differently.)
  static constexpr int kSquare = 16 / sizeof(T);
  static void transpose(const T* from, std::int64_t step, T* to) {
    using Q = xsimd::make_sized_batch_t<T, kSquare>;
    const auto row = [&](int i) { return Q::load_unaligned(from + i * step); };
    const auto put = [&](int i, const Q& x, const Q& y) {
      xsimd::zip_lo(x, y).store_unaligned(to + i * kWidth);
      xsimd::zip_hi(x, y).store_unaligned(to + (i + 1) * kWidth);
    };
    if constexpr (kSquare == 2) {
      put(0, row(0), row(1));
    } else {
      const Q a = row(0), b = row(1), c = row(2), d = row(3);
      put(0, xsimd::zip_lo(a, c), xsimd::zip_lo(b, d));
      put(2, xsimd::zip_hi(a, c), xsimd::zip_hi(b, d));
    }
  }

  // One row times a transposed matrix: dot products along its contiguous rows, four at a time.
  static void dots(const T* x, const Matrix<T>& b, T* y, bool accumulate) {
    constexpr int kTogether = 4;
    const std::int64_t whole = b.rows / L::count * L::count;
    for (std::int64_t j = 0; j < b.cols; j += kTogether) {
      const int n = static_cast<int>(std::min<std::int64_t>(kTogether, b.cols - j));
      const T* row[kTogether];
      for (int i = 0; i < kTogether; ++i) row[i] = b.at(0, j + std::min(i, n - 1));
      V acc[kTogether][2];
      for (auto& pair : acc) pair[0] = pair[1] = V(T(0));
      std::int64_t k = 0;
      for (; k + kWidth <= whole; k += kWidth) {
        const V x0 = L::load(x + k), x1 = L::load(x + k + L::count);
        for (int i = 0; i < kTogether; ++i) {
          acc[i][0] = xsimd::fma(x0, L::load(row[i] + k), acc[i][0]);
          acc[i][1] = xsimd::fma(x1, L::load(row[i] + k + L::count), acc[i][1]);
        }
      }
      for (; k < whole; k += L::count) {
        const V x0 = L::load(x + k);
        for (int i = 0; i < kTogether; ++i)
          acc[i][0] = xsimd::fma(x0, L::load(row[i] + k), acc[i][0]);
      }
      for (int i = 0; i < n; ++i) {
        T sum = xsimd::hadd(acc[i][0] + acc[i][1]);
        for (std::int64_t rest = whole; rest < b.rows; ++rest) sum += x[rest] * row[i][rest];
        y[j + i] = accumulate ? y[j + i] + sum : sum;
      }
    }
  }

  // Columns [0, Vectors * L::count) of a weighted sum of rows. Several rows at a time where the
  // columns alone would leave the multipliers waiting for their last result.
  template <int Vectors>
  static void sum_rows(const T* x, std::int64_t sx, std::int64_t depth, const T* b, std::int64_t sb,
                       T* y, bool accumulate) {
    constexpr int kChains = 8 / Vectors;
    V acc[kChains][Vectors];
    for (int i = 0; i < Vectors; ++i) {
      acc[0][i] = accumulate ? L::load(y + i * L::count) : V(T(0));
      for (int c = 1; c < kChains; ++c) acc[c][i] = V(T(0));
    }
    std::int64_t k = 0;
    for (; k + kChains <= depth; k += kChains, x += kChains * sx, b += kChains * sb)
      for (int c = 0; c < kChains; ++c) {
        const V xk(x[c * sx]);
        for (int i = 0; i < Vectors; ++i)
          acc[c][i] = xsimd::fma(xk, L::load(b + c * sb + i * L::count), acc[c][i]);
      }
    for (; k < depth; ++k, x += sx, b += sb)
      for (int i = 0; i < Vectors; ++i)
        acc[0][i] = xsimd::fma(V(*x), L::load(b + i * L::count), acc[0][i]);
    for (int i = 0; i < Vectors; ++i) {
      V sum = acc[0][i];
      for (int c = 1; c < kChains; ++c) sum += acc[c][i];
      L::store(y + i * L::count, sum);
    }
  }

  // One row times a row-major matrix: a weighted sum of its rows.
  static void weighted_rows(const T* x, std::int64_t sx, const Matrix<T>& b, T* y,
                            bool accumulate) {
    std::int64_t j = 0;
    const auto columns = [&](auto vectors) {
      constexpr int kVectors = decltype(vectors)::value;
      for (; j + kVectors * L::count <= b.cols; j += kVectors * L::count)
        sum_rows<kVectors>(x, sx, b.rows, b.at(0, j), b.row_stride, y + j, accumulate);
    };
    columns(std::integral_constant<int, 8>{});
    columns(std::integral_constant<int, 4>{});
    columns(std::integral_constant<int, 1>{});
    if (j < b.cols && b.cols >= L::count) {  // the rest, from a vector that begins further left
      alignas(64) T last[L::count];
      const std::int64_t first = b.cols - L::count;
      sum_rows<1>(x, sx, b.rows, b.at(0, first), b.row_stride, last, false);
      for (; j < b.cols; ++j) y[j] = accumulate ? y[j] + last[j - first] : last[j - first];
    }
    for (; j < b.cols; ++j) {
      T sum = accumulate ? y[j] : T(0);
      for (std::int64_t k = 0; k < b.rows; ++k) sum += x[k * sx] * *b.at(k, j);
      y[j] = sum;
    }
  }
};

// Scratch memory from the recycling cache.
template <class T>
class Scratch {
 public:
  explicit Scratch(std::int64_t count) : bytes_(static_cast<std::size_t>(count) * sizeof(T)) {
    data_ = static_cast<T*>(memory::allocate(bytes_));
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { memory::release(data_, bytes_); }
  T* get() { return data_; }

 private:
  std::size_t bytes_;
  T* data_;
};

// Multiplications that take some ten times as long as it takes to tell another thread of them.
constexpr std::int64_t kWorthSharing = 1 << 22;

// The classical blocking for large products (Goto & van de Geijn, 2008): a block of b is packed
// for the second-level cache, and a block of a for the first.
template <class T>
void blocked(const Matrix<T>& a, const Matrix<T>& b, T* c, std::int64_t ldc,
             const Start<T>& start) {
  using K = Kernel<T>;
  constexpr std::int64_t kDepth = 256, kCols = 32 * K::kWidth, kTall = 12 * K::kRows;
  Scratch<T> packed_b(kDepth * kCols), packed_a(kDepth * kTall);
  for (std::int64_t j0 = 0; j0 < b.cols; j0 += kCols) {
    const std::int64_t cols = std::min(kCols, b.cols - j0);
    for (std::int64_t k0 = 0; k0 < b.rows; k0 += kDepth) {
      const std::int64_t depth = std::min(kDepth, b.rows - k0);
      const Start<T> begun = k0 == 0 ? start : Start<T>{c, ldc};
      const Matrix<T> block{b.at(k0, j0), depth, cols, b.row_stride, b.col_stride};
      for (std::int64_t j = 0; j < cols; j += K::kWidth)
        K::pack_strip(block, j, packed_b.get() + j * depth);
      for (std::int64_t i0 = 0; i0 < a.rows; i0 += kTall) {
        const std::int64_t tall = std::min(kTall, a.rows - i0);
        // Rows of a, a tile's worth together: element (i, k) of a tile at k * rows + i.
        std::int64_t blocks = (tall + K::kRows - 1) / K::kRows;
        std::int64_t starts[14], heights[14], count = 0;
        for (std::int64_t i = 0; i < tall; --blocks) {
          const std::int64_t rows = (tall - i + blocks - 1) / blocks;
          T* to = packed_a.get() + i * depth;
          if (a.row_stride == 1 && rows == K::kRows) {
            for (std::int64_t k = 0; k < depth; ++k) {
              const T* from = a.at(i0 + i, k0 + k);
              for (int r = 0; r < K::kRows; ++r) to[k * K::kRows + r] = from[r];
            }
          } else {
            for (std::int64_t r = 0; r < rows; ++r) {
              const T* from = a.at(i0 + i + r, k0);
              for (std::int64_t k = 0; k < depth; ++k) to[k * rows + r] = from[k * a.col_stride];
            }
          }
          starts[count] = i;
          heights[count++] = rows;
          i += rows;
        }
        for (std::int64_t j = 0; j < cols; j += K::kWidth)
          for (std::int64_t n = 0; n < count; ++n)
            K::product_tile({packed_a.get() + starts[n] * depth, heights[n], depth, 1, heights[n]},
                            packed_b.get() + j * depth, K::kWidth,
                            c + (i0 + starts[n]) * ldc + j0 + j, ldc, std::min(K::kWidth, cols - j),
                            begun.at(i0 + starts[n], j0 + j));
      }
    }
  }
}

// Calls work(from, to) so that together the calls cover the columns [0, cols) of a product, in
// whole strips; large ones on several threads. An element comes out the same wherever the cuts are.
template <class T, class Work>
void for_strips(const Matrix<T>& a, std::int64_t depth, std::int64_t cols, const Work& work) {
  constexpr std::int64_t kWidth = Kernel<T>::kWidth;
  const std::int64_t strips = (cols + kWidth - 1) / kWidth, threads = get_num_threads();
  const std::int64_t slowness = a.rows == 1 ? 4 : 1;  // of a row, which waits for memory
  const bool large = slowness * a.rows * depth * cols >= kWorthSharing;
  if (threads == 1 || strips == 1 || !large) return work(0, cols);
  const std::int64_t pieces = std::min(strips, 2 * threads);
  detail::share(pieces, [&](std::int64_t i) {
    work(i * strips / pieces * kWidth, std::min(cols, (i + 1) * strips / pieces * kWidth));
  });
}

}  // namespace

template <class T>
void multiply(const Matrix<T>& a, const Matrix<T>& b, T* c, std::int64_t ldc,
              const Start<T>& start) {
  using K = Kernel<T>;
  // One column: the same as a row, of the transposed matrices.
  if (b.cols == 1 && a.rows != 1 && ldc == 1 && (!start.data || start.ld == 1))
    return reel::product::multiply(b.transposed(), a.transposed(), c, a.rows,
                                   Start<T>{start.data, a.rows});
  const bool dots = b.row_stride == 1 && a.col_stride == 1;
  if (a.rows == 1 && (dots || b.col_stride == 1)) {
    if (start.data && start.data != c) std::copy(start.data, start.data + b.cols, c);
    const bool accumulate = start.data != nullptr;
    return dots ? K::dots(a.data, b, c, accumulate)
                : K::weighted_rows(a.data, a.col_stride, b, c, accumulate);
  }
  // Tall products are packed throughout, unless the rows of `a` are read as they lie and a strip of
  // b stays in the second-level cache.
  const bool tall = a.rows > 4 * K::kRows, long_rows = a.col_stride != 1 || b.rows > 2048;
  if ((tall && long_rows) || b.rows > 4096) return blocked(a, b, c, ldc, start);
  for_strips<T>(a, b.rows, b.cols, [&](std::int64_t from, std::int64_t to) {
    Scratch<T> packed(b.rows * K::kWidth);
    for (std::int64_t j = from; j < to; j += K::kWidth) {
      const std::int64_t cols = std::min(K::kWidth, b.cols - j);
      const bool direct = b.col_stride == 1 && cols == K::kWidth;
      if (!direct) K::pack_strip(b, j, packed.get());
      K::strip(a, direct ? b.at(0, j) : packed.get(), direct ? b.row_stride : K::kWidth, c + j, ldc,
               cols, start.at(0, j));
    }
  });
}

template <class T>
Packed<T>::Packed(const Matrix<T>& b) : rows_(b.rows), cols_(b.cols) {
  using K = Kernel<T>;
  const std::int64_t strips = (cols_ + K::kWidth - 1) / K::kWidth;
  strips_ = Storage::make(static_cast<std::size_t>(strips * rows_ * K::kWidth) * sizeof(T));
  T* to = static_cast<T*>(strips_->data());
  for (std::int64_t j = 0; j < cols_; j += K::kWidth, to += rows_ * K::kWidth)
    K::pack_strip(b, j, to);
}

template <class T>
void Packed<T>::multiply(const Matrix<T>& a, T* c, std::int64_t ldc, const Start<T>& start) const {
  using K = Kernel<T>;
  const T* strips = static_cast<const T*>(strips_->data());
  for_strips<T>(a, rows_, cols_, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t j = from; j < to; j += K::kWidth)
      K::strip(a, strips + j * rows_, K::kWidth, c + j, ldc, std::min(K::kWidth, cols_ - j),
               start.at(0, j));
  });
}

template void multiply(const Matrix<float>&, const Matrix<float>&, float*, std::int64_t,
                       const Start<float>&);
template void multiply(const Matrix<double>&, const Matrix<double>&, double*, std::int64_t,
                       const Start<double>&);
template class Packed<float>;
template class Packed<double>;

}  // namespace reel::product
