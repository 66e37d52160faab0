// Tensors as text. The expected strings are what libtorch 1.13.1 prints.
#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "tests/support.hpp"

using namespace reel;

namespace {
template <class T>
std::string printed(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}
constexpr double kNaN = NAN, kInf = INFINITY;
}  // namespace

TEST_CASE("print: vectors and matrices") {
  CHECK(printed(reel::tensor({1.0f, 2.5f, -3.0f})) ==
        " 1.0000\n 2.5000\n-3.0000\n[ CPUFloatType{3} ]");
  CHECK(printed(reel::tensor({1.0f, 2.0f, -3.0f})) == " 1\n 2\n-3\n[ CPUFloatType{3} ]");
  CHECK(printed(reel::tensor({1.0f, 200000.0f, -3.0f})) ==
        "      1\n 200000\n     -3\n[ CPUFloatType{3} ]");
  CHECK(printed(reel::tensor({{1.0, 2.0}, {3.5, -4.25}}, kDouble)) ==
        " 1.0000  2.0000\n 3.5000 -4.2500\n[ CPUDoubleType{2,2} ]");
  CHECK(printed(reel::tensor({-1.5, -22.25}, kDouble)) ==
        "-1.5000\n-22.2500\n[ CPUDoubleType{2} ]");
  CHECK(printed(reel::zeros({2, 2})) == " 0  0\n 0  0\n[ CPUFloatType{2,2} ]");
  CHECK(printed(reel::arange(6).reshape({2, 3}).t()) ==
        " 0  3\n 1  4\n 2  5\n[ CPULongType{3,2} ]");
}

TEST_CASE("print: integers and booleans") {
  CHECK(printed(reel::tensor({1, 20, -300})) == "  1\n 20\n-300\n[ CPULongType{3} ]");
  CHECK(printed(reel::tensor({{1, 2}, {30, 4}}, kInt)) == "  1   2\n 30   4\n[ CPUIntType{2,2} ]");
  CHECK(printed(reel::tensor({1, 200}, kUInt8)) == "   1\n 200\n[ CPUByteType{2} ]");
  CHECK(printed(reel::tensor({true, false})) == " 1\n 0\n[ CPUBoolType{2} ]");
}

TEST_CASE("print: zero-dim, empty and undefined") {
  CHECK(printed(reel::tensor(3.5f)) == "3.5\n[ CPUFloatType{} ]");
  CHECK(printed(reel::tensor(7)) == "7\n[ CPULongType{} ]");
  CHECK(printed(reel::tensor(true)) == "1\n[ CPUBoolType{} ]");
  CHECK(printed(reel::tensor(1.0 / 3, kDouble)) == "0.333333\n[ CPUDoubleType{} ]");
  CHECK(printed(reel::tensor(kNaN, kDouble)) == "nan\n[ CPUDoubleType{} ]");
  CHECK(printed(reel::tensor(1e10, kDouble)) == "1e+10\n[ CPUDoubleType{} ]");
  CHECK(printed(reel::zeros({0})) == "[ CPUFloatType{0} ]");
  CHECK(printed(reel::zeros({0, 3})) == "[ CPUFloatType{0,3} ]");
  CHECK(printed(reel::zeros({3, 0})) == "[ CPUFloatType{3,0} ]");
  CHECK(printed(reel::zeros({2, 0, 2})) == "[ CPUFloatType{2,0,2} ]");
  CHECK(printed(Tensor()) == "[ Tensor (undefined) ]");
}

TEST_CASE("print: wide ranges, scales, values that are not finite") {
  CHECK(printed(reel::tensor({kNaN, kInf, -kInf, 1.5}, kDouble)) ==
        "    nan\n    inf\n   -inf\n 1.5000\n[ CPUDoubleType{4} ]");
  CHECK(printed(reel::tensor({kNaN, kInf, 2.0}, kDouble)) == "nan\ninf\n 2\n[ CPUDoubleType{3} ]");
  CHECK(printed(reel::tensor({1e-5, 1.0, 1000.0}, kDouble)) ==
        " 1.0000e-05\n 1.0000e+00\n 1.0000e+03\n[ CPUDoubleType{3} ]");
  CHECK(printed(reel::tensor({1e10, 2.5e10}, kDouble)) ==
        " 1.0000e+10\n 2.5000e+10\n[ CPUDoubleType{2} ]");
  CHECK(printed(reel::tensor({1.5e-6, 2.5e-6}, kDouble)) ==
        "1e-06 *\n 1.5000\n 2.5000\n[ CPUDoubleType{2} ]");
  CHECK(printed(reel::tensor({{-0.001}}, kDouble)) == "0.001 *\n-1.0000\n[ CPUDoubleType{1,1} ]");
  CHECK(printed(reel::tensor({0.1}, kDouble)) == " 0.1000\n[ CPUDoubleType{1} ]");
  CHECK(printed(reel::tensor({{1000.5, 2.0}, {3.5, -4.25}}, kDouble)) ==
        " 1000.5000     2.0000\n    3.5000    -4.2500\n[ CPUDoubleType{2,2} ]");
  CHECK(printed(reel::tensor({12345.5, 2.0}, kDouble)) ==
        " 12345.5000\n     2.0000\n[ CPUDoubleType{2} ]");
}

TEST_CASE("print: more than two dimensions") {
  CHECK(printed(reel::arange(8, kFloat).reshape({2, 2, 2})) ==
        "(1,.,.) = \n  0  1\n  2  3\n\n(2,.,.) = \n  4  5\n  6  7\n[ CPUFloatType{2,2,2} ]");
  CHECK(printed(reel::arange(8, kFloat).reshape({2, 1, 2, 2}) * 0.5) ==
        "(1,1,.,.) = \n  0.0000  0.5000\n  1.0000  1.5000\n\n"
        "(2,1,.,.) = \n  2.0000  2.5000\n  3.0000  3.5000\n[ CPUFloatType{2,1,2,2} ]");
  CHECK(printed(reel::tensor({{{1000.5, 1.0}}, {{0.5, 0.25}}}, kDouble)) ==
        "(1,.,.) = \n  1000.5000     1.0000\n\n(2,.,.) = \n  0.5000  0.2500\n"
        "[ CPUDoubleType{2,1,2} ]");
}

TEST_CASE("print: columns that do not fit a line") {
  CHECK(
      printed(reel::arange(30, kFloat).reshape({1, 30}) * 1.5) ==
      "Columns 1 to 8  0.0000   1.5000   3.0000   4.5000   6.0000   7.5000   9.0000  10.5000\n\n"
      "Columns 9 to 16 12.0000  13.5000  15.0000  16.5000  18.0000  19.5000  21.0000  22.5000\n\n"
      "Columns 17 to 24 24.0000  25.5000  27.0000  28.5000  30.0000  31.5000  33.0000  34.5000\n\n"
      "Columns 25 to 30 36.0000  37.5000  39.0000  40.5000  42.0000  43.5000\n"
      "[ CPUFloatType{1,30} ]");
  CHECK(printed(reel::arange(60).reshape({2, 30})) ==
        "Columns 1 to 20  0   1   2   3   4   5   6   7   8   9  10  11  12  13  14  15  16  17  18"
        "  19\n 30  31  32  33  34  35  36  37  38  39  40  41  42  43  44  45  46  47  48  49\n\n"
        "Columns 21 to 30 20  21  22  23  24  25  26  27  28  29\n"
        " 50  51  52  53  54  55  56  57  58  59\n[ CPULongType{2,30} ]");
}

TEST_CASE("print: sizes, dtypes, devices, numbers") {
  CHECK(printed(reel::zeros({2, 3}).sizes()) == "[2, 3]");
  CHECK(printed(reel::zeros({}).sizes()) == "[]");
  CHECK(printed(kFloat) == "Float");
  CHECK(printed(reel::Device(reel::kCPU)) == "cpu");
  CHECK(printed(Scalar(2.5)) == "2.5");
  CHECK(printed(Scalar(3)) == "3");
  CHECK(printed(Scalar(true)) == "true");
  CHECK(reel::zeros({2}, kLong).toString() == "CPULongType");
}

TEST_CASE("print: the stream's own format is left as it was") {
  std::ostringstream out;
  out << reel::tensor({1.25, 1e-7}, kDouble) << " " << 0.1 + 0.2 << " " << 255;
  CHECK(out.str().find(" 0.3 255") != std::string::npos);
}
