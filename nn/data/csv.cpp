// xtensor reads CSV too, but takes "1.5 apples" for 1.5 and two rows of 2 and 4 cells for two of 3.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <istream>
#include <limits>
#include <string_view>

#include "../../autograd/ops/ops.hpp"
#include "tables.hpp"

namespace reel {
namespace data {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

/// At most 40 bytes, without control characters.
std::string shown(std::string_view cell) {
  std::string text(cell.substr(0, 40));
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return cell.size() > 40 ? text + "..." : text;
}

/// The cells of one line; a delimiter in double quotes belongs to its cell.
std::vector<std::string_view> cells_of(std::string_view line, char delimiter) {
  std::vector<std::string_view> cells;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= line.size(); ++i) {
    if (i < line.size() && line[i] == '"') quoted = !quoted;
    if (i < line.size() && (quoted || line[i] != delimiter)) continue;
    auto cell = trimmed(line.substr(begin, i - begin));
    if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"')
      cell = trimmed(cell.substr(1, cell.size() - 2));
    cells.push_back(cell);
    begin = i + 1;
  }
  return cells;
}

template <class T>
bool parse(std::string_view cell, T& value) {
  if (cell.size() > 1 && cell.front() == '+' && cell[1] != '-') cell.remove_prefix(1);
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return error == std::errc() && end == cell.data() + cell.size();
}

class Reader {
 public:
  Reader(std::istream& stream, const std::string& source, const CsvOptions& options)
      : stream_(stream), source_(source), options_(options) {}

  CsvTable read();

 private:
  template <class T>
  CsvTable read_as(ScalarType dtype) {
    if constexpr (std::is_integral_v<T>) {
      const double m = options_.missing().value_or(0);
      // The largest int64 becomes 2^63, which is none any more.
      check(m >= static_cast<double>(std::numeric_limits<T>::min()) &&
                m < static_cast<double>(std::numeric_limits<T>::max()) + 1 && m == std::floor(m),
            "[read_csv] missing ", m, " is not a number of type ", dtype_name(dtype));
    }
    CsvTable table;
    std::vector<T> values;
    std::size_t columns = 0, rows = 0, skipped = 0;
    bool header_due = options_.header();
    std::string line;
    while (std::getline(stream_, line)) {
      ++line_;
      if (skipped < options_.skip_rows()) {
        ++skipped;
        continue;
      }
      if (trimmed(line).empty() || line.front() == options_.comment()) continue;
      if (options_.max_rows() && rows == *options_.max_rows()) break;
      const auto cells = cells_of(line, options_.delimiter());
      if (columns == 0) columns = cells.size();
      check<FileError>(cells.size() == columns, where(), ": ", cells.size(), " cells, but the ",
                       "first row has ", columns);
      if (header_due) {
        table.header.assign(cells.begin(), cells.end());
        header_due = false;
        continue;
      }
      for (std::size_t i = 0; i < columns; ++i) values.push_back(number<T>(cells[i], i + 1));
      ++rows;
    }
    check<FileError>(!stream_.bad(), "[read_csv] ", source_, ": reading failed");
    table.values =
        empty({static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)}, dtype);
    std::copy(values.begin(), values.end(), table.values.data_ptr<T>());
    return table;
  }

  template <class T>
  T number(std::string_view cell, std::size_t column) const {
    if (cell.empty() && options_.missing()) return static_cast<T>(*options_.missing());
    check<FileError>(!cell.empty(), where(), ", column ", column, ": the cell is empty; set ",
                     "missing() to what stands for it");
    T value{};
    check<FileError>(parse(cell, value), where(), ", column ", column, ": '", shown(cell),
                     "' is not a number of type ", dtype_name(dtype_of<T>::value));
    return value;
  }

  std::string where() const {
    return reel::detail::message("[read_csv] ", source_, ", line ", line_);
  }

  std::istream& stream_;
  const std::string& source_;
  const CsvOptions& options_;
  std::size_t line_ = 0;
};

// Behind the class: within it clang 14 forgets to make what the lambda calls.
CsvTable Reader::read() {
  const ScalarType dtype = options_.dtype();
  return dispatch(dtype, [&](auto tag) -> CsvTable {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, bool>)
      throw DtypeError("[read_csv] cells are not read as bool; read uint8 and compare with 0");
    else
      return read_as<T>(dtype);
  });
}

}  // namespace

Tensor CsvTable::column(const std::string& name) const {
  const auto found = std::find(header.begin(), header.end(), name);
  check(found != header.end(), "[CsvTable] there is no column '", name, "' among ", header.size());
  return values.select(1, found - header.begin());
}

CsvTable read_csv(std::istream& stream, const CsvOptions& options) {
  return Reader(stream, "<stream>", options).read();
}

CsvTable read_csv(const std::string& path, const CsvOptions& options) {
  std::ifstream stream(path);
  check<FileError>(stream.is_open(), "[read_csv] cannot open ", path);
  return Reader(stream, path, options).read();
}

}  // namespace data
}  // namespace reel
