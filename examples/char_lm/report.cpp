#include "report.hpp"

#include <algorithm>
#include <numeric>

Report::Report(const Run& run, const Split& text, const std::string& text_name)
    : title_(run.options.cell + " " + std::to_string(run.options.layers) + " x " +
             std::to_string(run.options.hidden) + " on " + text_name),
      bigram_(bigram_loss(text.training, text.validation, run.vocabulary.size())),
      windows_(static_cast<double>(
          Streams(text.training, run.options.batch, run.options.length).windows())),
      metrics_(run.options.metrics, run.step),
      progress_(run.options.quiet, run.step, run.options.steps,
                run.options.batch * run.options.length) {
  std::int64_t parameters = 0;
  for (const reel::Tensor& p : run.model->parameters()) parameters += p.numel();
  progress_.line("model   " + title_ + ", " + count_text(static_cast<double>(parameters)) +
                 " parameters");
  progress_.line("text    " + std::to_string(text.training.numel()) + " characters, " +
                 std::to_string(run.vocabulary.size()) + " of them different, and " +
                 std::to_string(text.validation.numel()) + " for validation");
  progress_.line("bigram  validation loss " + loss_text(bigram_));
}

void Report::step(const Run& run) {
  progress_.update(run.step, static_cast<double>(run.losses.back()));
}

void Report::validation(const Run& run, double loss) {
  validation_loss_ = loss;
  const auto recent = std::min(run.options.every, static_cast<std::int64_t>(run.losses.size()));
  const double training = std::accumulate(run.losses.end() - recent, run.losses.end(), 0.0) /
                          static_cast<double>(recent);
  progress_.line("step " + std::to_string(run.step) + "/" + std::to_string(run.options.steps) +
                 "  loss " + loss_text(training) + "  validation " + loss_text(loss) + "  " +
                 count_text(progress_.characters_per_second()) + " chars/s  " +
                 progress_.time_left() + " left");
  metrics_.add({run.step, static_cast<double>(run.step) / windows_, training, loss, bigram_,
                progress_.characters_per_second(), progress_.seconds()});

  std::vector<Validation> points = run.validation;
  if (points.empty() || points.back().step != run.step) points.push_back({run.step, loss});
  write_file(run.options.plot, loss_plot(title_, run.losses, points, bigram_));
}

void Report::interrupted(const Run& run) {
  progress_.line("stopped after step " + std::to_string(run.step) + "; go on with --resume " +
                 run.options.checkpoint);
}

void Report::finished(const Run& run) {
  progress_.line("done    validation loss " + loss_text(validation_loss_) + ", bigram " +
                 loss_text(bigram_));
  progress_.line("wrote   " + run.options.checkpoint + ", " + run.options.plot + ", " +
                 run.options.metrics);
}
