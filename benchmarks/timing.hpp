// Interleaved timing: contenders take turns, so that a machine that slows down slows all of them.
#pragma once

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace bench {

struct Timing {
  double median = 0, low = 0, high = 0;  // seconds; low and high are the quartiles
};

inline Timing summarise(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](double q) {
    return seconds[static_cast<std::size_t>(q * static_cast<double>(seconds.size() - 1))];
  };
  return {at(0.5), at(0.25), at(0.75)};
}

enum class Clock {
  kWall,     // for several threads, and for what waits
  kProcess,  // processor time of this process: what other programs take does not count
};
inline double seconds_on(Clock clock) {
  timespec t{};
  clock_gettime(clock == Clock::kWall ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// Runs each function in turn until `seconds` are over, at least `least` rounds; one warm-up round.
/// A turn lasts `turn` seconds at least: a function shorter than that is called as often as this
/// takes (counted once, in a second warm-up), and its time is that of one call.
inline std::vector<Timing> interleave(const std::vector<std::function<void()>>& contenders,
                                      double seconds, int least = 5, double turn = 0,
                                      Clock clock = Clock::kWall) {
  const auto since = [clock](double start) { return seconds_on(clock) - start; };
  std::vector<std::vector<double>> taken(contenders.size());
  std::vector<int> calls(contenders.size(), 1);
  for (const auto& contender : contenders) contender();
  for (std::size_t i = 0; turn > 0 && i < contenders.size(); ++i) {
    int done = 0;
    const double start = seconds_on(clock);
    do contenders[i]();
    while (++done < 1000000 && since(start) < turn);
    calls[i] = done;
  }
  const double start = seconds_on(clock);
  for (int round = 0; round < least || since(start) < seconds; ++round)
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      const double before = seconds_on(clock);
      for (int n = 0; n < calls[i]; ++n) contenders[i]();
      taken[i].push_back(since(before) / calls[i]);
    }
  std::vector<Timing> result;
  for (auto& t : taken) result.push_back(summarise(std::move(t)));
  return result;
}

inline double geometric_mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += std::log(v);
  return std::exp(sum / static_cast<double>(values.size()));
}

/// Keeps this process on the processor it is on.
inline void pin_to_one_core() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(std::max(0, sched_getcpu())), &set);
  sched_setaffinity(0, sizeof(set), &set);
}

/// The processor's name, as the system gives it.
inline std::string machine() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

}  // namespace bench
