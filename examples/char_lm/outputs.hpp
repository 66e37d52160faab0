// Files that char_lm writes beside its checkpoint.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// Throws std::runtime_error where a file could not be written at `path`, so that a long run does
/// not find out at its end.
void check_writable(const std::string& path);

/// Writes a whole file, or leaves what was there and throws std::runtime_error.
void write_file(const std::string& path, const std::string& content);

/// One measurement of a run.
struct Measurement {
  std::int64_t step;
  double epoch;
  double training_loss;
  double validation_loss;
  double bigram_loss;
  double characters_per_second;
  double seconds;
};

/// The metrics file: one JSON object a line.
class Metrics {
 public:
  /// Goes on with the file's lines up to step `last`, those of a run that is resumed.
  Metrics(std::string path, std::int64_t last);
  void add(const Measurement& m);

 private:
  std::string path_;
  std::string lines_;
};
