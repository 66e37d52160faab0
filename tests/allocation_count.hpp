// Counts what the tests' program takes from the heap through operator new.
#pragma once

#include <cstddef>

namespace reel::test {

/// Calls of operator new, of all forms and threads, since the program's start.
std::size_t allocation_count();

}  // namespace reel::test
