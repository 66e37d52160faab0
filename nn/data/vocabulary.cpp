#include "vocabulary.hpp"

#include <algorithm>
#include <map>
#include <string_view>

#include "../../autograd/ops/creation.hpp"

namespace reel {
namespace data {
namespace {

/// How many bytes the character at the beginning of `text` has; 0 where there is none: RFC 3629
/// leaves out longer forms than needed, surrogates, and what is above U+10FFFF.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t n = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() < n) return 0;
  const unsigned char least = lead == 0xe0   ? 0xa0
                              : lead == 0xf0 ? 0x90
                                             : 0x80,
                      most = lead == 0xed   ? 0x9f
                             : lead == 0xf4 ? 0x8f
                                            : 0xbf;
  if (byte(1) < least || byte(1) > most) return 0;
  for (std::size_t i = 2; i < n; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  return n;
}

}  // namespace

std::vector<std::string> split_characters(const std::string& text) {
  std::vector<std::string> characters;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = character_bytes(std::string_view(text).substr(i));
    check(n != 0, "[CharVocabulary] the text is not UTF-8 at byte ", i);
    characters.push_back(text.substr(i, n));
    i += n;
  }
  return characters;
}

std::vector<std::string> split_words(const std::string& text) {
  constexpr const char* kSpace = " \t\n\v\f\r";
  std::vector<std::string> words;
  for (std::size_t begin = 0;;) {
    begin = text.find_first_not_of(kSpace, begin);
    if (begin == std::string::npos) return words;
    const std::size_t end = std::min(text.find_first_of(kSpace, begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end;
  }
}

Vocabulary::Vocabulary(std::vector<std::string> tokens, std::optional<std::string> unknown)
    : tokens_(std::move(tokens)) {
  for (std::size_t i = 0; i < tokens_.size(); ++i)
    check(index_.emplace(tokens_[i], static_cast<std::int64_t>(i)).second,
          "[Vocabulary] the token '", tokens_[i], "' appears twice");
  if (!unknown) return;
  check(contains(*unknown), "[Vocabulary] the unknown token '", *unknown, "' is not among the ",
        size(), " tokens; add it to the specials");
  unknown_ = index(*unknown);
}

std::int64_t Vocabulary::index(const std::string& token) const {
  const auto found = index_.find(token);
  if (found != index_.end()) return found->second;
  check<IndexError>(unknown_.has_value(), "[Vocabulary] there is no '", token, "' among the ",
                    size(), " tokens, and no unknown token to stand for it");
  return *unknown_;
}

const std::string& Vocabulary::token(std::int64_t index) const {
  check<IndexError>(index >= 0 && static_cast<std::size_t>(index) < size(), "[Vocabulary] index ",
                    index, " is out of range for ", size(), " tokens");
  return tokens_[static_cast<std::size_t>(index)];
}

Tensor Vocabulary::encode(const std::vector<std::string>& tokens) const {
  std::vector<std::int64_t> indices;
  indices.reserve(tokens.size());
  for (const auto& token : tokens) indices.push_back(index(token));
  return tensor(indices);
}

std::vector<std::string> Vocabulary::collect(const std::vector<std::string>& texts,
                                             const Tokenizer& tokenizer,
                                             const VocabularyOptions& options) {
  std::map<std::string, std::int64_t> counts;
  for (const auto& text : texts)
    for (auto& token : tokenizer(text)) ++counts[std::move(token)];
  std::vector<std::string> tokens = options.specials();
  for (const auto& special : tokens) counts.erase(special);
  std::vector<std::pair<std::string, std::int64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  for (auto& [token, count] : sorted)
    if (count >= options.min_count() &&
        (!options.max_size() || tokens.size() < *options.max_size()))
      tokens.push_back(token);
  return tokens;
}

std::string Vocabulary::join(const Tensor& indices, const char* between) const {
  check<DtypeError>(indices.scalar_type() == kInt64, "[Vocabulary] expected int64 indices, found ",
                    dtype_name(indices.scalar_type()));
  const Tensor flat = indices.contiguous();
  std::string text;
  for (std::int64_t i = 0; i < flat.numel(); ++i) {
    if (i != 0) text += between;
    text += token(flat.data_ptr<std::int64_t>()[i]);
  }
  return text;
}

CharVocabulary::CharVocabulary(const std::string& text, const VocabularyOptions& options)
    : Vocabulary(collect({text}, split_characters, options), options.unknown()) {}

Tensor CharVocabulary::encode(const std::string& text) const {
  return Vocabulary::encode(split_characters(text));
}

WordVocabulary::WordVocabulary(const std::vector<std::string>& texts,
                               const VocabularyOptions& options, Tokenizer tokenizer)
    : Vocabulary(collect(texts, tokenizer ? tokenizer : split_words, options), options.unknown()),
      tokenizer_(std::move(tokenizer)) {}

WordVocabulary::WordVocabulary(const std::string& text, const VocabularyOptions& options,
                               Tokenizer tokenizer)
    : WordVocabulary(std::vector<std::string>{text}, options, std::move(tokenizer)) {}

Tensor WordVocabulary::encode(const std::string& text) const {
  return Vocabulary::encode(tokenizer_ ? tokenizer_(text) : split_words(text));
}

}  // namespace data
}  // namespace reel
