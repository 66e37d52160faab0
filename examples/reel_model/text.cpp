#include "text.hpp"

#include <algorithm>
#include <charconv>

std::string shown(const std::string& text) {
  constexpr std::size_t kMost = 100;
  std::string out;
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  if (out.size() > kMost) {
    std::size_t end = kMost;
    // Not within a character of several bytes.
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0) == 0x80) --end;
    out = out.substr(0, end) + "...";
  }
  return out;
}

std::string shape_text(const reel::Tensor& tensor) {
  std::string text = "[";
  for (const std::int64_t size : tensor.sizes())
    text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

std::string number_text(double number) {
  char buffer[32];
  return std::string(
      buffer,
      std::to_chars(buffer, buffer + sizeof(buffer), number, std::chars_format::general, 4).ptr);
}

std::string count_text(std::int64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string table(const std::vector<std::vector<std::string>>& rows, const std::string& right) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool to_right = right.find(static_cast<char>('0' + i)) != std::string::npos;
      const std::string padding(widths[i] - row[i].size(), ' ');
      line += (i == 0 ? "  " : "  ") + (to_right ? padding + row[i] : row[i] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string layer_text(const reel::nn::SequenceLayer& layer) {
  using reel::nn::SequenceActivation;
  constexpr const char* kTypes[] = {"RNN", "LSTM", "GRU", "Linear"};
  constexpr const char* kActivations[] = {"", "tanh", "relu", "sigmoid", "softmax", "elu"};
  std::string text = kTypes[static_cast<int>(layer.type)];
  text += "(" + std::to_string(layer.input_size) + ", " + std::to_string(layer.output_size);
  if (layer.num_layers != 1) text += ", num_layers=" + std::to_string(layer.num_layers);
  if (!layer.bias) text += ", no bias";
  if (layer.relu) text += ", relu";
  text += ")";
  if (!layer.name.empty()) text += " '" + shown(layer.name) + "'";
  if (layer.start_state) text += ", with a start state";
  if (layer.activation != SequenceActivation::None)
    text += std::string(", then ") + kActivations[static_cast<int>(layer.activation)];
  return text;
}
