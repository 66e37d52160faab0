// Everything of reel::nn.
#pragma once

#include "activation.hpp"
#include "cloneable.hpp"
#include "container.hpp"
#include "dropout.hpp"
#include "embedding.hpp"
#include "functional.hpp"
#include "init.hpp"
#include "linear.hpp"
#include "loss.hpp"
#include "module.hpp"
#include "module_holder.hpp"
#include "options.hpp"
#include "ordered_dict.hpp"
#include "rnn.hpp"
#include "utils.hpp"
