#include "options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "../shared/arguments.hpp"

namespace fs = std::filesystem;

namespace {

// Visits every option that a checkpoint keeps: its name, its value, and whether it is fixed for
// the life of the model (a change would misread the weights or lose the place in the text).
template <class Opts, class Visit>
void for_each_saved(Opts& o, Visit visit) {
  visit("text", o.text, false);
  visit("cell", o.cell, true);
  visit("layers", o.layers, true);
  visit("hidden", o.hidden, true);
  visit("embedding", o.embedding, true);
  visit("dropout", o.dropout, false);
  visit("batch", o.batch, true);
  visit("length", o.length, true);
  visit("steps", o.steps, false);
  visit("lr", o.lr, false);
  visit("clip", o.clip, false);
  visit("seed", o.seed, false);
  visit("every", o.every, false);
  visit("temperature", o.temperature, false);
}

std::string to_text(const std::string& value) { return value; }

template <class Number>
std::string to_text(Number value) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return std::string(buffer, end);
}

// What the help shows after an option's name.
template <class Value>
std::string default_text(const Value& value) {
  const std::string text = to_text(value);
  return text.empty() ? "..." : "[" + text + "]";
}

void add_options(CLI::App& app, Options& o) {
  app.option_defaults()->take_last();
  app.set_help_flag("-h,--help", "Show this text and exit");
  const auto add = [&app](const char* group, const char* name, auto& value, const char* about) {
    return app.add_option(name, value, about)->group(group)->option_text(default_text(value));
  };
  const CLI::Range count(std::int64_t{1}, std::int64_t{1} << 40);
  const CLI::Range width(std::int64_t{1}, std::int64_t{1} << 16);
  const CLI::Validator not_negative = arguments::not_negative();

  add("Files", "text,--text", o.text, "Text file to learn (default: the headers of xtensor)");
  auto* resume = add("Files", "--resume", o.resume, "Checkpoint to go on from");
  add("Files", "--checkpoint", o.checkpoint,
      "Checkpoint to write (default: that of --resume, else char_lm.json)");
  add("Files", "--plot", o.plot, "Loss plot to write, SVG (default: beside the checkpoint)");
  add("Files", "--metrics", o.metrics,
      "Losses to write, JSON lines (default: beside the checkpoint)");
  add("Files", "--out", o.out, "Folder of the three, made if missing");
  app.add_flag("--quiet", o.quiet, "Report nothing but errors and the sample")->group("Files");

  add("Model", "--cell", o.cell, "Recurrent cell: rnn, lstm or gru")
      ->check(CLI::IsMember({"rnn", "lstm", "gru"}));
  add("Model", "--layers", o.layers, "Recurrent layers")->check(CLI::Range(1, 64));
  add("Model", "--hidden", o.hidden, "Units of a layer")->check(width);
  add("Model", "--embedding", o.embedding, "Numbers that stand for a character")->check(width);

  auto* steps = add("Training", "--steps", o.steps, "Training steps, in total")->check(count);
  add("Training", "--epochs", o.epochs, "Passes over the text, in total; 0: see --steps")
      ->check(CLI::Range(0.0, 1e9))
      ->excludes(steps);
  add("Training", "--batch", o.batch, "Streams that the text is cut into")->check(width);
  add("Training", "--length", o.length, "Characters that a gradient reaches back")->check(width);
  add("Training", "--dropout", o.dropout, "Probability to drop a unit")
      ->check(CLI::Range(0.0, 0.99));
  add("Training", "--lr", o.lr, "Learning rate of Adam")->check(not_negative);
  add("Training", "--clip", o.clip, "Largest norm of the gradient; 0: any")->check(not_negative);
  add("Training", "--every", o.every, "Steps between validations, each with a checkpoint")
      ->check(count);
  add("Training", "--seed", o.seed, "Seed of all random numbers; with --resume, of the sample")
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()));

  add("Sampling", "--sample", o.sample, "Characters to write; 0: none")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 40));
  add("Sampling", "--prompt", o.prompt, "Text that the sample goes on from");
  add("Sampling", "--temperature", o.temperature, "Low: likely characters only; 1: as learnt")
      ->check(CLI::Range(0.001, 1000.0));
  app.add_flag("--sample-only", o.sample_only, "Write a sample of --resume, do not train")
      ->group("Sampling")
      ->needs(resume);
}

void complete_paths(Options& o) {
  if (o.checkpoint.empty()) {
    o.checkpoint = o.resume.empty() || !o.out.empty() ? "char_lm.json" : o.resume;
  }
  if (!o.out.empty()) o.checkpoint = fs::path(o.out) / o.checkpoint;
  const auto complete = [&](std::string& path, const char* extension) {
    if (path.empty())
      path = fs::path(o.checkpoint).replace_extension(extension);
    else if (!o.out.empty())
      path = fs::path(o.out) / path;
  };
  complete(o.plot, ".svg");
  complete(o.metrics, ".jsonl");
  if (o.plot == o.checkpoint || o.metrics == o.checkpoint || o.plot == o.metrics)
    throw std::runtime_error("--checkpoint, --plot and --metrics must name different files: \"" +
                             o.checkpoint + "\", \"" + o.plot + "\", \"" + o.metrics + "\"");
}

// CLI11 takes its arguments in reverse order.
void parse(CLI::App& app, std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());
  app.parse(arguments);
}

// The saved options pass through a command line, so that they are checked as the user's are.
Options parse_saved(const reel::Metadata& saved) {
  Options options;
  CLI::App app;
  add_options(app, options);
  std::vector<std::string> arguments;
  try {
    for_each_saved(options, [&](const char* name, auto& value, bool) {
      value = saved.get<std::decay_t<decltype(value)>>(name);
      arguments.push_back("--" + std::string(name) + "=" + to_text(value));
    });
    parse(app, arguments);
  } catch (const std::exception& e) {
    throw std::runtime_error(std::string("the checkpoint's options are damaged: ") + e.what());
  }
  return options;
}

void check_unchanged(const Options& before, const Options& now) {
  std::vector<std::string> old;
  for_each_saved(before,
                 [&](const char*, const auto& value, bool) { old.push_back(to_text(value)); });
  auto was = old.begin();
  for_each_saved(now, [&](const char* name, const auto& value, bool fixed) {
    if (fixed && to_text(value) != *was)
      throw std::runtime_error("--" + std::string(name) + " is " + to_text(value) +
                               ", but the checkpoint was made with " + *was +
                               "; leave the option out, or train anew without --resume");
    ++was;
  });
}

// An argument as a shell takes it.
std::string quoted(const std::string& argument) {
  std::string text = "'";
  for (const char c : argument) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

}  // namespace

Options parse_options(const std::vector<std::string>& arguments, const reel::Metadata* saved) {
  const Options before = saved != nullptr ? parse_saved(*saved) : Options();
  Options options = before;
  CLI::App app{"Trains a character-level language model and samples text from it.", "char_lm"};
  add_options(app, options);
  app.get_formatter()->column_width(26);
  try {
    parse(app, arguments);
  } catch (const CLI::ParseError& e) {
    const bool asked_for = app.exit(e) == 0;
    throw Exit{asked_for ? 0 : 2};
  }
  if (saved != nullptr) check_unchanged(before, options);
  complete_paths(options);
  return options;
}

void save_options(const Options& options, reel::Metadata& saved) {
  for_each_saved(options,
                 [&](const char* name, const auto& value, bool) { saved.set(name, value); });
}

std::string sample_command(const std::string& program, const Options& options) {
  const std::string prompt = options.prompt.empty() ? "" : " --prompt " + quoted(options.prompt);
  return program + " --resume " + quoted(options.checkpoint) + " --sample-only --sample " +
         to_text(options.sample) + " --seed " + to_text(options.seed) + " --temperature " +
         to_text(options.temperature) + prompt;
}
