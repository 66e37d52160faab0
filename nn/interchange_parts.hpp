// What the readers and writers of other programs' model files share. Private to the library.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "interchange.hpp"
#include "json_reader.hpp"
#include "json_writer.hpp"

namespace reel {
namespace interchange {

/// Bounds on what a file may claim, so that no product of sizes overflows.
constexpr std::int64_t kMostUnits = std::int64_t{1} << 20;
constexpr std::int64_t kMostLayers = std::int64_t{1} << 16;

/// What a layout cannot hold; write_model makes a FileError of it.
struct Refusal {
  std::string reason;
};
[[noreturn]] void refuse(const std::string& reason);

// ---- descriptions

/// The name of a tensor of a layer.
std::string join(const std::string& layer, const std::string& tensor);
/// "layer 0 'rec' (LSTM)".
std::string label(std::size_t index, const nn::SequenceLayer& layer);
const char* type_name(nn::SequenceLayerType type);
/// "tanh", "relu", "sigmoid", "softmax", "elu"; "" for none.
const char* activation_name(nn::SequenceActivation activation);
/// Whether there is such an activation; "" and "linear" are none.
bool activation_from_name(const std::string& name, nn::SequenceActivation& activation);

/// Keeps the description in the file's metadata.
void describe(StateFile& file, const nn::SequenceModelOptions& options);
/// Refuses a described model that its tensors alone would not tell; see describe_sequence_model.
void refuse_untold(const StateFile& file);
/// Throws one FileError that lists every tensor that the description lacks or that lacks in the
/// file, and every wrong shape.
void check_tensors(const StateFile& file, const nn::SequenceModelOptions& options);
/// A tensor of a checked file, without history.
Tensor tensor_of(const StateFile& file, const nn::SequenceLayer& layer, const std::string& name);

// ---- reading

/// Nested lists of numbers, one depth and one length per dimension; `what` is for messages.
Tensor read_nested(json::Reader& in, const std::string& what);
/// A whole number from `least` to `most`.
std::int64_t read_size(json::Reader& in, const std::string& what, std::int64_t least,
                       std::int64_t most);
/// Keeps any other value of the file as metadata.
void read_note(json::Reader& in, const std::string& key, Metadata& metadata);

/// The four readers of what is one JSON object; `source` is for messages about its content.
StateFile read_pytorch(json::Reader& in, const std::string& source);
StateFile read_guitarml(json::Reader& in, const std::string& source);
StateFile read_rtneural(json::Reader& in, const std::string& source);
StateFile read_nam(json::Reader& in, const std::string& source);
/// An empty file of that source.
StateFile module_file(const std::string& source);

// ---- writing

/// What a writer works on.
struct Source {
  const StateFile& file;
  const nn::SequenceModelOptions& model;
  bool drop_start_state;
};
/// One recurrent layer of one level: biases are zeros where the model has none.
struct Cell {
  nn::SequenceLayerType type;
  std::string label;
  std::int64_t input_size, hidden_size;
  Tensor weight_ih, weight_hh, bias_ih, bias_hh;
  Tensor h_0, c_0;  // [1, H], zeros where the model has none
};
std::vector<Cell> cells(const Source& source, std::size_t layer);
/// All cells of a model that is one stack and a linear head with nothing between or behind, for a
/// layout that has no other models; the head's bias is zeros where it has none.
struct StackAndHead {
  std::vector<Cell> cells;
  Tensor weight, bias;
};
StackAndHead stack_and_head(const Source& source, const char* layout);
/// Refuses a start state that is not zero, unless it may be dropped.
void refuse_start_state(const Source& source, const char* layout);

/// The tensor as nested lists; refuses, naming it, a value that is not finite.
void write_nested(json::Writer& out, const Tensor& tensor, const std::string& name);
/// `"key":value` for each note but the named ones, each with a comma behind.
void write_notes(json::Writer& out, const StateFile& file, const std::vector<std::string>& but);

void write_pytorch(json::Writer& out, const StateFile& file);
void write_guitarml(json::Writer& out, const Source& source);
void write_rtneural(json::Writer& out, const Source& source);
void write_nam(json::Writer& out, const Source& source);

/// Exchanges the first two of three blocks of rows: z, r, h to r, z, n and back.
Tensor swapped_gates(const Tensor& rows);

}  // namespace interchange
}  // namespace reel
