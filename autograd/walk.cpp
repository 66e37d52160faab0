// The walk of a kernel over strided operands: dimensions are merged where the memory allows, and
// what a kernel cannot take directly (odd strides, the last few elements) goes through small
// buffers, so that every element is computed by the same SIMD code.
#include <algorithm>
#include <cstring>

#include "pointwise_driver.hpp"

namespace reel::detail {
namespace {

constexpr std::int64_t kBlock = 128;      // elements staged at a time
constexpr std::size_t kWidestLanes = 64;  // bytes
alignas(kWidestLanes) constexpr std::byte kZeros[kWidestLanes] = {};

template <class T>
void gather(std::byte* to, const std::byte* from, std::int64_t stride, std::int64_t n) {
  auto* out = reinterpret_cast<T*>(to);
  const auto* in = reinterpret_cast<const T*>(from);
  for (std::int64_t i = 0; i < n; ++i) out[i] = in[i * stride];
}
template <class T>
void scatter(std::byte* to, const std::byte* from, std::int64_t stride, std::int64_t n) {
  auto* out = reinterpret_cast<T*>(to);
  const auto* in = reinterpret_cast<const T*>(from);
  for (std::int64_t i = 0; i < n; ++i) out[i * stride] = in[i];
}
using Move = void (*)(std::byte*, const std::byte*, std::int64_t, std::int64_t);
struct Moves {
  Move gather, scatter;
};
Moves moves_for(std::size_t bytes) {
  switch (bytes) {
    case 1:
      return {gather<std::uint8_t>, scatter<std::uint8_t>};
    case 4:
      return {gather<std::uint32_t>, scatter<std::uint32_t>};
    default:
      return {gather<std::uint64_t>, scatter<std::uint64_t>};
  }
}

struct Walk {
  std::size_t count;
  std::size_t bytes;
  std::int64_t lanes;
  RunKernel kernel;
  const void* context;
  Run& run;
  std::byte* at[kMostOperands];
  std::int64_t inner[kMostOperands];
  Operand::Access access[kMostOperands];

  // n elements through buffers; those whose bit is set in `staged` are copied in and out.
  __attribute__((noinline)) void through_buffers(std::int64_t offset, std::int64_t n,
                                                 std::uint64_t staged) {
    alignas(kWidestLanes) std::byte buffer[kMostOperands][kBlock * 8];
    const Moves moves = moves_for(bytes);
    const std::int64_t rounded = (n + lanes - 1) / lanes * lanes;
    for (std::size_t k = 0; k < count; ++k) {
      if (!at[k] || inner[k] == 0) {
        set_constant(k);
        continue;
      }
      std::byte* from = at[k] + offset * inner[k] * static_cast<std::int64_t>(bytes);
      run.data[k] = from;
      run.step[k] = 1;
      if (staged >> k & 1) {
        if (access[k] != Operand::Write) moves.gather(buffer[k], from, inner[k], n);
        if (access[k] != Operand::Write && rounded > n)  // defined values for the unused lanes
          std::memset(buffer[k] + static_cast<std::size_t>(n) * bytes, 0,
                      static_cast<std::size_t>(rounded - n) * bytes);
        run.data[k] = buffer[k];
      }
    }
    run.n = rounded;
    kernel(context, run);
    for (std::size_t k = 0; k < count; ++k)
      if (at[k] && inner[k] != 0 && (staged >> k & 1) && access[k] != Operand::Read)
        moves.scatter(at[k] + offset * inner[k] * static_cast<std::int64_t>(bytes), buffer[k],
                      inner[k], n);
  }

  alignas(kWidestLanes) std::byte splat[kMostOperands][kWidestLanes];
  void set_constant(std::size_t k) {
    run.step[k] = 0;
    if (!at[k]) {
      run.data[k] = access[k] == Operand::Read ? const_cast<std::byte*>(kZeros) : nullptr;
      return;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(lanes); ++i)
      std::memcpy(splat[k] + i * bytes, at[k], bytes);
    run.data[k] = splat[k];
  }

  void row(std::int64_t n, std::uint64_t odd) {
    if (odd) {
      for (std::int64_t i = 0; i < n; i += kBlock) {
        const std::int64_t m = std::min(kBlock, n - i);
        through_buffers(i, m, m % lanes == 0 ? odd : ~std::uint64_t{0});
      }
      return;
    }
    const std::int64_t whole = n / lanes * lanes;
    if (whole) {
      for (std::size_t k = 0; k < count; ++k) {
        if (!at[k] || inner[k] == 0) {
          set_constant(k);
        } else {
          run.data[k] = at[k];
          run.step[k] = 1;
        }
      }
      run.n = whole;
      kernel(context, run);
    }
    if (whole < n) through_buffers(whole, n - whole, ~std::uint64_t{0});
  }
};

}  // namespace

void walk(const Dims& shape, ArrayRef<Operand> operands, std::size_t bytes, std::int64_t lanes,
          RunKernel kernel, const void* context, Run& run) {
  const std::size_t count = operands.size();
  for (const auto size : shape)
    if (size == 0) return;

  // Merge dimensions that every operand lays out as one.
  std::size_t rank = 0;
  std::int64_t sizes[64];
  std::int64_t strides[kMostOperands][64];
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 1) continue;
    bool merges = rank > 0;
    for (std::size_t k = 0; merges && k < count; ++k)
      if (operands[k].data) merges = strides[k][rank - 1] == operands[k].strides[d] * shape[d];
    if (!merges) {
      sizes[rank++] = shape[d];
    } else {
      sizes[rank - 1] *= shape[d];
    }
    for (std::size_t k = 0; k < count; ++k)
      strides[k][rank - 1] = operands[k].data ? operands[k].strides[d] : 0;
  }
  if (rank == 0) {
    sizes[rank++] = 1;
    for (std::size_t k = 0; k < count; ++k) strides[k][0] = 1;
  }

  Walk w{count, bytes, lanes, kernel, context, run, {}, {}, {}, {}};
  std::uint64_t odd = 0;
  for (std::size_t k = 0; k < count; ++k) {
    w.at[k] = operands[k].data;
    w.access[k] = operands[k].access;
    w.inner[k] = strides[k][rank - 1];
    if (w.at[k] && w.inner[k] != 1 && w.inner[k] != 0) odd |= std::uint64_t{1} << k;
  }
  std::int64_t index[64] = {};
  for (;;) {
    w.row(sizes[rank - 1], odd);
    std::size_t d = rank - 1;
    for (;;) {
      if (d == 0) return;
      --d;
      ++index[d];
      const bool wraps = index[d] == sizes[d];
      const std::int64_t by = wraps ? 1 - sizes[d] : 1;
      for (std::size_t k = 0; k < count; ++k)
        if (w.at[k]) w.at[k] += by * strides[k][d] * static_cast<std::int64_t>(bytes);
      if (!wraps) break;
      index[d] = 0;
    }
  }
}

}  // namespace reel::detail
