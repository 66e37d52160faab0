#include "svg.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace plot {

namespace {

std::string place(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.1f", value);
  return buffer;
}

std::string escape(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '<')
      escaped += "&lt;";
    else if (c == '&')
      escaped += "&amp;";
    else
      escaped += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  }
  return escaped;
}

}  // namespace

std::string text_of(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.10g", value);
  return buffer;
}

std::string point(double x, double y) { return place(x) + "," + place(y) + " "; }

std::string stroke(const std::string& colour, double width, const std::string& more) {
  return "stroke=\"" + colour + "\" stroke-width=\"" + text_of(width) + "\" fill=\"none\" " + more;
}

std::vector<double> ticks(double from, double to, int count) {
  const double rough = (to - from) / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double ratio = rough / power;
  const double step = power * (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10);
  std::vector<double> places;
  for (auto i = std::llround(std::ceil(from / step - 1e-9));; ++i) {
    const double at = static_cast<double>(i) * step;
    if (at > to + 1e-9 * step) return places;
    places.push_back(at);
  }
}

Svg::Svg(const std::string& title) {
  body_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + text_of(kWidth) + " " +
          text_of(kHeight) + "\" width=\"" + text_of(kWidth) + "\" height=\"" + text_of(kHeight) +
          "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\" fill=\"#374151\">\n"
          "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  text(kLeft, 32, "start", title, "font-size=\"17\" font-weight=\"bold\" fill=\"#111827\"");
}
void Svg::line(double x1, double y1, double x2, double y2, const std::string& style) {
  body_ += "<line x1=\"" + place(x1) + "\" y1=\"" + place(y1) + "\" x2=\"" + place(x2) +
           "\" y2=\"" + place(y2) + "\" " + style + "/>\n";
}
void Svg::text(double x, double y, const std::string& anchor, const std::string& words,
               const std::string& style) {
  body_ += "<text x=\"" + place(x) + "\" y=\"" + place(y) + "\" text-anchor=\"" + anchor + "\" " +
           style + ">" + escape(words) + "</text>\n";
}
void Svg::shape(const char* name, const std::string& points, const std::string& style) {
  body_ += "<" + std::string(name) + " points=\"" + points + "\" " + style + "/>\n";
}
void Svg::dot(double x, double y, const std::string& style) {
  body_ += "<circle cx=\"" + place(x) + "\" cy=\"" + place(y) + "\" r=\"3.5\" " + style + "/>\n";
}
std::string Svg::finish() const { return body_ + "</svg>\n"; }

void Svg::upright(double x, const std::string& words) {
  const double middle = (kTop + kBottom) / 2;
  text(x, middle, "middle", words,
       "transform=\"rotate(-90 " + place(x) + " " + place(middle) + ")\"");
}
void Svg::grid_line(double y, const std::string& words) {
  line(kLeft, y, kRight, y, stroke("#e5e7eb", 1));
  text(kLeft - 10, y + 4.5, "end", words);
}
void Svg::mark_below(double x, const std::string& words) {
  line(x, kBottom, x, kBottom + 5, stroke("#9ca3af", 1));
  text(x, kBottom + 21, "middle", words);
}
void Svg::frame(const std::string& below) {
  line(kLeft, kBottom, kRight, kBottom, stroke("#9ca3af", 1));
  line(kLeft, kTop, kLeft, kBottom, stroke("#9ca3af", 1));
  line(kRight, kTop, kRight, kBottom, stroke("#9ca3af", 1));
  text((kLeft + kRight) / 2, kBottom + 44, "middle", below);
}

std::string log_plot(const std::string& title, const std::string& below, const std::string& left,
                     const std::vector<Curve>& curves) {
  // Numbers that a float32 pass cannot tell from zero are left out.
  constexpr double kLeast = 1e-30;
  double low = std::numeric_limits<double>::infinity(), high = kLeast;
  std::size_t count = 2;
  for (const Curve& curve : curves) {
    count = std::max(count, curve.heights.size());
    for (const double height : curve.heights) {
      if (!(height >= kLeast)) continue;
      low = std::min(low, height);
      high = std::max(high, height);
    }
  }
  if (low > high) low = high = 1;
  const double from = std::floor(std::log10(low)),
               to = std::max(std::ceil(std::log10(high)), from + 1);
  const Axis x{1, static_cast<double>(count), kLeft, kRight}, y{from, to, kBottom, kTop};

  Svg svg(title);
  for (const double power : ticks(from, to, 8)) {
    if (power != std::round(power)) continue;
    svg.grid_line(y(power), "1e" + text_of(power));
  }
  for (const double step : ticks(x.from, x.to, 8)) svg.mark_below(x(step), text_of(step));
  svg.frame(below);
  svg.upright(20, left);
  // Curves that rise leave room at the lower right.
  double row = kBottom - 21 * static_cast<double>(curves.size());
  for (const Curve& curve : curves) {
    const std::string style =
        stroke(curve.colour, 2, curve.dashed ? "stroke-dasharray=\"6 4\"" : "");
    std::string points;
    for (std::size_t i = 0; i < curve.heights.size(); ++i)
      if (curve.heights[i] >= kLeast)
        points += point(x(static_cast<double>(i + 1)), y(std::log10(curve.heights[i])));
    svg.shape("polyline", points, style);
    svg.line(kRight - 190, row - 4.5, kRight - 162, row - 4.5, style);
    svg.text(kRight - 154, row, "start", curve.name);
    row += 21;
  }
  return svg.finish();
}

}  // namespace plot
