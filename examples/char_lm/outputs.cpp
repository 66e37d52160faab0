#include "outputs.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "progress.hpp"

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw std::runtime_error("cannot write \"" + path + "\": " + why);
}

// A new file beside `path`, so that a rename puts it in place; removed unless that happened. A file
// of another program that has the name is left alone, and the next name is tried.
class Temporary {
 public:
  explicit Temporary(const std::string& path) : path_(path) {
    for (int i = 0; file_ == nullptr; ++i) {
      name_ = path + "." + std::to_string(i) + ".tmp";
      file_ = std::fopen(name_.c_str(), "wbx");
      if (file_ == nullptr && (errno != EEXIST || i == 1000)) fail(path, std::strerror(errno));
    }
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (file_ != nullptr) std::fclose(file_);
    if (!name_.empty()) std::remove(name_.c_str());
  }
  void put_in_place(const std::string& content) {
    const bool written = std::fwrite(content.data(), 1, content.size(), file_) == content.size();
    const bool closed = std::fclose(std::exchange(file_, nullptr)) == 0;
    if (!written || !closed || std::rename(name_.c_str(), path_.c_str()) != 0)
      fail(path_, std::strerror(errno));
    name_.clear();
  }

 private:
  std::string path_, name_;
  std::FILE* file_ = nullptr;
};

}  // namespace

void check_writable(const std::string& path) {
  if (fs::is_directory(path)) fail(path, "it is a folder");
  if (fs::exists(path) && !fs::is_regular_file(path)) fail(path, "it is a device or the like");
  const Temporary can_be_made(path);
}

void write_file(const std::string& path, const std::string& content) {
  Temporary(path).put_in_place(content);
}

Metrics::Metrics(std::string path, std::int64_t last) : path_(std::move(path)) {
  if (last == 0) return;
  std::ifstream file(path_);
  long long step = 0;
  for (std::string line; std::getline(file, line);)
    if (std::sscanf(line.c_str(), "{\"step\":%lld,", &step) == 1 && step <= last)
      lines_ += line + "\n";
}

void Metrics::add(const Measurement& m) {
  char line[400];
  std::snprintf(line, sizeof line,
                "{\"step\":%lld,\"epoch\":%.4f,\"training_loss\":%.6f,\"validation_loss\":%.6f,"
                "\"validation_bits_per_character\":%.6f,\"bigram_loss\":%.6f,"
                "\"characters_per_second\":%.0f,\"seconds\":%.2f}\n",
                static_cast<long long>(m.step), m.epoch, m.training_loss, m.validation_loss,
                bits(m.validation_loss), m.bigram_loss, m.characters_per_second, m.seconds);
  lines_ += line;
  write_file(path_, lines_);
}
