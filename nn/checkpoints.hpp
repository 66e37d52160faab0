// Checkpoints of a training run: a folder that keeps the newest ones and the best.
//
//   reel::Checkpoints checkpoints("run");
//   if (const auto path = checkpoints.latest()) reel::StateFile::read(*path).restore(...);
//   ...
//   reel::StateFile file;
//   file.put("model", model);
//   file.put("optimizer", optimizer);
//   checkpoints.save(file, step, validation_loss);
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "state_file.hpp"

namespace reel {

struct CheckpointOptions {
  /// How many of the newest stay; at least 1.
  REEL_ARG(std::int64_t, keep) = 3;
  /// Whether a larger score is a better one.
  REEL_ARG(bool, higher_is_better) = false;
  /// The format, by its extension.
  REEL_ARG(std::string, extension) = ".json";
  /// Names no format.
  REEL_ARG(SaveOptions, save_options);
};

/// Files "checkpoint-{step}{extension}" in a folder, and "best{extension}", the one with the best
/// score so far, which stays when its checkpoint goes. Each appears whole or not at all
/// (StateFile::write), and an older one goes only when the new one is there.
class Checkpoints {
 public:
  /// Makes the folder where it is missing. Throws FileError where that fails, Error for an option
  /// out of range or an extension of no format.
  explicit Checkpoints(std::string folder, CheckpointOptions options = {});

  /// Writes a checkpoint with the metadata "step" and, where given, "score"; returns its path. A
  /// score that is not a number is never the best. Throws FileError.
  std::string save(StateFile file, std::int64_t step, std::optional<double> score = std::nullopt);

  /// Paths in the order in which they were written, the best's copy left out. Throws FileError.
  std::vector<std::string> list() const;
  /// The one written last.
  std::optional<std::string> latest() const;
  /// The one with the best score.
  std::optional<std::string> best() const;

 private:
  std::string path_of(const std::string& name) const;
  bool is_best(double score);

  std::string folder_;
  CheckpointOptions options_;
  std::optional<double> best_score_;
};

}  // namespace reel
