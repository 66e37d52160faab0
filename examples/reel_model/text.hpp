// Text for the terminal.
#pragma once

#include <reel/nn/interchange.hpp>

#include <string>
#include <vector>

/// `text` without control characters, and not longer than a line's worth.
std::string shown(const std::string& text);
/// "[3, 4]".
std::string shape_text(const reel::Tensor& tensor);
std::string number_text(double number);
/// "1 tensor", "2 tensors".
std::string count_text(std::int64_t count, const std::string& noun);
/// Rows below headings, columns aligned: the ones in `right` to the right.
std::string table(const std::vector<std::vector<std::string>>& rows, const std::string& right);
/// "LSTM(1, 8, num_layers=2) 'rec'".
std::string layer_text(const reel::nn::SequenceLayer& layer);
