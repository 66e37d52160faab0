// Everything of reel that a program needs to define, train, save and load a network.
#pragma once

#include "autograd/autograd.hpp"
#include "nn/checkpoints.hpp"
#include "nn/interchange.hpp"
#include "nn/nn.hpp"
#include "nn/serialization.hpp"
#include "optim/optim.hpp"
