// Every op of op_table.cpp against PyTorch's numbers (fixtures/ops.json) and against finite
// differences, on every memory layout; and that no public op is missing from the table.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "op_table.hpp"

using namespace reel;
using namespace reel::test;

namespace {

using CasesOfOp = std::map<std::string, std::vector<const json*>>;

constexpr const char* kFixtures[] = {"ops.json",    "ops_shapes.json",   "ops_pointwise.json",
                                     "losses.json", "ops_sequence.json", "ops_composed.json"};

const CasesOfOp& cases_of_ops() {
  static const CasesOfOp cases = [] {
    CasesOfOp sorted;
    for (const char* file : kFixtures)
      for (const auto& row : fixture(file)) sorted[row.at("op")].push_back(&row);
    return sorted;
  }();
  return cases;
}

/// A case's stored tensors in one layout, as leaves, and the op's inputs made from them.
struct Inputs {
  Tensors stored;
  const json* row;

  Inputs(const json& from, MemoryLayout layout, ScalarType floating) : row(&from) {
    for (const auto& written : from.at("in")) {
      Tensor t = laid_out(read_tensor(written, floating), layout);
      if (!written.contains("t") && written.value("g", 1) == 1) t.requires_grad_();
      stored.push_back(t);
    }
  }
  Tensors views(const Tensors& leaves) const {
    Tensors out;
    for (std::size_t i = 0; i < leaves.size(); ++i)
      out.push_back(apply_steps(leaves[i], row->at("in")[i].value("v", json::array())));
    return out;
  }
  Tensors views() const { return views(stored); }
};

/// One line for each case that fails, whatever the number of layouts.
struct Failures {
  std::ostringstream text;
  int count = 0;
  std::string last;
  void add(const std::string& which, const std::string& what) {
    if (++count > 100 || which == last) return;
    last = which;
    text << "\n  " << which << ": " << what;
  }
};

std::string title(const OpRow& op, const json& row) {
  return op.name + " / " + row.at("name").get<std::string>();
}

// What differs between PyTorch and `run` on one case; empty where nothing does.
std::string compare(const json& row, RunOp run, MemoryLayout layout, ScalarType floating,
                    double bound) {
  const Inputs inputs(row, layout, floating);
  const Tensors out = run(inputs.views(), Args(row));
  const Tensors want = read_tensors(row.at("out"), floating);
  if (out.size() != want.size())
    return std::to_string(out.size()) + " results, not " + std::to_string(want.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    // A case may give float32 whatever its inputs are, as functions of integers do.
    const double limit = want[i].scalar_type() == kFloat32 ? std::max(bound, 1e-6) : bound;
    if (const double d = difference(out[i], want[i]); !(d <= limit)) {
      std::ostringstream text;
      text << "result " << i << " differs by " << d << "\ngot\n" << out[i] << "\nwant\n" << want[i];
      return text.str();
    }
  }
  if (!row.contains("cot")) {
    for (const auto& t : out)
      if (t.requires_grad()) return "a result requires grad, PyTorch's does not";
    return {};
  }
  Tensors tracked;
  for (const auto& t : out)
    if (t.requires_grad()) tracked.push_back(t);
  autograd::backward(tracked, read_tensors(row.at("cot"), floating));
  for (std::size_t i = 0; i < inputs.stored.size(); ++i) {
    if (row.at("dx")[i].is_null()) continue;
    const Tensor& got = inputs.stored[i].grad();
    const Tensor expected = read_tensor(row.at("dx")[i], floating);
    // A leaf that no result depends on may be left without a gradient.
    if (!got.defined() && difference(expected, reel::zeros_like(expected)) == 0) continue;
    if (const double d = difference(got, expected); !(d <= bound)) {
      std::ostringstream text;
      text << "gradient " << i << " differs by " << d << "\ngot\n" << got << "\nwant\n" << expected;
      return text.str();
    }
  }
  return {};
}

// In place the result has the first operand's sizes and dtype, so other cases do not apply.
bool fits_in_place(const json& row) {
  const json& first = row.at("in")[0];
  const json& out = row.at("out")[0];
  return !first.contains("v") && first.at("s") == out.at("s") &&
         first.value("t", "float64") == out.value("t", "float64");
}

/// Calls `visit(op, row, run, how)` for each way to call each op on each of its cases.
template <class Visit>
void for_each_call(Visit visit) {
  for (const auto& op : op_table()) {
    if (!op.run && !op.method) continue;
    const bool in_place = op.name.back() == '_';
    for (const json* row : cases_of_ops().at(op.cases())) {
      if (in_place && op.cases().back() != '_' && !fits_in_place(*row)) continue;
      if (op.run) visit(op, *row, op.run, "function");
      if (op.method) visit(op, *row, op.method, "method");
    }
  }
}

bool takes(const OpRow& op, MemoryLayout layout) {
  return !op.layout_bound || layout == MemoryLayout::kContiguous;
}

void compare_all(ScalarType floating, double bound) {
  Failures failures;
  int compared = 0;
  for_each_call([&](const OpRow& op, const json& row, RunOp run, const char* how) {
    for (const MemoryLayout layout : kLayouts) {
      if (!takes(op, layout)) continue;
      std::string problem;
      try {
        problem = compare(row, run, layout, floating, bound);
      } catch (const std::exception& e) {
        problem = std::string("threw ") + e.what();
      }
      ++compared;
      if (!problem.empty())
        failures.add(title(op, row),
                     std::string(how) + ", " + layout_name(layout) + ": " + problem);
    }
  });
  INFO(failures.text.str());
  CHECK(failures.count == 0);
  std::size_t cases = 0;
  for (const char* file : kFixtures) cases += fixture(file).size();
  CHECK(compared > 4 * static_cast<int>(cases));
}

}  // namespace

TEST_CASE("ops: values and gradients agree with PyTorch's in float64") {
  compare_all(kFloat64, 1e-10);
}

TEST_CASE("ops: values and gradients agree with PyTorch's in float32") {
  compare_all(kFloat32, 2e-5);
}

TEST_CASE("ops: gradients agree with finite differences on every layout") {
  manual_seed(11);
  Failures failures;
  int checked = 0;
  for_each_call([&](const OpRow& op, const json& row, RunOp run, const char* how) {
    if (!row.contains("cot") || row.value("smooth", 1) == 0) return;
    for (const MemoryLayout layout : kLayouts) {
      if (!takes(op, layout)) continue;
      const Inputs inputs(row, layout, kFloat64);
      double worst = 0;
      std::string problem;
      try {
        worst = gradient_difference(
            [&](const Tensors& leaves) { return run(inputs.views(leaves), Args(row)); },
            inputs.stored);
      } catch (const std::exception& e) {
        problem = std::string(" threw ") + e.what();
      }
      ++checked;
      if (!(worst <= 1e-7) || !problem.empty())
        failures.add(title(op, row), std::string(how) + ", " + layout_name(layout) + ": " +
                                         std::to_string(worst) + problem);
    }
  });
  INFO(failures.text.str());
  CHECK(failures.count == 0);
  CHECK(checked > 1000);
}

TEST_CASE("ops: nothing is recorded under NoGradGuard, and inputs are left alone") {
  for_each_call([&](const OpRow& op, const json& row, RunOp run, const char*) {
    INFO(title(op, row));
    const Inputs inputs(row, MemoryLayout::kContiguous, kFloat64);
    Tensors before;
    for (const auto& t : inputs.stored) before.push_back(t.detach().clone());
    const Tensors recorded = run(inputs.views(), Args(row));
    NoGradGuard no_grad;
    const Tensors plain = run(inputs.views(), Args(row));
    REQUIRE(plain.size() == recorded.size());
    for (std::size_t i = 0; i < plain.size(); ++i) {
      CHECK_FALSE((plain[i].grad_fn() != nullptr));
      CHECK(difference(plain[i], recorded[i]) == 0);
    }
    for (std::size_t i = 0; i < before.size(); ++i)
      CHECK(difference(inputs.stored[i], before[i]) == 0);
  });
}

TEST_CASE("ops: a second derivative by backward of a recorded backward") {
  // d2/dx2 of sum(cot * f(x)) against finite differences of the first derivative.
  manual_seed(12);
  Failures failures;
  int checked = 0;
  for_each_call([&](const OpRow& op, const json& row, RunOp run, const char* how) {
    if (!row.contains("cot") || row.value("smooth", 1) == 0 || op.name.back() == '_') return;
    const Inputs inputs(row, MemoryLayout::kContiguous, kFloat64);
    const Tensors cotangents = read_tensors(row.at("cot"));
    Tensors wanted;
    for (const auto& t : inputs.stored)
      if (t.requires_grad()) wanted.push_back(t);
    std::string problem;
    double worst = 0;
    try {
      worst = gradient_difference(
          [&](const Tensors& leaves) {
            AutoGradMode on(true);
            Tensors tracked;
            for (const auto& t : run(inputs.views(leaves), Args(row)))
              if (t.requires_grad()) tracked.push_back(t);
            Tensors first =
                autograd::grad(tracked, wanted, cotangents, nullopt, /*create_graph=*/true, true);
            Tensors kept;
            // A linear op's gradient is a constant: tie it to the inputs, so that every case has
            // a graph and the finite differences still see only the derivative.
            for (std::size_t i = 0; i < first.size(); ++i)
              if (first[i].defined()) kept.push_back(first[i] + wanted[i] * wanted[i]);
            return kept;
          },
          inputs.stored);
    } catch (const std::exception& e) {
      problem = std::string(" threw ") + e.what();
    }
    ++checked;
    if (!(worst <= 1e-6) || !problem.empty())
      failures.add(title(op, row), how + (": " + std::to_string(worst)) + problem);
  });
  INFO(failures.text.str());
  CHECK(failures.count == 0);
  CHECK(checked > 400);
}

namespace {

// The C++ text without comments, preprocessor lines and string literals.
std::string stripped(const std::filesystem::path& path) {
  std::ifstream in(path);
  REQUIRE_MESSAGE(in, "cannot read ", path.string());
  std::stringstream all;
  all << in.rdbuf();
  const std::string text = all.str();
  std::string kept;
  bool at_line_start = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto skip_to = [&](const char* end, std::size_t from) {
      const auto at = text.find(end, from);
      i = at == std::string::npos ? text.size() : at + std::string(end).size() - 1;
    };
    if (text.compare(i, 2, "//") == 0 || (at_line_start && text[i] == '#')) {
      do {
        skip_to("\n", i + 1);
      } while (i < text.size() && text[i - 1] == '\\');
      kept += '\n';
      at_line_start = true;
    } else if (text.compare(i, 2, "/*") == 0) {
      skip_to("*/", i + 2);
    } else if (text[i] == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i)
        if (text[i] == '\\') ++i;
    } else {
      kept += text[i];
      at_line_start = text[i] == '\n' || (at_line_start && text[i] == ' ');
    }
  }
  return kept;
}

// The name of the function that `statement` declares; empty where it declares something else.
std::string function_name(std::string statement) {
  static const std::regex prefix(R"(^\s*template\s*<)"),
      other(R"(^\s*(struct|class|enum|using|friend|extern)\b)");
  static const std::regex name(R"([\w>&*]\s+[&*]*(\w+)\s*$)");
  for (std::smatch m; std::regex_search(statement, m, prefix);) {
    auto at = static_cast<std::size_t>(m.length());
    for (int depth = 1; depth > 0 && at < statement.size(); ++at)
      depth += (statement[at] == '<') - (statement[at] == '>');
    statement.erase(0, at);
  }
  if (std::regex_search(statement, other)) return {};
  const std::string before = statement.substr(0, statement.find('('));
  std::smatch m;
  return before.size() < statement.size() && std::regex_search(before, m, name) ? m[1].str() : "";
}

// Names of the free functions that a header declares in namespace reel itself.
std::set<std::string> declared_functions(const std::filesystem::path& header) {
  static const std::regex name_space(R"(namespace\s+([\w:]*)\s*$)");
  std::set<std::string> names;
  std::vector<std::string> scopes;
  std::string statement;
  const auto finish = [&] {
    if (scopes == std::vector<std::string>{"reel"}) names.insert(function_name(statement));
    statement.clear();
  };
  for (const char c : stripped(header)) {
    // A brace inside parentheses belongs to a default argument, not to a scope.
    const bool in_arguments = std::count(statement.begin(), statement.end(), '(') >
                              std::count(statement.begin(), statement.end(), ')');
    std::smatch m;
    if (in_arguments || (c != '{' && c != '}' && c != ';')) {
      statement += c;
    } else if (c == '{' && std::regex_search(statement, m, name_space)) {
      scopes.push_back(m[1]);
      statement.clear();
    } else if (c == '{') {
      finish();
      scopes.push_back("{");
    } else if (c == '}') {
      if (!scopes.empty()) scopes.pop_back();
      statement.clear();
    } else {
      finish();
    }
  }
  names.erase("");
  return names;
}

}  // namespace

TEST_CASE("ops: every public op has a row, every row has cases, every case has a row") {
  std::set<std::string> rows;
  std::set<std::string> used_cases;
  for (const auto& op : op_table()) {
    INFO(op.name);
    CHECK(rows.insert(op.name).second);
    if (op.run || op.method) {
      used_cases.insert(op.cases());
      CHECK(cases_of_ops().count(op.cases()) == 1);
    } else {
      const std::string test = stripped(source_path("tests/" + op.where));
      CHECK(std::regex_search(test, std::regex("\\b" + op.name + "\\s*[(<]")));
    }
  }
  for (const auto& entry : cases_of_ops()) {
    INFO("cases of ", entry.first);
    CHECK(used_cases.count(entry.first) == 1);
  }
  std::size_t declared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source_path("autograd/ops"))) {
    if (entry.path().extension() != ".hpp") continue;
    for (const auto& name : declared_functions(entry.path())) {
      INFO(entry.path().filename().string(), " declares ", name);
      CHECK(rows.count(name) == 1);
      ++declared;
    }
  }
  // A method of an op's name is run by a row.
  std::set<std::string> run_as_methods;
  for (const auto& op : op_table()) {
    if (op.run && !op.method) continue;
    run_as_methods.insert(op.name);
    if (op.name.back() != '_') run_as_methods.insert(op.cases());
  }
  const std::regex method(R"((?:Tensor|tuple<[^>]*>|vector<Tensor>|bool)&?\s+(\w+)\s*\()");
  for (const char* header : {"autograd/tensor.hpp", "autograd/composed_methods.hpp"}) {
    const std::string text = stripped(source_path(header));
    for (std::sregex_iterator at(text.begin(), text.end(), method), end; at != end; ++at) {
      INFO("the method ", (*at)[1].str());
      CHECK((rows.count((*at)[1]) == 0 || run_as_methods.count((*at)[1]) == 1));
    }
  }
  // In-place ops are methods only.
  const std::string methods = stripped(source_path("autograd/tensor.hpp"));
  const std::regex in_place(R"(Tensor&\s+(\w+_)\s*\()");
  for (std::sregex_iterator at(methods.begin(), methods.end(), in_place), end; at != end; ++at) {
    INFO("Tensor::", (*at)[1].str());
    CHECK(rows.count((*at)[1]) == 1);
    ++declared;
  }
  CHECK(declared > 60);
}
