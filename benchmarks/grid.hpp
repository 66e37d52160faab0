// A grid of cases, given by options.
#pragma once

#include <string>
#include <vector>

#include "contender.hpp"
#include "report.hpp"

namespace bench {

struct Grid {
  using Sizes = std::vector<std::int64_t>;
  std::vector<std::string> cell{"lstm"};
  Sizes hidden{64, 128, 256, 512}, batch{1, 16, 32}, steps{50}, layers{1}, directions{1};

  void add_options(CLI::App& app) {
    const auto list = [&](const char* name, auto& values, const char* what) {
      return app.add_option(name, values, what)->delimiter(',')->capture_default_str();
    };
    list("--cell", cell, "rnn, lstm, gru")->check(CLI::IsMember({"rnn", "lstm", "gru"}));
    list("--hidden", hidden, "hidden sizes")->check(CLI::PositiveNumber);
    list("--batch", batch, "batch sizes")->check(CLI::PositiveNumber);
    list("--steps", steps, "time steps")->check(CLI::PositiveNumber);
    list("--layers", layers, "numbers of layers")->check(CLI::PositiveNumber);
    list("--directions", directions, "1, 2 (bidirectional)")->check(CLI::Range(1, 2));
  }
  template <class Visit>
  void each(Visit visit) const {
    Case c;
    for (const auto& name : cell)
      for (const auto l : layers)
        for (const auto d : directions)
          for (const auto t : steps)
            for (const auto h : hidden)
              for (const auto b : batch) {
                c.cell = name;
                c.layers = l;
                c.directions = d;
                c.steps = t;
                c.hidden = h;
                c.batch = b;
                visit(c);
              }
  }
};

inline Json keys(const Case& c) {
  return {{"cell", c.cell},   {"hidden", c.hidden}, {"batch", c.batch},
          {"steps", c.steps}, {"layers", c.layers}, {"directions", c.directions}};
}

}  // namespace bench
