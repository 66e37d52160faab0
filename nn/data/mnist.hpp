// The MNIST digits, which recurrent networks read as 28 rows of 28 numbers.
#pragma once

#include <optional>
#include <string>

#include "dataset.hpp"

namespace reel {
namespace data {
namespace datasets {

/// Digits from the four files of the original distribution (unpacked) in a folder: images
/// [1, 28, 28], float32 from 0 to 1, and int64 classes.
/// https://pytorch.org/cppdocs/api/classtorch_1_1data_1_1datasets_1_1_m_n_i_s_t.html
class MNIST : public Dataset<MNIST> {
 public:
  enum class Mode { kTrain, kTest };

  /// Throws FileError, with the file's name, where one is missing or is not what it should be.
  explicit MNIST(const std::string& root, Mode mode = Mode::kTrain);
  Example<> get(std::size_t index) override;
  std::optional<std::size_t> size() const override;
  bool is_train() const noexcept { return mode_ == Mode::kTrain; }
  const Tensor& images() const { return images_; }    // [n, 1, 28, 28]
  const Tensor& targets() const { return targets_; }  // [n]

 private:
  Mode mode_;
  Tensor images_, targets_;
};

}  // namespace datasets
}  // namespace data
}  // namespace reel
