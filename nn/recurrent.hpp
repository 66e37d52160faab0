// What all recurrent modules share: the loop over layers and directions, and that over time. For
// the library's own source files.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "../autograd/tensor.hpp"
#include "recurrent_cell.hpp"
#include "rnn.hpp"

namespace reel {
namespace nn {
namespace detail {

struct RecurrentWeights {
  Tensor ih, hh;            // [G * H, I], [G * H, H]
  Tensor bias_ih, bias_hh;  // [G * H], or undefined
  Tensor hr{};              // [P, H] of a projected LSTM, or undefined
  Tensor units{};           // of a RecurrentCell that has any
  // Of layer normalisation, or undefined: of the gates' two parts, and of an LSTM's c.
  Tensor norm_ih{}, norm_hh{}, norm_c{}, norm_c_bias{};
};

struct Direction {
  Tensor output;  // [N, H], row for row as the input
  RecurrentState last;
};

/// The cell of a kind other than Custom. That of GruResetBefore has no step.
const RecurrentCell& cell_of(RecurrentKind kind);

/// "[name] ..." checks shared by modules over sequences and cells; a state that was left out is
/// zeros, one without a batch gets a dimension of size 1 at `batch_dim`.
Tensor prepared_state(const char* name, const char* which, const Tensor& given,
                      const Dims& expected, bool batched, std::size_t batch_dim,
                      const Tensor& input);

/// One layer in one direction over the rows [N, I] of all time steps, one step behind the other:
/// step t has batch_sizes[t] rows, never more than the step before it, and row b of every step
/// belongs to the same sequence. `initial` has batch_sizes[0] rows, and so has the last state,
/// which is that after the last step of each sequence. `reverse` runs from the last step to the
/// first. What is multiplied by weight_hh is h times `mask` [batch_sizes[0], H], where there is
/// one.
Direction run_direction(RecurrentKind kind, const RecurrentCell& cell,
                        const RecurrentWeights& weights, const Tensor& input,
                        const std::vector<std::int64_t>& batch_sizes, const RecurrentState& initial,
                        bool reverse, const Tensor& mask = {});

/// The parameters, the checks and the layers of a recurrent module.
class RecurrentNet {
 public:
  using Parameters = OrderedDict<std::string, Tensor>;
  RecurrentNet(const RNNOptionsBase& options, const Parameters& parameters, bool training)
      : o_(options), parameters_(parameters), training_(training) {}

  static void add_parameters(Module& module, const RNNOptionsBase& options);
  void reset_parameters() const;
  void pretty_print(std::ostream& stream) const;

  std::tuple<Tensor, RecurrentState> run(const Tensor& input, const RecurrentState& initial) const;
  std::tuple<utils::rnn::PackedSequence, RecurrentState> run(
      const utils::rnn::PackedSequence& input, const RecurrentState& initial) const;
  std::tuple<Tensor, RecurrentState> run(const Tensor& input, const Tensor& lengths,
                                         const RecurrentState& initial) const;

 private:
  Tensor parameter(const std::string& name) const;
  void check_input(const Tensor& input) const;
  /// The rows of all time steps through all layers and directions: see run_direction().
  std::tuple<Tensor, RecurrentState> run_layers(const Tensor& rows,
                                                const std::vector<std::int64_t>& batch_sizes,
                                                const RecurrentState& initial, bool batched) const;
  Tensor connected(std::int64_t layer, const Tensor& input, const Tensor& output) const;

  const RNNOptionsBase& o_;
  const Parameters& parameters_;
  bool training_;
};

/// The states of an optional pair, undefined where there is none.
RecurrentState given_state(const std::optional<std::tuple<Tensor, Tensor>>& hx);

}  // namespace detail
}  // namespace nn
}  // namespace reel
