#include "plot.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "../shared/svg.hpp"

namespace {

using namespace plot;

constexpr const char* kTrainColour = "#2563eb";
constexpr const char* kValidationColour = "#ea580c";
constexpr const char* kBigramColour = "#6b7280";

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

void draw_axes(Svg& svg, const Axis& x, const Axis& y) {
  for (const double loss : ticks(y.from, y.to, 8)) svg.grid_line(y(loss), text_of(loss));
  for (const double bit : ticks(y.from / std::log(2.0), y.to / std::log(2.0), 6)) {
    const double at = y(bit * std::log(2.0));
    svg.line(kRight, at, kRight + 5, at, stroke("#9ca3af", 1));
    svg.text(kRight + 10, at + 4.5, "start", text_of(bit));
  }
  for (const double step : ticks(x.from, x.to, 8)) svg.mark_below(x(step), text_of(step));
  svg.frame("training step");
  svg.upright(24, "loss (nats per character)");
  svg.upright(kWidth - 14, "bits per character");
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

  Svg svg(title);
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
