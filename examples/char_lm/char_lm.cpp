// char_lm: learns to write text, one character at a time.
//
//   char_lm                                 trains on the headers of xtensor, then writes C++
//   char_lm my.txt --cell gru --layers 2  trains on a text of yours
//   char_lm --resume char_lm.json --steps 3000
//   char_lm --resume char_lm.json --sample-only --prompt "template <class"
//
// Where to read on: model.cpp has the network and the sampling, train.cpp the training loop,
// checkpoint.cpp what is saved; the other files are the text, the options and the reports.
#include <exception>
#include <iostream>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "checkpoint.hpp"
#include "model.hpp"
#include "options.hpp"
#include "text.hpp"
#include "train.hpp"

namespace {

void write_sample(const Run& run) {
  if (run.options.sample == 0) return;
  std::cout << sample_text(run.model, run.vocabulary, run.options) << std::endl;
  if (!std::cout) throw std::runtime_error("cannot write the sample to standard output");
}

int run_program(const std::string& program, const std::vector<std::string>& arguments) {
  Options options = parse_options(arguments);
  std::optional<Run> resumed;
  if (!options.resume.empty()) {
    const reel::StateFile checkpoint = read_checkpoint(options.resume);
    options = parse_options(arguments, &checkpoint.metadata);
    resumed.emplace(restore_checkpoint(checkpoint, options));
  }
  if (options.sample_only) {
    write_sample(*resumed);
    return 0;
  }

  const std::string text = read_text(options.text);
  Run run = resumed ? std::move(*resumed) : Run(options, Vocabulary(text));
  run.vocabulary.encode(options.prompt, "the prompt");  // an error in it should not come last
  if (const int signal = train(run, text); signal != 0) return 128 + signal;

  if (!options.quiet && options.sample > 0)
    std::cerr << "sample  written again by: " << sample_command(program, run.options) << "\n\n";
  write_sample(run);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_program(argv[0], {argv + 1, argv + argc});
  } catch (const Exit& e) {
    return e.code;
  } catch (const std::bad_alloc&) {
    std::cerr << "char_lm: out of memory; take a smaller --hidden, --layers, --batch or --length\n";
  } catch (const std::exception& e) {
    std::cerr << "char_lm: " << e.what() << "\n";
  }
  return 1;
}
