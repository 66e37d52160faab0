// Everything of reel::data: datasets, transforms, samplers, data loaders, vocabularies, tables.
#pragma once

#include "data_loader.hpp"
#include "dataset.hpp"
#include "example.hpp"
#include "mnist.hpp"
#include "samplers.hpp"
#include "tables.hpp"
#include "transforms.hpp"
#include "vocabulary.hpp"
