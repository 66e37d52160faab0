#include "packed_sequence.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "autograd/ops/ops.hpp"

namespace reel {
namespace nn {
namespace utils {
namespace rnn {

namespace {

using Integers = std::vector<std::int64_t>;

Integers integers(const char* op, const char* what, const Tensor& t) {
  check<DtypeError>(t.scalar_type() == kInt64 && t.dim() == 1, "[", op, "] expected ", what,
                    " to be a one-dimensional int64 tensor, found ", dtype_name(t.scalar_type()),
                    " of shape ", t.sizes());
  const Tensor flat = t.contiguous();
  const auto* data = flat.data_ptr<std::int64_t>();
  return Integers(data, data + flat.numel());
}

Tensor as_tensor(const Integers& values) {
  const Tensor t = empty({static_cast<std::int64_t>(values.size())}, kInt64);
  std::copy(values.begin(), values.end(), t.data_ptr<std::int64_t>());
  return t;
}

void check_permutation(const char* what, const Tensor& t, std::int64_t batch) {
  Integers order = integers("PackedSequence", what, t);
  std::sort(order.begin(), order.end());
  bool complete = static_cast<std::int64_t>(order.size()) == batch;
  for (std::size_t i = 0; complete && i < order.size(); ++i)
    complete = order[i] == static_cast<std::int64_t>(i);
  check(complete, "[PackedSequence] expected ", what, " to be a permutation of 0 to ", batch - 1,
        " for a first step of ", batch, " sequences");
}

}  // namespace

Tensor invert_permutation(const Tensor& permutation) {
  if (!permutation.defined()) return Tensor();
  const Integers order = integers("invert_permutation", "permutation", permutation);
  Integers inverse(order.size(), -1);
  for (std::size_t i = 0; i < order.size(); ++i) {
    check<IndexError>(order[i] >= 0 && order[i] < static_cast<std::int64_t>(order.size()) &&
                          inverse[static_cast<std::size_t>(order[i])] == -1,
                      "[invert_permutation] ", order[i], " at position ", i,
                      " is out of range or there twice; expected a permutation of ", order.size(),
                      " positions");
    inverse[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
  }
  return as_tensor(inverse);
}

PackedSequence::PackedSequence(Tensor data, Tensor batch_sizes, Tensor sorted_indices,
                               Tensor unsorted_indices)
    : data_(std::move(data)),
      batch_sizes_(std::move(batch_sizes)),
      sorted_indices_(std::move(sorted_indices)),
      unsorted_indices_(std::move(unsorted_indices)) {
  const Integers sizes = integers("PackedSequence", "batch_sizes", batch_sizes_);
  std::int64_t rows = 0;
  for (std::size_t t = 0; t < sizes.size(); ++t) {
    check(sizes[t] > 0 && (t == 0 || sizes[t] <= sizes[t - 1]),
          "[PackedSequence] batch_sizes must be positive and must not rise, found ", sizes[t],
          " at step ", t);
    rows += sizes[t];
  }
  check<ShapeError>(!sizes.empty() && data_.dim() > 0 && data_.size(0) == rows,
                    "[PackedSequence] batch_sizes add up to ", rows,
                    " rows, but the data has shape ", data_.sizes());
  if (!sorted_indices_.defined() && !unsorted_indices_.defined()) return;
  if (sorted_indices_.defined())
    check_permutation("sorted_indices", sorted_indices_, sizes[0]);
  else
    sorted_indices_ = invert_permutation(unsorted_indices_);
  if (unsorted_indices_.defined())
    check_permutation("unsorted_indices", unsorted_indices_, sizes[0]);
  else
    unsorted_indices_ = invert_permutation(sorted_indices_);
}

PackedSequence PackedSequence::to(ScalarType dtype) const {
  PackedSequence converted = *this;
  converted.data_ = data_.to(dtype);
  return converted;
}
PackedSequence PackedSequence::to(Device device) const {
  PackedSequence moved = *this;
  moved.data_ = data_.to(device);
  return moved;
}

PackedSequence pack_padded_sequence(const Tensor& input, const Tensor& lengths, bool batch_first,
                                    bool enforce_sorted) {
  check<ShapeError>(input.dim() >= 2,
                    "[pack_padded_sequence] expected an input of at least 2 dimensions, found ",
                    "shape ", input.sizes());
  const std::int64_t batch = input.size(batch_first ? 0 : 1),
                     steps = input.size(batch_first ? 1 : 0);
  const Integers given = integers("pack_padded_sequence", "lengths", lengths);
  check<ShapeError>(static_cast<std::int64_t>(given.size()) == batch && batch > 0,
                    "[pack_padded_sequence] expected `len(lengths)` to be equal to batch_size, but "
                    "got ",
                    given.size(), " lengths for batch_size ", batch);
  Integers order(given.size());
  std::iota(order.begin(), order.end(), 0);
  const auto length = [&](std::int64_t b) { return given[static_cast<std::size_t>(b)]; };
  for (const std::int64_t b : order) {
    check(length(b) > 0,
          "[pack_padded_sequence] length of all samples has to be greater than 0, but sequence ", b,
          " has length ", length(b));
    check(length(b) <= steps, "[pack_padded_sequence] expected lengths of at most ", steps,
          ", the input's number of time steps, but sequence ", b, " has length ", length(b));
  }
  if (enforce_sorted)
    check(std::is_sorted(given.rbegin(), given.rend()),
          "[pack_padded_sequence] `lengths` array must be sorted in decreasing order when "
          "`enforce_sorted` is true; pass enforce_sorted = false to have the batch sorted");
  else
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int64_t a, std::int64_t b) { return length(a) > length(b); });

  Integers rows, sizes;
  for (std::int64_t t = 0; t < length(order[0]); ++t) {
    std::int64_t active = 0;
    for (const std::int64_t b : order) {
      if (length(b) <= t) break;
      rows.push_back(batch_first ? b * steps + t : t * batch + b);
      ++active;
    }
    sizes.push_back(active);
  }
  return PackedSequence(input.flatten(0, 1).index_select(0, as_tensor(rows)), as_tensor(sizes),
                        enforce_sorted ? Tensor() : as_tensor(order));
}

std::tuple<Tensor, Tensor> pad_packed_sequence(const PackedSequence& sequence, bool batch_first,
                                               double padding_value,
                                               std::optional<std::int64_t> total_length) {
  const Integers sizes = integers("pad_packed_sequence", "batch_sizes", sequence.batch_sizes());
  const auto longest = static_cast<std::int64_t>(sizes.size());
  const std::int64_t steps = total_length.value_or(longest), batch = sizes[0];
  check(steps >= longest, "[pad_packed_sequence] expected total_length to be at least the length ",
        "of the longest sequence in input, but got total_length=", steps,
        " and max sequence length being ", longest);
  Integers order(static_cast<std::size_t>(batch));
  std::iota(order.begin(), order.end(), 0);
  if (sequence.sorted_indices().defined())
    order = integers("pad_packed_sequence", "sorted_indices", sequence.sorted_indices());

  // Every place takes a row of the data, or the row of padding put behind it.
  const Tensor& data = sequence.data();
  Integers rows(static_cast<std::size_t>(steps * batch), data.size(0));
  Integers lengths(static_cast<std::size_t>(batch), 0);
  std::int64_t row = 0;
  for (std::int64_t t = 0; t < longest; ++t)
    for (std::int64_t i = 0; i < sizes[static_cast<std::size_t>(t)]; ++i) {
      const std::int64_t b = order[static_cast<std::size_t>(i)];
      rows[static_cast<std::size_t>(batch_first ? b * steps + t : t * batch + b)] = row++;
      ++lengths[static_cast<std::size_t>(b)];
    }
  Dims one(data.sizes());
  one[0] = 1;
  const Tensor all = cat({data, full(one, padding_value, data.scalar_type())});
  Dims padded(data.sizes());
  padded[0] = batch_first ? steps : batch;
  padded.insert(0, batch_first ? batch : steps);
  return {all.index_select(0, as_tensor(rows)).view(padded), as_tensor(lengths)};
}

Tensor pad_sequence(ArrayRef<Tensor> sequences, bool batch_first, double padding_value) {
  check(sequences.size() > 0, "[pad_sequence] expected a non-empty list of sequences");
  std::int64_t steps = 0;
  for (const Tensor& s : sequences) {
    check<ShapeError>(
        s.dim() > 0 && s.dim() == sequences[0].dim() &&
            std::equal(s.sizes().begin() + 1, s.sizes().end(), sequences[0].sizes().begin() + 1),
        "[pad_sequence] sequences must agree in all sizes but the first, found ", s.sizes(),
        " and ", sequences[0].sizes());
    steps = std::max(steps, s.size(0));
  }
  std::vector<Tensor> padded;
  for (const Tensor& s : sequences) {
    Dims rest(s.sizes());
    rest[0] = steps - s.size(0);
    padded.push_back(rest[0] == 0 ? s : cat({s, full(rest, padding_value, s.scalar_type())}));
  }
  return stack(padded, batch_first ? 0 : 1);
}

PackedSequence pack_sequence(ArrayRef<Tensor> sequences, bool enforce_sorted) {
  Integers lengths;
  for (const Tensor& s : sequences) lengths.push_back(s.dim() > 0 ? s.size(0) : 0);
  return pack_padded_sequence(pad_sequence(sequences), as_tensor(lengths), false, enforce_sorted);
}

}  // namespace rnn
}  // namespace utils
}  // namespace nn
}  // namespace reel
