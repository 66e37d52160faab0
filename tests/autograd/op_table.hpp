// One row for every public op; the tests of ops_test.cpp run over all of them. An op that is
// declared in a header and has no row here makes a test fail.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "tests/fixture.hpp"

namespace reel::test {

/// Runs an op on the tensors of a case.
using RunOp = Tensors (*)(const Tensors& x, const Args& args);

struct OpRow {
  std::string name;
  RunOp run;     // none for an op that PyTorch's numbers cannot check (random, creation)
  RunOp method;  // the same through Tensor's method; none where there is no method
  // With `run`: the op whose cases are used (its own name where empty). Without: the test file,
  // relative to tests/, that checks the op.
  std::string where;
  // The result may have no other strides than its input's: not run on other layouts.
  bool layout_bound = false;

  std::string cases() const { return where.empty() ? name : where; }
};

const std::vector<OpRow>& op_table();
/// `rows` and those of op_table_shapes.cpp.
std::vector<OpRow> with_shape_rows(std::vector<OpRow> rows);
/// The part of the table that is in op_table_losses.cpp.
std::vector<OpRow> loss_rows();
/// The part of the table that is in op_table_sequence.cpp.
std::vector<OpRow> sequence_rows();
/// The part of the table that is in op_table_composed.cpp.
std::vector<OpRow> composed_rows();
/// The part of the table that is in op_table_aliases.cpp.
std::vector<OpRow> alias_rows();

}  // namespace reel::test
