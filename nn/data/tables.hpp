// Numbers from files of other programs: CSV and NumPy's NPY.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "../../autograd/arg.hpp"
#include "../../autograd/tensor.hpp"

namespace reel {
namespace data {

struct CsvOptions {
  REEL_ARG(char, delimiter) = ',';
  /// The first row (behind skip_rows) names the columns.
  REEL_ARG(bool, header) = false;
  REEL_ARG(std::size_t, skip_rows) = 0;
  REEL_ARG(std::optional<std::size_t>, max_rows) = std::nullopt;
  /// Lines that begin with it are left out.
  REEL_ARG(char, comment) = '#';
  /// float32, float64, int64, int32 or uint8.
  REEL_ARG(ScalarType, dtype) = kFloat32;
  /// Stands for an empty cell, which is an error otherwise.
  REEL_ARG(std::optional<double>, missing) = std::nullopt;
};

struct CsvTable {
  std::vector<std::string> header;  // empty without one
  Tensor values;                    // [rows, columns]

  /// The column called `name`, [rows]. Throws Error where there is none.
  Tensor column(const std::string& name) const;
};

/// Reads a table of numbers. Empty lines are left out; spaces around a cell do not matter, and a
/// cell may be in double quotes. Throws FileError, with line and column, for a cell that is not a
/// number of the dtype and for a row that is longer or shorter than the first.
CsvTable read_csv(const std::string& path, const CsvOptions& options = {});
CsvTable read_csv(std::istream& stream, const CsvOptions& options = {});

/// Reads an array of NumPy's as a row-major tensor: dtypes f4, f8, i4, i8, u1 and b1, little
/// endian, either order of memory. Throws FileError for anything else and for a file that is
/// shorter or longer than its header says.
/// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
Tensor read_npy(const std::string& path);
Tensor read_npy(std::istream& stream);
/// Writes a tensor as such a file. Throws FileError where that fails.
void write_npy(const std::string& path, const Tensor& tensor);
void write_npy(std::ostream& stream, const Tensor& tensor);

}  // namespace data
}  // namespace reel
