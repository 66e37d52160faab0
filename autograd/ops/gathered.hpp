// Rows taken from a table, and what can still be known of them. For the library's own files.
#pragma once

#include <optional>

#include "../tape.hpp"

namespace reel::detail {

/// Copies rows of `bytes` bytes, the i-th one from row p[i] of `size` (p[i] < 0: from the end).
void copy_rows(std::byte* to, const std::byte* from, const std::int64_t* p, std::int64_t count,
               std::int64_t size, std::size_t bytes);
/// out[i] = table[positions[i]] along the first dimension; negative positions count from the end.
void gather_rows(const Tensor& table, const Tensor& positions, const Tensor& out);
/// table[positions[i]] += rows[i], but for position `skipped`. `table` and `rows` are contiguous.
void add_rows(const Tensor& table, const Tensor& positions, const Tensor& rows,
              std::int64_t skipped);

/// A table of zeros to which the rows `g` are added at `positions`, but for position `skipped`;
/// `shape` is that of `g`.
Tensor spread_rows(const Tensor& g, const Tensor& positions, const Dims& table_sizes,
                   const Dims& shape, std::int64_t skipped);
/// gather_rows() on the tape, as `node`; the table's row `skipped` gets no gradient.
Tensor take_rows(const char* node, const Tensor& table, const Tensor& positions, const Dims& shape,
                 std::int64_t skipped);

/// `x` as rows of a table.
struct GatheredRows {
  Tensor table;          // a leaf
  Tensor positions;      // of the rows of x, in order
  std::int64_t skipped;  // the row of the table that gets no gradient; -1: none
  const Node* source;    // recorded the taking
  /// Whether somebody wants to see the gradient of `x` itself: a hook, or retain_grad. `edge` is
  /// the way of that gradient.
  bool watched(const Edge& edge) const;
};
/// Set where `x`, as it is now, shows whole rows that embedding() or index_select() took from a
/// leaf, be it through reshapes, transpositions and contiguous().
std::optional<GatheredRows> gathered_rows(const Tensor& x);
/// x.contiguous(), of which gathered_rows() knows as much as of `x`.
Tensor contiguous_rows(const Tensor& x, const GatheredRows& rows);

}  // namespace reel::detail
