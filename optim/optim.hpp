// All optimizers and learning rate schedules.
#pragma once

#include "adam.hpp"
#include "lr_scheduler.hpp"
#include "optimizer.hpp"
#include "sgd.hpp"
