// The loss plot.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct Validation {
  std::int64_t step;
  double loss;
};

/// An SVG of the training loss at every step (mean of nearby steps, with the range they span),
/// the validation losses, and the bigram model's loss as a line to compare with. Losses are in
/// nats; bits of a character are given at the right.
std::string loss_plot(const std::string& title, const std::vector<float>& training,
                      const std::vector<Validation>& validation, double bigram);
