// How many threads reel may use, and the work that it shares among them.
#pragma once

#include <cstdint>
#include <functional>

namespace reel {

/// The number of threads that large products may use (default 1). Results do not depend on it.
void set_num_threads(int n);
int get_num_threads();

namespace detail {
/// Calls work(0) to work(pieces - 1), in any order, on this thread and on as many others as
/// get_num_threads() allows; returns when all are done. What a piece throws is thrown here. Inside
/// a piece, or while another thread is here, the calling thread does it all.
void share(std::int64_t pieces, const std::function<void(std::int64_t)>& work);
}  // namespace detail

}  // namespace reel
