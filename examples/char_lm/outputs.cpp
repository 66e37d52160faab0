#include "outputs.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "progress.hpp"

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw std::runtime_error("cannot write \"" + path + "\": " + why);
}

// In the same folder, so that a rename puts the file in place.
std::string temporary_name(const std::string& path) { return path + ".tmp"; }

}  // namespace

void check_writable(const std::string& path) {
  if (fs::is_directory(path)) fail(path, "it is a folder");
  if (fs::exists(path) && !fs::is_regular_file(path)) fail(path, "it is a device or the like");
  const std::string temporary = temporary_name(path);
  if (!std::ofstream(temporary)) fail(path, std::strerror(errno));
  std::remove(temporary.c_str());
}

void write_file(const std::string& path, const std::string& content) {
  const std::string temporary = temporary_name(path);
  std::ofstream file(temporary, std::ios::binary);
  file << content;
  file.close();
  if (!file || std::rename(temporary.c_str(), path.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    std::remove(temporary.c_str());
    fail(path, why);
  }
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
