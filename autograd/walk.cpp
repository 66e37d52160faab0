// The walk of a kernel over strided operands: dimensions are merged where the memory allows, and
// what a kernel cannot take directly (odd strides, the last few elements) goes through small
// buffers, so that every element is computed by the same SIMD code.
#include <algorithm>
#include <cstring>

#include "pointwise_driver.hpp"
#include "simd.hpp"
#include "transpose.hpp"

namespace reel::detail {

namespace {
constexpr std::size_t kWidestLanes = 64;  // bytes
alignas(kWidestLanes) std::byte zeros_of_lanes[kWidestLanes] = {};
// Ones, then zeros: from `kWidestLanes - n` on, a mask of the first n bytes.
struct Masks {
  std::byte bytes[2 * kWidestLanes] = {};
  constexpr Masks() {
    for (std::size_t i = 0; i < kWidestLanes; ++i) bytes[i] = std::byte{0xFF};
  }
};
constexpr Masks kMasks;
// The first `part` bytes of lanes that may all be read, and zeros: one load and one store, where a
// load of what was just stored in pieces would wait for them.
template <std::size_t lanes_bytes>
void copy_masked(std::byte* to, const std::byte* from, std::size_t part) {
  std::uint64_t words[lanes_bytes / 8], mask[lanes_bytes / 8];
  std::memcpy(words, from, lanes_bytes);
  std::memcpy(mask, kMasks.bytes + kWidestLanes - part, lanes_bytes);
  for (std::size_t i = 0; i < lanes_bytes / 8; ++i) words[i] &= mask[i];
  std::memcpy(to, words, lanes_bytes);
}
bool copy_part(std::byte* to, const std::byte* from, std::size_t part, std::size_t lanes_bytes) {
  if (lanes_bytes == 64)
    copy_masked<64>(to, from, part);
  else if (lanes_bytes == 32)
    copy_masked<32>(to, from, part);
  else if (lanes_bytes == 16)
    copy_masked<16>(to, from, part);
  else
    return false;
  return true;
}
}  // namespace
std::byte* const kNoValue = zeros_of_lanes;

// The last elements are read from copies, since what follows in memory must not matter.
__attribute__((noinline)) void run_rest(std::int64_t whole, std::int64_t n, const Rest& rest,
                                        const RowKernel& kernel, Run& run) {
  alignas(kWidestLanes) std::byte copies[kMostOperands][kWidestLanes];
  std::byte* originals[kMostOperands];
  const std::size_t part = static_cast<std::size_t>(n - whole) * kernel.bytes;
  for (std::size_t k = 0; k < rest.count; ++k) {
    if (run.step[k] == 0) continue;
    run.data[k] += static_cast<std::size_t>(whole) * kernel.bytes;
    const bool copied_in = rest.copied_in >> k & 1, copied_out = rest.copied_out >> k & 1;
    if (!copied_in && !copied_out) continue;
    originals[k] = run.data[k];
    run.data[k] = copies[k];
    if (!copied_in) continue;
    const std::size_t lanes_bytes = static_cast<std::size_t>(kernel.lanes) * kernel.bytes;
    if (rest.padded >> k & 1 && copy_part(copies[k], originals[k], part, lanes_bytes)) continue;
    std::memset(copies[k], 0, kWidestLanes);
    std::memcpy(copies[k], originals[k], part);
  }
  run.n = kernel.lanes;
  kernel.run(kernel.context, run);
  for (std::size_t k = 0; rest.copied_out >> k != 0; ++k)
    if (rest.copied_out >> k & 1 && run.step[k] != 0) std::memcpy(originals[k], copies[k], part);
}

namespace {

constexpr std::int64_t kBlock = 128;  // elements staged at a time
constexpr std::int64_t kTileRows = 16;
constexpr int kMostTiled = 2;

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

// A number in all lanes. A whole register at once: kernels load one, and would wait for several
// stores to be joined.
template <class T>
void fill_lanes(std::byte* to, const std::byte* number) {
  xsimd::batch<T>(*reinterpret_cast<const T*>(number)).store_aligned(reinterpret_cast<T*>(to));
}
void fill_lanes(std::byte* to, const std::byte* number, std::size_t bytes) {
  if (bytes == 4) return fill_lanes<std::uint32_t>(to, number);
  if (bytes == 8) return fill_lanes<std::uint64_t>(to, number);
  fill_lanes<std::uint8_t>(to, number);
}

// What a run reads where an operand is the same throughout, and where it is absent.
struct Constants {
  alignas(kWidestLanes) std::byte splat[kMostOperands][kWidestLanes];
  void set(Run& run, std::size_t k, std::byte* data, Operand::Access access, std::size_t bytes) {
    run.step[k] = 0;
    if (!data) {
      run.data[k] = access == Operand::Read ? kNoValue : nullptr;
      return;
    }
    fill_lanes(splat[k], data, bytes);
    run.data[k] = splat[k];
  }
};

struct Walk {
  std::size_t count;
  std::size_t bytes;
  std::int64_t lanes;
  RunKernel kernel;
  const void* context;
  Run& run;
  Constants& constants;
  std::byte* at[kMostOperands];
  std::int64_t inner[kMostOperands];
  Operand::Access access[kMostOperands];

  // The operands from element `offset` of the row, where none has gaps.
  void place(std::int64_t offset) {
    for (std::size_t k = 0; k < count; ++k) {
      if (!at[k] || inner[k] == 0) {
        constants.set(run, k, at[k], access[k], bytes);
      } else {
        run.data[k] = at[k] + offset * static_cast<std::int64_t>(bytes);
        run.step[k] = 1;
      }
    }
  }
  // n elements through buffers; those whose bit is set in `staged` are copied in and out.
  __attribute__((noinline)) void through_buffers(std::int64_t offset, std::int64_t n,
                                                 std::uint64_t staged) {
    alignas(kWidestLanes) std::byte buffer[kMostOperands][kBlock * 8];
    const Moves moves = moves_for(bytes);
    const std::int64_t rounded = (n + lanes - 1) & -lanes;
    for (std::size_t k = 0; k < count; ++k) {
      if (!at[k] || inner[k] == 0) {
        constants.set(run, k, at[k], access[k], bytes);
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

  void row(std::int64_t n, std::uint64_t odd) {
    if (odd) {
      for (std::int64_t i = 0; i < n; i += kBlock) {
        const std::int64_t m = std::min(kBlock, n - i);
        through_buffers(i, m, m % lanes == 0 ? odd : ~std::uint64_t{0});
      }
      return;
    }
    const std::int64_t whole = n & -lanes;
    if (whole) {
      place(0);
      run.n = whole;
      kernel(context, run);
    }
    if (whole < n) through_buffers(whole, n - whole, ~std::uint64_t{0});
  }
};

// `rows` rows in which no operand has gaps: only the data changes between them. What does not fill
// whole lanes is computed with the elements before it once more.
__attribute__((noinline)) void walk_plane(Walk& w, std::int64_t n, std::int64_t rows,
                                          const std::int64_t (*strides)[64], std::size_t d) {
  // A number that is the same throughout a row, for the row at hand and the next: a kernel that
  // loads what has just been stored waits for it.
  alignas(kWidestLanes) std::byte turns[2][kMostOperands][kWidestLanes];
  Run& run = w.run;
  const std::int64_t whole = n & -w.lanes;
  std::int64_t by[kMostOperands];
  std::uint64_t constant = 0;
  w.place(0);
  for (std::size_t k = 0; k < w.count; ++k) {
    by[k] = w.at[k] ? strides[k][d] * static_cast<std::int64_t>(w.bytes) : 0;
    if (run.step[k] == 0) constant |= std::uint64_t{1} << k;
  }
  run.n = whole;
  for (std::int64_t r = 1;; ++r) {
    if (constant != 0 && r < rows)
      for (std::size_t k = 0; k < w.count; ++k)
        if ((constant >> k & 1) && by[k] != 0)
          fill_lanes(turns[r & 1][k], w.at[k] += by[k], w.bytes);
    w.kernel(w.context, run);
    if (whole < n) {
      for (std::size_t k = 0; k < w.count; ++k)
        if (!(constant >> k & 1))
          run.data[k] = w.at[k] + (n - w.lanes) * static_cast<std::int64_t>(w.bytes);
      run.n = w.lanes;
      w.kernel(w.context, run);
      run.n = whole;
    }
    if (r == rows) break;
    for (std::size_t k = 0; k < w.count; ++k) {
      if (!(constant >> k & 1))
        run.data[k] = w.at[k] += by[k];
      else if (by[k] != 0)
        run.data[k] = turns[r & 1][k];
    }
  }
  for (std::size_t k = 0; k < w.count; ++k) w.at[k] -= by[k] * (rows - 1);
}

// The same where the operands of the bits `odd` lie without gaps from row to row: these are turned,
// some rows at a time.
__attribute__((noinline)) void walk_tiles(Walk& w, std::int64_t n, std::int64_t rows,
                                          const std::int64_t (*strides)[64], std::size_t d,
                                          std::uint64_t odd) {
  alignas(kWidestLanes) std::byte tiles[kMostTiled][kTileRows][kBlock * 8];
  const auto bytes = static_cast<std::int64_t>(w.bytes);
  Run& run = w.run;
  const auto columns = [&](std::int64_t r, std::int64_t height, std::int64_t c, std::int64_t m) {
    std::size_t tile = 0;
    for (std::size_t k = 0; k < w.count; ++k)
      if (odd >> k & 1)
        kernels::transpose(tiles[tile++][0], kBlock * 8 / bytes,
                           w.at[k] + (r + c * w.inner[k]) * bytes, w.inner[k], height, m, w.bytes);
    run.n = m;
    for (std::int64_t i = 0; i < height; ++i) {
      tile = 0;
      for (std::size_t k = 0; k < w.count; ++k) {
        std::byte* const row = w.at[k] ? w.at[k] + (r + i) * strides[k][d] * bytes : nullptr;
        run.step[k] = 1;
        if (odd >> k & 1)
          run.data[k] = tiles[tile++][i];
        else if (row && w.inner[k] != 0)
          run.data[k] = row + c * bytes;
        else
          w.constants.set(run, k, row, w.access[k], w.bytes);
      }
      w.kernel(w.context, run);
    }
  };
  const std::int64_t whole = n & -w.lanes;
  for (std::int64_t r = 0; r < rows; r += kTileRows) {
    const std::int64_t height = std::min(kTileRows, rows - r);
    for (std::int64_t c = 0; c < whole; c += kBlock)
      columns(r, height, c, std::min(kBlock, whole - c));
    if (whole < n) columns(r, height, n - w.lanes, w.lanes);
  }
}

// Whether nothing that is read is written, so that an element may be computed twice.
bool separate(ArrayRef<Operand> operands, std::size_t bytes, const std::int64_t* sizes,
              const std::int64_t (*strides)[64], std::size_t rank) {
  const auto end = [&](std::size_t k) {
    std::int64_t last = 0;
    for (std::size_t d = 0; d < rank; ++d) last += (sizes[d] - 1) * strides[k][d];
    return operands[k].data + (last + 1) * static_cast<std::int64_t>(bytes);
  };
  for (std::size_t w = 0; w < operands.size(); ++w) {
    if (!operands[w].data || operands[w].access == Operand::Read) continue;
    if (operands[w].access == Operand::Update) return false;
    for (std::size_t r = 0; r < operands.size(); ++r)
      if (operands[r].data && operands[r].access == Operand::Read && operands[r].data < end(w) &&
          operands[w].data < end(r))
        return false;
  }
  return true;
}

// The step of operand `o` along dimension `d` of the shape: zero where it is broadcast.
std::int64_t stride_along(const Operand& o, std::size_t d, IntArrayRef shape, const Dims& dense) {
  if (!o.tensor) return dense[d];
  const std::size_t rank = o.tensor->sizes.size(), ahead = shape.size() - rank;
  if (d < ahead) return 0;
  const std::size_t own = d - ahead;
  const std::int64_t size = o.tensor->sizes[own] / (own + 1 == rank ? o.pieces : 1);
  return size == 1 && shape[d] != 1 ? 0 : o.tensor->strides[own];
}

void walk_rows(std::int64_t n, ArrayRef<Operand> operands, const RowKernel& kernel, Run& run) {
  Rest rest{operands.size(), 0, 0, 0};
  if (!is_whole(n, kernel))
    for (std::size_t k = 0; k < operands.size(); ++k) {
      if (run.step[k] == 0) continue;
      const Operand& o = operands[k];
      const std::uint64_t bit = std::uint64_t{1} << k;
      if (o.tensor && o.pieces == 1 && is_padded(*o.tensor)) rest.padded |= bit;
      if (o.access == Operand::Read)
        rest.copied_in |= bit;
      else if (o.tensor && (o.pieces != 1 || !is_padded(*o.tensor))) {
        rest.copied_out |= bit;
        if (o.access == Operand::Update) rest.copied_in |= bit;
      }
    }
  run_rows(n, rest, kernel, run);
}

void walk_strided(IntArrayRef shape, std::int64_t n, ArrayRef<Operand> operands,
                  const RowKernel& row_kernel, Run& run) {
  const auto [kernel, context, bytes, lanes] = row_kernel;
  const std::size_t count = operands.size();
  Constants constants;
  bool rows = true;
  for (std::size_t k = 0; k < count; ++k) {
    const Operand& o = operands[k];
    if (o.data && n != 1 && o.is_single())
      constants.set(run, k, o.data, o.access, bytes);
    else
      rows = rows && (!o.data || o.is_row(n));
  }
  if (rows) return walk_rows(n, operands, row_kernel, run);

  // Merge dimensions that every operand lays out as one.
  std::size_t rank = 0;
  std::int64_t sizes[64];
  std::int64_t strides[kMostOperands][64];
  const Dims gapless = contiguous_strides(shape);
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 1) continue;
    std::int64_t step[kMostOperands];
    bool merges = rank > 0;
    for (std::size_t k = 0; k < count; ++k) {
      step[k] = operands[k].data ? stride_along(operands[k], d, shape, gapless) : 0;
      merges = merges && (!operands[k].data || strides[k][rank - 1] == step[k] * shape[d]);
    }
    if (!merges) {
      sizes[rank++] = shape[d];
    } else {
      sizes[rank - 1] *= shape[d];
    }
    for (std::size_t k = 0; k < count; ++k) strides[k][rank - 1] = step[k];
  }
  if (rank == 0) {
    sizes[rank++] = 1;
    for (std::size_t k = 0; k < count; ++k) strides[k][0] = 1;
  }

  Walk w{count, bytes, lanes, kernel, context, run, constants, {}, {}, {}};
  std::uint64_t odd = 0;
  int tiled = 0;  // of the odd ones, those that are read and lie without gaps from row to row
  for (std::size_t k = 0; k < count; ++k) {
    w.at[k] = operands[k].data;
    w.access[k] = operands[k].access;
    w.inner[k] = strides[k][rank - 1];
    if (!w.at[k] || w.inner[k] == 1 || w.inner[k] == 0) continue;
    odd |= std::uint64_t{1} << k;
    const bool turns = rank > 1 && strides[k][rank - 2] == 1 && w.access[k] == Operand::Read;
    tiled += turns ? 1 : kMostTiled + 1;
  }
  const std::int64_t n_last = sizes[rank - 1];
  const bool by_rows =
      rank > 1 && ((n_last & (lanes - 1)) == 0 ||
                   (n_last > lanes && separate(operands, bytes, sizes, strides, rank)));
  const bool plain = by_rows && odd == 0,
             tiles = by_rows && odd != 0 && tiled <= kMostTiled && sizes[rank - 2] >= kTileRows;
  std::int64_t index[64] = {};
  for (;;) {
    if (plain)
      walk_plane(w, n_last, sizes[rank - 2], strides, rank - 2);
    else if (tiles)
      walk_tiles(w, n_last, sizes[rank - 2], strides, rank - 2, odd);
    else
      w.row(n_last, odd);
    std::size_t d = plain || tiles ? rank - 2 : rank - 1;
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

}  // namespace

void walk(IntArrayRef shape, ArrayRef<Operand> operands, const RowKernel& kernel, Run& run) {
  std::int64_t n = 1;
  for (const auto size : shape) n *= size;
  if (n == 0) return;
  bool rows = true;
  for (std::size_t k = 0; k < operands.size(); ++k) {
    const Operand& o = operands[k];
    if (o.data) {
      run.data[k] = o.data;
      run.step[k] = 1;
      rows = rows && o.is_row(n);
    } else {
      run.data[k] = o.access == Operand::Read ? kNoValue : nullptr;
      run.step[k] = 0;
    }
  }
  if (rows)
    walk_rows(n, operands, kernel, run);
  else
    walk_strided(shape, n, operands, kernel, run);
}

}  // namespace reel::detail
