// Saving and loading one float32 tensor: reel's formats, bare loops over to_chars and from_chars,
// nlohmann_json, libtorch. Processor time by turns in one process, without waiting for the disk;
// peak memory in a process of its own.
#include "files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <reel/reel.hpp>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "timing.hpp"

namespace {

using bench::Way;
using Json = nlohmann::json;

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

/// Writes or reads in pieces, by the system's calls.
class File {
 public:
  File(const std::string& path, int flags) : number_(::open(path.c_str(), flags, 0666)) {
    require(number_ >= 0, "cannot open a file");
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(number_); }
  void write(const char* data, std::size_t size) const {
    while (size > 0) {
      const ::ssize_t put = ::write(number_, data, size);
      require(put > 0, "cannot write");
      data += put;
      size -= static_cast<std::size_t>(put);
    }
  }
  std::size_t read(char* data, std::size_t size) const {
    std::size_t done = 0;
    for (::ssize_t got = 1; got > 0 && done < size; done += static_cast<std::size_t>(got)) {
      got = ::read(number_, data + done, size - done);
      require(got >= 0, "cannot read");
    }
    return done;
  }

 private:
  int number_;
};

constexpr int kNew = O_WRONLY | O_CREAT | O_TRUNC;

Way raw_bytes(const reel::Tensor& tensor, const std::string& path) {
  const std::size_t size = tensor.nbytes();
  return {"raw bytes",
          [=] { File(path, kNew).write(static_cast<const char*>(tensor.data_ptr()), size); },
          [=] {
            const std::unique_ptr<char[]> values(new char[size]);
            require(File(path, O_RDONLY).read(values.get(), size) == size, "short file");
          }};
}

/// [1.5,2,...] and nothing else.
Way bare_loops(const reel::Tensor& tensor, const std::string& path) {
  const std::int64_t count = tensor.numel();
  const auto save = [=] {
    const File file(path, kNew);
    std::vector<char> text(1 << 16);
    char *at = text.data(), *const full = at + text.size() - 32;
    *at++ = '[';
    const float* values = tensor.data_ptr<float>();
    for (std::int64_t i = 0; i < count; ++i) {
      if (i != 0) *at++ = ',';
      at = std::to_chars(at, at + 31, values[i]).ptr;
      if (at < full) continue;
      file.write(text.data(), static_cast<std::size_t>(at - text.data()));
      at = text.data();
    }
    *at++ = ']';
    file.write(text.data(), static_cast<std::size_t>(at - text.data()));
  };
  const auto load = [=] {
    struct stat status {};
    require(::stat(path.c_str(), &status) == 0, "no file");
    const auto size = static_cast<std::size_t>(status.st_size);
    const std::unique_ptr<char[]> text(new char[size]);
    require(File(path, O_RDONLY).read(text.get(), size) == size, "short file");
    const std::unique_ptr<float[]> values(new float[static_cast<std::size_t>(count)]);
    const char* at = text.get() + 1;
    for (std::int64_t i = 0; i < count; ++i)
      at = std::from_chars(at, text.get() + size, values[static_cast<std::size_t>(i)]).ptr + 1;
    require(at == text.get() + size, "not all was read");
  };
  return {"to_chars, from_chars", save, load};
}

/// The same text, read by nlohmann_json's parser into a vector.
struct Floats : Json::json_sax_t {
  std::vector<float> values;
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(std::int64_t value) override { return add(static_cast<double>(value)); }
  bool number_unsigned(std::uint64_t value) override { return add(static_cast<double>(value)); }
  bool number_float(double value, const std::string&) override { return add(value); }
  bool string(std::string&) override { return true; }
  bool binary(Json::binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(std::string&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
    return false;
  }
  bool add(double value) {
    values.push_back(static_cast<float>(value));
    return true;
  }
};

Way nlohmann_dom(const reel::Tensor& tensor, const std::string& path) {
  return {"nlohmann DOM",
          [=] {
            const float* values = tensor.data_ptr<float>();
            std::ofstream(path) << Json(std::vector<float>(values, values + tensor.numel()));
          },
          [=] {
            std::ifstream in(path);
            const auto values = Json::parse(in).get<std::vector<float>>();
            require(values.size() == static_cast<std::size_t>(tensor.numel()), "not all was read");
          }};
}

Way nlohmann_sax(const reel::Tensor& tensor, const std::string& path) {
  return {"nlohmann SAX", nullptr, [=] {
            std::ifstream in(path);
            Floats floats;
            require(Json::sax_parse(in, &floats), "no JSON");
            require(floats.values.size() == static_cast<std::size_t>(tensor.numel()), "too few");
          }};
}

Way reel_way(const std::string& name, const reel::Tensor& tensor, const std::string& path,
             const reel::SaveOptions& options) {
  return {name, [=] { reel::save(tensor, path, options); },
          [=] {
            reel::Tensor loaded;
            reel::load(loaded, path);
          }};
}

/// A line of /proc/self/status, in bytes.
double status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind(key, 0) == 0) return 1024 * std::stod(line.substr(key.size() + 1));
  return 0;
}

/// How far the resident memory of a process of its own rises while it runs `work`.
double peak_bytes(const std::function<void()>& work) {
  if (!work) return 0;
  int ends[2];
  require(::pipe(ends) == 0, "no pipe");
  const ::pid_t child = ::fork();
  require(child >= 0, "no process");
  if (child == 0) {
    double rise = -1;
    try {
      reel::memory::empty_cache();                  // what is kept for reuse would not count
      std::ofstream("/proc/self/clear_refs") << 5;  // forgets the peak so far
      const double before = status_bytes("VmRSS:");
      work();
      rise = status_bytes("VmHWM:") - before;
    } catch (...) {
    }
    if (::write(ends[1], &rise, sizeof(rise)) != sizeof(rise)) ::_exit(1);
    ::_exit(0);
  }
  double rise = 0;
  require(::read(ends[0], &rise, sizeof(rise)) == sizeof(rise) && rise >= 0, "a run failed");
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  return rise;
}

void run(std::int64_t count, const std::string& folder, double seconds) {
  const reel::Tensor tensor = reel::randn({count}) * 0.1;
  const auto path = [&](const char* name) { return folder + "/" + name; };
  const auto unsynced = reel::SaveOptions().sync(false);
  std::vector<Way> ways{
      bare_loops(tensor, path("bare")),
      reel_way("reel .json", tensor, path("a.json"), unsynced),
      reel_way("reel .json base64", tensor, path("b.json"),
               reel::SaveOptions(unsynced).base64(true)),
      reel_way("reel .cbor", tensor, path("a.cbor"), unsynced),
      reel_way("reel .msgpack", tensor, path("a.msgpack"), unsynced),
      reel_way("reel .safetensors", tensor, path("a.safetensors"), unsynced),
      raw_bytes(tensor, path("raw")),
#ifdef REEL_HAVE_TORCH
      bench::torch_way(tensor.data_ptr<float>(), count, path("torch")),
#endif
      nlohmann_sax(tensor, path("bare")),
      nlohmann_dom(tensor, path("dom")),
  };
  std::vector<double> save_peaks, load_peaks;
  std::vector<std::function<void()>> saves, loads;
  const auto nothing = [] {};
  for (const Way& way : ways) {
    save_peaks.push_back(peak_bytes(way.save));
    load_peaks.push_back(peak_bytes(way.load));
    saves.push_back(way.save ? way.save : nothing);
    loads.push_back(way.load);
  }
  const auto save = bench::interleave(saves, seconds, 3, 0, bench::Clock::kProcess);
  const auto load = bench::interleave(loads, seconds, 3, 0, bench::Clock::kProcess);
  const auto n = static_cast<double>(count);
  std::printf("\n%lld floats                  ns a float (quartiles)            peak / tensor\n",
              static_cast<long long>(count));
  std::printf("                            save                 load             save    load\n");
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const auto cell = [&](const bench::Timing& t) {
      std::printf("  %6.2f (%6.2f-%6.2f)", 1e9 * t.median / n, 1e9 * t.low / n, 1e9 * t.high / n);
    };
    std::printf("%-26s", ways[i].name.c_str());
    if (ways[i].save)
      cell(save[i]);
    else
      std::printf("%24s", "");
    cell(load[i]);
    const auto bytes = static_cast<double>(tensor.nbytes());
    std::printf("  %5.2f  %5.2f\n", save_peaks[i] / bytes, load_peaks[i] / bytes);
  }
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::int64_t> counts{1'000'000, 10'000'000};
  std::string folder = std::filesystem::temp_directory_path().string();
  double seconds = 5;
  CLI::App app("Saving and loading a tensor: reel, bare loops, nlohmann_json, libtorch");
  app.add_option("--count", counts, "numbers of floats")->delimiter(',');
  app.add_option("--folder", folder, "where the files go")->check(CLI::ExistingDirectory);
  app.add_option("--seconds", seconds, "time for each number, saving and loading");
  CLI11_PARSE(app, argc, argv);
  std::string own = folder + "/reel_files_XXXXXX";
  if (::mkdtemp(own.data()) == nullptr) {
    std::fprintf(stderr, "cannot make a folder in %s\n", folder.c_str());
    return 1;
  }
  bench::pin_to_one_core();
  std::printf("%s; files in %s\n", bench::machine().c_str(), folder.c_str());
  int result = 0;
  try {
    for (const std::int64_t count : counts) run(count, own, seconds);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    result = 1;
  }
  std::filesystem::remove_all(own);
  return result;
}
