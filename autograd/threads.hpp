// How many threads reel may use.
#pragma once

namespace reel {

/// The number of threads that large products may use (default 1). Results do not depend on it.
void set_num_threads(int n);
int get_num_threads();

}  // namespace reel
