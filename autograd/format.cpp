// Printing tensors in PyTorch's format.
#include <cmath>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "ops/ops.hpp"
#include "tape.hpp"

namespace reel {
namespace {

struct Format {
  double scale = 1;
  int width = 0;
  bool integral = false;
  bool scientific = false;
};

// Width and notation that suit all finite values, by the rules of PyTorch's C++ printer.
Format choose_format(const double* p, std::int64_t n) {
  Format f;
  std::int64_t first = 0;
  while (first < n && !std::isfinite(p[first])) ++first;
  double low = first < n ? std::fabs(p[first]) : 0, high = low;
  f.integral = true;
  for (std::int64_t i = 0; i < n; ++i) {
    if (!std::isfinite(p[i])) continue;
    if (p[i] != std::ceil(p[i])) f.integral = false;
    low = std::min(low, std::fabs(p[i]));
    high = std::max(high, p[i]);  // signed, as there
  }
  const auto exponent = [](double v) {
    return v == 0 ? 1 : static_cast<int>(std::floor(std::log10(v))) + 1;
  };
  const int least = exponent(low), most = exponent(high);
  if (f.integral) {
    f.scientific = most > 9;
    f.width = f.scientific ? 11 : most + 1;
    return f;
  }
  f.scientific = most - least > 4;
  if (f.scientific) {
    f.width = std::abs(least) > 99 || std::abs(most) > 99 ? 12 : 11;
  } else if (most > 5 || most < 0) {
    f.width = 7;
    f.scale = std::pow(10, most - 1);
  } else {
    f.width = most == 0 ? 7 : most + 6;
  }
  return f;
}

void print_value(std::ostream& out, double v, const Format& f) {
  out << std::setw(f.width);
  if (f.scientific)
    out << std::scientific << std::setprecision(4);
  else
    out << std::fixed << std::setprecision(f.integral ? 0 : 4);
  out << v / f.scale;
}

void print_scale(std::ostream& out, double scale) {
  out << std::defaultfloat << std::setprecision(6) << scale << " *\n";
}

void print_matrix(std::ostream& out, const double* p, std::int64_t rows, std::int64_t cols,
                  int indent) {
  constexpr int kLine = 80;
  const Format f = choose_format(p, rows * cols);
  const std::string pad(static_cast<std::size_t>(indent), ' ');
  const std::int64_t per_line = std::max<std::int64_t>(1, (kLine - indent) / (f.width + 1));
  for (std::int64_t first = 0; first < cols; first += per_line) {
    const std::int64_t last = std::min(cols, first + per_line) - 1;
    if (per_line < cols)
      out << (first != 0 ? "\n" : "") << "Columns " << first + 1 << " to " << last + 1;
    if (f.scale != 1) print_scale(out, f.scale);
    for (std::int64_t r = 0; r < rows; ++r) {
      out << pad;
      for (std::int64_t c = first; c <= last; ++c) {
        print_value(out, p[r * cols + c], f);
        if (c != last) out << ' ';
      }
      out << '\n';
    }
  }
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Tensor& t) {
  if (!t.defined()) return out << "[ Tensor (undefined) ]";
  const std::ios::fmtflags flags = out.flags();
  const std::streamsize precision = out.precision();
  NoGradGuard no_grad;
  const Tensor values = t.detach().to(kFloat64).contiguous();
  const double* p = values.data_ptr<double>();
  if (t.dim() == 0) {
    out << std::defaultfloat << std::setprecision(6) << p[0] << "\n[ " << t.toString() << "{}";
  } else {
    if (t.numel() == 0) {
      out << "[ " << t.toString() << "{";
    } else if (t.dim() == 1) {
      const Format f = choose_format(p, t.numel());
      if (f.scale != 1) print_scale(out, f.scale);
      for (std::int64_t i = 0; i < t.numel(); ++i) {
        print_value(out, p[i], f);
        out << '\n';
      }
    } else {
      const std::int64_t rows = t.size(-2), cols = t.size(-1), pages = t.numel() / (rows * cols);
      for (std::int64_t page = 0; page < pages; ++page) {
        if (t.dim() > 2) {
          if (page > 0) out << '\n';
          out << '(';
          std::int64_t rest = page, count = pages;
          for (std::int64_t d = 0; d < t.dim() - 2; ++d) {
            count /= t.size(d);
            out << rest / count + 1 << ',';
            rest %= count;
          }
          out << ".,.) = \n";
        }
        print_matrix(out, p + page * rows * cols, rows, cols, t.dim() > 2 ? 1 : 0);
      }
    }
    if (t.numel() != 0) out << "[ " << t.toString() << "{";
    for (std::int64_t d = 0; d < t.dim(); ++d) out << (d ? "," : "") << t.size(d);
    out << '}';
  }
  out << " ]";
  out.flags(flags);
  out.precision(precision);
  return out;
}

void Tensor::print() const {
  if (!defined()) {
    std::cout << "[UndefinedTensor]\n";
    return;
  }
  std::cout << '[' << toString() << ' ' << sizes() << "]\n";
}

}  // namespace reel
