// The commands of reel-model. Results go to standard output, remarks to standard error; each
// returns the exit code.
#pragma once

#include <reel/nn/interchange.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>

constexpr int kDone = 0;
/// The models differ, or the check failed.
constexpr int kDiffers = 1;
constexpr int kWrongArguments = 2;
/// A file cannot be read, written or converted.
constexpr int kFailed = 3;

/// Options that do not go together.
struct WrongArguments : std::runtime_error {
  using std::runtime_error::runtime_error;
};

int inspect(const std::string& path);

struct ConvertOptions {
  std::string from, to;
  std::string format;  // empty: by the extension
  reel::StoredFloats floats = reel::StoredFloats::Full;
  bool base64 = false;
  bool drop_start_state = false;
  bool weights_only = false;
  std::int64_t probe_steps = 0;
};
int convert(const ConvertOptions& options);

int diff(const std::string& first, const std::string& second, double tolerance);

/// Steps the model over rows of numbers from `input` ("-": standard input), and prints a row for
/// each.
int run(const std::string& path, const std::string& input);

int check(const std::string& path, double tolerance);
