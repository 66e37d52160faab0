// Rows taken from a table, and what can still be known of them. For the library's own files.
#pragma once

#include <optional>

#include "../tape.hpp"

namespace reel::detail {

/// out[i] = table[positions[i]] along the first dimension; negative positions count from the end.
void gather_rows(const Tensor& table, const Tensor& positions, const Tensor& out);
/// table[positions[i]] += rows[i], but for position `skipped`. `table` and `rows` are contiguous.
void add_rows(const Tensor& table, const Tensor& positions, const Tensor& rows,
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
/// leaf, be it through reshapes and transpositions.
std::optional<GatheredRows> gathered_rows(const Tensor& x);

}  // namespace reel::detail
