#include "lbfgs.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "autograd/ops/ops.hpp"
#include "update.hpp"

namespace reel {
namespace optim {

namespace {

/// A place on the search line: its distance from the start, the loss, its gradient, and the slope
/// along the line.
struct Point {
  double t, loss;
  Tensor grad;
  double slope;
};

/// Where the cubic through two points' losses and slopes is least, within [low, high].
double cubic_minimum(const Point& a, const Point& b, double low, double high) {
  const double d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t);
  const double square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const double d2 = std::sqrt(square);
  const Point &left = a.t <= b.t ? a : b, &right = a.t <= b.t ? b : a;
  const double at = right.t - (right.t - left.t) *
                                  ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2));
  return std::min(std::max(at, low), high);
}

/// Searches a distance at which the loss has fallen by a share of what the slope promises and the
/// slope is a share of the first one: brackets such a place, then narrows the bracket.
class StrongWolfe {
 public:
  using Evaluate = std::function<Point(double t)>;
  StrongWolfe(Point start, double longest, Evaluate evaluate)
      : start_(std::move(start)), longest_(longest), evaluate_(std::move(evaluate)) {}

  int evaluations() const { return evaluations_; }

  Point search(double t) {
    Point before = start_, now = at(t);
    for (int k = 0; k < kMost; ++k, ++rounds_) {
      if (too_high(now) || (k > 1 && now.loss >= before.loss)) return narrowed(before, now);
      if (flat(now)) return now;
      if (now.slope >= 0) return narrowed(before, now);
      const double low = now.t + 0.01 * (now.t - before.t), high = now.t * 10;
      Point next = at(cubic_minimum(before, now, low, high));
      before = std::move(now);
      now = std::move(next);
    }
    return start_.loss <= now.loss ? start_ : now;
  }

 private:
  static constexpr double kFall = 1e-4, kFlat = 0.9, kShortest = 1e-9;
  static constexpr int kMost = 25;

  Point at(double t) {
    ++evaluations_;
    return evaluate_(t);
  }
  bool too_high(const Point& p) const { return p.loss > start_.loss + kFall * p.t * start_.slope; }
  bool flat(const Point& p) const { return std::abs(p.slope) <= -kFlat * start_.slope; }

  /// The bracket's ends in the order in which they were found.
  Point narrowed(Point first, Point second) {
    bool close = false;  // whether the last trial was near an end of the bracket
    Point* low = first.loss <= second.loss ? &first : &second;
    while (rounds_ < kMost && std::abs(second.t - first.t) * longest_ >= kShortest) {
      const double left = std::min(first.t, second.t), right = std::max(first.t, second.t);
      double t = cubic_minimum(first, second, left, right);
      // Where trials stay near an end, move a tenth of the bracket away from it.
      const double margin = 0.1 * (right - left);
      const bool near = std::min(right - t, t - left) < margin;
      if (near && (close || t >= right || t <= left)) {
        t = std::abs(t - right) < std::abs(t - left) ? right - margin : left + margin;
        close = false;
      } else {
        close = near;
      }
      Point now = at(t);
      ++rounds_;
      Point* high = low == &first ? &second : &first;
      if (too_high(now) || now.loss >= low->loss) {
        *high = std::move(now);
        low = first.loss <= second.loss ? &first : &second;
        continue;
      }
      if (flat(now)) return now;
      if (now.slope * (high->t - low->t) >= 0) *high = *low;
      *low = std::move(now);
    }
    return *low;
  }

  Point start_;
  double longest_;  // the longest component of the direction
  Evaluate evaluate_;
  int evaluations_ = 0, rounds_ = 0;
};

double number(const Tensor& t) { return t.item<double>(); }
double inner_product(const Tensor& a, const Tensor& b) { return number(a.dot(b)); }
double largest(const Tensor& t) { return t.numel() == 0 ? 0 : number(t.abs().max()); }

/// -H g from the pairs (s, y) that the state remembers: the two loops of Nocedal, 1980.
Tensor newton_direction(const LBFGSParamState& state, const Tensor& grad) {
  const auto &y = state.old_dirs(), &s = state.old_stps();
  std::vector<double> share(y.size()), weight(y.size());
  Tensor direction = grad.neg();
  for (std::size_t i = y.size(); i-- > 0;) {
    share[i] = 1 / inner_product(y[i], s[i]);
    weight[i] = inner_product(s[i], direction) * share[i];
    direction.add_(y[i], -weight[i]);
  }
  direction.mul_(state.H_diag());
  for (std::size_t i = 0; i < y.size(); ++i)
    direction.add_(s[i], weight[i] - inner_product(y[i], direction) * share[i]);
  return direction;
}

/// Takes the pair of the last step into the memory.
void remember(LBFGSParamState& state, const Tensor& grad, std::int64_t history_size) {
  const Tensor y = grad - state.prev_flat_grad(), s = state.d() * state.t();
  const double ys = inner_product(y, s);
  if (ys <= 1e-10) return;  // the loss does not curve upwards here
  auto &dirs = state.old_dirs(), &steps = state.old_stps();
  if (static_cast<std::int64_t>(dirs.size()) >= history_size) {
    dirs.erase(dirs.begin());
    steps.erase(steps.begin());
  }
  dirs.push_back(y);
  steps.push_back(s);
  state.H_diag(ys / inner_product(y, y));
}

/// Visits rows of n numbers as one tensor.
void visit_rows(Fields& visit, const char* name, std::vector<Tensor>& rows, std::int64_t n) {
  Tensor all = rows.empty() ? Tensor() : stack(rows);
  visit.shaped(name, all, {-1, n});
  rows.clear();
  for (std::int64_t i = 0; all.defined() && i < all.size(0); ++i) rows.push_back(all.select(0, i));
}

std::int64_t count_of(const std::vector<Tensor>& params) {
  std::int64_t count = 0;
  for (const Tensor& p : params) count += p.numel();
  return count;
}

}  // namespace

void LBFGSOptions::fields(Fields& visit) {
  visit("lr", lr_);
  visit("max_iter", max_iter_);
  std::int64_t most = max_eval_.value_or(max_iter_ * 5 / 4);
  visit("max_eval", most);
  max_eval_ = most;
  visit("tolerance_grad", tolerance_grad_);
  visit("tolerance_change", tolerance_change_);
  visit("history_size", history_size_);
  bool searches = line_search_fn_.has_value();
  visit("strong_wolfe", searches);
  line_search_fn_ = searches ? std::optional<std::string>("strong_wolfe") : nullopt;
}
void LBFGSOptions::validate() const {
  check(lr_ >= 0, "[LBFGS] Invalid learning rate: ", lr_);
  check(max_iter_ > 0, "[LBFGS] max_iter must be greater than zero, found ", max_iter_);
  check(max_eval_.value_or(1) > 0, "[LBFGS] max_eval must be greater than zero, found ",
        max_eval_.value_or(1));
  check(history_size_ > 0, "[LBFGS] history_size must be greater than zero, found ", history_size_);
  check(!line_search_fn_ || *line_search_fn_ == "strong_wolfe",
        "[LBFGS] only 'strong_wolfe' is supported as line_search_fn, found '",
        line_search_fn_.value_or(""), "'");
}

void LBFGSParamState::fields(Fields& visit) {
  visit.count("func_evals", func_evals_);
  visit.count("n_iter", n_iter_);
  visit("t", t_);
  visit("prev_loss", prev_loss_);
  visit("H_diag", H_diag_);
  visit.shaped("d", d_, {numel_});
  visit.shaped("prev_flat_grad", prev_flat_grad_, {numel_});
  visit_rows(visit, "old_dirs", old_dirs_, numel_);
  visit_rows(visit, "old_stps", old_stps_, numel_);
  if (n_iter_ > 0)
    for (const char* name : {"d", "prev_flat_grad"}) visit.required(name);
  if (!old_stps_.empty()) visit.required("old_dirs");
  if (!old_dirs_.empty()) visit.required("old_stps");
}

LBFGS::LBFGS(std::vector<OptimizerParamGroup> param_groups, LBFGSOptions defaults)
    : OptimizerOf(std::move(param_groups),
                  defaults.max_eval(defaults.max_eval().value_or(defaults.max_iter() * 5 / 4))) {
  check_single_group();
}
LBFGS::LBFGS(std::vector<Tensor> params, LBFGSOptions defaults)
    : LBFGS(std::vector<OptimizerParamGroup>{OptimizerParamGroup(std::move(params))},
            std::move(defaults)) {}

void LBFGS::check_single_group() const {
  check(param_groups().size() == 1,
        "[LBFGS] LBFGS doesn't support per-parameter options (parameter groups): expected one ",
        "group, found ", param_groups().size());
  const auto& params = parameters();
  for (const Tensor& p : params)
    check<DtypeError>(p.dtype() == params[0].dtype(),
                      "[LBFGS] expected parameters of one dtype, found ",
                      dtype_name(params[0].dtype()), " and ", dtype_name(p.dtype()));
}

std::unique_ptr<OptimizerParamState> LBFGS::make_state() const {
  auto state = std::make_unique<LBFGSParamState>();
  state->numel(count_of(parameters()));
  return state;
}

Tensor LBFGS::flat_gradient() const {
  check_gradients();
  std::vector<Tensor> parts;
  for (const Tensor& p : parameters())
    parts.push_back(p.grad().defined() ? p.grad().detach().reshape({-1})
                                       : zeros({p.numel()}, p.options()));
  return cat(parts);
}

void LBFGS::move_by(double length, const Tensor& direction) const {
  std::int64_t at = 0;
  for (Tensor p : parameters()) {
    p.add_(direction.narrow(0, at, p.numel()).view(p.sizes()), length);
    at += p.numel();
  }
}

Tensor LBFGS::step(LossClosure closure) {
  check(closure != nullptr, "[LBFGS] step() needs a closure that clears the gradients, computes ",
        "the loss, calls backward() and returns the loss; it is called several times");
  check_single_group();
  check(!parameters().empty(),
        "[LBFGS] there is nothing to optimize; add_parameters() before step()");
  const NoGradGuard no_grad;
  const auto& options = options_of<LBFGSOptions>(param_groups()[0]);
  const std::int64_t most = options.max_eval().value_or(options.max_iter() * 5 / 4);
  auto& slot = state()[parameters()[0].impl()];
  if (!slot) slot = make_state();
  auto& state = state_of<LBFGSParamState>(parameters()[0]);
  check(state.numel() == count_of(parameters()), "[LBFGS] the state is of ", state.numel(),
        " numbers but the parameters have ", count_of(parameters()),
        "; make a new optimizer after changing parameters");
  check(state.old_dirs().size() == state.old_stps().size(), "[LBFGS] the state has ",
        state.old_dirs().size(), " old_dirs but ", state.old_stps().size(), " old_stps");

  const Tensor first_loss = evaluate(closure);
  double loss = number(first_loss);
  std::int64_t evaluations = 1;
  ++state.func_evals();
  Tensor grad = flat_gradient();
  if (largest(grad) <= options.tolerance_grad()) return first_loss;

  for (std::int64_t k = 1; k <= options.max_iter(); ++k) {
    const bool first = ++state.n_iter() == 1;
    if (first) {
      state.d(grad.neg());
    } else {
      remember(state, grad, options.history_size());
      state.d(newton_direction(state, grad));
    }
    const Tensor direction = state.d();
    state.prev_flat_grad(grad);
    state.prev_loss(loss);
    const double sum = first ? number(grad.abs().sum()) : 0;
    state.t(first ? std::min(1.0, 1 / sum) * options.lr() : options.lr());
    const double slope = inner_product(grad, direction);
    if (slope > -options.tolerance_change()) break;

    std::int64_t used = 0;
    if (options.line_search_fn()) {
      std::vector<Tensor> start;
      for (const Tensor& p : parameters()) start.push_back(p.detach().clone());
      StrongWolfe line({0, loss, grad, slope}, largest(direction), [&](double t) {
        move_by(t, direction);
        const double here = number(evaluate(closure));
        const Tensor there = flat_gradient();
        for (std::size_t i = 0; i < start.size(); ++i) {
          Tensor p = parameters()[i];
          p.copy_(start[i]);
        }
        return Point{t, here, there, inner_product(there, direction)};
      });
      const Point found = line.search(state.t());
      state.t(found.t);
      loss = found.loss;
      grad = found.grad;
      used = line.evaluations();
      move_by(found.t, direction);
    } else {
      move_by(state.t(), direction);
      // The last one's gradient would be of no use.
      if (k != options.max_iter()) {
        loss = number(evaluate(closure));
        grad = flat_gradient();
        used = 1;
      }
    }
    evaluations += used;
    state.func_evals() += used;
    if (evaluations >= most || largest(grad) <= options.tolerance_grad()) break;
    if (largest(direction) * state.t() <= options.tolerance_change()) break;
    if (std::abs(loss - state.prev_loss()) < options.tolerance_change()) break;
  }
  return first_loss;
}
std::string LBFGS::name() const { return "LBFGS"; }

template class OptimizerOptionsWithRate<LBFGSOptions>;
template class OptimizerOf<LBFGSOptions, LBFGSParamState>;

}  // namespace optim
}  // namespace reel
