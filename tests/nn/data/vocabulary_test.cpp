// Vocabularies of characters and words.
#include <doctest/doctest.h>

#include "nn/data/vocabulary.hpp"
#include "nn/serialization.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
using namespace reel::data;

TEST_CASE("vocabulary: characters, the most frequent first") {
  const CharVocabulary vocabulary("banana bär");
  CHECK(vocabulary.tokens() == std::vector<std::string>{"a", "b", "n", " ", "r", "\xc3\xa4"});
  const Tensor ids = vocabulary.encode("nära");
  CHECK(values(ids) == std::vector<double>{2, 5, 4, 0});
  CHECK(ids.dtype() == kInt64);
  CHECK(vocabulary.decode(ids) == "nära");
  CHECK(vocabulary.decode(vocabulary.encode("")).empty());
  CHECK(mentions(error_of<IndexError>([&] { vocabulary.encode("x"); }), {"'x'", "6 tokens"}));
  CHECK(mentions(error_of<IndexError>([&] { vocabulary.token(6); }), {"6", "out of range"}));
  CHECK_THROWS_AS(vocabulary.decode(tensor({-1})), IndexError);
  CHECK_THROWS_AS(vocabulary.decode(tensor({1.0})), DtypeError);
  for (const std::string bad : {"ab\xff", "ab\xc3", "ab\x80", "ab\xe2\x82", "ab\xc3(", "ab\xc0\x80",
                                "ab\xe0\x9f\xbf", "ab\xed\xa0\x80", "ab\xf0\x8f\xbf\xbf",
                                "ab\xf4\x90\x80\x80", "ab\xf5\x80\x80\x80", "ab\xf1\x80\x80("})
    CHECK(mentions(error_of<Error>([&] { CharVocabulary{bad}; }), {"not UTF-8 at byte 2"}));
  // The first and the last character of each length; they can be kept as metadata.
  const std::vector<std::string> ends{"\x7f",         "\xc2\x80",         "\xdf\xbf",
                                      "\xe0\xa0\x80", "\xed\x9f\xbf",     "\xee\x80\x80",
                                      "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
  std::string all;
  for (const auto& character : ends) all += character;
  CHECK(split_characters(all) == ends);
  Metadata metadata;
  metadata.set("vocabulary", split_characters(all));
  CHECK(metadata.get<std::vector<std::string>>("vocabulary") == ends);
}

TEST_CASE("vocabulary: words, with specials, a least count and a largest size") {
  const std::vector<std::string> texts{"the cat and the dog", "  the bird\tand\n the cat "};
  const auto options = VocabularyOptions().specials({"<pad>", "<unk>"}).unknown("<unk>");
  WordVocabulary all(texts, options);
  CHECK(all.tokens() ==
        std::vector<std::string>{"<pad>", "<unk>", "the", "and", "cat", "bird", "dog"});
  CHECK(values(all.encode("the fish and cat")) == std::vector<double>{2, 1, 3, 4});
  CHECK(all.decode(tensor({2, 6, 1})) == "the dog <unk>");
  CHECK(all.contains("cat"));
  CHECK(!all.contains("fish"));
  CHECK(WordVocabulary(texts, VocabularyOptions(options).min_count(2)).size() == 5);
  CHECK(WordVocabulary(texts, VocabularyOptions(options).max_size(4)).tokens().back() == "and");
  CHECK(WordVocabulary("a b a").tokens() == std::vector<std::string>{"a", "b"});
  const WordVocabulary pairs("ab1cd1ab", {}, [](const std::string& text) {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < text.size(); i += 3) parts.push_back(text.substr(i, 2));
    return parts;
  });
  CHECK(values(pairs.encode("cd1ab")) == std::vector<double>{1, 0});
  CHECK(mentions(error_of<Error>([] { WordVocabulary("a", VocabularyOptions().unknown("<unk>")); }),
                 {"<unk>", "specials"}));
  CHECK(mentions(error_of<Error>([] {
                   WordVocabulary("a", VocabularyOptions().specials({"p", "p"}));
                 }),
                 {"'p'", "twice"}));
}

TEST_CASE("vocabulary: kept in a file by its tokens") {
  const CharVocabulary vocabulary("déjà vu", VocabularyOptions().specials({"\n"}));
  StateFile file;
  file.metadata.set("vocabulary", vocabulary.tokens());
  const CharVocabulary again(file.metadata.get<std::vector<std::string>>("vocabulary"));
  CHECK(again.tokens() == vocabulary.tokens());
  CHECK(difference(again.encode("vu déjà"), vocabulary.encode("vu déjà")) == 0);
}
