// What the benchmark programs print, and write as JSON: one row per case, with the time of every
// contender and the rivals' times over the first one's.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "timing.hpp"

extern "C" char* openblas_get_corename(void) __attribute__((weak));

namespace bench {

using Json = nlohmann::ordered_json;

/// "processor; OpenBLAS kernels for <core>"
inline std::string machine_line() {
  std::string line = machine();
  if (openblas_get_corename)
    line += std::string("; OpenBLAS's kernels for ") + openblas_get_corename();
  return line;
}

class Report {
 public:
  using Entry = std::pair<std::string, std::function<void()>>;  // a contender

  /// `unit` is a number of seconds with its name, such as {1e-3, "ms"}.
  Report(std::string program, std::pair<double, std::string> unit)
      : unit_(std::move(unit)), all_{{"program", std::move(program)}, {"machine", machine_line()}} {
    all_["rows"] = Json::array();
  }

  /// The options that every program has: --seconds, --json, --pin.
  void add_options(CLI::App& app, double seconds_per_case) {
    seconds = seconds_per_case;
    app.add_option("--seconds", seconds, "time for each case")->capture_default_str();
    app.add_option("--json", path_, "write the results to this file too");
    app.add_option("--only", only_, "the contenders to run, for a profile")->delimiter(',');
    app.add_flag("--pin,!--no-pin", pin_, "stay on one core");
  }
  /// Call it after the options were read. A program of several threads is timed by the wall's
  /// clock and is not pinned.
  void start(Clock clock = Clock::kProcess) {
    clock_ = clock;
    if (pin_ && clock == Clock::kProcess) pin_to_one_core();
    std::printf("%s; medians (quartiles), %s\n", machine_line().c_str(), unit_.second.c_str());
    std::fflush(stdout);
  }

  /// Times the contenders, the first of which the others are compared with. `keys` says what the
  /// case is; `facts` are further figures of it. What takes less than `turn` seconds runs as often
  /// in a row: a program that trains does not find its caches full of another library's data.
  std::vector<Timing> time(const Json& keys, std::vector<Entry> contenders, double turn = 0.01,
                           const Json& facts = Json::object()) {
    const auto unwanted = [&](const Entry& e) {
      return !only_.empty() && std::find(only_.begin(), only_.end(), e.first) == only_.end();
    };
    contenders.erase(std::remove_if(contenders.begin(), contenders.end(), unwanted),
                     contenders.end());
    if (contenders.empty()) throw std::runtime_error("--only names no contender");
    std::vector<std::function<void()>> turns;
    for (const auto& c : contenders) turns.push_back(c.second);
    const std::vector<Timing> t = interleave(turns, seconds, 3, turn, clock_);
    Json row = begin(keys);
    for (std::size_t i = 0; i < t.size(); ++i) {
      const std::string& name = contenders[i].first;
      const double u = unit_.first;
      std::printf(" | %s %.4g (%.4g-%.4g)", name.c_str(), t[i].median / u, t[i].low / u,
                  t[i].high / u);
      if (i > 0) std::printf(" %.2fx", t[i].median / t[0].median);
      row["seconds"][name] = {{"median", t[i].median}, {"low", t[i].low}, {"high", t[i].high}};
      if (i > 0) ratios_[name].push_back(t[i].median / t[0].median);
    }
    end(std::move(row), facts);
    return t;
  }
  /// A case that is not about time.
  void add(const Json& keys, const Json& facts) { end(begin(keys), facts); }

  /// Prints the geometric means and writes the file.
  void finish() {
    for (const auto& [name, values] : ratios_) {
      const double mean = geometric_mean(values);
      const double least = *std::min_element(values.begin(), values.end());
      std::printf("%s: geometric mean %.3f, least %.3f of %zu\n", name.c_str(), mean, least,
                  values.size());
      all_["ratios"][name] = {{"geometric_mean", mean}, {"least", least}};
    }
    if (path_.empty()) return;
    std::ofstream file(path_);
    file << all_.dump(1) << '\n';
    if (!file.flush()) throw std::runtime_error("cannot write " + path_);
  }

  double seconds = 1;

 private:
  Json begin(const Json& keys) {
    for (const auto& [name, value] : keys.items())
      std::printf("%s=%s ", name.c_str(),
                  value.is_string() ? value.get<std::string>().c_str() : value.dump().c_str());
    return keys;
  }
  void end(Json row, const Json& facts) {
    for (const auto& [name, value] : facts.items()) {
      std::printf(
          " | %s %s", name.c_str(),
          value.is_number_float() ? format(value.get<double>()).c_str() : value.dump().c_str());
      row[name] = value;
    }
    std::printf("\n");
    std::fflush(stdout);
    all_["rows"].push_back(std::move(row));
  }
  static std::string format(double value) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.4g", value);
    return text;
  }

  std::pair<double, std::string> unit_;
  std::string path_;
  Clock clock_ = Clock::kProcess;
  bool pin_ = true;
  std::vector<std::string> only_;
  Json all_;
  std::map<std::string, std::vector<double>> ratios_;
};

}  // namespace bench
