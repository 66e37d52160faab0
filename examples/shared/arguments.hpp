// What command lines may ask for.
#pragma once

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdint>
#include <string>

namespace arguments {

/// A finite number from 0 up. (CLI::Range lets NaN pass.)
inline CLI::Validator not_negative() {
  return CLI::Validator(
      [](std::string& text) {
        double value = -1.0;
        const bool number = CLI::detail::lexical_cast(text, value) && std::isfinite(value);
        return number && value >= 0.0 ? "" : text + " is no number from 0 up";
      },
      "");
}
/// A count of things: from `least` to 2^30.
inline CLI::Range count(std::int64_t least = 1) { return CLI::Range(least, std::int64_t{1} << 30); }

}  // namespace arguments
