// Times one time step of an LSTM with one input and a batch of one, state carried on: reel's
// StreamingRunner, libtorch's LSTMCell, oneDNN's LSTM primitive, and reading the weights once.
#include "streaming_step.hpp"

#include <reel/reel.hpp>

#include "report.hpp"

namespace {

/// Reads n floats as fast as the machine can. The sum is of whole numbers, in lanes that do not
/// wait for each other.
__attribute__((target_clones("default", "avx2", "avx512f"))) std::uint32_t read_all(
    const std::uint32_t* data, std::int64_t n) {
  constexpr std::int64_t kLanes = 128;
  std::uint32_t lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (std::int64_t k = 0; k < kLanes; ++k) lanes[k] += data[i + k];
  for (; i < n; ++i) lanes[0] += data[i];
  std::uint32_t sum = 0;
  for (const std::uint32_t lane : lanes) sum += lane;
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::int64_t> hidden{40, 128, 256, 512};
  bench::Report report("streaming_step", {1e-6, "us"});
  CLI::App app("One step of an LSTM, batch 1: reel, reading its weights, oneDNN, libtorch");
  app.add_option("--hidden", hidden, "hidden sizes")->delimiter(',')->capture_default_str();
  report.add_options(app, 1);
  CLI11_PARSE(app, argc, argv);
  report.start();
  for (const auto h : hidden) {
    reel::nn::LSTM lstm(1, h);
    reel::nn::StreamingRunner runner(lstm);
    std::int64_t count = 0;
    for (const auto& p : lstm->parameters()) count += p.numel();
    const reel::Tensor weights = reel::randint(1000, {count}, reel::kInt32);
    const float x = 0.5f;
    std::vector<float> y(static_cast<std::size_t>(h));
    volatile std::uint32_t sum = 0;
    std::vector<bench::Report::Entry> turns{
        {"reel", [&] { runner.step(&x, y.data()); }},
        {"read weights", [&] {
           sum = read_all(reinterpret_cast<const std::uint32_t*>(weights.data_ptr<std::int32_t>()),
                          count);
         }}};
#ifdef REEL_HAVE_DNNL
    const auto dnnl = bench::make_dnnl_stream(h);
    turns.emplace_back("oneDNN", [&] { dnnl->run(); });
#endif
#ifdef REEL_HAVE_TORCH
    const auto torch = bench::make_torch_stream(h);
    turns.emplace_back("libtorch", [&] { torch->run(); });
#endif
    report.time({{"hidden", h}, {"weight_bytes", count * 4}}, turns, 2e-3);
  }
  report.finish();
}
