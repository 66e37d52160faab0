// Drawing plots as SVG.
#pragma once

#include <string>
#include <vector>

namespace plot {

// The page and, inside its margins, the field that the curves are drawn in.
constexpr double kWidth = 860, kHeight = 500;
constexpr double kLeft = 72, kRight = 790, kTop = 56, kBottom = 440;

/// A number without needless digits: "0.5", "1500".
std::string text_of(double value);
/// Of a polyline: "x,y ".
std::string point(double x, double y);
/// The style of a line.
std::string stroke(const std::string& colour, double width, const std::string& more = "");

/// From a range of values to a range of places on the page.
struct Axis {
  double from, to, place_from, place_to;
  double operator()(double value) const {
    return place_from + (value - from) / (to - from) * (place_to - place_from);
  }
};

/// Round numbers, about `count` of them, that lie in [from, to].
std::vector<double> ticks(double from, double to, int count);

/// A page with a title.
class Svg {
 public:
  explicit Svg(const std::string& title);
  void line(double x1, double y1, double x2, double y2, const std::string& style);
  void text(double x, double y, const std::string& anchor, const std::string& words,
            const std::string& style = "");
  /// Upright, in the middle of the field's height.
  void upright(double x, const std::string& words);
  void shape(const char* name, const std::string& points, const std::string& style);
  void dot(double x, double y, const std::string& style);
  /// A line of the ground at the height y, with its words at the left.
  void grid_line(double y, const std::string& words);
  /// A mark below the field at x, with its words.
  void mark_below(double x, const std::string& words);
  /// The field's borders and the words below it.
  void frame(const std::string& below);
  std::string finish() const;

 private:
  std::string body_;
};

struct Curve {
  std::string name, colour;
  bool dashed;
  std::vector<double> heights;  // at 1, 2, 3 ...
};
/// A plot of positive heights on a logarithmic scale, with the curves' names at the lower right.
std::string log_plot(const std::string& title, const std::string& below, const std::string& left,
                     const std::vector<Curve>& curves);

}  // namespace plot
