// Runs a fuzzer's target in builds without libFuzzer: NAME_replay FOLDER [SECONDS [SEED]] runs it
// over the files of the folder, then for so many seconds over random changes of them. An input
// that ends the program is left behind as a file.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

void run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

/// The files, sorted by name, so that a seed means the same everywhere.
std::vector<std::string> contents(const std::string& folder) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> all;
  for (const fs::path& path : paths) {
    std::ifstream in(path, std::ios::binary);
    all.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return all;
}

class Changes {
 public:
  Changes(const std::vector<std::string>& files, std::uint64_t seed)
      : files_(files), random_(seed) {}

  /// One of the files, changed in one to four places.
  std::string next() {
    std::string text = any_file();
    for (std::size_t left = 1 + below(4); left > 0; --left) change(text);
    return text;
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }
  const std::string& any_file() { return files_[below(files_.size())]; }
  char byte() { return static_cast<char>(random_()); }

  void change(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    const std::size_t piece = std::min(1 + below(below(2) == 0 ? 8 : 64), text.size() - at);
    switch (below(7)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ 1 << below(8));
        break;
      case 1:
        text.insert(at, 1, below(2) == 0 ? byte() : R"(0-.e"[]{},:\)"[below(12)]);
        break;
      case 2:
        text.erase(at, piece);
        break;
      case 3:
        text.insert(below(text.size() + 1), text.substr(at, piece));
        break;
      case 4:  // the head of one and the tail of another
        text.resize(at);
        text += any_file();
        text.erase(at, below(text.size() - at + 1));
        break;
      case 5:
        change_number(text, at);
        break;
      default:  // a length or a number in binary, at the edge of what it may be
        for (std::size_t i = at; i < std::min(at + 8, text.size()); ++i)
          text[i] = i % 8 == at % 8 ? byte() : below(2) == 0 ? '\0' : '\xff';
    }
  }
  /// Replaces the decimal digits at or behind a place.
  void change_number(std::string& text, std::size_t at) {
    constexpr const char* kNumbers[] = {
        "0",     "1",     "-1",  "2147483648",          "18446744073709551616",
        "1e999", "1e-99", "0.5", "1152921504606846976", "-0",
        "00",    "65536"};
    const std::size_t begin = std::min(text.find_first_of("0123456789", at), text.size());
    const std::size_t end = std::min(text.find_first_not_of("0123456789", begin), text.size());
    text.replace(begin, end - begin, kNumbers[below(std::size(kNumbers))]);
  }

  const std::vector<std::string>& files_;
  std::mt19937_64 random_;
};

/// What both processes see: the input that is being run.
struct Shared {
  std::size_t runs = 0, size = 0;
  char bytes[1 << 20];
};

/// Runs changed files in a process of its own; whether all went well.
bool run_changes(const std::vector<std::string>& files, const std::string& name, double seconds,
                 std::uint64_t seed) {
  void* memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  Shared& shared = *new (memory) Shared;
  const ::pid_t child = ::fork();
  if (child == 0) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    for (Changes changes(files, seed); Clock::now() < end; ++shared.runs) {
      std::string bytes = changes.next();
      bytes.resize(std::min(bytes.size(), sizeof(shared.bytes)));
      std::copy(bytes.begin(), bytes.end(), shared.bytes);
      shared.size = bytes.size();
      ::alarm(30);  // ends a run that does not end
      run(bytes);
    }
    ::alarm(0);
    std::exit(0);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return false;
  std::printf("fuzz: %s: %zu files and %zu random changes of them in %g s, seed %llu\n",
              name.c_str(), files.size(), shared.runs, seconds,
              static_cast<unsigned long long>(seed));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  const std::string left = "failed_" + name;
  std::ofstream(left, std::ios::binary) << std::string(shared.bytes, shared.size);
  std::printf("FAILED at the input in %s\n", fs::absolute(left).c_str());
  return false;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2 || count > 4) {
    std::fprintf(stderr, "usage: %s FOLDER [SECONDS [SEED]]\n", arguments[0]);
    return 2;
  }
  const std::string folder = arguments[1];
  const std::vector<std::string> files = contents(folder);
  for (const std::string& bytes : files) run(bytes);
  if (files.empty() || count == 2) {
    std::printf("%zu files\n", files.size());
    return files.empty() ? 1 : 0;
  }
  const double seconds = std::strtod(arguments[2], nullptr);
  const std::uint64_t seed = count == 4 ? std::strtoull(arguments[3], nullptr, 10) : 1;
  return run_changes(files, fs::path(folder).filename().string(), seconds, seed) ? 0 : 1;
}
