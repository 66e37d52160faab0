// The command line of char_lm, and the part of it that a checkpoint remembers.
#pragma once

#include <cstdint>
#include <reel/nn/serialization.hpp>
#include <string>
#include <vector>

struct Options {
  std::string text;  // empty: the C++ headers of xtensor

  // The model.
  std::string cell = "lstm";
  std::int64_t layers = 1;
  std::int64_t hidden = 256;
  std::int64_t embedding = 64;

  // Training.
  double dropout = 0.0;
  std::int64_t batch = 32;
  std::int64_t length = 64;
  std::int64_t steps = 1500;
  double epochs = 0.0;  // where positive, it decides `steps`
  double lr = 2e-3;
  double clip = 5.0;
  std::int64_t seed = 1;
  std::int64_t every = 100;

  // Sampling.
  double temperature = 0.7;
  std::int64_t sample = 500;
  std::string prompt;
  bool sample_only = false;

  // Files. After parsing, the three outputs are complete paths.
  std::string resume;
  std::string out;
  std::string checkpoint;
  std::string plot;
  std::string metrics;
  bool quiet = false;
};

/// Thrown where the program has to end at once: --help, or a bad command line, of which the user
/// has been told already.
struct Exit {
  int code;
};

/// The options of a command line. What it leaves out comes from `saved`, the metadata of a
/// checkpoint, else from the defaults. Throws Exit on a bad command line, and std::runtime_error
/// where `saved` is damaged or fixes an option (the model's, and the cut of the text) that the
/// command line asks to change.
Options parse_options(const std::vector<std::string>& arguments,
                      const reel::Metadata* saved = nullptr);

/// Keeps what parse_options needs to have again when training goes on.
void save_options(const Options& options, reel::Metadata& saved);

/// The command that writes the sample of a run with `options` again, from its checkpoint.
std::string sample_command(const std::string& program, const Options& options);
