#include "interchange.hpp"

#include <algorithm>
#include <set>

#include "autograd/ops/ops.hpp"
#include "autograd/tape.hpp"
#include "interchange_parts.hpp"
#include "json_file.hpp"
#include "json_text.hpp"

namespace reel {

using nn::SequenceModel;
using nn::SequenceModelOptions;

namespace {

constexpr std::pair<const char*, ModelLayout> kLayouts[] = {{"reel", ModelLayout::Reel},
                                                            {"pytorch", ModelLayout::PyTorch},
                                                            {"guitarml", ModelLayout::GuitarML},
                                                            {"rtneural", ModelLayout::RTNeural},
                                                            {"nam", ModelLayout::Nam}};

/// By the keys of the outermost object.
ModelLayout layout_of(json::Reader& in) {
  std::set<std::string> keys;
  in.object([&](const std::string& key) {
    keys.insert(key);
    in.skip();
  });
  for (const auto& [key, layout] :
       {std::pair{"format", ModelLayout::Reel}, std::pair{"state_dict", ModelLayout::GuitarML},
        std::pair{"model_data", ModelLayout::GuitarML}, std::pair{"layers", ModelLayout::RTNeural},
        std::pair{"architecture", ModelLayout::Nam}})
    if (keys.count(key) != 0) return layout;
  return ModelLayout::PyTorch;
}

/// Whether the bytes begin as a JSON object does, and none of reel's binary formats.
bool begins_as_object(const std::string& bytes) {
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  return first != std::string::npos && bytes[first] == '{' &&
         bytes.substr(0, 8).find('\0') == std::string::npos;
}

}  // namespace

const char* layout_name(ModelLayout layout) {
  for (const auto& [name, value] : kLayouts)
    if (value == layout) return name;
  return "unknown";
}
ModelLayout layout_from_name(const std::string& name) {
  std::string all;
  for (const auto& [known, layout] : kLayouts) {
    if (name == known) return layout;
    all += std::string(all.empty() ? "" : ", ") + known;
  }
  throw FileError("[layout_from_name] unknown layout '" + name + "'; expected one of " + all);
}

ModelFile read_model(const std::string& path) {
  const std::string bytes = json::read_file(path);
  if (!begins_as_object(bytes)) return {ModelLayout::Reel, StateFile::read(path)};
  json::Reader first(bytes, path), in(bytes, path);
  ModelFile file;
  file.layout = layout_of(first);
  switch (file.layout) {
    case ModelLayout::Reel:
      file.state = StateFile::read(path);
      break;
    case ModelLayout::PyTorch:
      file.state = interchange::read_pytorch(in, path);
      break;
    case ModelLayout::GuitarML:
      file.state = interchange::read_guitarml(in, path);
      break;
    case ModelLayout::RTNeural:
      file.state = interchange::read_rtneural(in, path);
      break;
    case ModelLayout::Nam:
      file.state = interchange::read_nam(in, path);
      break;
  }
  return file;
}

void write_model(const StateFile& file, const std::string& path, ModelLayout layout,
                 const WriteModelOptions& options) {
  if (layout == ModelLayout::Reel) return file.write(path);
  SequenceModelOptions model;
  if (layout != ModelLayout::PyTorch) model = describe_sequence_model(file);
  const interchange::Source source{file, model, options.drop_start_state()};
  try {
    if (layout == ModelLayout::PyTorch && !options.weights_only()) interchange::refuse_untold(file);
    json::AtomicFile target(path);
    json::Writer out([&](const char* text, std::size_t size) { target.write(text, size); });
    if (layout == ModelLayout::PyTorch) interchange::write_pytorch(out, file);
    if (layout == ModelLayout::GuitarML) interchange::write_guitarml(out, source);
    if (layout == ModelLayout::RTNeural) interchange::write_rtneural(out, source);
    if (layout == ModelLayout::Nam) interchange::write_nam(out, source);
    out.finish();
    target.commit();
  } catch (const interchange::Refusal& refusal) {
    throw FileError("[save] " + path + ": " + refusal.reason);
  } catch (const json::Fault& fault) {
    throw FileError("[save] " + path + ": a name is " + fault.reason);
  }
}

SequenceModel sequence_model(const StateFile& file) {
  SequenceModelOptions options = describe_sequence_model(file);
  const auto wide = [](const auto& item) { return item.value().scalar_type() == kFloat64; };
  try {
    SequenceModel model(options);
    if (std::any_of(file.tensors.begin(), file.tensors.end(), wide)) model->to(kFloat64);
    model->load_state_dict(file.tensors);
    model->eval();
    return model;
  } catch (const FileError&) {
    throw;
  } catch (const Error& error) {
    throw FileError("[load] " + file.source + ": " + error.what());
  }
}

SequenceModel load_sequence_model(const std::string& path) {
  return sequence_model(read_model(path).state);
}

StateFile nn::to_file(const SequenceModelImpl& model) {
  StateFile file = reel::to_file(static_cast<const Module&>(model));
  interchange::describe(file, model.options);
  return file;
}

}  // namespace reel
