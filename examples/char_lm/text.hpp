// The text: where it comes from, its characters as numbers, and its cut into training windows.
#pragma once

#include <reel/reel.hpp>
#include <string>
#include <vector>

/// A file's bytes; for an empty path, the C++ headers of xtensor, one after the other. Throws
/// std::runtime_error where there is nothing to read.
std::string read_text(const std::string& path);

/// The distinct bytes of a text in increasing order. A byte's number is its place among them.
class Vocabulary {
 public:
  Vocabulary() = default;
  explicit Vocabulary(const std::string& text);

  std::int64_t size() const { return static_cast<std::int64_t>(bytes_.size()); }
  const std::string& bytes() const { return bytes_; }
  char operator[](std::int64_t number) const { return bytes_[static_cast<std::size_t>(number)]; }

  /// The numbers of the bytes of `text`: uint8 [n]. Throws std::runtime_error on a byte that is
  /// not in the vocabulary; `what` names the text in the message.
  reel::Tensor encode(const std::string& text, const std::string& what) const;

 private:
  std::string bytes_;
};

/// A text to learn, its last twentieth held out for validation.
struct Split {
  explicit Split(const reel::Tensor& text);

  reel::Tensor training;
  reel::Tensor validation;
};

/// Characters and the ones that follow them, both int64 [time, stream].
struct Window {
  reel::Tensor input;
  reel::Tensor target;
};

/// A text cut into `batch` streams of equal length, read side by side in windows of `length`
/// characters, so that window i+1 goes on where window i stopped. The remainder is left out.
class Streams {
 public:
  Streams(const reel::Tensor& text, std::int64_t batch, std::int64_t length);

  std::int64_t windows() const { return inputs_.size(1) / length_; }
  Window window(std::int64_t index) const;

 private:
  reel::Tensor inputs_;   // uint8 [stream, time]
  reel::Tensor targets_;  // the same, one character later
  std::int64_t length_;
};

/// A bigram model's mean loss in nats over `validation`: the probability of a character given
/// the one before it, from the counts in `train` plus a small constant, the best of several.
double bigram_loss(const reel::Tensor& train, const reel::Tensor& validation,
                   std::int64_t vocabulary);
