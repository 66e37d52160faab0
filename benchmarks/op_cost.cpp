// What one op costs in reel, and in libtorch where that is installed: nanoseconds to record it and
// to run its backward on small tensors, and microseconds for a large contiguous one without
// gradients. The libraries take turns in one process on one core.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <reel/reel.hpp>

#include "report.hpp"

namespace lib = reel;
#include "op_cost_list.hpp"

namespace bench {
std::unique_ptr<OpLibrary> make_reel_ops() { return std::make_unique<Ops>(); }

namespace {

struct Setting {
  double seconds = 0.05;
  bool float64 = false;
};

// One measured quantity of one op: a Timing per library, reel first.
struct Row {
  OpInfo op;
  const char* what;
  std::int64_t elements;
  std::vector<Timing> time;
  double ratio() const { return time.size() < 2 ? 0 : time[1].median / time[0].median; }
};

std::vector<Row> measure(const std::vector<std::unique_ptr<OpLibrary>>& libraries, std::size_t op,
                         std::int64_t elements, bool large, const Setting& s) {
  const OpInfo info = libraries[0]->ops()[op];
  std::vector<std::unique_ptr<OpTimer>> timers;
  for (const auto& l : libraries) timers.push_back(l->timer(op, elements, s.float64));
  std::vector<std::vector<double>> first(timers.size()), second(timers.size());
  // Enough ops in a turn that what it touches is its own again and that the fixed cost of a
  // backward call is spread; few enough that no gradient along a chain becomes a denormal number.
  const int count = !large ? 48 : elements > 300000 ? 2 : 8;
  const double start = seconds_on(Clock::kProcess);
  const auto elapsed = [&] { return seconds_on(Clock::kProcess) - start; };
  for (int round = -1; round < 5 || elapsed() < s.seconds; ++round)
    for (std::size_t i = 0; i < timers.size(); ++i) {
      const OpCost cost =
          large ? OpCost{timers[i]->forward(count), 0} : timers[i]->record_and_backward(count);
      if (round < 0) continue;
      first[i].push_back(cost.record);
      second[i].push_back(cost.backward);
    }
  const auto row = [&](const char* what, std::vector<std::vector<double>>& taken) {
    Row r{info, what, elements, {}};
    for (auto& t : taken) r.time.push_back(summarise(std::move(t)));
    return r;
  };
  if (large) return {row("forward", first)};
  std::vector<Row> rows{row("record", first)};
  if (info.gradient) rows.push_back(row("backward", second));
  return rows;
}

void print_time(const Timing& t, double unit) {
  std::printf(" %9.1f (%.1f-%.1f)", t.median * unit, t.low * unit, t.high * unit);
}

void print(const Row& r, double unit) {
  std::printf("%-11s %-26s %-9s", r.op.family.c_str(), r.op.name.c_str(), r.what);
  for (const Timing& t : r.time) print_time(t, unit);
  if (r.time.size() > 1) std::printf("  %7.2f%s", r.ratio(), r.ratio() < 1 ? "  <" : "");
  std::printf("\n");
  std::fflush(stdout);
}

void write_json(const std::string& path, const std::vector<Row>& rows, const Setting& s) {
  Json all = {{"program", "op_cost"},
              {"machine", machine_line()},
              {"dtype", s.float64 ? "float64" : "float32"},
              {"rows", Json::array()}};
  const char* libraries[] = {"reel", "libtorch"};
  for (const Row& r : rows) {
    Json row = {
        {"family", r.op.family}, {"op", r.op.name}, {"what", r.what}, {"elements", r.elements}};
    for (std::size_t k = 0; k < r.time.size(); ++k)
      row["seconds"][libraries[k]] = {
          {"median", r.time[k].median}, {"low", r.time[k].low}, {"high", r.time[k].high}};
    all["rows"].push_back(std::move(row));
  }
  std::ofstream out(path);
  out << all.dump(1) << '\n';
  reel::check<reel::FileError>(static_cast<bool>(out.flush()), "[op_cost] cannot write ", path);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  std::vector<std::int64_t> small{1, 16, 256, 4096}, large{1 << 16, 1 << 20};
  std::vector<std::string> only;
  std::string dtype = "float32", json;
  bench::Setting setting;
  bool pin = true;
  CLI::App app("The cost of single ops: reel against libtorch");
  app.add_option("--small", small, "elements for the cost of recording and of backward")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  app.add_option("--large", large, "elements for the throughput")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  app.add_option("--only", only, "only ops whose family or name contains one of these")
      ->delimiter(',');
  app.add_option("--dtype", dtype)->check(CLI::IsMember({"float32", "float64"}));
  app.add_option("--seconds", setting.seconds, "time for each op and size");
  app.add_option("--json", json, "file to write the figures to");
  bool no_small = false, no_large = false;
  app.add_flag("--no-small", no_small, "leave out the cost on small tensors");
  app.add_flag("--no-large", no_large, "leave out the throughput");
  app.add_flag("--pin,!--no-pin", pin, "stay on one core");
  CLI11_PARSE(app, argc, argv);
  setting.float64 = dtype == "float64";
  if (no_small) small.clear();
  if (no_large) large.clear();
  if (pin) bench::pin_to_one_core();

  std::vector<std::unique_ptr<bench::OpLibrary>> libraries;
  libraries.push_back(bench::make_reel_ops());
#ifdef REEL_HAVE_TORCH
  libraries.push_back(bench::make_torch_ops());
#else
  std::printf("built without libtorch: reel's times only\n");
#endif
  std::printf("%s; %s, one thread, medians (quartiles)\n", bench::machine_line().c_str(),
              dtype.c_str());
  const auto ops = libraries[0]->ops();
  const auto wanted = [&](const bench::OpInfo& op) {
    return only.empty() || std::any_of(only.begin(), only.end(), [&](const std::string& s) {
             return (op.family + " " + op.name).find(s) != std::string::npos;
           });
  };
  std::vector<bench::Row> rows;
  const auto table = [&](std::int64_t elements, bool is_large) {
    std::printf("\n%lld elements, %s per op: reel, libtorch, ratio\n",
                static_cast<long long>(elements), is_large ? "us" : "ns");
    for (std::size_t i = 0; i < ops.size(); ++i) {
      if (!(is_large ? ops[i].large : ops[i].small) || !wanted(ops[i])) continue;
      for (auto& row : bench::measure(libraries, i, elements, is_large, setting)) {
        bench::print(row, is_large ? 1e6 : 1e9);
        rows.push_back(std::move(row));
      }
    }
  };
  for (const auto n : small) table(n, false);
  for (const auto n : large) table(n, true);
  if (!json.empty()) bench::write_json(json, rows, setting);
}
