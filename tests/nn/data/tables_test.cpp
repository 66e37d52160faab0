// Reading CSV and NPY: right numbers, and errors that say where.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "nn/data/mnist.hpp"
#include "nn/data/tables.hpp"
#include "tests/support.hpp"

using namespace reel;
using namespace reel::test;
using namespace reel::data;

namespace {

CsvTable csv(const std::string& text, const CsvOptions& options = {}) {
  std::istringstream stream(text);
  return read_csv(stream, options);
}
Tensor npy(const std::string& bytes) {
  std::istringstream stream(bytes);
  return read_npy(stream);
}
std::string csv_error(const std::string& text, const CsvOptions& options = {}) {
  return error_of<FileError>([&] { csv(text, options); });
}
std::string npy_error(const std::string& bytes) {
  return error_of<FileError>([&] { npy(bytes); });
}

/// A file of NumPy's with that header, padded, and data.
std::string npy_file(std::string header, const std::string& data, char version = 1) {
  header += '\n';
  std::string bytes = std::string("\x93NUMPY") + version + '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    bytes += static_cast<char>(header.size() >> (8 * i) & 0xff);
  return bytes + header + data;
}
template <class T>
std::string bytes_of(std::initializer_list<T> numbers) {
  std::string bytes;
  for (const T n : numbers) bytes.append(reinterpret_cast<const char*>(&n), sizeof n);
  return bytes;
}

}  // namespace

TEST_CASE("csv: numbers") {
  const auto table = csv("1,2.5,-3e2\n\n# a remark\n 4 ,\t+5, \"6\" \r\n");
  CHECK(table.values.sizes() == IntArrayRef({2, 3}));
  CHECK(table.values.dtype() == kFloat32);
  CHECK(values(table.values) == std::vector<double>{1, 2.5, -300, 4, 5, 6});
  CHECK(csv("").values.sizes() == IntArrayRef({0, 0}));
  CHECK(csv("7").values.sizes() == IntArrayRef({1, 1}));
  CHECK(values(csv("0.1", CsvOptions().dtype(kFloat64)).values) == std::vector<double>{0.1});
  CHECK(csv("9007199254740993", CsvOptions().dtype(kInt64)).values.item<std::int64_t>() ==
        9007199254740993);
  CHECK(values(csv("200", CsvOptions().dtype(kUInt8)).values) == std::vector<double>{200});
  CHECK(std::isnan(csv("nan").values.item<double>()));
  CHECK(csv("-inf").values.item<double>() == -std::numeric_limits<double>::infinity());
}

TEST_CASE("csv: options") {
  const std::string text = "made by hand\ntime;\"value; scaled\"\n1;2\n3;\n5;6\n";
  const auto options = CsvOptions().delimiter(';').skip_rows(1).header(true).missing(-1);
  const auto table = csv(text, options);
  CHECK(table.header == std::vector<std::string>{"time", "value; scaled"});
  CHECK(values(table.column("value; scaled")) == std::vector<double>{2, -1, 6});
  CHECK(csv(text, CsvOptions(options).max_rows(1)).values.numel() == 2);
  CHECK(mentions(error_of<Error>([&] { table.column("x"); }), {"no column 'x'"}));
  CHECK(values(csv("%1\n2", CsvOptions().comment('%')).values) == std::vector<double>{2});
  CHECK(mentions(
      error_of<Error>([&] {
        csv("1", CsvOptions().dtype(kInt32).missing(std::numeric_limits<double>::quiet_NaN()));
      }),
      {"missing", "int32"}));
  CHECK_THROWS_AS(csv("1", CsvOptions().dtype(kBool)), DtypeError);
  // The ends of a type's range.
  for (const auto& [dtype, last] : {std::pair{kUInt8, 255.0}, {kInt32, 2147483647.0}}) {
    CHECK(csv("1,", CsvOptions().dtype(dtype).missing(last)).values[0][1].item<double>() == last);
    CHECK_THROWS_AS(csv("1,", CsvOptions().dtype(dtype).missing(last + 1)), Error);
  }
  CHECK(csv("1,", CsvOptions().dtype(kInt64).missing(-0x1p63)).values[0][1].item<std::int64_t>() ==
        std::numeric_limits<std::int64_t>::min());
  CHECK_THROWS_AS(csv("1,", CsvOptions().dtype(kInt64).missing(0x1p63)), Error);
}

TEST_CASE("csv: errors name the line and the column") {
  CHECK(mentions(csv_error("1,2\n3,x4\n"), {"line 2, column 2", "'x4'", "float32"}));
  CHECK(mentions(csv_error("1,2\n\n3,4,5\n"), {"line 3", "3 cells", "2"}));
  CHECK(mentions(csv_error("1,2\n3\n"), {"line 2", "1 cells"}));
  CHECK(mentions(csv_error("1,,2\n"), {"line 1, column 2", "empty", "missing()"}));
  CHECK(mentions(csv_error("1.5 apples"), {"column 1", "1.5 apples"}));
  CHECK(mentions(csv_error("1.5", CsvOptions().dtype(kInt64)), {"int64"}));
  CHECK(mentions(csv_error("300", CsvOptions().dtype(kUInt8)), {"uint8"}));
  CHECK(mentions(csv_error("1e999"), {"1e999"}));
  CHECK(mentions(csv_error("++1"), {"++1"}));
  CHECK(mentions(csv_error("+-1"), {"+-1"}));
  CHECK(mentions(csv_error("+"), {"'+'"}));
  CHECK(mentions(csv_error("\"1,2\n3,4"), {"line 1"}));
  CHECK(mentions(csv_error(std::string("1\0\n", 3)), {"1?"}));
  CHECK(mentions(csv_error(std::string(1000, 'x')), {"..."}));
  CHECK(csv_error(std::string(1000, 'x')).size() < 200);
  CHECK(mentions(error_of<FileError>([] { read_csv("/does/not/exist.csv"); }),
                 {"cannot open", "/does/not/exist.csv"}));
  CHECK(mentions(error_of<FileError>([] { read_csv("/"); }), {"/"}));
}

TEST_CASE("npy: what was written is read") {
  const std::vector<Tensor> tensors{
      arange(6, kFloat32).view({2, 3}), arange(6, kFloat64).view({3, 2}).t(), tensor(7),
      tensor({1, -2}, kInt32),          tensor({true, false, true}),          zeros({0, 3}),
      full({2, 1, 2}, 255, kUInt8)};
  for (const auto& t : tensors) {
    std::stringstream stream;
    write_npy(stream, t);
    CHECK(stream.str().find('\n') % 64 == 63);
    CHECK(difference(read_npy(stream), t) == 0);
  }
  const auto path = (std::filesystem::temp_directory_path() / "reel_tables_test.npy").string();
  write_npy(path, tensors[0]);
  CHECK(difference(read_npy(path), tensors[0]) == 0);
  std::filesystem::remove(path);
  CHECK(mentions(error_of<FileError>([&] { read_npy(path); }), {path, "cannot be opened"}));
  CHECK(mentions(error_of<FileError>([&] { write_npy("/does/not/exist.npy", tensors[0]); }),
                 {"cannot open"}));
}

TEST_CASE("npy: headers of every kind") {
  const auto data = bytes_of<float>({1, 2, 3, 4, 5, 6});
  const std::vector<double> row_major{1, 2, 3, 4, 5, 6}, column_major{1, 3, 5, 2, 4, 6};
  CHECK(values(npy(npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
                            data))) == row_major);
  CHECK(values(npy(npy_file("{'shape':(2,3),\"fortran_order\":True,'descr':'<f4'}", data))) ==
        column_major);
  CHECK(values(npy(npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }   ", data,
                            2))) == row_major);
  CHECK(npy(npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (), }",
                     bytes_of<float>({3}), 3))
            .dim() == 0);
  CHECK(values(npy(npy_file("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}",
                            std::string("\1\0", 2)))) == std::vector<double>{1, 0});
}

TEST_CASE("npy: files that lie") {
  const auto data = bytes_of<float>({1, 2, 3, 4, 5, 6});
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  const auto replaced = [&](const std::string& what, const std::string& with) {
    std::string header = good;
    header.replace(header.find(what), what.size(), with);
    return npy_error(npy_file(header, data));
  };
  CHECK(mentions(npy_error(""), {"not an NPY file"}));
  CHECK(mentions(npy_error("\x93NUMPZ\1\0ab"), {"not an NPY file"}));
  CHECK(mentions(npy_error(npy_file(good, data, 9)), {"version 9"}));
  CHECK(mentions(npy_error(npy_file(good, data).substr(0, 40)), {"ends in its header"}));
  CHECK(mentions(npy_error(npy_file(good, data.substr(4))), {"[2, 3]", "6 elements", "20 bytes"}));
  CHECK(mentions(npy_error(npy_file(good, data + "x")), {"25 bytes"}));
  CHECK(mentions(replaced("(2, 3)", "(4611686018427387904, 4)"), {"too large"}));
  CHECK(mentions(replaced("(2, 3)", "(99999999999999999999,)"), {"header", "size"}));
  CHECK(mentions(replaced("(2, 3)", "(1000000000000,)"), {"needs 1000000000000 elements"}));
  CHECK(mentions(replaced("(2, 3)", "(-2, -3)"), {"size"}));
  CHECK(mentions(replaced("(2, 3)", "2, 3)"), {"expected ("}));
  CHECK(mentions(replaced("(2, 3)", "(2, 3"), {"header"}));
  CHECK(mentions(replaced("<f4", ">f4"), {"'>f4'", "astype"}));
  CHECK(mentions(replaced("<f4", "|O"), {"'|O'"}));
  CHECK(mentions(replaced("False", "Maybe"), {"True or False"}));
  CHECK(mentions(replaced("'descr'", "'shape'"), {"header"}));
  CHECK(mentions(replaced("'descr': '<f4', ", ""), {"missing"}));
  CHECK(mentions(replaced("}", "} x"), {"behind"}));
  CHECK(mentions(replaced("'<f4'", "'<f4"), {"header"}));
  CHECK(
      mentions(npy_error(npy_file("{'descr': '|b1', 'fortran_order': False, 'shape': (1,)}", "\2")),
               {"bool", "neither 0 nor 1"}));
  std::string many = "(";
  for (int i = 0; i < 100; ++i) many += "1,";
  CHECK(mentions(replaced("(2, 3)", many + ")"), {"64 dimensions"}));
  // No single byte that changes makes it crash.
  const std::string file = npy_file(good, data);
  for (std::size_t i = 0; i < file.size(); ++i)
    for (const char c : {'\0', '\xff', '(', '\'', '9'}) {
      std::string changed = file;
      changed[i] = c;
      npy_error(changed);
      npy_error(changed.substr(0, i));
    }
}

TEST_CASE("npy: a folder is no file") {
  CHECK(mentions(error_of<FileError>([] { read_npy("/"); }), {"[read_npy] /: reading failed"}));
}

TEST_CASE("mnist: files in the original format, and files that are not") {
  namespace fs = std::filesystem;
  const auto root = (fs::temp_directory_path() / "reel_mnist_test").string();
  fs::create_directories(root);
  const auto write = [&](const std::string& name, const std::string& bytes) {
    std::ofstream(root + "/" + name, std::ios::binary) << bytes;
  };
  const auto idx = [](std::initializer_list<int> sizes, const std::string& data) {
    std::string bytes{0, 0, 8, static_cast<char>(sizes.size())};
    for (const int size : sizes)
      for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(size >> shift & 0xff);
    return bytes + data;
  };
  const std::string images = std::string(784, '\0') + std::string(784, '\xff');
  write("t10k-images-idx3-ubyte", idx({2, 28, 28}, images));
  write("t10k-labels-idx1-ubyte", idx({2}, "\7\3"));
  using datasets::MNIST;
  MNIST test(root, MNIST::Mode::kTest);
  CHECK(*test.size() == 2);
  CHECK(!test.is_train());
  CHECK(test.get(1).data.sizes() == IntArrayRef({1, 28, 28}));
  CHECK(test.get(1).data.min().item<float>() == 1);
  CHECK(test.images().sum().item<float>() == 784);
  CHECK(values(test.targets()) == std::vector<double>{7, 3});
  CHECK(mentions(error_of<FileError>([&] { MNIST{root}; }), {"train-images", "unpacked"}));
  fs::create_directory(root + "/train-images-idx3-ubyte");
  CHECK(mentions(error_of<FileError>([&] { MNIST{root}; }), {"train-images", "reading failed"}));
  const auto refuses = [&](const std::string& bytes, const std::vector<std::string>& parts) {
    write("t10k-images-idx3-ubyte", bytes);
    CHECK(mentions(error_of<FileError>([&] { MNIST(root, MNIST::Mode::kTest); }), parts));
  };
  refuses("", {"t10k-images", "not an IDX file"});
  refuses(idx({2}, images), {"3 dimensions"});
  refuses(idx({2, 27, 28}, images), {"side 27"});
  refuses(idx({2, 28, 28}, images.substr(1)), {"1568 bytes", "1567"});
  refuses(idx({-1, 28, 28}, images), {"bytes of data"});
  refuses(idx({1, 28, 28}, images.substr(784)), {"1 images but 2 labels"});
  fs::remove_all(root);
}
