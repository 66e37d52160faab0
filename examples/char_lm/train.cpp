#include "train.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <stdexcept>

#include "outputs.hpp"
#include "report.hpp"

namespace {

volatile std::sig_atomic_t stop_signal = 0;
extern "C" void remember_signal(int signal) { stop_signal = signal; }

/// While it lives, the first SIGINT or SIGTERM is remembered; the next has its usual effect.
struct SignalWatch {
  SignalWatch() { handle(remember_signal); }
  ~SignalWatch() { handle(SIG_DFL); }
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  static void handle(void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
  }
};

reel::Tensor loss_of(const reel::Tensor& scores, const reel::Tensor& target) {
  return reel::nn::functional::cross_entropy(scores.view({-1, scores.size(2)}), target.view({-1}));
}

void check_finite(const char* what, double value, std::int64_t step) {
  if (std::isfinite(value)) return;
  throw std::runtime_error("the " + std::string(what) + " is " + std::to_string(value) +
                           " at step " + std::to_string(step) +
                           ": training diverged. Take a smaller --lr or a smaller --clip");
}

double validation_loss(CharModel& model, const Streams& streams) {
  const reel::NoGradGuard no_grad;
  model->eval();
  State state;
  double sum = 0.0;
  for (std::int64_t i = 0; i < streams.windows(); ++i) {
    const Window window = streams.window(i);
    if (i == 0) state = model->zero_state(window.input.size(1));
    reel::Tensor scores;
    std::tie(scores, state) = model->forward(window.input, state);
    sum += loss_of(scores, window.target).item<double>();
  }
  model->train();
  return sum / static_cast<double>(streams.windows());
}

/// One step of truncated back-propagation: the state comes in and goes on without its history,
/// so the gradient reaches back to the start of this window. Returns the loss.
float training_step(Run& run, const Window& window) {
  auto [scores, state] = run.model->forward(window.input, run.state);
  const reel::Tensor loss = loss_of(scores, window.target);
  run.optimizer.zero_grad();
  loss.backward();
  const double most = run.options.clip > 0.0 ? run.options.clip : INFINITY;
  const double norm = reel::nn::utils::clip_grad_norm_(run.model->parameters(), most);
  const float value = loss.item<float>();
  check_finite("loss", static_cast<double>(value), run.step + 1);
  check_finite("gradient's norm", norm, run.step + 1);
  run.optimizer.step();

  run.state.clear();
  for (const reel::Tensor& part : state) run.state.push_back(part.detach());
  return value;
}

void check_length(const Split& text, const Options& options, const std::string& name) {
  const std::int64_t window = options.batch * options.length;
  if (text.training.numel() > window && text.validation.numel() > 1) return;
  throw std::runtime_error(name + " is too short: it has " + std::to_string(text.training.numel()) +
                           " characters to learn and " + std::to_string(text.validation.numel()) +
                           " for validation, and one step takes --batch times --length, " +
                           std::to_string(window) +
                           ", and one more. Give a longer text, or lower these two");
}

Streams validation_streams(const reel::Tensor& text, const Options& options) {
  const std::int64_t length = std::min(text.numel() - 1, options.length);
  const std::int64_t batch = std::min((text.numel() - 1) / length, options.batch);
  return Streams(text, batch, length);
}

}  // namespace

int train(Run& run, const std::string& text) {
  Options& options = run.options;
  const std::string name = options.text.empty() ? "the headers of xtensor" : options.text;
  const Split split(run.vocabulary.encode(text, name));
  check_length(split, options, name);
  const Streams streams(split.training, options.batch, options.length);
  const Streams validation = validation_streams(split.validation, options);

  if (options.epochs > 0.0)
    options.steps = static_cast<std::int64_t>(
        std::ceil(options.epochs * static_cast<double>(streams.windows())));
  if (run.step >= options.steps)
    throw std::runtime_error("the checkpoint has done " + std::to_string(run.step) +
                             " steps, and the goal is " + std::to_string(options.steps) +
                             "; give a larger --steps to train on");
  if (!options.out.empty()) std::filesystem::create_directories(options.out);
  for (const std::string& path : {options.checkpoint, options.plot, options.metrics})
    check_writable(path);

  Report report(run, split, name);
  const SignalWatch watch;
  // Weights and gradients that decay would pass through denormal numbers, which are slow.
  const reel::FlushDenormals flush;
  while (run.step < options.steps && stop_signal == 0) {
    const std::int64_t place = run.step % streams.windows();
    if (place == 0) run.state = run.model->zero_state(options.batch);
    run.losses.push_back(training_step(run, streams.window(place)));
    ++run.step;
    report.step(run);

    const bool on_time = run.step % options.every == 0;
    if (!on_time && run.step < options.steps) continue;
    const double measured = validation_loss(run.model, validation);
    check_finite("validation loss", measured, run.step);
    if (on_time) run.validation.push_back({run.step, measured});
    save_checkpoint(run, options.checkpoint);
    report.validation(run, measured);
  }
  if (run.step < options.steps) {
    save_checkpoint(run, options.checkpoint);
    report.interrupted(run);
  } else {
    report.finished(run);
  }
  return stop_signal;
}
