// Vocabularies: texts as numbers and back.
//
// A vocabulary is kept in a file by its tokens:
//   file.metadata.set("vocabulary", vocabulary.tokens());
//   CharVocabulary vocabulary(file.metadata.get<std::vector<std::string>>("vocabulary"));
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "../../autograd/arg.hpp"
#include "../../autograd/tensor.hpp"

namespace reel {
namespace data {

using Tokenizer = std::function<std::vector<std::string>(const std::string&)>;

struct VocabularyOptions {
  /// Tokens that come first, whether or not they occur, such as "<pad>".
  REEL_ARG(std::vector<std::string>, specials);
  /// The token, one of the specials or of the text, that stands for every one that is missing.
  REEL_ARG(std::optional<std::string>, unknown) = std::nullopt;
  /// Rarer tokens are left out.
  REEL_ARG(std::int64_t, min_count) = 1;
  /// Only the most frequent tokens stay, specials counted.
  REEL_ARG(std::optional<std::size_t>, max_size) = std::nullopt;
};

/// Tokens, numbered from 0.
class Vocabulary {
 public:
  /// Throws Error where a token appears twice, or `unknown` is not among them.
  explicit Vocabulary(std::vector<std::string> tokens,
                      std::optional<std::string> unknown = std::nullopt);

  std::size_t size() const { return tokens_.size(); }
  const std::vector<std::string>& tokens() const { return tokens_; }
  bool contains(const std::string& token) const { return index_.count(token) != 0; }
  /// The number of `token`, or of the unknown token. Throws IndexError where there is neither.
  std::int64_t index(const std::string& token) const;
  /// Throws IndexError.
  const std::string& token(std::int64_t index) const;

  /// int64 [n].
  Tensor encode(const std::vector<std::string>& tokens) const;

 protected:
  /// The tokens of `texts`, the most frequent first and of equally frequent ones the smaller.
  static std::vector<std::string> collect(const std::vector<std::string>& texts,
                                          const Tokenizer& tokenizer,
                                          const VocabularyOptions& options);
  std::string join(const Tensor& indices, const char* between) const;

 private:
  std::vector<std::string> tokens_;
  std::unordered_map<std::string, std::int64_t> index_;
  std::optional<std::int64_t> unknown_;
};

/// Characters of UTF-8 text.
class CharVocabulary : public Vocabulary {
 public:
  using Vocabulary::Vocabulary;
  explicit CharVocabulary(const std::string& text, const VocabularyOptions& options = {});
  using Vocabulary::encode;
  /// int64 [n], n characters. Throws Error for text that is not UTF-8, with the byte.
  Tensor encode(const std::string& text) const;
  /// The text of int64 [n].
  std::string decode(const Tensor& indices) const { return join(indices, ""); }
};

/// Words, by default what whitespace separates.
class WordVocabulary : public Vocabulary {
 public:
  using Vocabulary::Vocabulary;
  /// Of several texts, each cut by `tokenizer`.
  explicit WordVocabulary(const std::vector<std::string>& texts, const VocabularyOptions& options,
                          Tokenizer tokenizer = nullptr);
  explicit WordVocabulary(const std::string& text, const VocabularyOptions& options = {},
                          Tokenizer tokenizer = nullptr);
  using Vocabulary::encode;
  Tensor encode(const std::string& text) const;
  /// Words with a space between.
  std::string decode(const Tensor& indices) const { return join(indices, " "); }

 private:
  Tokenizer tokenizer_;
};

/// The characters of UTF-8 text. Throws Error, with the byte, where it is not.
std::vector<std::string> split_characters(const std::string& text);
/// What whitespace separates.
std::vector<std::string> split_words(const std::string& text);

}  // namespace data
}  // namespace reel
