#include "nn/ordered_dict.hpp"

#include <doctest/doctest.h>

#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

namespace {
using Dict = OrderedDict<std::string, int>;
Dict three() { return {{"b", 2}, {"a", 1}, {"c", 3}}; }
}  // namespace

TEST_CASE("ordered dict: keeps the order of insertion, through copies and erasure") {
  Dict dict = three();
  CHECK(dict.keys() == std::vector<std::string>{"b", "a", "c"});
  CHECK(dict.values() == std::vector<int>{2, 1, 3});
  CHECK(dict.pairs().at(2) == std::pair<std::string, int>("c", 3));
  dict.erase("b");
  CHECK(dict.keys() == std::vector<std::string>{"a", "c"});
  CHECK(dict["c"] == 3);
  CHECK(dict[1].key() == "c");
  CHECK(dict.insert("b", 7) == 7);
  const Dict copy = dict;
  dict["b"] = 8;
  CHECK(copy["b"] == 7);
  CHECK(copy.keys() == std::vector<std::string>{"a", "c", "b"});
  CHECK(copy.items().size() == 3);
  dict.clear();
  CHECK(dict.is_empty());
  CHECK_FALSE(dict.contains("a"));
}

TEST_CASE("ordered dict: access by key, by index, by iteration") {
  Dict dict = three();
  CHECK(dict["a"] == 1);
  CHECK(dict[0].value() == 2);
  CHECK(*dict[0] == 2);
  CHECK(dict.front().key() == "b");
  CHECK(dict.back().key() == "c");
  CHECK(dict.contains("a"));
  REQUIRE(dict.find("c") != nullptr);
  CHECK(*dict.find("c") == 3);
  CHECK(dict.find("d") == nullptr);
  for (auto& item : dict) item.value() *= 10;
  int sum = 0;
  for (const auto& item : static_cast<const Dict&>(dict)) sum += item.value();
  CHECK(sum == 60);
}

TEST_CASE("ordered dict: update appends all or nothing") {
  Dict dict = three();
  dict.update(Dict{{"d", 4}, {"e", 5}});
  CHECK(dict.keys() == std::vector<std::string>{"b", "a", "c", "d", "e"});
  CHECK(mentions(error_of<Error>([&] {
                   dict.update(Dict{{"f", 6}, {"a", 0}});
                 }),
                 {"[OrderedDict] update", "'a'", "already defined"}));
  CHECK(dict.size() == 5);
  CHECK(dict["a"] == 1);
}

TEST_CASE("ordered dict: equality is about keys, values and order") {
  CHECK(three() == three());
  CHECK(three() != Dict{{"b", 2}, {"a", 1}});
  CHECK(three() != Dict{{"b", 2}, {"a", 0}, {"c", 3}});
  CHECK(three() != Dict{{"a", 1}, {"b", 2}, {"c", 3}});
}

TEST_CASE("ordered dict: errors name the key and what there is") {
  Dict dict = three();
  CHECK(error_of<Error>([&] { dict.insert("a", 5); }) ==
        "[OrderedDict] Key 'a' is already defined; erase it first, or assign to dict['a']");
  CHECK(dict["a"] == 1);
  CHECK(error_of<Error>([&] { dict["x"]; }) ==
        "[OrderedDict] Key 'x' is not defined; defined are: b, a, c");
  CHECK(error_of<Error>([&] { dict.erase("x"); }) ==
        "[OrderedDict] Key 'x' is not defined; defined are: b, a, c");
  CHECK(error_of<IndexError>([&] { dict[3]; }) ==
        "[OrderedDict] index 3 is out of range: there are 3 items");
  CHECK(error_of<Error>([] {
          Dict{{"a", 1}, {"a", 2}};
        }) == "[OrderedDict] Key 'a' is already defined; erase it first, or assign to dict['a']");
  Dict empty("Parameter");
  CHECK(error_of<Error>([&] { empty["w"]; }) ==
        "[OrderedDict] Parameter 'w' is not defined; the dictionary is empty");
  CHECK(error_of<IndexError>([&] { empty.front(); }) ==
        "[OrderedDict] index 0 is out of range: there are 0 items");
  CHECK(error_of<IndexError>([&] { empty.back(); }) ==
        "[OrderedDict] index 0 is out of range: there are 0 items");
  Dict many;
  for (int i = 0; i < 12; ++i) many.insert(std::to_string(i), i);
  CHECK(mentions(error_of<Error>([&] { many["x"]; }), {"0, 1, 2", ", 9 and 2 more"}));
}
