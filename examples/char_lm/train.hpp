// Training: truncated back-propagation through time over the text.
#pragma once

#include <string>

#include "checkpoint.hpp"

/// Trains to options.steps (or epochs), with a validation, a checkpoint, the plot and a line of
/// metrics at every options.every steps and at the end. Returns 0, or, where SIGINT or SIGTERM
/// stopped it after a step and a checkpoint, the signal's number; a second signal kills at once.
/// Throws std::runtime_error where the text is too short, an output cannot be written, or the
/// loss is no longer finite (the checkpoint before stays).
int train(Run& run, const std::string& text);
