#include "interchange.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "autograd/ops/ops.hpp"
#include "autograd/tape.hpp"
#include "document.hpp"
#include "file_input.hpp"
#include "file_output.hpp"
#include "interchange_parts.hpp"
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

/// By the keys of the outermost object, reading no further than needed.
ModelLayout layout_of(json::Reader& in) {
  struct Found {
    ModelLayout layout;
  };
  constexpr std::pair<const char*, ModelLayout> kKeys[] = {
      {"format", ModelLayout::Reel},         {"state_dict", ModelLayout::GuitarML},
      {"model_data", ModelLayout::GuitarML}, {"in_shape", ModelLayout::RTNeural},
      {"layers", ModelLayout::RTNeural},     {"architecture", ModelLayout::Nam}};
  try {
    in.object([&](const std::string& name) {
      for (const auto& [key, layout] : kKeys)
        if (name == key) throw Found{layout};
      // A list of numbers is a tensor, but for the one that a .nam file has.
      if (in.next() == '[' && name != "weights") throw Found{ModelLayout::PyTorch};
      in.skip();
    });
  } catch (const Found& found) {
    return found.layout;
  }
  return ModelLayout::PyTorch;
}

/// Whether the bytes begin as a JSON object does, and none of reel's binary formats.
bool begins_as_object(files::Input& input) {
  input.ensure(8);
  const std::string_view start(input.at, std::min<std::size_t>(input.visible(), 8));
  const std::size_t first = start.find_first_not_of(" \t\r\n");
  return start.find('\0') == std::string_view::npos &&
         (first == std::string_view::npos || start[first] == '{');
}

StateFile read_foreign(ModelLayout layout, json::Reader& in, const std::string& path) {
  switch (layout) {
    case ModelLayout::GuitarML:
      return interchange::read_guitarml(in, path);
    case ModelLayout::RTNeural:
      return interchange::read_rtneural(in, path);
    case ModelLayout::Nam:
      return interchange::read_nam(in, path);
    default:
      return interchange::read_pytorch(in, path);
  }
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
  ModelFile file;
  // Once for the layout and once for the content; the path is opened once, for it may be a pipe.
  const files::OpenFile bytes(path);
  {
    files::Input input = bytes.read(LoadOptions());
    json::Reader in(input);
    if (begins_as_object(input)) file.layout = layout_of(in);
  }
  files::Input input = bytes.read(LoadOptions());
  if (file.layout == ModelLayout::Reel) {
    file.state = files::read_document(input);
  } else {
    json::Reader in(input);
    file.state = read_foreign(file.layout, in, path);
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
    const bool gzip = format_of_path(path) == FileFormat::JsonGz;
    files::write_whole(path, gzip, true, [&](const files::Sink& sink) {
      json::Writer out(sink);
      if (layout == ModelLayout::PyTorch) interchange::write_pytorch(out, file);
      if (layout == ModelLayout::GuitarML) interchange::write_guitarml(out, source);
      if (layout == ModelLayout::RTNeural) interchange::write_rtneural(out, source);
      if (layout == ModelLayout::Nam) interchange::write_nam(out, source);
      out.finish();
    });
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
