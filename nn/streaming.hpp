// A trained recurrent stack, stepped on raw memory: for audio, control and other streams.
#pragma once

#include <cstdint>
#include <memory>
#include <tuple>

#include "linear.hpp"
#include "rnn.hpp"

namespace reel {
namespace nn {

/// Runs RNN, LSTM or GRU (any number of layers, one direction), and a Linear behind it where one is
/// given, one time step at a time. Works in float32 on copies of the weights, laid out at
/// construction for the machine; later changes of the modules are not seen. Dropout is off.
/// Connections between layers are served (see RecurrentExtras). A step
/// allocates nothing, throws nothing and locks nothing. Numbers too small for float32's full
/// precision count as zero inside a step (FlushDenormals): a decaying state would else become slow.
/// One runner serves one thread; several runners may share nothing but the modules they came from.
class StreamingRunner {
 public:
  /// Throws Error for a bidirectional module, one with layer_norm or reset_before, a batch that is
  /// not positive, or an undefined parameter, and ShapeError for a head whose in_features are not
  /// the module's output size.
  explicit StreamingRunner(const RNN& module, const Linear& head = nullptr,
                           std::int64_t batch_size = 1);
  explicit StreamingRunner(const LSTM& module, const Linear& head = nullptr,
                           std::int64_t batch_size = 1);
  explicit StreamingRunner(const GRU& module, const Linear& head = nullptr,
                           std::int64_t batch_size = 1);
  StreamingRunner(StreamingRunner&&) noexcept;
  StreamingRunner& operator=(StreamingRunner&&) noexcept;
  ~StreamingRunner();

  std::int64_t batch_size() const;
  std::int64_t input_size() const;
  std::int64_t output_size() const;

  /// One time step: reads input [batch_size, input_size], writes output [batch_size, output_size],
  /// both row-major.
  void step(const float* input, float* output) noexcept;
  /// `steps` time steps: input [steps, batch_size, input_size] and output likewise.
  void run(const float* input, float* output, std::int64_t steps) noexcept;

  /// Sets all states to what they were at first, zero or the start state; allocates nothing.
  void reset() noexcept;
  /// (h, c): copies of the states [num_layers, batch_size, size], as forward() gives them; c is
  /// undefined where the module has none.
  std::tuple<Tensor, Tensor> state() const;
  /// Takes over such states; throws ShapeError where one does not fit, and changes nothing then.
  void set_state(const Tensor& h, const Tensor& c = Tensor());
  /// The same, and what reset() goes back to from now on.
  void set_start_state(const Tensor& h, const Tensor& c = Tensor());

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nn
}  // namespace reel
