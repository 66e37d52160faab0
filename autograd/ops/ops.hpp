// Every op.
#pragma once

#include "activation.hpp"
#include "aliases.hpp"
#include "arrange.hpp"
#include "bitwise.hpp"
#include "composed.hpp"
#include "convolution.hpp"
#include "creation.hpp"
#include "index.hpp"
#include "linalg.hpp"
#include "loss.hpp"
#include "normalise.hpp"
#include "pointwise.hpp"
#include "random.hpp"
#include "reduce.hpp"
#include "scan.hpp"
#include "shape.hpp"
#include "sort.hpp"

#include "../methods.hpp"
