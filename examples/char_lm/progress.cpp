#include "progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace {

template <class... Values>
std::string print(const char* format, Values... values) {
  char buffer[160];
  const int length = std::snprintf(buffer, sizeof buffer, format, values...);
  return std::string(buffer, static_cast<std::size_t>(std::max(length, 0)));
}

std::size_t terminal_columns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

std::string duration_text(double seconds) {
  const auto all = static_cast<long long>(std::lround(seconds));
  const long long hours = all / 3600;
  const long long minutes = all / 60 % 60;
  if (hours > 0) return print("%lld:%02lld:%02lld", hours, minutes, all % 60);
  return print("%lld:%02lld", minutes, all % 60);
}

}  // namespace

double bits(double nats) { return nats / std::log(2.0); }

std::string loss_text(double nats) { return print("%.3f (%.2f bits/char)", nats, bits(nats)); }

std::string count_text(double count) {
  if (count < 1e3) return print("%.0f", count);
  return count < 1e6 ? print("%.1fk", count / 1e3) : print("%.1fM", count / 1e6);
}

Progress::Progress(bool quiet, std::int64_t first, std::int64_t total, std::int64_t characters)
    : quiet_(quiet),
      bar_(!quiet && isatty(STDERR_FILENO) != 0),
      first_(first),
      step_(first),
      total_(total),
      characters_(characters),
      start_(std::chrono::steady_clock::now()) {}

Progress::~Progress() { clear(); }

void Progress::update(std::int64_t step, double loss) {
  smooth_loss_ = step_ == first_ ? loss : 0.95 * smooth_loss_ + 0.05 * loss;
  step_ = step;
  const auto now = std::chrono::steady_clock::now();
  if (!bar_ || (drawn_ && now - last_draw_ < std::chrono::milliseconds(100))) return;
  last_draw_ = now;
  draw(smooth_loss_);
}

void Progress::line(const std::string& text) {
  if (quiet_) return;
  clear();
  std::fprintf(stderr, "%s\n", text.c_str());
}

double Progress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

double Progress::characters_per_second() const {
  return static_cast<double>((step_ - first_) * characters_) / std::max(seconds(), 1e-9);
}

std::string Progress::time_left() const {
  const double per_step =
      seconds() / static_cast<double>(std::max<std::int64_t>(step_ - first_, 1));
  return duration_text(per_step * static_cast<double>(total_ - step_));
}

void Progress::draw(double loss) {
  const double done = static_cast<double>(step_) / static_cast<double>(total_);
  const std::string left = print("%3.0f%% ", 100.0 * done);
  const std::string right =
      print(" %lld/%lld  loss %.3f  %.2f bits/char  %s chars/s  %s left",
            static_cast<long long>(step_), static_cast<long long>(total_), loss, bits(loss),
            count_text(characters_per_second()).c_str(), time_left().c_str());
  const std::size_t columns = terminal_columns() - 1;
  const std::size_t taken = left.size() + right.size();
  const std::size_t width = columns > taken + 4 ? std::min<std::size_t>(columns - taken, 40) : 0;
  const auto filled = static_cast<std::size_t>(done * static_cast<double>(width));
  std::string bar;
  for (std::size_t i = 0; i < width; ++i) bar += i < filled ? "\u2588" : "\u2591";
  const std::string text = width > 0 ? left + bar + right : (left + right).substr(0, columns);
  std::fprintf(stderr, "\r\033[K%s", text.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::clear() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}
