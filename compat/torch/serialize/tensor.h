// libtorch's include path.
#pragma once
#include <reel/torch.hpp>
