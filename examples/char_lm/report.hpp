// What a user is told while the model trains: on the screen, in the metrics file, by the plot.
#pragma once

#include <string>

#include "checkpoint.hpp"
#include "outputs.hpp"
#include "progress.hpp"
#include "text.hpp"

class Report {
 public:
  /// Says what is to be trained, and how well a bigram model does.
  Report(const Run& run, const Split& text, const std::string& text_name);

  void step(const Run& run);
  void validation(const Run& run, double loss);
  void interrupted(const Run& run);
  void finished(const Run& run);

 private:
  std::string title_;
  double bigram_;
  double windows_;  // of a pass over the text
  double validation_loss_ = 0.0;
  Metrics metrics_;
  Progress progress_;
};
