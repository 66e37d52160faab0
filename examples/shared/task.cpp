#include "task.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>

#include "arguments.hpp"

namespace task {

using reel::Tensor;
namespace nn = reel::nn;

std::optional<int> read_options(int argc, char** argv, const char* about, Settings& settings,
                                const std::vector<std::string>& without,
                                const std::vector<Extra>& extras) {
  CLI::App app(about, std::filesystem::path(argv[0]).filename().string());
  const auto add = [&](const std::string& name, auto& value, const char* help,
                       const CLI::Validator& valid) {
    if (std::find(without.begin(), without.end(), name) == without.end())
      app.add_option(name, value, help)->check(valid)->capture_default_str();
  };
  const CLI::Validator count = arguments::count(), number = arguments::not_negative();
  add("--cell", settings.cell, "rnn, lstm or gru", CLI::IsMember({"rnn", "lstm", "gru"}));
  add("--hidden", settings.hidden, "hidden units", count);
  // A sequence has two halves.
  add("--length", settings.length, "length of the task", arguments::count(2));
  add("--batch", settings.batch, "sequences in a step", count);
  add("--steps", settings.steps, "training steps or epochs", count);
  add("--every", settings.every, "steps between two tests", count);
  add("--seed", settings.seed, "of all random numbers", arguments::count(0));
  add("--rate", settings.rate, "learning rate of Adam", number);
  add("--clip", settings.clip, "largest norm of the gradient", number);
  add("--limit", settings.limit, "error that counts as success", number);
  for (const Extra& extra : extras) {
    if (const auto* text = std::get_if<std::string*>(&extra.value))
      app.add_option(extra.name, **text, extra.help)->capture_default_str();
    else
      add(extra.name, *std::get<std::int64_t*>(extra.value), extra.help, count);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e);
  }
  reel::manual_seed(static_cast<std::uint64_t>(settings.seed));
  return std::nullopt;
}

int guarded(const char* program, const std::function<int()>& body) {
  try {
    return body();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", program, e.what());
    return 1;
  }
}

Net::Net(const Settings& settings, std::int64_t inputs, std::int64_t outputs) {
  if (settings.cell == "rnn")
    rnn_ = register_module("rnn", nn::RNN(inputs, settings.hidden));
  else if (settings.cell == "lstm")
    lstm_ = register_module("lstm", nn::LSTM(inputs, settings.hidden));
  else if (settings.cell == "gru")
    gru_ = register_module("gru", nn::GRU(inputs, settings.hidden));
  else
    throw reel::Error("--cell must be rnn, lstm or gru, found " + settings.cell);
  head_ = register_module("head", nn::Linear(settings.hidden, outputs));
}

Tensor Net::forward(const Tensor& x) {
  if (lstm_) return head_(std::get<0>(lstm_(x)));
  return head_(std::get<0>(gru_ ? gru_(x) : rnn_(x)));
}

Batch adding_problem(std::int64_t length, std::int64_t count) {
  const Tensor numbers = reel::rand({length, count}), marks = reel::zeros({length, count});
  const Tensor first = reel::randint(length / 2, {count}),
               second = reel::randint(length / 2, length, {count});
  const auto early = first.accessor<std::int64_t, 1>(), late = second.accessor<std::int64_t, 1>();
  auto mark = marks.accessor<float, 2>();
  for (std::int64_t b = 0; b < count; ++b) mark[early[b]][b] = mark[late[b]][b] = 1;
  return {reel::stack({numbers, marks}, 2), (numbers * marks).sum(0)};
}

int train(const Settings& settings, const Task& task) {
  constexpr std::int64_t kTests = 1024;
  Net net(settings, task.inputs, task.outputs);
  const Batch test = task.sample(kTests);
  const std::vector<Tensor> parameters = net.parameters();
  reel::optim::Adam adam(parameters, reel::optim::AdamOptions(settings.rate));
  std::printf("%s, %s with %lld units; %s of one who knows nothing: %.4f\n", task.name,
              settings.cell.c_str(), static_cast<long long>(settings.hidden), task.measure,
              task.chance);
  const auto start = std::chrono::steady_clock::now();
  double error = task.chance;
  for (int step = 1; step <= settings.steps; ++step) {
    const Batch batch = task.sample(settings.batch);
    adam.zero_grad();
    const Tensor loss = task.loss(net.forward(batch.input), batch.target);
    loss.backward();
    nn::utils::clip_grad_norm_(parameters, settings.clip);
    adam.step();
    if (step % settings.every != 0 && step != settings.steps) continue;
    const reel::NoGradGuard no_grad;
    error = task.error(net.forward(test.input), test.target).item<double>();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("step %d, %.0f s: training loss %.5f, test %s %.5f\n", step, took.count(),
                loss.item<double>(), task.measure, error);
    std::fflush(stdout);
    if (error < settings.limit) return 0;
  }
  std::fprintf(stderr, "%s: the %s is %g, not below %g\n", task.name, task.measure, error,
               settings.limit);
  return 1;
}

}  // namespace task
