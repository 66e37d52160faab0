#include "checkpoints.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <system_error>
#include <tuple>
#include <utility>

#include "file_output.hpp"

namespace reel {

namespace fs = std::filesystem;

namespace {

const std::string kPrefix = "checkpoint-";

/// The step in "checkpoint-{step}{extension}".
std::optional<std::int64_t> step_of(const std::string& name, const std::string& extension) {
  if (name.size() <= kPrefix.size() + extension.size() ||
      name.compare(0, kPrefix.size(), kPrefix) ||
      name.compare(name.size() - extension.size(), extension.size(), extension))
    return std::nullopt;
  const char* begin = name.data() + kPrefix.size();
  const char* end = name.data() + name.size() - extension.size();
  std::int64_t step = 0;
  const auto result = std::from_chars(begin, end, step);
  if (result.ec != std::errc{} || result.ptr != end) return std::nullopt;
  return step;
}

void check_done(const std::error_code& error, const std::string& path, const char* doing) {
  check<FileError>(!error, "[Checkpoints] ", path, ": cannot ", doing, ": ", error.message());
}

}  // namespace

Checkpoints::Checkpoints(std::string folder, CheckpointOptions options)
    : folder_(std::move(folder)), options_(std::move(options)) {
  check(options_.keep() >= 1, "[Checkpoints] keep must be at least 1, found ", options_.keep());
  check(format_of_path("x" + options_.extension()) != FileFormat::Automatic, "[Checkpoints] '",
        options_.extension(), "' is the extension of no format; use .json, ",
        ".json.gz, .cbor, .msgpack or .safetensors");
  check(options_.save_options().format() == FileFormat::Automatic,
        "[Checkpoints] the extension says the format; leave it out of save_options");
  std::error_code error;
  fs::create_directories(folder_, error);
  check_done(error, folder_, "make the folder");
}

std::string Checkpoints::path_of(const std::string& name) const {
  return (fs::path(folder_) / (name + options_.extension())).string();
}

std::string Checkpoints::save(StateFile file, std::int64_t step, std::optional<double> score) {
  check(step >= 0, "[Checkpoints::save] step must be at least 0, found ", step);
  file.metadata.set("step", step);
  const bool scored = score && std::isfinite(*score);
  if (scored)
    file.metadata.set("score", *score);
  else
    file.metadata.erase("score");
  // Zeros, so that names sort as numbers do.
  std::string digits = std::to_string(step);
  digits.insert(0, digits.size() < 9 ? 9 - digits.size() : 0, '0');
  const std::string path = path_of(kPrefix + digits);
  file.write(path, options_.save_options());
  if (scored && is_best(*score)) {
    files::link_file(path, path_of("best"));
    best_score_ = *score;
  }

  std::vector<std::string> paths = list();
  // Times have a resolution: whatever they say, the new one stays.
  paths.erase(std::remove(paths.begin(), paths.end(), path), paths.end());
  const auto others = static_cast<std::size_t>(options_.keep() - 1);
  for (std::size_t i = 0; i + others < paths.size(); ++i) {
    std::error_code error;
    fs::remove(paths[i], error);
    check_done(error, paths[i], "remove the file");
  }
  return path;
}

bool Checkpoints::is_best(double score) {
  if (!best_score_) {
    const auto path = best();
    if (!path) return true;
    best_score_ = StateFile::read(*path).metadata.get<double>("score");
  }
  return options_.higher_is_better() ? score > *best_score_ : score < *best_score_;
}

std::vector<std::string> Checkpoints::list() const {
  using Entry = std::tuple<fs::file_time_type, std::int64_t, std::string>;
  std::vector<Entry> entries;
  std::error_code error;
  fs::directory_iterator at(folder_, error);
  check_done(error, folder_, "read the folder");
  for (; at != fs::directory_iterator(); at.increment(error)) {
    const auto step = step_of(at->path().filename().string(), options_.extension());
    if (!step) continue;
    const auto time = fs::last_write_time(at->path(), error);
    check_done(error, at->path().string(), "read the time of the file");
    entries.emplace_back(time, *step, at->path().string());
  }
  check_done(error, folder_, "read the folder");
  std::sort(entries.begin(), entries.end());
  std::vector<std::string> paths;
  for (const Entry& entry : entries) paths.push_back(std::get<2>(entry));
  return paths;
}

std::optional<std::string> Checkpoints::latest() const {
  std::vector<std::string> paths = list();
  if (paths.empty()) return std::nullopt;
  return paths.back();
}

std::optional<std::string> Checkpoints::best() const {
  const std::string path = path_of("best");
  if (!fs::exists(path)) return std::nullopt;
  return path;
}

}  // namespace reel
