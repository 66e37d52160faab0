// Checkpoints: a run that is stopped and goes on in another process gives the bits of one that was
// not; which files stay.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <thread>

#include "nn/checkpoints.hpp"
#include "nn/nn.hpp"
#include "optim/optim.hpp"
#include "serialization_support.hpp"

using namespace reel;
using namespace reel::test;

namespace {

using Parameters = std::vector<Tensor>;
using MakeOptimizer = std::function<std::unique_ptr<optim::Optimizer>(const Parameters&)>;
using MakeSchedule = std::function<std::shared_ptr<optim::LRScheduler>(optim::Optimizer&)>;

struct ModelImpl : nn::Module {
  ModelImpl() {
    lstm = register_module("lstm", nn::LSTM(nn::LSTMOptions(2, 3)));
    dropout = register_module("dropout", nn::Dropout(0.3));
    head = register_module("head", nn::Linear(3, 1));
  }
  Tensor forward(const Tensor& x) {
    return head(dropout(std::get<0>(lstm(x)).select(0, -1))).squeeze(1);
  }
  nn::LSTM lstm{nullptr};
  nn::Dropout dropout{nullptr};
  nn::Linear head{nullptr};
};
REEL_MODULE(Model);

/// A run: everything that a step depends on.
class Run {
 public:
  Run(std::uint64_t seed, const MakeOptimizer& make_optimizer, const MakeSchedule& make_schedule)
      : seeded_((reel::manual_seed(seed), true)),
        optimizer_(make_optimizer(model_->parameters())),
        schedule_(make_schedule(*optimizer_)) {}

  void step() {
    constexpr std::int64_t kSamples = 12, kBatch = 3;
    if (position_ == order_.numel()) {
      order_ = reel::randperm(kSamples);
      position_ = 0;
    }
    const Tensor batch = order_.slice(0, position_, position_ + kBatch);
    position_ += kBatch;
    const Tensor x = (batch.to(kFloat32).view({1, kBatch, 1}) * reel::tensor({0.3F, -0.7F})).sin();
    const Tensor y = (batch.to(kFloat32) * 0.2).cos();
    const Tensor error = optimizer_->step([&] {
      optimizer_->zero_grad();
      const Tensor loss = (model_->forward(x.expand({4, kBatch, 2})) - y).pow(2).mean();
      loss.backward();
      return loss;
    });
    if (auto* plateau = dynamic_cast<optim::ReduceLROnPlateau*>(schedule_.get()))
      plateau->step(error.item<double>());
    else
      schedule_->step();
  }

  StateFile checkpoint() const {
    StateFile file;
    file.put("model", model_);
    file.put("optimizer", *optimizer_);
    file.put("schedule", *schedule_);
    file.put("random", default_generator());
    file.tensors.insert("order", order_);
    file.metadata.set("position", position_);
    return file;
  }
  void restore(const StateFile& file) {
    file.restore({{"model", model_},
                  {"optimizer", *optimizer_},
                  {"schedule", *schedule_},
                  {"random", default_generator()}});
    order_ = file.tensors["order"];
    position_ = file.metadata.get<std::int64_t>("position");
  }

 private:
  bool seeded_;
  Model model_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  std::shared_ptr<optim::LRScheduler> schedule_;
  Tensor order_ = reel::empty({0}, kInt64);
  std::int64_t position_ = 0;
};

/// Runs `work` in a child of this process; whether it ended well.
bool in_other_process(const std::function<void()>& work) {
  const ::pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    try {
      work();
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void check_resumes(const MakeOptimizer& make, const MakeOptimizer& make_other,
                   const MakeSchedule& schedule, const MakeSchedule& other_schedule) {
  static std::size_t cases = 0;
  constexpr const char* kExtensions[] = {".json", ".cbor", ".msgpack", ".safetensors", ".json.gz"};
  const Folder folder;
  const auto options = CheckpointOptions().extension(kExtensions[cases++ % 5]);
  REQUIRE(in_other_process([&] {
    Run first(1, make, schedule);
    for (int i = 0; i < 10; ++i) first.step();
    Checkpoints(folder.path(), options).save(first.checkpoint(), 10);
  }));
  Run second(2, make_other, other_schedule);
  second.step();  // leaves state of its own, which must go
  second.restore(StateFile::read(Checkpoints(folder.path(), options).latest().value()));
  for (int i = 0; i < 10; ++i) second.step();
  const std::string resumed = text_of(second.checkpoint());
  Run straight(1, make, schedule);
  for (int i = 0; i < 10; ++i) straight.step();
  const std::string halfway = text_of(straight.checkpoint());
  for (int i = 0; i < 10; ++i) straight.step();
  CHECK(resumed == text_of(straight.checkpoint()));
  CHECK(resumed != halfway);
}

template <class Optimizer, class Options>
MakeOptimizer maker(const Options& options) {
  return [options](const Parameters& parameters) {
    return std::make_unique<Optimizer>(parameters, options);
  };
}
template <class Schedule, class... Args>
MakeSchedule scheduler(const Args&... args) {
  return [args...](optim::Optimizer& optimizer) {
    return std::make_shared<Schedule>(optimizer, args...);
  };
}

}  // namespace

TEST_CASE("checkpoints: every optimizer resumes to the bit in another process") {
  using namespace optim;
  const auto resumes = [](const MakeOptimizer& make, const MakeOptimizer& other) {
    check_resumes(make, other, scheduler<StepLR>(3U, 0.5), scheduler<StepLR>(1U, 0.9));
  };
  resumes(maker<SGD>(SGDOptions(0.1).momentum(0.9).nesterov(true).weight_decay(0.01)),
          maker<SGD>(SGDOptions(3)));
  resumes(maker<SGD>(SGDOptions(0.1)), maker<SGD>(SGDOptions(3).momentum(0.5)));
  resumes(maker<Adam>(AdamOptions(0.1).amsgrad(true).weight_decay(0.01).betas({0.8, 0.9})),
          maker<Adam>(AdamOptions(3)));
  resumes(maker<AdamW>(AdamWOptions(0.1).maximize(true)),
          maker<AdamW>(AdamWOptions(3).amsgrad(true).weight_decay(0.5)));
  resumes(maker<RMSprop>(RMSpropOptions(0.1).alpha(0.9).centered(true).momentum(0.5)),
          maker<RMSprop>(RMSpropOptions(3)));
  resumes(maker<Adagrad>(AdagradOptions(0.1).lr_decay(0.01).initial_accumulator_value(0.5)),
          maker<Adagrad>(AdagradOptions(3)));
  resumes(maker<Adadelta>(AdadeltaOptions(1).rho(0.8)), maker<Adadelta>(AdadeltaOptions(3)));
  resumes(maker<Adamax>(AdamaxOptions(0.1).weight_decay(0.1)), maker<Adamax>(AdamaxOptions(3)));
  resumes(maker<NAdam>(NAdamOptions(0.1).momentum_decay(0.01)), maker<NAdam>(NAdamOptions(3)));
  resumes(
      maker<LBFGS>(LBFGSOptions(0.1).max_iter(3).history_size(4).line_search_fn("strong_wolfe")),
      maker<LBFGS>(LBFGSOptions(1).max_iter(2)));
  resumes(maker<RAdam>(RAdamOptions(0.1).betas({0.7, 0.8})), maker<RAdam>(RAdamOptions(3)));
}

TEST_CASE("checkpoints: every schedule resumes to the bit, whatever its constructor was given") {
  using namespace optim;
  using Plateau = ReduceLROnPlateauOptions;
  using Mode = CyclicLROptions::Mode;
  using Counts = std::vector<unsigned>;
  const auto resumes = [](const MakeSchedule& make, const MakeSchedule& other) {
    check_resumes(maker<SGD>(SGDOptions(0.1).momentum(0.9)),
                  maker<SGD>(SGDOptions(0.7).momentum(0.1)), make, other);
  };
  resumes(scheduler<StepLR>(4U, 0.5), scheduler<StepLR>(1U));
  resumes(scheduler<MultiStepLR>(Counts{3, 12, 15}, 0.5), scheduler<MultiStepLR>(Counts{11}));
  resumes(scheduler<ExponentialLR>(0.9), scheduler<ExponentialLR>(0.5));
  resumes(scheduler<ConstantLR>(0.25, 13U), scheduler<ConstantLR>());
  resumes(scheduler<LinearLR>(0.1, 0.7, 15U), scheduler<LinearLR>());
  resumes(scheduler<PolynomialLR>(18U, 2.0), scheduler<PolynomialLR>());
  const LRLambda lambda = [](unsigned t) { return 1 / (1.0 + t); };
  resumes(scheduler<LambdaLR>(lambda), scheduler<LambdaLR>(lambda));
  resumes(scheduler<MultiplicativeLR>(lambda), scheduler<MultiplicativeLR>(lambda));
  resumes(scheduler<CosineAnnealingLR>(7U, 0.01), scheduler<CosineAnnealingLR>(3U));
  resumes(scheduler<CosineAnnealingWarmRestarts>(3U, 2U, 0.01),
          scheduler<CosineAnnealingWarmRestarts>(5U));
  resumes(scheduler<OneCycleLR>(OneCycleLROptions(0.5, 20).three_phase(true).linear(true)),
          scheduler<OneCycleLR>(OneCycleLROptions(1, 7).pct_start(0.5).div_factor(2)));
  resumes(scheduler<CyclicLR>(CyclicLROptions(0.01, 0.1)
                                  .step_size_up(3)
                                  .step_size_down(4)
                                  .mode(Mode::ExpRange)
                                  .gamma(0.9)),
          scheduler<CyclicLR>(CyclicLROptions(0.5, 1)));
  resumes(scheduler<ReduceLROnPlateau>(Plateau().patience(0).factor(0.5).cooldown(1)),
          scheduler<ReduceLROnPlateau>(Plateau().mode(Plateau::Mode::Max).threshold(0.5)));
  const auto sequence = [](unsigned first, double gamma, unsigned second, unsigned milestone) {
    return [=](Optimizer& optimizer) -> std::shared_ptr<LRScheduler> {
      return std::make_shared<SequentialLR>(
          optimizer,
          std::vector<std::shared_ptr<LRScheduler>>{
              std::make_shared<LinearLR>(optimizer, 0.1, 1.0, first),
              std::make_shared<ExponentialLR>(optimizer, gamma),
              std::make_shared<CosineAnnealingLR>(optimizer, second)},
          Counts{milestone, milestone + 8});
    };
  };
  resumes(sequence(4, 0.9, 6, 5), sequence(2, 0.3, 3, 2));
}

TEST_CASE("checkpoints: settings of a schedule are checked before anything changes") {
  using namespace optim;
  SGD sgd({reel::zeros({1}).requires_grad_()}, SGDOptions(1));
  StepLR schedule(sgd, 3, 0.5);
  const auto before = text_of(to_file(schedule));
  const auto refused = [&](const std::string& name, const Tensor& value) {
    StateFile file = to_file(schedule);
    file.tensors[name] = value;
    const std::string error = error_of<FileError>([&] { from_file(file, schedule); });
    CHECK(text_of(to_file(schedule)) == before);
    return error;
  };
  CHECK(mentions(refused("settings.step_size", reel::full({}, 0, kInt64)),
                 {"does not fit the scheduler", "step_size must be at least 1, found 0"}));
  CHECK(mentions(refused("settings.step_size", reel::full({}, -1, kInt64)), {"out of range: -1"}));
  CHECK(mentions(refused("settings.gamma", reel::full({2}, 1, kFloat64)), {"must be one float64"}));
  // Files of before the settings were kept.
  StateFile old = to_file(schedule);
  old.tensors.erase("settings.step_size");
  CHECK(mentions(error_of<FileError>([&] { from_file(old, schedule); }),
                 {"missing settings.step_size"}));
  old.tensors.erase("settings.gamma");
  old.tensors["step_count"] = reel::full({}, 2, kInt64);
  from_file(old, schedule);
  schedule.step();
  CHECK(schedule.get_last_lr() == std::vector<double>{0.5});

  MultiStepLR steps(sgd, {1, 2});
  StateFile file = to_file(steps);
  for (const Tensor& bad :
       {reel::full({2}, -1, kInt64), reel::ones({2}), reel::ones({1, 1}, kInt64)}) {
    file.tensors["settings.milestones"] = bad;
    CHECK(mentions(error_of<FileError>([&] { from_file(file, steps); }),
                   {"settings.milestones must be a list of counts"}));
  }
  CyclicLR cyclic(sgd, CyclicLROptions(0.1, 1).cycle_momentum(false));
  file = to_file(cyclic);
  file.tensors["settings.mode"] = reel::full({}, 3, kInt64);
  CHECK(mentions(error_of<FileError>([&] { from_file(file, cyclic); }),
                 {"[CyclicLR] mode must be a number below 3, found 3"}));
  SequentialLR sequence(
      sgd, {std::make_shared<StepLR>(sgd, 2), std::make_shared<ExponentialLR>(sgd, 0.5)}, {3});
  file = to_file(sequence);
  file.tensors["settings.milestones"] = reel::ones({2}, kInt64);
  CHECK(mentions(error_of<FileError>([&] { from_file(file, sequence); }),
                 {"2 schedulers and 2 milestones"}));
  file = to_file(sequence);
  file.tensors["schedulers.0.settings.step_size"] = reel::full({}, 0, kInt64);
  CHECK(mentions(error_of<FileError>([&] { from_file(file, sequence); }), {"[StepLR]"}));
}

TEST_CASE("checkpoints: the newest and the best stay") {
  const Folder folder;
  Net net(0.5);
  StateFile file;
  file.put("model", net);
  const auto name = [](const std::string& path) {
    return std::filesystem::path(path).filename().string();
  };
  const auto step_in = [](const std::optional<std::string>& path) {
    return StateFile::read(path.value()).metadata.get<std::int64_t>("step");
  };
  const std::string run = folder / "runs/a";
  {
    Checkpoints checkpoints(run, CheckpointOptions().keep(2).extension(".cbor"));
    CHECK_FALSE(checkpoints.latest());
    CHECK_FALSE(checkpoints.best());
    CHECK(name(checkpoints.save(file, 7)) == "checkpoint-000000007.cbor");
    CHECK_FALSE(checkpoints.best());
    for (const auto& [step, score] : {std::pair{8, 3.0}, {9, 1.0}, {10, std::nan("")}, {11, 2.0}}) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      const std::string path = checkpoints.save(file, step, score);
      CHECK(path == checkpoints.latest());
    }
    CHECK(checkpoints.list().size() == 2);
    CHECK(name(checkpoints.list()[0]) == "checkpoint-000000010.cbor");
    CHECK(step_in(checkpoints.latest()) == 11);
    CHECK(step_in(checkpoints.best()) == 9);
    CHECK(StateFile::read(*checkpoints.best()).metadata.get<double>("score") == 1.0);
    CHECK_FALSE(StateFile::read(checkpoints.list()[0]).metadata.contains("score"));
  }
  // Another process goes on: the best so far is known, other files are left alone.
  std::ofstream(run + "/checkpoint-x.cbor") << "mine";
  std::ofstream(run + "/checkpoint-1.json") << "mine";
  Checkpoints again(run, CheckpointOptions().keep(1).extension(".cbor"));
  again.save(file, 3, 1.5);  // back to an earlier step
  CHECK(step_in(again.latest()) == 3);
  CHECK(again.list().size() == 1);
  CHECK(step_in(again.best()) == 9);
  again.save(file, 1234567890123, 0.5);
  CHECK(step_in(again.best()) == 1234567890123);
  CHECK(name(*again.latest()) == "checkpoint-1234567890123.cbor");
  CHECK(written(run + "/checkpoint-x.cbor") == "mine");
  CHECK(written(run + "/checkpoint-1.json") == "mine");

  Checkpoints highest(folder / "b", CheckpointOptions().higher_is_better(true));
  highest.save(file, 1, 0.5);
  highest.save(file, 2, 0.75);
  highest.save(file, 3, 0.25);
  CHECK(step_in(highest.best()) == 2);

  CHECK(mentions(error_of<Error>([&] { Checkpoints(run, CheckpointOptions().keep(0)); }),
                 {"keep must be at least 1, found 0"}));
  CHECK(mentions(error_of<Error>([&] { Checkpoints(run, CheckpointOptions().extension(".pt")); }),
                 {"'.pt' is the extension of no format"}));
  CHECK(mentions(
      error_of<Error>([&] {
        Checkpoints(run, CheckpointOptions().save_options(SaveOptions().format(FileFormat::Cbor)));
      }),
      {"leave it out of save_options"}));
  CHECK(mentions(error_of<Error>([&] { again.save(file, -1); }), {"found -1"}));
  CHECK(mentions(error_of<FileError>([&] { Checkpoints bad(run + "/checkpoint-x.cbor/y"); }),
                 {"cannot make the folder", "Not a directory"}));
}
