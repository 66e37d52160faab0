// What the fuzzers of other programs' model files share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "autograd/ops/ops.hpp"
#include "nn/file_input.hpp"
#include "nn/interchange_parts.hpp"

namespace reel::fuzz {

[[noreturn]] inline void report(const std::string& what) {
  std::cerr << "fuzzer: " << what << '\n';
  std::abort();
}

using ReadModel = StateFile (*)(json::Reader&, const std::string&);
using WriteModel = void (*)(json::Writer&, const interchange::Source&);

inline StateFile read(const std::string& text, ReadModel reader) {
  files::Input input(text, "file");
  json::Reader in(input);
  return reader(in, "file");
}

/// Values only: a sum of biases loses the sign of zero.
inline bool same_values(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() && a.eq(b).all().item<bool>();
}

/// Reads the bytes; what is accepted must run, and be the same when it was written and read.
inline int run_model(const std::uint8_t* data, std::size_t size, ReadModel reader,
                     WriteModel writer) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  StateFile file;
  nn::SequenceModelOptions model;
  std::string again;
  try {
    file = read(text, reader);
    nn::SequenceModel runnable = sequence_model(file);
    const Tensor y = runnable->forward(zeros({2, runnable->input_size()}));
    if (y.size(0) != 2 || y.size(1) != runnable->output_size()) report("an output of wrong shape");
    nn::SequenceRunner runner(runnable);
    model = describe_sequence_model(file);
    json::Writer out([&again](const char* piece, std::size_t n) { again.append(piece, n); });
    writer(out, {file, model, false});
    out.finish();
  } catch (const FileError& error) {
    const std::string reason = error.what();
    if (reason.find("[load] file: ") != 0) report("the message does not name the file: " + reason);
    return 0;
  } catch (const interchange::Refusal&) {
    return 0;  // such as values that are not finite, for which the layout has no numbers
  }
  const StateFile back = read(again, reader);
  // There may be more: layouts without models that have no bias get one of zeros.
  for (const auto& item : file.tensors)
    if (!same_values(item.value(), back.tensors[item.key()]))
      report("other values of " + item.key() + ": " + again);
  return 0;
}

}  // namespace reel::fuzz
