#include "threads.hpp"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "denormals.hpp"
#include "error.hpp"

namespace reel {
namespace {

std::atomic<int> threads{1};

// A call of share(). Workers that come late may still look at it when its caller is gone.
struct Job {
  std::int64_t pieces;
  const std::function<void(std::int64_t)>* work;  // valid until all pieces are done
  bool flush_denormals;
  std::atomic<std::int64_t> next{0}, done{0};
  std::mutex mutex;
  std::exception_ptr failure;

  void run() {
    for (;;) {
      const std::int64_t piece = next.fetch_add(1, std::memory_order_relaxed);
      if (piece >= pieces) return;
      try {
        (*work)(piece);
      } catch (...) {
        const std::lock_guard lock(mutex);
        failure = std::current_exception();
      }
      done.fetch_add(1, std::memory_order_release);
    }
  }
};

// The products of a time step follow one another within microseconds, and to wake a thread takes
// longer: workers look out for a while before they sleep.
constexpr int kLooks = 4000;
void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

class Pool {
 public:
  explicit Pool(int workers) {
    for (int i = 0; i < workers; ++i) workers_.emplace_back([this] { serve(); });
  }
  ~Pool() {
    post(nullptr, true);
    for (std::thread& worker : workers_) worker.join();
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  int workers() const { return static_cast<int>(workers_.size()); }

  void post(std::shared_ptr<Job> job, bool stop = false) {
    {
      const std::lock_guard lock(mutex_);
      job_ = std::move(job);
      stop_ = stop;
      posted_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
  }

 private:
  void serve() {
    for (unsigned seen = 0;;) {
      for (int i = 0; i < kLooks && posted_.load(std::memory_order_acquire) == seen; ++i) pause();
      std::shared_ptr<Job> job;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return posted_.load(std::memory_order_relaxed) != seen; });
        seen = posted_.load(std::memory_order_relaxed);
        if (stop_) return;
        job = job_;
      }
      set_flush_denormal(job->flush_denormals);
      job->run();
    }
  }

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::shared_ptr<Job> job_;
  bool stop_ = false;
  std::atomic<unsigned> posted_{0};
};

std::mutex pool_mutex;  // held by the thread that shares its work
std::optional<Pool>& pool() {
  static std::optional<Pool> object;
  return object;
}
thread_local bool inside = false;

}  // namespace

void set_num_threads(int n) {
  check(n >= 1, "[set_num_threads] expected at least 1, found ", n);
  threads = n;
}
int get_num_threads() { return threads; }

void detail::share(std::int64_t pieces, const std::function<void(std::int64_t)>& work) {
  const int others = get_num_threads() - 1;
  std::unique_lock<std::mutex> lock(pool_mutex, std::defer_lock);
  if (others == 0 || pieces < 2 || inside || !lock.try_lock()) {
    for (std::int64_t i = 0; i < pieces; ++i) work(i);
    return;
  }
  if (!pool() || pool()->workers() != others) {
    pool().reset();
    pool().emplace(others);
  }
  const auto job = std::make_shared<Job>();
  job->pieces = pieces;
  job->work = &work;
  job->flush_denormals = get_flush_denormal();
  pool()->post(job);
  inside = true;
  job->run();
  inside = false;
  while (job->done.load(std::memory_order_acquire) < pieces) pause();
  if (job->failure) std::rethrow_exception(job->failure);
}

}  // namespace reel
