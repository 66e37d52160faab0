// The functions of simd_math.hpp for the library's instruction set.
#undef REEL_SIMD_MATH
#define REEL_SIMD_MATH template
#include "simd_math.hpp"
