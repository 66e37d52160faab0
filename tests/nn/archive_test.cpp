// libtorch's archives: modules and values, nested, there and back.
#include "nn/archive.hpp"

#include <doctest/doctest.h>

#include <sstream>

#include "nn/linear.hpp"
#include "nn/rnn.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;

TEST_CASE("archives: modules, tensors and values, nested") {
  nn::LSTM lstm(3, 4);
  nn::Linear linear(4, 2), other(4, 2);
  serialize::OutputArchive archive, inner;
  lstm->save(inner);
  inner.write("layers", IValue(2));
  linear->save(archive);
  archive.write("lstm", inner);
  archive.write("epoch", IValue(7));
  archive.write("rate", IValue(0.5));
  archive.write("whole", IValue(3.0));
  archive.write("name", IValue("gru, \"quoted\""));
  archive.write("done", IValue(true));
  archive.write("state", IValue(arange(3)));
  std::stringstream stream;
  archive.save_to(stream);

  serialize::InputArchive read, nested;
  read.load_from(stream);
  other->load(read);
  CHECK(difference(other->weight, linear->weight) == 0);
  CHECK(other->weight.requires_grad());
  read.read("lstm", nested);
  nn::LSTM again(3, 4);
  again->load(nested);
  CHECK(difference(again->parameters()[1], lstm->parameters()[1]) == 0);
  CHECK(nested.keys() == std::vector<std::string>{"weight_ih_l0", "weight_hh_l0", "bias_ih_l0",
                                                  "bias_hh_l0", "layers"});
  CHECK(read.keys() == std::vector<std::string>{"weight", "bias", "lstm", "state", "done", "epoch",
                                                "name", "rate", "whole"});
  IValue value;
  nested.read("layers", value);
  CHECK(value.toInt() == 2);
  read.read("epoch", value);
  CHECK(value.toInt() == 7);
  read.read("rate", value);
  CHECK(value.toDouble() == 0.5);
  read.read("whole", value);
  CHECK(value.toDouble() == 3);
  read.read("name", value);
  CHECK(value.toStringRef() == "gru, \"quoted\"");
  read.read("done", value);
  CHECK(value.toBool());
  read.read("state", value);
  CHECK(values(value.toTensor()) == std::vector<double>{0, 1, 2});
  Tensor tensor;
  CHECK(!read.try_read("none", tensor));
  CHECK(!read.try_read("none", value));
  CHECK(!read.try_read("weight", nested));
}

TEST_CASE("archives: misuse") {
  nn::Linear linear(2, 2), larger(2, 3);
  serialize::OutputArchive archive;
  linear->save(archive);
  CHECK_THROWS_AS(linear->save(archive), Error);
  CHECK(mentions(error_of<Error>([&] { archive.write("t", Tensor()); }), {"'t'", "undefined"}));
  CHECK(mentions(error_of<Error>([&] { archive.write("n", IValue()); }), {"'n'", "none"}));
  archive.write("once", IValue(1));
  CHECK(mentions(error_of<Error>([&] { archive.write("once", IValue(2)); }), {"'once'"}));
  serialize::InputArchive read;
  Tensor t;
  CHECK(mentions(error_of<Error>([&] { read.read("weight", t); }), {"load_from"}));
  std::stringstream stream;
  archive.save_to(stream);
  read.load_from(stream);
  CHECK(mentions(error_of<FileError>([&] { read.read("none", t); }), {"no 'none'"}));
  CHECK_THROWS_AS(larger->load(read), Error);
  nn::LSTM lstm(2, 2);
  CHECK(mentions(error_of<FileError>([&] { lstm->load(read); }), {"weight_ih_l0"}));
  CHECK_THROWS_AS(read.load_from("/does/not/exist"), FileError);

  // A module's own file can be read as an archive, and an archive of a module as its file.
  std::stringstream as_file, as_archive;
  save(linear, as_file);
  read.load_from(as_file);
  nn::Linear copy(2, 2);
  copy->load(read);
  CHECK(difference(copy->weight, linear->weight) == 0);
  serialize::OutputArchive only;
  linear->save(only);
  only.save_to(as_archive);
  nn::Linear loaded(2, 2);
  load(loaded, as_archive);
  CHECK(difference(loaded->weight, linear->weight) == 0);
}
