#include "transpose.hpp"

#include <cstdint>
#include <cstring>

namespace reel::kernels {
namespace {

constexpr std::int64_t kTile = 16;

// to[i * rows + j] = from[i + j * columns] for i < n, j < m.
template <class T>
__attribute__((noinline)) void copy_matrix(T* to, std::int64_t rows, const T* from,
                                           std::int64_t columns, std::int64_t n, std::int64_t m) {
  const auto one_by_one = [&](std::int64_t i, std::int64_t until, std::int64_t j0) {
    for (; i < until; ++i)
      for (std::int64_t j = j0; j < m; ++j) to[i * rows + j] = from[i + j * columns];
  };
  std::int64_t i = 0;
  for (; i + kTile <= n; i += kTile) {
    std::int64_t j = 0;
    for (; j + kTile <= m; j += kTile) {
      T tile[kTile][kTile];
      for (std::int64_t b = 0; b < kTile; ++b)
        for (std::int64_t a = 0; a < kTile; ++a) tile[a][b] = from[i + a + (j + b) * columns];
      for (std::int64_t a = 0; a < kTile; ++a)
        std::memcpy(to + (i + a) * rows + j, tile[a], sizeof tile[a]);
    }
    one_by_one(i, i + kTile, j);
  }
  one_by_one(i, n, 0);
}

// f(number of `bytes` bytes)
template <class F>
void of_width(std::size_t bytes, F f) {
  if (bytes == 1) return f(std::uint8_t{});
  if (bytes == 4) return f(std::uint32_t{});
  f(std::uint64_t{});
}

// The longest dimension along which `t` lies without gaps, if it is worth a tile; else -1.
std::int64_t dense_dim(const Tensor& t) {
  for (std::int64_t d = 0; d < t.dim(); ++d)
    if (t.stride(d) == 1 && t.size(d) >= kTile) return d;
  return -1;
}

}  // namespace

void transpose(std::byte* to, std::int64_t rows, const std::byte* from, std::int64_t columns,
               std::int64_t n, std::int64_t m, std::size_t bytes) {
  of_width(bytes, [&](auto element) {
    using T = decltype(element);
    copy_matrix(reinterpret_cast<T*>(to), rows, reinterpret_cast<const T*>(from), columns, n, m);
  });
}

bool copy_transposed(const Tensor& to, const Tensor& from) {
  if (to.numel() < kTile * kTile) return false;
  const std::int64_t inner = dense_dim(to), outer = dense_dim(from), rank = to.dim();
  if (inner < 0 || outer < 0 || inner == outer) return false;
  const auto copy = [&](auto element) {
    using T = decltype(element);
    std::int64_t index[64] = {};
    auto* target = reinterpret_cast<T*>(to.impl()->data);
    const auto* source = reinterpret_cast<const T*>(from.impl()->data);
    for (;;) {
      copy_matrix(target, to.stride(outer), source, from.stride(inner), to.size(outer),
                  to.size(inner));
      std::int64_t d = rank - 1;
      for (; d >= 0; --d) {
        if (d == inner || d == outer) continue;
        target += to.stride(d);
        source += from.stride(d);
        if (++index[d] < to.size(d)) break;
        target -= to.stride(d) * index[d];
        source -= from.stride(d) * index[d];
        index[d] = 0;
      }
      if (d < 0) return;
    }
  };
  of_width(to.element_size(), copy);
  return true;
}

}  // namespace reel::kernels
