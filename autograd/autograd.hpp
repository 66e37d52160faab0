// Tensors, ops and the tape.
#pragma once

#include "anomaly.hpp"
#include "denormals.hpp"
#include "function.hpp"
#include "functional.hpp"
#include "gradcheck.hpp"
#include "graph.hpp"
#include "ops/ops.hpp"
#include "tape.hpp"
#include "threads.hpp"
