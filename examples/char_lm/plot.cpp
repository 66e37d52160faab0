#include "plot.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace {

// The page and, inside its margins, the field that the curves are drawn in.
constexpr double kWidth = 860, kHeight = 500;
constexpr double kLeft = 72, kRight = 790, kTop = 56, kBottom = 440;

constexpr const char* kTrainColour = "#2563eb";
constexpr const char* kValidationColour = "#ea580c";
constexpr const char* kBigramColour = "#6b7280";

// A number without needless digits: "0.5", "1500".
std::string text_of(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.10g", value);
  return buffer;
}

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

// From a range of values to a range of places on the page.
struct Axis {
  double from, to, place_from, place_to;
  double operator()(double value) const {
    return place_from + (value - from) / (to - from) * (place_to - place_from);
  }
};

// Round numbers, about `count` of them, that lie in [from, to].
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

// A run of neighbouring steps, drawn as one point.
struct Bucket {
  double step, mean, low, high;
};

std::vector<Bucket> buckets(const std::vector<float>& losses) {
  constexpr std::size_t most = 240;
  const std::size_t size = (losses.size() + most - 1) / most;
  std::vector<Bucket> result;
  for (std::size_t begin = 0; begin < losses.size(); begin += size) {
    const std::size_t end = std::min(begin + size, losses.size());
    const auto first = losses.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = losses.begin() + static_cast<std::ptrdiff_t>(end);
    const auto [low, high] = std::minmax_element(first, last);
    double sum = 0.0;
    for (auto loss = first; loss != last; ++loss) sum += static_cast<double>(*loss);
    result.push_back({static_cast<double>(begin + end + 1) / 2.0,
                      sum / static_cast<double>(end - begin), static_cast<double>(*low),
                      static_cast<double>(*high)});
  }
  return result;
}

class Svg {
 public:
  Svg() {
    body_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + text_of(kWidth) + " " +
            text_of(kHeight) + "\" width=\"" + text_of(kWidth) + "\" height=\"" + text_of(kHeight) +
            "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\" fill=\"#374151\">\n"
            "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  }
  void line(double x1, double y1, double x2, double y2, const std::string& style) {
    body_ += "<line x1=\"" + place(x1) + "\" y1=\"" + place(y1) + "\" x2=\"" + place(x2) +
             "\" y2=\"" + place(y2) + "\" " + style + "/>\n";
  }
  void text(double x, double y, const std::string& anchor, const std::string& words,
            const std::string& style = "") {
    body_ += "<text x=\"" + place(x) + "\" y=\"" + place(y) + "\" text-anchor=\"" + anchor + "\" " +
             style + ">" + escape(words) + "</text>\n";
  }
  void shape(const char* name, const std::string& points, const std::string& style) {
    body_ += "<" + std::string(name) + " points=\"" + points + "\" " + style + "/>\n";
  }
  void dot(double x, double y, const std::string& style) {
    body_ += "<circle cx=\"" + place(x) + "\" cy=\"" + place(y) + "\" r=\"3.5\" " + style + "/>\n";
  }
  std::string finish() const { return body_ + "</svg>\n"; }

 private:
  std::string body_;
};

std::string point(double x, double y) { return place(x) + "," + place(y) + " "; }

std::string stroke(const std::string& colour, double width, const std::string& more = "") {
  return "stroke=\"" + colour + "\" stroke-width=\"" + text_of(width) + "\" fill=\"none\" " + more;
}

void draw_axes(Svg& svg, const Axis& x, const Axis& y) {
  for (const double loss : ticks(y.from, y.to, 8)) {
    svg.line(kLeft, y(loss), kRight, y(loss), stroke("#e5e7eb", 1));
    svg.text(kLeft - 10, y(loss) + 4.5, "end", text_of(loss));
  }
  for (const double bit : ticks(y.from / std::log(2.0), y.to / std::log(2.0), 6)) {
    const double at = y(bit * std::log(2.0));
    svg.line(kRight, at, kRight + 5, at, stroke("#9ca3af", 1));
    svg.text(kRight + 10, at + 4.5, "start", text_of(bit));
  }
  for (const double step : ticks(x.from, x.to, 8)) {
    svg.line(x(step), kBottom, x(step), kBottom + 5, stroke("#9ca3af", 1));
    svg.text(x(step), kBottom + 21, "middle", text_of(step));
  }
  svg.line(kLeft, kBottom, kRight, kBottom, stroke("#9ca3af", 1));
  svg.line(kLeft, kTop, kLeft, kBottom, stroke("#9ca3af", 1));
  svg.line(kRight, kTop, kRight, kBottom, stroke("#9ca3af", 1));
  svg.text((kLeft + kRight) / 2, kBottom + 44, "middle", "training step");
  const double middle = (kTop + kBottom) / 2;
  const auto upright = [&](double at, const std::string& words) {
    svg.text(at, middle, "middle", words,
             "transform=\"rotate(-90 " + place(at) + " " + place(middle) + ")\"");
  };
  upright(24, "loss (nats per character)");
  upright(kWidth - 14, "bits per character");
}

void draw_legend(Svg& svg, double bigram, double last_validation) {
  char words[64];
  const double x = kRight - 208;
  double y = kTop + 20;
  const auto entry = [&](const std::string& style, bool dot) {
    svg.line(x, y - 4.5, x + 28, y - 4.5, style);
    if (dot) svg.dot(x + 14, y - 4.5, "fill=\"" + std::string(kValidationColour) + "\"");
    svg.text(x + 36, y, "start", words);
    y += 21;
  };
  std::snprintf(words, sizeof words, "training");
  entry(stroke(kTrainColour, 2), false);
  std::snprintf(words, sizeof words, "validation (last %.3f)", last_validation);
  entry(stroke(kValidationColour, 1.5), true);
  std::snprintf(words, sizeof words, "bigram model (%.3f)", bigram);
  entry(stroke(kBigramColour, 1.5, "stroke-dasharray=\"6 4\""), false);
}

}  // namespace

std::string loss_plot(const std::string& title, const std::vector<float>& training,
                      const std::vector<Validation>& validation, double bigram) {
  const std::vector<Bucket> curve = buckets(training);
  double low = bigram, high = bigram;
  for (const Bucket& b : curve) {
    low = std::min(low, b.low);
    high = std::max(high, b.high);
  }
  for (const Validation& v : validation) {
    low = std::min(low, v.loss);
    high = std::max(high, v.loss);
  }
  const double margin = std::max(0.06 * (high - low), 1e-3);
  const Axis x{0.0, std::max(static_cast<double>(training.size()), 1.0), kLeft, kRight};
  const Axis y{std::max(low - margin, 0.0), high + margin, kBottom, kTop};

  Svg svg;
  svg.text(kLeft, 32, "start", title, "font-size=\"17\" font-weight=\"bold\" fill=\"#111827\"");
  draw_axes(svg, x, y);

  std::string means, band, back;
  for (const Bucket& b : curve) {
    means += point(x(b.step), y(b.mean));
    band += point(x(b.step), y(b.high));
    back = point(x(b.step), y(b.low)) + back;
  }
  svg.shape("polygon", band + back, "fill=\"" + std::string(kTrainColour) + "\" opacity=\"0.15\"");
  svg.shape("polyline", means, stroke(kTrainColour, 2, "stroke-linejoin=\"round\""));
  svg.line(kLeft, y(bigram), kRight, y(bigram),
           stroke(kBigramColour, 1.5, "stroke-dasharray=\"6 4\""));

  std::string path;
  for (const Validation& v : validation) path += point(x(static_cast<double>(v.step)), y(v.loss));
  svg.shape("polyline", path, stroke(kValidationColour, 1.5));
  for (const Validation& v : validation)
    svg.dot(x(static_cast<double>(v.step)), y(v.loss),
            "fill=\"" + std::string(kValidationColour) + "\" stroke=\"#ffffff\"");
  draw_legend(svg, bigram, validation.empty() ? NAN : validation.back().loss);
  return svg.finish();
}
