// CHECK_SAYS: that an expression throws, and what its message says.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "support.hpp"

/// Whether `expression` throws an E whose message mentions all the other arguments, in that order.
#define CHECK_SAYS(E, expression, ...)                                             \
  do {                                                                             \
    const std::string said = reel::test::error_of<E>([&] { (void)(expression); }); \
    INFO(said);                                                                    \
    CHECK(reel::test::mentions(said, {__VA_ARGS__}));                              \
  } while (false)
