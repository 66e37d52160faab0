// A training run and its checkpoint: one JSON file from which training goes on as if it had
// never stopped.
#pragma once

#include <reel/reel.hpp>
#include <string>
#include <vector>

#include "model.hpp"
#include "options.hpp"
#include "plot.hpp"
#include "text.hpp"

/// Everything that a checkpoint holds, the random state aside.
struct Run {
  /// A new model, with weights drawn from options.seed.
  Run(const Options& options, const Vocabulary& vocabulary);

  Options options;
  Vocabulary vocabulary;
  CharModel model;
  reel::optim::Adam optimizer;
  std::int64_t step = 0;               // steps done; decides the place in the text
  State state;                         // carried from the last window to the next
  std::vector<float> losses;           // of every step
  std::vector<Validation> validation;  // at every options.every steps
};

/// Writes the run and the random state. A kill at any moment leaves the file that was there or the
/// new one. Throws reel::FileError where it cannot.
void save_checkpoint(const Run& run, const std::string& path);

/// Throws reel::FileError where `path` is no checkpoint of this program.
reel::StateFile read_checkpoint(const std::string& path);

/// The run as it was saved, with `options`: the checkpoint's, changed by a command line. Sets the
/// random state. Throws reel::FileError where the checkpoint does not fit together.
Run restore_checkpoint(const reel::StateFile& checkpoint, const Options& options);
