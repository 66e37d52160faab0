// Nationalities of names, from their letters: a GRU over packed one-hot letters. The table has a
// name in each line: "train" or "test", the class's number, its name, and the name, with tabs
// between them.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>

#include "shared/task.hpp"

namespace {

using reel::Tensor;
namespace nn = reel::nn;

struct Name {
  std::vector<std::int64_t> letters;
  std::int64_t label;
};
struct Table {
  std::vector<Name> train, test;
  std::map<char, std::int64_t> alphabet;
  std::int64_t classes = 0;
};

Table read(const std::string& path) {
  std::ifstream file(path);
  reel::check(file.good(), "cannot read the table of names \"", path, "\"; give it with --table");
  Table table;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    std::vector<std::string> cells(1);
    for (const char c : line)
      if (c == '\t')
        cells.emplace_back();
      else if (c != '\r')
        cells.back() += c;
    const bool number_fits = cells.size() == 4 && !cells[1].empty() && cells[1].size() < 4 &&
                             cells[1].find_first_not_of("0123456789") == std::string::npos;
    reel::check(number_fits && !cells[3].empty() && (cells[0] == "train" || cells[0] == "test"),
                path, ", line ", number, ": expected train or test, a class's number, its name ",
                "and a name with tabs between them, found \"", line, "\"");
    Name name{{}, std::stoll(cells[1])};
    for (const char c : cells[3])
      name.letters.push_back(
          table.alphabet.emplace(c, static_cast<std::int64_t>(table.alphabet.size()))
              .first->second);
    table.classes = std::max(table.classes, name.label + 1);
    (cells[0] == "train" ? table.train : table.test).push_back(std::move(name));
  }
  reel::check(!table.train.empty() && !table.test.empty(), path,
              ": expected names to train on and names to test with");
  return table;
}

/// Scores [B, classes] of some of the names.
class Classifier : public nn::Module {
 public:
  Classifier(std::int64_t letters, std::int64_t hidden, std::int64_t classes)
      : letters_(letters),
        gru_(register_module("gru", nn::GRU(letters, hidden))),
        head_(register_module("head", nn::Linear(hidden, classes))) {}

  Tensor forward(const std::vector<const Name*>& names) {
    std::vector<Tensor> sequences;
    for (const Name* name : names)
      sequences.push_back(reel::one_hot(reel::tensor(name->letters), letters_).to(reel::kFloat32));
    const auto packed = nn::utils::rnn::pack_sequence(sequences, false);
    return head_(std::get<1>(gru_->forward_with_packed_input(packed))[0]);
  }

 private:
  std::int64_t letters_;
  nn::GRU gru_;
  nn::Linear head_;
};

Tensor labels(const std::vector<const Name*>& names) {
  std::vector<std::int64_t> all;
  for (const Name* name : names) all.push_back(name->label);
  return reel::tensor(all);
}

double test_error(Classifier& net, const std::vector<Name>& names) {
  const reel::NoGradGuard no_grad;
  constexpr std::size_t kAtOnce = 256;
  std::int64_t wrong = 0;
  for (std::size_t at = 0; at < names.size(); at += kAtOnce) {
    std::vector<const Name*> some;
    for (std::size_t i = at; i < std::min(at + kAtOnce, names.size()); ++i)
      some.push_back(&names[i]);
    wrong += net.forward(some).argmax(1).ne(labels(some)).sum().item<std::int64_t>();
  }
  return static_cast<double>(wrong) / static_cast<double>(names.size());
}

int run(const task::Settings& settings, const std::string& path) {
  const Table table = read(path);
  const auto letters = static_cast<std::int64_t>(table.alphabet.size());
  std::printf("%zu names to train on, %zu to test with; %lld classes, %lld letters\n",
              table.train.size(), table.test.size(), static_cast<long long>(table.classes),
              static_cast<long long>(letters));
  Classifier net(letters, settings.hidden, table.classes);
  const std::vector<Tensor> parameters = net.parameters();
  reel::optim::Adam adam(parameters, reel::optim::AdamOptions(settings.rate));
  const auto start = std::chrono::steady_clock::now();
  double error = 1;
  for (int epoch = 1; epoch <= settings.steps; ++epoch) {
    const Tensor order = reel::randperm(static_cast<std::int64_t>(table.train.size()));
    const auto* next = order.data_ptr<std::int64_t>();
    const auto* end = next + order.numel();
    double sum = 0;
    int steps = 0;
    while (next < end) {
      std::vector<const Name*> some;
      for (std::int64_t b = 0; b < settings.batch && next < end; ++b)
        some.push_back(&table.train[static_cast<std::size_t>(*next++)]);
      adam.zero_grad();
      const Tensor loss = reel::cross_entropy_loss(net.forward(some), labels(some));
      loss.backward();
      nn::utils::clip_grad_norm_(parameters, settings.clip);
      adam.step();
      sum += loss.item<double>();
      ++steps;
    }
    error = test_error(net, table.test);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("epoch %d, %.0f s: training loss %.4f, test accuracy %.4f\n", epoch, took.count(),
                sum / steps, 1 - error);
    std::fflush(stdout);
  }
  if (error <= settings.limit) return 0;
  std::fprintf(stderr, "names: the share of wrong classes is %g, not below %g\n", error,
               settings.limit);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  task::Settings settings;
  settings.hidden = 128;
  settings.steps = 5;
  settings.rate = 2e-3;
  settings.clip = 5;
  settings.limit = 0.21;
  std::string table;
  if (const auto code =
          task::read_options(argc, argv, "Learns the nationalities of names", settings,
                             {"--cell", "--length", "--every"},
                             {{"--table", "the names, as tab-separated text", &table}}))
    return *code;
  return task::guarded("names", [&] { return run(settings, table); });
}
