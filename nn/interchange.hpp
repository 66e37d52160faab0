// Model files of other programs: PyTorch state_dicts as JSON, GuitarML, RTNeural (Keras) and Neural
// Amp Modeler. docs/interchange.md describes the layouts.
//
//   auto model = reel::load_sequence_model("amp.nam");      // whatever the layout
//   reel::nn::SequenceRunner runner(model);                 // streams through it
//   reel::write_model(reel::to_file(*model), "amp.json", reel::ModelLayout::RTNeural);
#pragma once

#include <string>

#include "sequence_model.hpp"
#include "serialization.hpp"

namespace reel {

/// Whose layout a model file has.
enum class ModelLayout {
  Reel,      // docs/format.md
  PyTorch,   // JSON object of name -> nested lists: json.dump({k: v.tolist() for k, v in ...})
  GuitarML,  // {"model_data": ..., "state_dict": ...}
  RTNeural,  // {"in_shape": ..., "layers": [...]}, as Keras has its weights
  Nam,       // Neural Amp Modeler, architecture LSTM
};

/// "reel", "pytorch", "guitarml", "rtneural", "nam".
const char* layout_name(ModelLayout layout);
/// Throws FileError for another name; the message lists all.
ModelLayout layout_from_name(const std::string& name);

struct ModelFile {
  ModelLayout layout = ModelLayout::Reel;
  StateFile state;
};
/// Reads a model file of any of these layouts, which it tells apart by their content. What another
/// program wrote comes as float32 tensors under PyTorch's names, transposed and with the gates in
/// PyTorch's order where they were not; what the file says of its layers is metadata
/// "sequence_model", and its other notes are metadata under their own names. Throws FileError,
/// naming the byte or the layer, what was expected and what was found, where the file is damaged,
/// contradicts itself, or holds layers that SequenceModel does not have.
ModelFile read_model(const std::string& path);

struct WriteModelOptions {
  /// Leaves a start state out where the layout has no place for it, which is an error otherwise.
  REEL_ARG(bool, drop_start_state) = false;
  /// Writes a state_dict (ModelLayout::PyTorch) of a model that its names and shapes do not tell:
  /// one with activations, a skip, or linear layers in other places than the last. That is an
  /// error otherwise.
  REEL_ARG(bool, weights_only) = false;
};
/// Writes the tensors of `file` (which describes its layers, or has such that sequence_model() can
/// tell them by their names) in another layout, atomically; ModelLayout::Reel writes the file as
/// it is. PyTorch's layout takes any tensors, and has nothing but names and values. Throws
/// FileError, and leaves the path as it was, where the layout has no place for something in the
/// model.
void write_model(const StateFile& file, const std::string& path, ModelLayout layout,
                 const WriteModelOptions& options = {});

/// What "sequence_model" in the metadata says, or else the names and shapes of the tensors: one or
/// more recurrent layers ("rec.weight_ih_l0"), then at most one linear layer. Throws FileError
/// where that is not enough to know the model, the tensors contradict it, or the layers do not
/// follow on each other.
nn::SequenceModelOptions describe_sequence_model(const StateFile& file);
/// The model of such a file, in evaluation mode; in float64 where the file has float64.
nn::SequenceModel sequence_model(const StateFile& file);
/// sequence_model() of read_model().
nn::SequenceModel load_sequence_model(const std::string& path);

namespace nn {
/// The file of a SequenceModel with its description, which reel::save writes too. (reel::load
/// copies tensors into a model of the same names and shapes; sequence_model() makes the model.)
StateFile to_file(const SequenceModelImpl& model);
}  // namespace nn

}  // namespace reel
