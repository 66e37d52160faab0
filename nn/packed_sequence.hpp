// Sequences of different lengths: packed for recurrent modules, or padded to one length.
#pragma once

#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>

#include "../autograd/tensor.hpp"

namespace reel {
namespace nn {
namespace utils {
namespace rnn {

/// The inverse of a permutation (int64, one-dimensional); undefined for an undefined one.
Tensor invert_permutation(const Tensor& permutation);

/// The time steps of a batch of sequences, one behind the other, without padding: data [N, *] holds
/// for every step t the rows of those batch_sizes[t] sequences that reach it, the longest sequence
/// first. sorted_indices [B] tells where in the original batch each sequence was (undefined:
/// nothing was moved), unsorted_indices is its inverse.
/// https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.PackedSequence.html
class PackedSequence {
 public:
  PackedSequence() = default;
  /// batch_sizes is int64 [T], positive and never rising, with the sum N; one of the two indices
  /// may be left out. Throws ShapeError, DtypeError or Error where the parts do not fit.
  explicit PackedSequence(Tensor data, Tensor batch_sizes, Tensor sorted_indices = {},
                          Tensor unsorted_indices = {});

  const Tensor& data() const { return data_; }
  const Tensor& batch_sizes() const { return batch_sizes_; }
  const Tensor& sorted_indices() const { return sorted_indices_; }
  const Tensor& unsorted_indices() const { return unsorted_indices_; }
  Device device() const { return data_.device(); }
  bool is_cuda() const { return false; }
  bool is_pinned() const { return false; }
  /// The same sequences with the data converted.
  PackedSequence to(ScalarType dtype) const;
  PackedSequence to(Device device) const;
  PackedSequence to(DeviceType device) const { return to(Device(device)); }
  PackedSequence to(const TensorOptions& options) const {
    return options.has_dtype() ? to(options.dtype()) : *this;
  }
  PackedSequence cpu() const { return *this; }
  /// Throws Error: there is no such device.
  PackedSequence cuda() const { return to(Device(kCUDA)); }

 private:
  Tensor data_, batch_sizes_, sorted_indices_, unsorted_indices_;
};

/// Packs padded sequences [T, B, *] ([B, T, *] with batch_first) of the lengths [B] (int64, from 1
/// to T). With enforce_sorted the lengths must not rise; else the batch is sorted, and results come
/// back in the order given. Throws ShapeError, DtypeError or Error.
/// https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_padded_sequence.html
PackedSequence pack_padded_sequence(const Tensor& input, const Tensor& lengths,
                                    bool batch_first = false, bool enforce_sorted = true);
/// The reverse: ([T, B, *] or [B, T, *], lengths [B]), in the batch's original order, filled up
/// with padding_value to the longest sequence, or to total_length, which must not be shorter.
/// https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_packed_sequence.html
std::tuple<Tensor, Tensor> pad_packed_sequence(const PackedSequence& sequence,
                                               bool batch_first = false, double padding_value = 0.0,
                                               std::optional<std::int64_t> total_length = nullopt);
/// Stacks sequences [L_i, *] of any lengths: [T, B, *], or [B, T, *] with batch_first.
/// https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_sequence.html
Tensor pad_sequence(ArrayRef<Tensor> sequences, bool batch_first = false,
                    double padding_value = 0.0);
/// pack_padded_sequence() of sequences [L_i, *].
/// https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_sequence.html
PackedSequence pack_sequence(ArrayRef<Tensor> sequences, bool enforce_sorted = true);

}  // namespace rnn
}  // namespace utils
}  // namespace nn
}  // namespace reel
