// xtensor reads NPY too, but allocates what the header says before it looks at the file, and does
// not notice where the data end early.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <istream>
#include <ostream>
#include <string_view>

#include "../../autograd/ops/ops.hpp"
#include "bytes_of.hpp"
#include "tables.hpp"

namespace reel {
namespace data {
namespace {

constexpr std::string_view kMagic{"\x93NUMPY", 6};

struct Descr {
  std::string_view name;
  ScalarType dtype;
};
constexpr std::array<Descr, 6> kDescrs{{{"<f4", kFloat32},
                                        {"<f8", kFloat64},
                                        {"<i4", kInt32},
                                        {"<i8", kInt64},
                                        {"|u1", kUInt8},
                                        {"|b1", kBool}}};

template <class... Parts>
void require(bool condition, const std::string& source, const Parts&... parts) {
  check<FileError>(condition, "[read_npy] ", source, ": ", parts...);
}

/// The header: a dictionary of Python's with the keys descr, fortran_order and shape, in any order.
class Header {
 public:
  Header(std::string_view text, const std::string& source) : text_(text), source_(source) {
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && descr.empty())
        descr = quoted();
      else if (key == "fortran_order" && !has_order_)
        read_order();
      else if (key == "shape" && !has_shape_)
        read_shape();
      else
        fail("an unexpected key");
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) fail("text behind the header");
    if (descr.empty() || !has_order_ || !has_shape_) fail("a key is missing");
  }

  std::string_view descr;
  bool fortran_order = false;
  Dims shape;

 private:
  [[noreturn]] void fail(const char* what) const {
    throw FileError(reel::detail::message("[read_npy] ", source_, ": the header is not valid at ",
                                          "character ", at_, ": ", what));
  }
  void skip_space() {
    while (at_ < text_.size() && std::strchr(" \n\t\r", text_[at_]) != nullptr && text_[at_]) ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail((std::string("expected ") + c).c_str());
  }
  bool accept_word(std::string_view word) {
    skip_space();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  std::string_view quoted() {
    const char quote = accept('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const std::size_t end = text_.find(quote, at_);
    if (end == text_.npos) fail("a text without end");
    const auto inside = text_.substr(at_, end - at_);
    at_ = end + 1;
    return inside;
  }
  void read_order() {
    has_order_ = true;
    fortran_order = accept_word("True");
    if (!fortran_order && !accept_word("False")) fail("expected True or False");
  }
  void read_shape() {
    has_shape_ = true;
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::int64_t size = 0;
      const auto [end, error] =
          std::from_chars(text_.data() + at_, text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0) fail("expected a size");
      at_ = static_cast<std::size_t>(end - text_.data());
      if (shape.size() == 64) fail("more than 64 dimensions");
      shape.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }

  std::string_view text_;
  const std::string& source_;
  std::size_t at_ = 0;
  bool has_order_ = false, has_shape_ = false;
};

Tensor read(const std::string& bytes, const std::string& source) {
  require(std::string_view(bytes).substr(0, 6) == kMagic && bytes.size() >= 10, source,
          "this is not an NPY file");
  const int version = bytes[6];
  require(version >= 1 && version <= 3 && bytes[7] == 0, source, "format version ", version, '.',
          int{bytes[7]}, " is not known; expected 1.0, 2.0 or 3.0");
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  require(bytes.size() >= 8 + length_bytes, source, "the file ends in its header");
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i)
    length |= std::size_t{static_cast<unsigned char>(bytes[8 + i])} << (8 * i);
  const std::size_t data_at = 8 + length_bytes + length;
  require(bytes.size() >= data_at, source, "the file ends in its header");
  const Header header(std::string_view(bytes).substr(8 + length_bytes, length), source);

  const auto* known = std::find_if(kDescrs.begin(), kDescrs.end(),
                                   [&](const Descr& d) { return d.name == header.descr; });
  require(known != kDescrs.end(), source, "elements of type '", header.descr.substr(0, 20),
          "' are not supported; convert in Python with .astype('<f4'), <f8, <i4, <i8, |u1 or |b1");
  std::int64_t count = 0;
  try {
    count = count_elements(header.shape);
  } catch (const ShapeError&) {
    require(false, source, "a shape of ", IntArrayRef(header.shape), " is too large");
  }
  const std::size_t available = bytes.size() - data_at, each = element_size(known->dtype);
  require(available % each == 0 && available / each == static_cast<std::size_t>(count), source,
          "the shape ", IntArrayRef(header.shape), " needs ", count, " elements of ", each,
          " bytes, but the file has ", available, " bytes of data");

  Dims sizes = header.shape;
  if (header.fortran_order) std::reverse(sizes.begin(), sizes.end());
  Tensor t = empty(sizes, known->dtype);
  if (available != 0) std::memcpy(t.data_ptr(), bytes.data() + data_at, available);
  if (known->dtype == kBool)
    for (std::size_t i = data_at; i < bytes.size(); ++i)
      require(bytes[i] == 0 || bytes[i] == 1, source, "element ", i - data_at,
              " of type bool is neither 0 nor 1");
  if (!header.fortran_order) return t;
  Dims reversed(sizes.size(), 0);
  for (std::size_t i = 0; i < reversed.size(); ++i)
    reversed[i] = static_cast<std::int64_t>(reversed.size() - 1 - i);
  return t.permute(reversed).contiguous();
}

std::string whole(std::istream& stream, const std::string& source) {
  std::string bytes = bytes_of(stream);
  require(!stream.bad(), source, "reading failed");
  return bytes;
}

}  // namespace

Tensor read_npy(std::istream& stream) { return read(whole(stream, "<stream>"), "<stream>"); }

Tensor read_npy(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  require(stream.is_open(), path, "the file cannot be opened");
  return read(whole(stream, path), path);
}

void write_npy(std::ostream& stream, const Tensor& tensor) {
  const auto* known = std::find_if(kDescrs.begin(), kDescrs.end(),
                                   [&](const Descr& d) { return d.dtype == tensor.scalar_type(); });
  std::string header =
      "{'descr': '" + std::string(known->name) + "', 'fortran_order': False, 'shape': (";
  for (const std::int64_t size : tensor.sizes()) header += std::to_string(size) + ",";
  header += "), }";
  header.append(63 - (10 + header.size()) % 64, ' ');  // data begin at a multiple of 64
  header += '\n';
  const Tensor memory = tensor.contiguous();
  stream << kMagic << '\x01' << '\0' << static_cast<char>(header.size() & 0xff)
         << static_cast<char>(header.size() >> 8) << header;
  stream.write(static_cast<const char*>(memory.data_ptr()),
               static_cast<std::streamsize>(memory.nbytes()));
  check<FileError>(stream.good(), "[write_npy] writing failed");
}

void write_npy(const std::string& path, const Tensor& tensor) {
  std::ofstream stream(path, std::ios::binary);
  check<FileError>(stream.is_open(), "[write_npy] cannot open ", path, " for writing");
  write_npy(stream, tensor);
  stream.close();
  check<FileError>(stream.good(), "[write_npy] ", path, ": writing failed");
}

}  // namespace data
}  // namespace reel
