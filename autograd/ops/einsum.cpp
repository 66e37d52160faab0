#include <algorithm>
#include <array>

#include "linalg.hpp"
#include "ops.hpp"

namespace reel {
namespace {

// A tensor whose dimensions carry letters.
struct Lettered {
  Tensor tensor;
  std::string letters;

  bool has(char c) const { return letters.find(c) != std::string::npos; }
  std::int64_t size(char c) const {
    return tensor.size(static_cast<std::int64_t>(letters.find(c)));
  }
  // The same dimensions in the order of `wanted`.
  Tensor in_order(const std::string& wanted) const {
    Dims order;
    for (const char c : wanted) order.push_back(static_cast<std::int64_t>(letters.find(c)));
    return tensor.permute(order);
  }
};

struct Equation {
  std::vector<std::string> inputs;
  std::string output;
};

Equation parse(const std::string& text) {
  Equation e;
  std::array<int, 256> count{};
  std::string compact;
  for (const char c : text)
    if (c != ' ') compact += c;
  check(compact.find('.') == std::string::npos, "[einsum] \"...\" is not supported, found \"", text,
        "\"; name every dimension");
  const auto arrow = compact.find("->");
  const std::string left = compact.substr(0, arrow);
  e.inputs.emplace_back();
  for (const char c : left) {
    if (c == ',') {
      e.inputs.emplace_back();
      continue;
    }
    check((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'), "[einsum] expected letters, found '", c,
          "' in \"", text, "\"");
    std::string& here = e.inputs.back();
    check(here.find(c) == std::string::npos, "[einsum] '", c, "' occurs twice in one operand of \"",
          text, "\", which is not supported; take the diagonal with diag() first");
    here += c;
    ++count[static_cast<unsigned char>(c)];
  }
  if (arrow == std::string::npos) {
    for (std::size_t c = 0; c < count.size(); ++c)
      if (count[c] == 1) e.output += static_cast<char>(c);
    return e;
  }
  e.output = compact.substr(arrow + 2);
  for (std::size_t i = 0; i < e.output.size(); ++i) {
    const char c = e.output[i];
    check(count[static_cast<unsigned char>(c)] > 0, "[einsum] the result's '", c,
          "' occurs in no operand of \"", text, "\"");
    check(e.output.find(c) == i, "[einsum] the result's '", c, "' occurs twice in \"", text, "\"");
  }
  return e;
}

// `x` summed over the letters that nobody needs.
Lettered without_unneeded(const Lettered& x, const std::string& needed) {
  Lettered out{x.tensor, {}};
  Dims gone;
  for (std::size_t d = 0; d < x.letters.size(); ++d) {
    if (needed.find(x.letters[d]) == std::string::npos)
      gone.push_back(static_cast<std::int64_t>(d));
    else
      out.letters += x.letters[d];
  }
  if (!gone.empty()) out.tensor = x.tensor.sum(gone);
  return out;
}

std::int64_t product(const Lettered& x, const std::string& letters) {
  std::int64_t n = 1;
  for (const char c : letters) n *= x.size(c);
  return n;
}

// One batched product: letters of both that are needed later are the batch, the others of both are
// summed over.
Lettered contract(const Lettered& first, const Lettered& second, const std::string& later) {
  const Lettered a = without_unneeded(first, second.letters + later);
  const Lettered b = without_unneeded(second, first.letters + later);
  std::string batch, summed, rows, cols;
  for (const char c : a.letters) {
    if (!b.has(c))
      rows += c;
    else if (later.find(c) != std::string::npos)
      batch += c;
    else
      summed += c;
  }
  for (const char c : b.letters)
    if (!a.has(c)) cols += c;
  const std::int64_t n = product(a, batch), k = product(a, summed);
  const Tensor left = a.in_order(batch + rows + summed).reshape({n, product(a, rows), k});
  const Tensor right = b.in_order(batch + summed + cols).reshape({n, k, product(b, cols)});
  Dims sizes;
  for (const char c : batch + rows) sizes.push_back(a.size(c));
  for (const char c : cols) sizes.push_back(b.size(c));
  return {bmm(left, right).reshape(sizes), batch + rows + cols};
}

}  // namespace

Tensor einsum(const std::string& equation, TensorList operands) {
  const Equation e = parse(equation);
  check<ShapeError>(e.inputs.size() == operands.size(), "[einsum] \"", equation, "\" names ",
                    e.inputs.size(), " operands, but ", operands.size(), " were given");
  std::array<std::int64_t, 256> sizes;
  sizes.fill(-1);
  for (std::size_t i = 0; i < operands.size(); ++i) {
    check<ShapeError>(e.inputs[i].size() == operands[i].sizes().size(), "[einsum] operand ", i,
                      " of \"", equation, "\" has ", e.inputs[i].size(),
                      " letters, but its shape is ", operands[i].sizes());
    for (std::size_t d = 0; d < e.inputs[i].size(); ++d) {
      std::int64_t& size = sizes[static_cast<unsigned char>(e.inputs[i][d])];
      const std::int64_t own = operands[i].sizes()[d];
      check<ShapeError>(size == -1 || size == own, "[einsum] '", e.inputs[i][d], "' of \"",
                        equation, "\" is ", size, " in one operand and ", own, " in operand ", i);
      size = own;
    }
  }
  Lettered result{operands[0], e.inputs[0]};
  for (std::size_t i = 1; i < operands.size(); ++i) {
    std::string later = e.output;
    for (std::size_t j = i + 1; j < operands.size(); ++j) later += e.inputs[j];
    result = contract(result, {operands[i], e.inputs[i]}, later);
  }
  return without_unneeded(result, e.output).in_order(e.output);
}

}  // namespace reel
