// The rows of autograd/ops/aliases.hpp and bitwise.hpp, which have a test of their own.
#include "op_table.hpp"

namespace reel::test {

std::vector<OpRow> alias_rows() {
  std::vector<OpRow> rows;
  for (const char* name : {"subtract",
                           "multiply",
                           "divide",
                           "true_divide",
                           "negative",
                           "absolute",
                           "concat",
                           "ger",
                           "rsub",
                           "exp2",
                           "ravel",
                           "diff",
                           "dist",
                           "var_mean",
                           "isclose",
                           "broadcast_to",
                           "broadcast_tensors",
                           "meshgrid",
                           "flipud",
                           "fliplr",
                           "column_stack",
                           "take",
                           "bitwise_and",
                           "bitwise_or",
                           "bitwise_xor",
                           "bitwise_not",
                           "less",
                           "less_equal",
                           "greater",
                           "greater_equal",
                           "not_equal",
                           "clip",
                           "clip_",
                           "sgn",
                           "fix",
                           "arctan",
                           "arcsin",
                           "arccos",
                           "argwhere",
                           "logspace",
                           "concatenate",
                           "row_stack"})
    rows.push_back({name, nullptr, nullptr, "autograd/aliases_test.cpp"});
  return rows;
}

}  // namespace reel::test
