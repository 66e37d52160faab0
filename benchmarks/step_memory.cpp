// The most memory that a training step of a character model needs, in reel and in libtorch: bytes
// of tensors, and growth of the process's resident memory, each library in a process of its own.
#include "step_memory.hpp"

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reel/reel.hpp>

#include "grid.hpp"

namespace lib = reel;
#include "models.hpp"

namespace bench {
namespace {

class ReelMemory : public MemoryContender {
 public:
  std::unique_ptr<Contender> make(const Case& c) override {
    return std::make_unique<TrainingStep>(c);
  }
  void reset() override {
    reel::memory::empty_cache();
    reel::memory::reset_peak();
  }
  std::int64_t peak() override { return static_cast<std::int64_t>(reel::memory::peak_bytes()); }
};

/// A figure of /proc/self/status, in bytes.
std::int64_t status(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.rfind(name + ":", 0) == 0) return std::stoll(line.substr(name.size() + 1)) * 1024;
  throw std::runtime_error("no " + name + " in /proc/self/status");
}

struct Peak {
  std::int64_t tensors = 0, resident = 0;
};

Peak measure(MemoryContender& library, const Case& c) {
  Case small;
  small.cell = c.cell;
  small.hidden = small.batch = small.steps = 2;
  library.make(small)->run();  // what the library needs once: code, tables, pools
  library.reset();
  malloc_trim(0);
  if (!(std::ofstream("/proc/self/clear_refs") << 5).flush())  // resets the highest value
    throw std::runtime_error("cannot write /proc/self/clear_refs");
  const std::int64_t before = status("VmRSS");
  const auto model = library.make(c);
  for (int i = 0; i < 3; ++i) model->run();
  return {library.peak(), status("VmHWM") - before};
}

/// measure() in a child process, so that nothing of one case stays for the next.
Peak measure_apart(MemoryContender& library, const Case& c) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe failed");
  std::fflush(stdout);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    int code = 1;
    try {
      const Peak p = measure(library, c);
      code = write(ends[1], &p, sizeof(p)) == sizeof(p) ? 0 : 1;
    } catch (const std::exception& e) {
      std::fprintf(stderr, "%s\n", e.what());
    }
    _exit(code);
  }
  close(ends[1]);
  Peak p;
  const bool complete = read(ends[0], &p, sizeof(p)) == sizeof(p);
  close(ends[0]);
  int how = 0;
  waitpid(child, &how, 0);
  if (!complete) throw std::runtime_error("the measuring process failed");
  return p;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::Grid grid;
  bench::Report report("step_memory", {1, "s"});
  CLI::App app("Peak memory of a training step of a character model: reel against libtorch");
  grid.add_options(app);
  report.add_options(app, 0);
  CLI11_PARSE(app, argc, argv);
  bench::ReelMemory ours;
#ifdef REEL_HAVE_TORCH
  const auto torch = bench::make_torch_memory();
#endif
  grid.each([&](const bench::Case& c) {
    const auto megabytes = [](std::int64_t bytes) { return static_cast<double>(bytes) / 1e6; };
    const bench::Peak mine = bench::measure_apart(ours, c);
    bench::Json facts{{"reel_tensors_mb", megabytes(mine.tensors)},
                      {"reel_resident_mb", megabytes(mine.resident)}};
#ifdef REEL_HAVE_TORCH
    const bench::Peak theirs = bench::measure_apart(*torch, c);
    facts["libtorch_tensors_mb"] = megabytes(theirs.tensors);
    facts["libtorch_resident_mb"] = megabytes(theirs.resident);
    facts["tensors_ratio"] = megabytes(theirs.tensors) / megabytes(mine.tensors);
    facts["resident_ratio"] = megabytes(theirs.resident) / megabytes(mine.resident);
#endif
    report.add(keys(c), facts);
  });
  report.finish();
}
