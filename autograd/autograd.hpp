// Tensors, ops and the tape.
#pragma once

#include "gradcheck.hpp"
#include "ops/ops.hpp"
#include "tape.hpp"
#include "threads.hpp"
