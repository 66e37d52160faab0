// How near a training step of a character model comes to its matrix products alone: the step, and
// all its products one after the other, each by the fastest of what is at hand (reel's kernels,
// the BLAS, oneDNN).
#include <reel/reel.hpp>

#include "gemm_bound.hpp"
#include "grid.hpp"

#include <cblas.h>

#include <reel/autograd/product.hpp>

namespace lib = reel;
#include "models.hpp"

namespace bench {
namespace {

using reel::product::Matrix;
using reel::product::Packed;

/// `count` products c = op(a) op(b) of the same b: a [count * m, k] (its transposed where ta),
/// b [k, n] (likewise), c [count * m, n]. Several products are the time steps, which add to c.
struct Product {
  std::string name;
  std::int64_t m, n, k;
  bool ta, tb;
  std::int64_t count = 1;
};

class Runner {
 public:
  explicit Runner(const Product& p)
      : p_(p),
        a_(numbers(p.count * p.m * p.k)),
        b_(numbers(p.k * p.n)),
        c_(numbers(p.count * p.m * p.n)) {
    candidates_.emplace_back("reel", [this] { by_reel(); });
    candidates_.emplace_back("BLAS", [this] { by_blas(); });
#ifdef REEL_HAVE_DNNL
    candidates_.emplace_back("oneDNN", [this] { by_dnnl(); });
#endif
    choose();
  }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  void run() { candidates_[best_].second(); }
  double flops() const {
    return 2. * static_cast<double>(p_.count) * static_cast<double>(p_.m) *
           static_cast<double>(p_.n) * static_cast<double>(p_.k);
  }
  Json about() const {
    return {{"product", p_.name},
            {"m", p_.m},
            {"n", p_.n},
            {"k", p_.k},
            {"count", p_.count},
            {"best", candidates_[best_].first},
            {"gflops", flops() / best_seconds_ * 1e-9}};
  }

 private:
  static std::vector<float> numbers(std::int64_t n) {
    const reel::Tensor t = reel::randn({n});
    return {t.data_ptr<float>(), t.data_ptr<float>() + n};
  }
  void choose() {
    std::vector<std::function<void()>> turns;
    for (const auto& c : candidates_) turns.push_back(c.second);
    const auto t = interleave(turns, 0.02, 5, 0, Clock::kProcess);
    for (std::size_t i = 0; i < t.size(); ++i)
      if (t[i].median < t[best_].median) best_ = i;
    best_seconds_ = t[best_].median;
  }
  const float* a(std::int64_t i) const { return a_.data() + i * p_.m * p_.k; }
  float* c(std::int64_t i) { return c_.data() + i * p_.m * p_.n; }

  void by_reel() {
    const Matrix<float> b = p_.tb ? Matrix<float>{b_.data(), p_.k, p_.n, 1, p_.k}
                                  : Matrix<float>{b_.data(), p_.k, p_.n, p_.n, 1};
    const auto left = [&](std::int64_t i) {
      return p_.ta ? Matrix<float>{a(i), p_.m, p_.k, 1, p_.m}
                   : Matrix<float>{a(i), p_.m, p_.k, p_.k, 1};
    };
    if (p_.count == 1 || p_.m == 1) {
      for (std::int64_t i = 0; i < p_.count; ++i)
        reel::product::multiply<float>(left(i), b, c(i), p_.n,
                                       {p_.count > 1 ? c(i) : nullptr, p_.n});
    } else {
      const Packed<float> packed(b);
      for (std::int64_t i = 0; i < p_.count; ++i)
        packed.multiply(left(i), c(i), p_.n, {c(i), p_.n});
    }
  }
  void by_blas() {
    const auto size = [](std::int64_t n) { return static_cast<int>(n); };
    for (std::int64_t i = 0; i < p_.count; ++i)
      cblas_sgemm(CblasRowMajor, p_.ta ? CblasTrans : CblasNoTrans,
                  p_.tb ? CblasTrans : CblasNoTrans, size(p_.m), size(p_.n), size(p_.k), 1.f, a(i),
                  size(p_.ta ? p_.m : p_.k), b_.data(), size(p_.tb ? p_.k : p_.n),
                  p_.count > 1 ? 1.f : 0.f, c(i), size(p_.n));
  }
#ifdef REEL_HAVE_DNNL
  void by_dnnl() {
    for (std::int64_t i = 0; i < p_.count; ++i)
      dnnl_product(p_.ta, p_.tb, p_.m, p_.n, p_.k, a(i), b_.data(), p_.count > 1 ? 1.f : 0.f, c(i));
  }
#endif

  Product p_;
  std::vector<float> a_, b_, c_;
  std::vector<std::pair<std::string, std::function<void()>>> candidates_;
  std::size_t best_ = 0;
  double best_seconds_ = 0;
};

/// The products of one step. Where the vocabulary is smaller than the batch's characters, the first
/// layer's projection is done on the embedding's table.
std::vector<Product> products_of(const Case& c) {
  const std::int64_t gates = c.cell == "lstm" ? 4 : c.cell == "gru" ? 3 : 1;
  const std::int64_t h = c.hidden, g = gates * h, n = c.steps * c.batch, v = c.vocabulary;
  std::vector<Product> all;
  for (std::int64_t layer = 0; layer < c.layers; ++layer)
    for (std::int64_t d = 0; d < c.directions; ++d) {
      const std::int64_t rows = layer == 0 ? std::min(n, v) : n;
      const std::int64_t in = layer == 0 ? h : h * c.directions;
      all.push_back({"projection", rows, g, in, false, true});
      all.push_back({"recurrent", c.batch, g, h, false, true, c.steps});
      all.push_back({"recurrent backward", c.batch, h, g, false, false, c.steps});
      all.push_back({"recurrent weight", g, h, n, true, false});
      all.push_back({"projection weight", g, in, rows, true, false});
      all.push_back({"projection backward", rows, in, g, false, false});
    }
  const std::int64_t out = h * c.directions;
  all.push_back({"head", n, v, out, false, true});
  all.push_back({"head backward", n, out, v, false, false});
  all.push_back({"head weight", v, out, n, true, false});
  return all;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::Grid grid;
  grid.hidden = {128, 256, 512, 1024};
  grid.batch = {16, 32, 64};
  bool each = false;
  bench::Report report("gemm_bound", {1e-3, "ms"});
  CLI::App app("A training step of a character model against its matrix products alone");
  grid.add_options(app);
  app.add_flag("--each", each, "show every product with its GFLOP/s");
  report.add_options(app, 2);
  CLI11_PARSE(app, argc, argv);
  report.start();
  grid.each([&](const bench::Case& c) {
    bench::TrainingStep step(c);
    step.run();  // reel sets the BLAS's threads at its first product
    std::vector<std::unique_ptr<bench::Runner>> products;
    double flops = 0;
    bench::Json about = bench::Json::array();
    for (const auto& p : bench::products_of(c)) {
      products.push_back(std::make_unique<bench::Runner>(p));
      flops += products.back()->flops();
      about.push_back(products.back()->about());
      if (each) std::printf("  %s\n", about.back().dump().c_str());
    }
    bench::Json facts{{"gflop", flops * 1e-9}};
    if (each) facts["products"] = about;
    report.time(keys(c),
                {{"step", [&] { step.run(); }},
                 {"products",
                  [&] {
                    for (const auto& p : products) p->run();
                  }}},
                0, facts);
  });
  report.finish();
}
