// reel-model: looks into model files, converts, compares, runs and checks them.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <map>

#include "../shared/arguments.hpp"
#include "commands.hpp"

namespace {

/// The command's exit code, once its results are out: a full disk must not look like success.
int finished(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  throw reel::FileError("cannot write the results to standard output");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Looks into model files, converts, compares, runs and checks them.", "reel-model");
  app.footer(
      "Files are told apart by their content: reel's own (JSON, also compressed, CBOR, "
      "MessagePack,\n"
      "safetensors) and those of PyTorch (a state_dict as JSON), GuitarML, RTNeural/Keras and "
      "Neural\n"
      "Amp Modeler (LSTM).\n"
      "Exit codes: 0 done; 1 the models differ or the check failed; 2 wrong arguments; 3 a file\n"
      "cannot be read, written or converted.");
  app.get_formatter()->column_width(26);
  app.set_help_flag("-h,--help", "Show this text, or that of a command, and exit");
  app.require_subcommand(1);

  std::string file, second;
  CLI::App* inspecting =
      app.add_subcommand("inspect", "Show tensors, shapes, parameters, size and metadata");
  inspecting->add_option("file", file, "Model file")->required();

  ConvertOptions conversion;
  CLI::App* converting = app.add_subcommand("convert", "Write a model in another format");
  converting->add_option("from", conversion.from, "Model file")->required();
  converting->add_option("to", conversion.to, "File to write; one that is there is replaced")
      ->required();
  converting
      ->add_option("--to", conversion.format,
                   "Format; without it by the extension (.json, .json.gz, .cbor, .msgpack, "
                   ".safetensors, .nam)")
      ->check(CLI::IsMember({"json", "json.gz", "cbor", "msgpack", "safetensors", "pytorch",
                             "guitarml", "rtneural", "nam"}));
  const std::map<std::string, reel::StoredFloats> floats{
      {"float32", reel::StoredFloats::Full},
      {"float16", reel::StoredFloats::Float16},
      {"bfloat16", reel::StoredFloats::BFloat16}};
  converting
      ->add_option("--floats", conversion.floats,
                   "How float32 values are stored: float32, float16 or bfloat16")
      ->transform(CLI::CheckedTransformer(floats).description(""));
  converting->add_flag("--base64", conversion.base64, "JSON: values as base64");
  converting
      ->add_option("--probe", conversion.probe_steps,
                   "Add a sample of so many random steps that loading and check verify")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20));
  converting->add_flag("--drop-start-state", conversion.drop_start_state,
                       "guitarml, rtneural: leave out a start state that is not zero");
  converting->add_flag("--weights-only", conversion.weights_only,
                       "pytorch: leave out activations and skip, which a state_dict cannot hold");

  double tolerance = 0;
  CLI::App* comparing =
      app.add_subcommand("diff", "Show the largest difference of every tensor of two models");
  comparing->add_option("first", file, "Model file")->required();
  comparing->add_option("second", second, "Model file")->required();
  const CLI::Validator not_negative = arguments::not_negative();
  comparing->add_option("--tolerance", tolerance, "Largest difference that counts as the same")
      ->check(not_negative)
      ->capture_default_str();

  std::string input = "-";
  CLI::App* running = app.add_subcommand(
      "run", "Step a model over rows of numbers and print a row of outputs for each");
  running->add_option("file", file, "Model file")->required();
  running->add_option("input", input, "Rows of numbers, one time step a line; -: standard input")
      ->capture_default_str();

  double probe_tolerance = 1e-4;
  CLI::App* checking = app.add_subcommand("check", "Validate a model and run its probe");
  checking->add_option("file", file, "Model file")->required();
  checking->add_option("--tolerance", probe_tolerance, "Largest difference of the probe's output")
      ->check(not_negative)
      ->capture_default_str();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kDone : kWrongArguments;
  }
  try {
    if (*inspecting) return finished(inspect(file));
    if (*converting) return finished(convert(conversion));
    if (*comparing) return finished(diff(file, second, tolerance));
    if (*running) return finished(run(file, input));
    return finished(check(file, probe_tolerance));
  } catch (const WrongArguments& e) {
    std::fprintf(stderr, "reel-model: %s\n", e.what());
    return kWrongArguments;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "reel-model: %s\n", e.what());
    return kFailed;
  }
}
