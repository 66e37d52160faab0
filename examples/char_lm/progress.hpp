// What a user sees while the model trains.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

/// A bar on the last line of a terminal, with lines of text above it; where standard error is no
/// terminal, the lines alone. Everything goes to standard error, so that standard output is the
/// sample and nothing else.
class Progress {
 public:
  /// Training runs from step `first` to step `total`, each of `characters` characters.
  Progress(bool quiet, std::int64_t first, std::int64_t total, std::int64_t characters);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Step `step` is done, with a mean loss in nats of a character.
  void update(std::int64_t step, double loss);
  /// Writes a line that stays.
  void line(const std::string& text);

  double seconds() const;
  double characters_per_second() const;
  /// "1:05", "2:03:20": the time that the remaining steps will take at the pace so far.
  std::string time_left() const;

 private:
  void draw(double loss);
  void clear();

  bool quiet_;
  bool bar_;
  bool drawn_ = false;
  std::int64_t first_;
  std::int64_t step_;
  std::int64_t total_;
  std::int64_t characters_;
  double smooth_loss_ = 0.0;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_draw_;
};

double bits(double nats);
/// "2.104 (3.04 bits/char)".
std::string loss_text(double nats);
/// "950", "12.3k", "1.2M".
std::string count_text(double count);
