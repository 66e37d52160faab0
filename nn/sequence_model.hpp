// SequenceModel: a chain of recurrent and linear layers that is put together at run time, as files
// of trained models describe it (interchange.hpp reads and writes those), and SequenceRunner, which
// streams through one.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "linear.hpp"
#include "module.hpp"
#include "module_holder.hpp"
#include "rnn.hpp"

namespace reel {
namespace nn {

enum class SequenceLayerType { RNN, LSTM, GRU, Linear };
/// Softmax works along the features; ELU has alpha = 1.
enum class SequenceActivation { None, Tanh, ReLU, Sigmoid, Softmax, ELU };

/// One layer of a SequenceModel.
struct SequenceLayer {
  SequenceLayerType type = SequenceLayerType::Linear;
  std::int64_t input_size = 0;
  /// The hidden size of a recurrent layer, the out_features of a linear one.
  std::int64_t output_size = 0;
  /// What the names of its tensors begin with in a file: "rec" for "rec.weight_ih_l0". Where no
  /// layer has a name, they get their places: "0", "1", ...
  std::string name;
  /// Of a recurrent layer: layers of one size above each other.
  std::int64_t num_layers = 1;
  bool bias = true;
  /// Of an RNN: relu in the place of tanh.
  bool relu = false;
  /// Applied to the layer's output.
  SequenceActivation activation = SequenceActivation::None;
  /// Whether a recurrent layer has a state of its own to start from; else it starts from zeros.
  bool start_state = false;

  bool recurrent() const { return type != SequenceLayerType::Linear; }
};

struct SequenceModelOptions {
  std::vector<SequenceLayer> layers;
  /// How many of the first input features are added to the output, feature by feature; 1 adds the
  /// first one to every output.
  std::int64_t skip = 0;
};

namespace detail {
/// What the constructor of a SequenceModel refuses.
void check_sequence_options(const SequenceModelOptions& options);
}  // namespace detail

/// y = layer_n(... layer_1(x)) + skipped features of x; x [T, B, input] or [T, input], y likewise.
/// Every layer is a submodule under its name, where dots make a tree of modules and a layer without
/// a name (possible where there is one only) lends its parameters to the model itself; so
/// state_dict has the names of the file that the model is from. A start state is the buffers "h_0",
/// and for an LSTM "c_0", [num_layers, 1, hidden], of its layer. Throws Error where there is no
/// layer, a size is not positive, the layers' sizes do not follow on each other, a name is taken or
/// `skip` fits neither input nor output; forward ShapeError.
class SequenceModelImpl : public Module {
 public:
  using Layer = std::variant<RNN, LSTM, GRU, Linear>;

  explicit SequenceModelImpl(const SequenceModelOptions& options_);
  void pretty_print(std::ostream& stream) const override;
  std::shared_ptr<Module> clone(const std::optional<Device>& device = nullopt) const override;
  Tensor forward(const Tensor& input);

  std::int64_t input_size() const { return options.layers.front().input_size; }
  std::int64_t output_size() const { return options.layers.back().output_size; }

  SequenceModelOptions options;
  std::vector<Layer> layers;
  /// (h, c) of each layer, undefined where it has none.
  std::vector<std::pair<Tensor, Tensor>> start_states;

 private:
  void add(const SequenceLayer& layer);
  void clone_(Module& other, const std::optional<Device>& device) override;
};
REEL_MODULE(SequenceModel);

/// Runs a SequenceModel one time step at a time on raw memory: see StreamingRunner, whose promises
/// hold here too (float32, on copies of the weights; a step allocates, throws and locks nothing).
class SequenceRunner {
 public:
  /// Throws Error where batch_size is not positive.
  explicit SequenceRunner(const SequenceModel& model, std::int64_t batch_size = 1);
  SequenceRunner(SequenceRunner&&) noexcept;
  SequenceRunner& operator=(SequenceRunner&&) noexcept;
  ~SequenceRunner();

  std::int64_t batch_size() const;
  std::int64_t input_size() const;
  std::int64_t output_size() const;

  /// One time step: reads input [batch_size, input_size], writes output [batch_size, output_size];
  /// the two may be the same memory.
  void step(const float* input, float* output) noexcept;
  /// `steps` time steps: input [steps, batch_size, input_size] and output likewise; the same memory
  /// only where both have the same number of features.
  void run(const float* input, float* output, std::int64_t steps) noexcept;
  /// Back to the start states; allocates nothing.
  void reset() noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nn
}  // namespace reel
