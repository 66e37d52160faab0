// All optimizers and learning rate schedules.
#pragma once

#include "adagrad.hpp"
#include "adam.hpp"
#include "adam_variants.hpp"
#include "annealing.hpp"
#include "lbfgs.hpp"
#include "lr_scheduler.hpp"
#include "optimizer.hpp"
#include "rmsprop.hpp"
#include "sgd.hpp"
