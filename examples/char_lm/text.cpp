#include "text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace fs = std::filesystem;

namespace {

#ifdef REEL_XTENSOR_INCLUDE
const fs::path xtensor_include = REEL_XTENSOR_INCLUDE;
#else
const fs::path xtensor_include = "/usr/include/xtensor";
#endif

std::string read_file(const fs::path& path) {
  if (fs::is_directory(path))
    throw std::runtime_error("\"" + path.string() + "\" is a folder; give one text file");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  if (!file)
    throw std::runtime_error("cannot read \"" + path.string() + "\": " + std::strerror(errno));
  return content;
}

std::string read_xtensor_headers() {
  const fs::path nested = xtensor_include / "xtensor";
  const fs::path folder = fs::is_directory(nested) ? nested : xtensor_include;
  std::vector<fs::path> headers;
  if (fs::is_directory(folder))
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.path().extension() == ".hpp") headers.push_back(entry.path());
  if (headers.empty())
    throw std::runtime_error("no headers of xtensor under \"" + folder.string() +
                             "\"; give a text file");
  std::sort(headers.begin(), headers.end());
  std::string text;
  for (const fs::path& header : headers) text += read_file(header);
  return text;
}

}  // namespace

std::string read_text(const std::string& path) {
  std::string text = path.empty() ? read_xtensor_headers() : read_file(path);
  if (text.empty())
    throw std::runtime_error("\"" + path + "\" is empty; there is nothing to learn");
  return text;
}

Vocabulary::Vocabulary(const std::string& text) {
  std::array<bool, 256> seen{};
  for (const char c : text) seen[static_cast<unsigned char>(c)] = true;
  for (std::size_t byte = 0; byte < seen.size(); ++byte)
    if (seen[byte]) bytes_.push_back(static_cast<char>(byte));
}

reel::Tensor Vocabulary::encode(const std::string& text, const std::string& what) const {
  std::array<int, 256> number;
  number.fill(-1);
  for (std::size_t i = 0; i < bytes_.size(); ++i)
    number[static_cast<unsigned char>(bytes_[i])] = static_cast<int>(i);

  const reel::Tensor numbers = reel::empty({static_cast<std::int64_t>(text.size())}, reel::kUInt8);
  std::uint8_t* out = numbers.data_ptr<std::uint8_t>();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (number[byte] < 0)
      throw std::runtime_error(what + " has the byte " + std::to_string(byte) + " at place " +
                               std::to_string(i) + ", which the model has never seen (it knows " +
                               std::to_string(bytes_.size()) + " different bytes)");
    out[i] = static_cast<std::uint8_t>(number[byte]);
  }
  return numbers;
}

Split::Split(const reel::Tensor& text) {
  const std::int64_t held_out = text.numel() / 20;
  training = text.narrow(0, 0, text.numel() - held_out);
  validation = text.narrow(0, text.numel() - held_out, held_out);
}

Streams::Streams(const reel::Tensor& text, std::int64_t batch, std::int64_t length)
    : length_(length) {
  const std::int64_t per_stream = (text.numel() - 1) / batch / length * length;
  const std::int64_t used = batch * per_stream;
  inputs_ = text.narrow(0, 0, used).view({batch, per_stream});
  targets_ = text.narrow(0, 1, used).view({batch, per_stream});
}

Window Streams::window(std::int64_t index) const {
  const auto cut = [&](const reel::Tensor& streams) {
    return streams.narrow(1, index * length_, length_).t().contiguous().to(reel::kInt64);
  };
  return {cut(inputs_), cut(targets_)};
}

double bigram_loss(const reel::Tensor& train, const reel::Tensor& validation,
                   std::int64_t vocabulary) {
  const auto size = static_cast<std::size_t>(vocabulary);
  std::vector<double> pairs(size * size), firsts(size);
  const std::uint8_t* seen = train.data_ptr<std::uint8_t>();
  for (std::int64_t i = 1; i < train.numel(); ++i) {
    ++pairs[seen[i - 1] * size + seen[i]];
    ++firsts[seen[i - 1]];
  }
  const std::uint8_t* text = validation.data_ptr<std::uint8_t>();
  double best = INFINITY;
  for (const double smoothing : {0.01, 0.03, 0.1, 0.3, 1.0, 3.0}) {
    double loss = 0.0;
    for (std::int64_t i = 1; i < validation.numel(); ++i)
      loss -= std::log((pairs[text[i - 1] * size + text[i]] + smoothing) /
                       (firsts[text[i - 1]] + smoothing * static_cast<double>(size)));
    best = std::min(best, loss / static_cast<double>(validation.numel() - 1));
  }
  return best;
}
