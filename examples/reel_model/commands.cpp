#include "commands.hpp"

#include <reel/reel.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <map>
#include <optional>

#include "text.hpp"

namespace {

using reel::FileError;
using reel::FileFormat;
using reel::ModelFile;
using reel::ModelLayout;
using reel::Tensor;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void print(const std::string& text) { std::fputs(text.c_str(), stdout); }
void remark(const std::string& text) { std::fprintf(stderr, "reel-model: %s\n", text.c_str()); }

std::string layout_text(const ModelFile& file) {
  std::string text = reel::layout_name(file.layout);
  if (file.layout == ModelLayout::Reel)
    text += std::string(", as ") + reel::format_name(file.state.format);
  return text;
}

/// The model's description, or the reason why there is none.
std::optional<reel::nn::SequenceModelOptions> description(const reel::StateFile& file,
                                                          std::string& reason) {
  try {
    return reel::describe_sequence_model(file);
  } catch (const reel::Error& error) {
    reason = error.what();
    return std::nullopt;
  }
}

/// "-0.5 to 0.25"; what is not finite is named.
std::string range_text(const Tensor& tensor) {
  if (tensor.numel() == 0) return "";
  const Tensor wide = tensor.to(reel::kFloat64);
  const auto low = wide.min().item<double>(), high = wide.max().item<double>();
  return number_text(low) + " to " + number_text(high);
}

std::int64_t count_not_finite(const Tensor& tensor) {
  if (!tensor.is_floating_point()) return 0;
  return tensor.numel() - reel::isfinite(tensor).sum().item<std::int64_t>();
}

struct Difference {
  double largest = 0;
  std::int64_t count = 0;  // of values that are not the same to the bit of their value
};

/// Between tensors of one shape; the same NaN or infinity is no difference.
Difference difference(const Tensor& a, const Tensor& b) {
  if (!a.is_floating_point() && !b.is_floating_point()) {
    const Tensor x = a.to(reel::kInt64).contiguous(), y = b.to(reel::kInt64).contiguous();
    const auto* p = x.data_ptr<std::int64_t>();
    const auto* q = y.data_ptr<std::int64_t>();
    Difference found;
    for (std::int64_t i = 0; i < x.numel(); ++i) {
      if (p[i] == q[i]) continue;
      ++found.count;
      // Modulo 2^64, where nothing overflows and no large number is rounded.
      const auto high = static_cast<std::uint64_t>(std::max(p[i], q[i])),
                 low = static_cast<std::uint64_t>(std::min(p[i], q[i]));
      found.largest = std::max(found.largest, static_cast<double>(high - low));
    }
    return found;
  }
  const Tensor x = a.to(reel::kFloat64).contiguous(), y = b.to(reel::kFloat64).contiguous();
  const double* p = x.data_ptr<double>();
  const double* q = y.data_ptr<double>();
  Difference found;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    if (p[i] == q[i] || (std::isnan(p[i]) && std::isnan(q[i]))) continue;
    ++found.count;
    const double size = std::abs(p[i] - q[i]);
    found.largest = std::isfinite(size) ? std::max(found.largest, size) : kInfinity;
  }
  return found;
}

/// The output of the described model for the probe's input; see reel::probe_difference.
std::vector<Tensor> answer(reel::nn::SequenceModel& model, const std::vector<Tensor>& inputs) {
  reel::check(inputs.size() == 1, "the probe has ", inputs.size(), " inputs, the model takes one");
  return {model->forward(inputs[0])};
}

/// The numbers of a line, divided by white space or commas.
std::vector<float> numbers_of(const std::string& line, std::size_t number) {
  std::vector<float> numbers;
  const char* at = line.c_str();
  const auto skip = [&at] {
    while (*at == ' ' || *at == '\t' || *at == ',' || *at == '\r') ++at;
  };
  const char* const stop = at + line.size();
  for (skip(); at != stop; skip()) {
    char* end = nullptr;
    numbers.push_back(std::strtof(at, &end));
    if (end == at)
      throw FileError("line " + std::to_string(number) +
                      " of the input: expected a number, found \"" + shown(at) + "\"");
    at = end;
  }
  return numbers;
}

ModelLayout layout_for(const ConvertOptions& options, FileFormat& format) {
  if (options.format.empty()) {
    format = reel::format_of_path(options.to);
    std::string extension = std::filesystem::path(options.to).extension().string();
    for (char& c : extension) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (extension == ".nam") return ModelLayout::Nam;
    if (format == FileFormat::Automatic)
      throw WrongArguments("\"" + options.to +
                           "\" has an extension that names no format; use --to");
    return ModelLayout::Reel;
  }
  for (const auto known : {FileFormat::Json, FileFormat::JsonGz, FileFormat::Cbor,
                           FileFormat::MessagePack, FileFormat::Safetensors})
    if (options.format == reel::format_name(known)) {
      format = known;
      return ModelLayout::Reel;
    }
  return reel::layout_from_name(options.format);
}

}  // namespace

int inspect(const std::string& path) {
  const ModelFile file = reel::read_model(path);
  std::vector<std::vector<std::string>> facts;
  facts.push_back({"file", shown(path)});
  facts.push_back({"layout", layout_text(file)});
  facts.push_back({"kind", shown(file.state.kind)});
  facts.push_back(
      {"size", count_text(static_cast<std::int64_t>(std::filesystem::file_size(path)), "byte")});
  std::string reason;
  const auto model = file.state.kind == "module" ? description(file.state, reason) : std::nullopt;
  if (model) {
    std::string title = "model";
    for (const auto& layer : model->layers) facts.push_back({title, layer_text(layer)}), title = "";
    if (model->skip != 0)
      facts.push_back(
          {"", "plus the first " + count_text(model->skip, "feature") + " of the input"});
  }
  std::string title = "metadata";
  for (const auto& [key, text] : file.state.metadata.values())
    if (key != "sequence_model")
      facts.push_back({title, shown(key) + ": " + shown(text)}), title = "";
  if (file.state.probe)
    facts.push_back(
        {"probe",
         count_text(static_cast<std::int64_t>(file.state.probe->inputs.size()), "input") + ", " +
             count_text(static_cast<std::int64_t>(file.state.probe->outputs.size()), "output")});
  print(table(facts, ""));
  std::vector<std::vector<std::string>> rows{{"tensor", "dtype", "shape", "values", "range"}};
  std::int64_t values = 0, bytes = 0;
  std::map<const void*, std::string> names;  // of tensors with values, by their memory
  for (const auto& item : file.state.tensors) {
    const Tensor& tensor = item.value();
    rows.push_back({shown(item.key()), reel::dtype_name(tensor.dtype()), shape_text(tensor),
                    std::to_string(tensor.numel()), range_text(tensor)});
    const auto [first, is_new] = names.emplace(tensor.data_ptr(), item.key());
    if (!is_new && tensor.numel() != 0) {
      rows.back().back() = "the same as " + shown(first->second);
      continue;
    }
    values += tensor.numel();
    bytes += static_cast<std::int64_t>(tensor.nbytes());
  }
  print("\n" + table(rows, "3"));
  print("\n  " + count_text(static_cast<std::int64_t>(file.state.tensors.size()), "tensor") + ", " +
        count_text(values, "value") + ", " + count_text(bytes, "byte") + " in memory\n");
  return kDone;
}

int convert(const ConvertOptions& options) {
  FileFormat format = FileFormat::Automatic;
  const ModelLayout layout = layout_for(options, format);
  if (layout != ModelLayout::Reel &&
      (options.base64 || options.floats != reel::StoredFloats::Full || options.probe_steps > 0))
    throw WrongArguments("--base64, --floats and --probe are for reel's own formats, not for " +
                         std::string(reel::layout_name(layout)));
  if (options.drop_start_state && layout != ModelLayout::GuitarML &&
      layout != ModelLayout::RTNeural)
    throw WrongArguments("--drop-start-state is for guitarml and rtneural; " +
                         std::string(reel::layout_name(layout)) + " keeps a start state");
  if (options.weights_only && layout != ModelLayout::PyTorch)
    throw WrongArguments("--weights-only is for pytorch");
  ModelFile file = reel::read_model(options.from);
  if (layout == ModelLayout::Reel) {
    if (options.probe_steps > 0) {
      reel::nn::SequenceModel model = reel::sequence_model(file.state);
      const Tensor first = model->parameters().front();
      file.state.probe = reel::make_probe(
          *model, reel::randn({options.probe_steps, model->input_size()}, first.dtype()));
    }
    file.state.write(
        options.to,
        reel::SaveOptions().format(format).floats(options.floats).base64(options.base64));
  } else {
    if (file.state.probe)
      remark(std::string("note: ") + reel::layout_name(layout) + " has no probe; left out");
    if (layout == ModelLayout::PyTorch)
      for (const auto& item : file.state.metadata.values())
        if (item.first != "sequence_model")
          remark("note: pytorch has no metadata; left out: " + shown(item.first));
    reel::write_model(file.state, options.to, layout,
                      reel::WriteModelOptions()
                          .drop_start_state(options.drop_start_state)
                          .weights_only(options.weights_only));
  }
  const ModelFile back = reel::read_model(options.to);
  print(shown(options.from) + " (" + layout_text(file) + ") -> " + shown(options.to) + " (" +
        layout_text(back) + "), " +
        count_text(static_cast<std::int64_t>(std::filesystem::file_size(options.to)), "byte") +
        "\n");
  return kDone;
}

int diff(const std::string& first, const std::string& second, double tolerance) {
  const ModelFile a = reel::read_model(first), b = reel::read_model(second);
  std::vector<std::vector<std::string>> rows{{"tensor", "difference", "values", ""}};
  bool same = true;
  for (const auto& item : a.state.tensors) {
    const Tensor* other = b.state.tensors.find(item.key());
    if (other == nullptr) {
      rows.push_back({shown(item.key()), "", "", "only in " + shown(first)});
      same = false;
    } else if (other->sizes() != item.value().sizes()) {
      rows.push_back({shown(item.key()), "", "",
                      "shape " + shape_text(item.value()) + " and " + shape_text(*other)});
      same = false;
    } else {
      const Difference found = difference(item.value(), *other);
      const bool typed = other->dtype() == item.value().dtype();
      rows.push_back({shown(item.key()), number_text(found.largest),
                      std::to_string(found.count) + " of " + std::to_string(other->numel()),
                      typed ? ""
                            : std::string(reel::dtype_name(item.value().dtype())) + " and " +
                                  reel::dtype_name(other->dtype())});
      same = same && found.largest <= tolerance;
    }
  }
  for (const auto& item : b.state.tensors)
    if (!a.state.tensors.contains(item.key())) {
      rows.push_back({shown(item.key()), "", "", "only in " + shown(second)});
      same = false;
    }
  print(table(rows, "12"));
  print(same ? "\n  the same within " + number_text(tolerance) + "\n" : "\n  the models differ\n");
  return same ? kDone : kDiffers;
}

int run(const std::string& path, const std::string& input) {
  reel::nn::SequenceRunner runner(reel::load_sequence_model(path));
  std::ifstream file;
  if (input != "-") {
    file.open(input);
    if (!file) throw FileError("cannot read \"" + shown(input) + "\"");
  }
  std::istream& in = input == "-" ? std::cin : file;
  const auto width = static_cast<std::size_t>(runner.input_size());
  std::vector<float> y(static_cast<std::size_t>(runner.output_size()));
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    const std::vector<float> x = numbers_of(line, number);
    if (x.empty()) continue;
    if (x.size() != width)
      throw FileError("line " + std::to_string(number) + " of the input: expected " +
                      count_text(runner.input_size(), "number") + ", found " +
                      std::to_string(x.size()));
    runner.step(x.data(), y.data());
    for (std::size_t i = 0; i < y.size(); ++i)
      std::printf(i == 0 ? "%.9g" : " %.9g", static_cast<double>(y[i]));
    std::printf("\n");
  }
  if (in.bad()) throw FileError("cannot read \"" + shown(input) + "\"");
  return kDone;
}

int check(const std::string& path, double tolerance) {
  const ModelFile file = reel::read_model(path);
  const reel::StateFile& state = file.state;
  print("  read: " + layout_text(file) + ", " +
        count_text(static_cast<std::int64_t>(state.tensors.size()), "tensor") + "\n");
  bool good = true;
  const auto fail = [&](const std::string& what) {
    print("  FAILED: " + what + "\n");
    good = false;
  };
  for (const auto& item : state.tensors)
    if (const std::int64_t bad = count_not_finite(item.value()); bad != 0)
      fail(shown(item.key()) + " has " + count_text(bad, "value") + " that are not finite");
  std::string reason;
  const bool described = state.metadata.contains("sequence_model");
  auto model = state.kind == "module" ? description(state, reason) : std::nullopt;
  if (!model && described) fail(reason);
  if (model) {
    reel::nn::SequenceModel runnable = reel::sequence_model(state);
    const reel::NoGradGuard no_grad;
    const auto dtype = runnable->parameters().front().dtype();
    const Tensor y = runnable->forward(reel::zeros({16, runnable->input_size()}, dtype));
    if (good && count_not_finite(y) != 0)
      fail("silence gives values that are not finite");
    else
      print("  runs: " + count_text(runnable->input_size(), "input") + ", " +
            count_text(runnable->output_size(), "output") + "\n");
    if (state.probe) {
      const double found = reel::probe_difference(
          *state.probe,
          [&](const std::vector<Tensor>& inputs) { return answer(runnable, inputs); });
      if (found <= tolerance)
        print("  probe: differs by " + number_text(found) + "\n");
      else
        fail("the probe's output differs by " + number_text(found) + ", more than " +
             number_text(tolerance));
    }
  } else if (state.probe && good) {
    remark(
        "note: the file does not describe its layers, so its probe needs the program that made "
        "the model; not run");
  }
  print(good ? "  all is well\n" : "");
  return good ? kDone : kDiffers;
}
