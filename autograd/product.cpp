#include "product.hpp"

#include <algorithm>

#include "simd.hpp"

namespace reel::product {
namespace {

template <class T>
struct Kernel {
  using L = simd::Lanes<T>;
  using V = typename L::type;
  // A tile of kRows x 2 vectors of c stays in registers: 8 x 2 of AVX-512's 32, 6 x 2 of 16.
  static constexpr int kRows = sizeof(V) == 64 ? 8 : 6;
  static constexpr std::int64_t kWidth = 2 * L::count;

  // c[Rows][kWidth] (+)= sum over k of a[.][k] b[k][.]; b's rows are `sb` apart.
  template <int Rows>
  static void tile(std::int64_t depth, const T* a, std::int64_t sa_row, std::int64_t sa_col,
                   const T* b, std::int64_t sb, T* c, std::int64_t ldc, bool accumulate) {
    V acc[Rows][2];
    for (int i = 0; i < Rows; ++i) {
      acc[i][0] = accumulate ? L::load(c + i * ldc) : V(T(0));
      acc[i][1] = accumulate ? L::load(c + i * ldc + L::count) : V(T(0));
    }
    const T* row[Rows];
    for (int i = 0; i < Rows; ++i) row[i] = a + i * sa_row;
    for (std::int64_t k = 0; k < depth; ++k, b += sb) {
      const V b0 = L::load(b), b1 = L::load(b + L::count);
      for (int i = 0; i < Rows; ++i) {
        const V x(row[i][k * sa_col]);
        acc[i][0] = xsimd::fma(x, b0, acc[i][0]);
        acc[i][1] = xsimd::fma(x, b1, acc[i][1]);
      }
    }
    for (int i = 0; i < Rows; ++i) {
      L::store(c + i * ldc, acc[i][0]);
      L::store(c + i * ldc + L::count, acc[i][1]);
    }
  }

  // A tile of fewer than kWidth columns, by way of a full one.
  template <int Rows>
  static void narrow_tile(std::int64_t depth, const T* a, std::int64_t sa_row, std::int64_t sa_col,
                          const T* b, std::int64_t sb, T* c, std::int64_t ldc, std::int64_t cols,
                          bool accumulate) {
    alignas(64) T full[Rows][kWidth] = {};
    if (accumulate)
      for (int i = 0; i < Rows; ++i) std::copy(c + i * ldc, c + i * ldc + cols, full[i]);
    tile<Rows>(depth, a, sa_row, sa_col, b, sb, full[0], kWidth, accumulate);
    for (int i = 0; i < Rows; ++i) std::copy(full[i], full[i] + cols, c + i * ldc);
  }

  using Tile = void (*)(std::int64_t, const T*, std::int64_t, std::int64_t, const T*, std::int64_t,
                        T*, std::int64_t, std::int64_t, bool);
  template <int Rows>
  static void any_tile(std::int64_t depth, const T* a, std::int64_t sa_row, std::int64_t sa_col,
                       const T* b, std::int64_t sb, T* c, std::int64_t ldc, std::int64_t cols,
                       bool accumulate) {
    if (cols == kWidth)
      tile<Rows>(depth, a, sa_row, sa_col, b, sb, c, ldc, accumulate);
    else
      narrow_tile<Rows>(depth, a, sa_row, sa_col, b, sb, c, ldc, cols, accumulate);
  }
  template <int... R>
  static Tile tile_for(int rows, std::integer_sequence<int, R...>) {
    static constexpr Tile tiles[] = {any_tile<R + 1>...};
    return tiles[rows - 1];
  }
  static Tile tile_for(int rows) {
    return tile_for(rows, std::make_integer_sequence<int, kRows>{});
  }

  // All rows of `a` times one strip of b.
  static void strip(const Matrix<T>& a, const T* b, std::int64_t sb, T* c, std::int64_t ldc,
                    std::int64_t cols, bool accumulate) {
    // Rows are split evenly: 9 rows as 5 and 4 rather than 8 and 1.
    std::int64_t blocks = (a.rows + kRows - 1) / kRows;
    for (std::int64_t i = 0; i < a.rows; --blocks) {
      const std::int64_t rows = (a.rows - i + blocks - 1) / blocks;
      tile_for(static_cast<int>(rows))(a.cols, a.at(i, 0), a.row_stride, a.col_stride, b, sb,
                                       c + i * ldc, ldc, cols, accumulate);
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
      const std::int64_t k1 = std::min(b.rows, k0 + kBlock);
      for (std::int64_t j = 0; j < cols; ++j) {
        const T* from = b.at(k0, first + j);
        for (std::int64_t k = k0; k < k1; ++k, from += b.row_stride) to[k * kWidth + j] = *from;
      }
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

  // One row times a row-major matrix: a weighted sum of its rows, eight vectors of y at a time.
  static void weighted_rows(const T* x, std::int64_t sx, const Matrix<T>& b, T* y,
                            bool accumulate) {
    constexpr int kVectors = 8;
    std::int64_t j = 0;
    for (; j + kVectors * L::count <= b.cols; j += kVectors * L::count) {
      V acc[kVectors];
      for (int i = 0; i < kVectors; ++i)
        acc[i] = accumulate ? L::load(y + j + i * L::count) : V(T(0));
      for (std::int64_t k = 0; k < b.rows; ++k) {
        const V xk(x[k * sx]);
        const T* row = b.at(k, j);
        for (int i = 0; i < kVectors; ++i)
          acc[i] = xsimd::fma(xk, L::load(row + i * L::count), acc[i]);
      }
      for (int i = 0; i < kVectors; ++i) L::store(y + j + i * L::count, acc[i]);
    }
    for (; j + L::count <= b.cols; j += L::count) {
      V acc = accumulate ? L::load(y + j) : V(T(0));
      for (std::int64_t k = 0; k < b.rows; ++k)
        acc = xsimd::fma(V(x[k * sx]), L::load(b.at(k, j)), acc);
      L::store(y + j, acc);
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

// The classical blocking for large products (Goto & van de Geijn, 2008): a block of b is packed
// for the second-level cache, and a block of a for the first.
template <class T>
void blocked(const Matrix<T>& a, const Matrix<T>& b, T* c, std::int64_t ldc, bool accumulate) {
  using K = Kernel<T>;
  constexpr std::int64_t kDepth = 256, kCols = 32 * K::kWidth, kTall = 12 * K::kRows;
  Scratch<T> packed_b(kDepth * kCols), packed_a(kDepth * kTall);
  for (std::int64_t j0 = 0; j0 < b.cols; j0 += kCols) {
    const std::int64_t cols = std::min(kCols, b.cols - j0);
    for (std::int64_t k0 = 0; k0 < b.rows; k0 += kDepth) {
      const std::int64_t depth = std::min(kDepth, b.rows - k0);
      const bool add = accumulate || k0 > 0;
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
            K::tile_for(static_cast<int>(heights[n]))(
                depth, packed_a.get() + starts[n] * depth, 1, heights[n],
                packed_b.get() + j * depth, K::kWidth, c + (i0 + starts[n]) * ldc + j0 + j, ldc,
                std::min(K::kWidth, cols - j), add);
      }
    }
  }
}

}  // namespace

template <class T>
void multiply(const Matrix<T>& a, const Matrix<T>& b, T* c, std::int64_t ldc, bool accumulate) {
  using K = Kernel<T>;
  if (a.rows == 1 && b.row_stride == 1 && a.col_stride == 1)
    return K::dots(a.data, b, c, accumulate);
  if (a.rows == 1 && b.col_stride == 1)
    return K::weighted_rows(a.data, a.col_stride, b, c, accumulate);
  if (a.rows > 4 * K::kRows || b.rows > 4096) return blocked(a, b, c, ldc, accumulate);
  // Few rows: packing b pays only where its rows are not contiguous.
  Scratch<T> packed(b.rows * K::kWidth);
  for (std::int64_t j = 0; j < b.cols; j += K::kWidth) {
    const std::int64_t cols = std::min(K::kWidth, b.cols - j);
    const bool direct = b.col_stride == 1 && cols == K::kWidth;
    if (!direct) K::pack_strip(b, j, packed.get());
    K::strip(a, direct ? b.at(0, j) : packed.get(), direct ? b.row_stride : K::kWidth, c + j, ldc,
             cols, accumulate);
  }
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
void Packed<T>::multiply(const Matrix<T>& a, T* c, std::int64_t ldc, bool accumulate) const {
  using K = Kernel<T>;
  const T* from = static_cast<const T*>(strips_->data());
  for (std::int64_t j = 0; j < cols_; j += K::kWidth, from += rows_ * K::kWidth)
    K::strip(a, from, K::kWidth, c + j, ldc, std::min(K::kWidth, cols_ - j), accumulate);
}

template void multiply(const Matrix<float>&, const Matrix<float>&, float*, std::int64_t, bool);
template void multiply(const Matrix<double>&, const Matrix<double>&, double*, std::int64_t, bool);
template class Packed<float>;
template class Packed<double>;

}  // namespace reel::product
