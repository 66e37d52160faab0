#include "job_pool.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "data_loader.hpp"

namespace reel {
namespace data {

namespace {
std::string text_of(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is not derived from std::exception";
  }
}
}  // namespace

WorkerException::WorkerException(std::exception_ptr original)
    : Error("[DataLoader] a worker thread threw: " + text_of(original)),
      original_exception(std::move(original)) {}

namespace detail {

struct JobPool::State {
  struct Result {
    std::shared_ptr<void> value;
    std::exception_ptr exception;
  };

  explicit State(bool in_order) : ordered(in_order) {}
  ~State() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      stopping = true;
      jobs.clear();
    }
    wake_workers.notify_all();
    for (auto& thread : threads) thread.join();
  }

  void work(std::size_t worker) {
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      wake_workers.wait(lock, [&] { return stopping || !jobs.empty(); });
      if (stopping) return;
      auto [number, job] = std::move(jobs.front());
      jobs.pop_front();
      ++running;
      lock.unlock();
      Result result;
      try {
        result.value = job(worker);
      } catch (...) {
        result.exception = std::current_exception();
      }
      job = nullptr;
      lock.lock();
      --running;
      results.emplace(number, std::move(result));
      wake_taker.notify_all();
    }
  }

  const bool ordered;
  mutable std::mutex mutex;
  std::condition_variable wake_workers, wake_taker;
  std::deque<std::pair<std::size_t, Job>> jobs;  // not begun
  std::map<std::size_t, Result> results;         // by number of the job
  std::size_t pushed = 0, taken = 0, running = 0;
  bool stopping = false;
  std::vector<std::thread> threads;
};

JobPool::JobPool(std::size_t workers, bool ordered) : state_(std::make_unique<State>(ordered)) {
  for (std::size_t i = 0; i < workers; ++i)
    state_->threads.emplace_back([state = state_.get(), i] { state->work(i); });
}

JobPool::~JobPool() = default;

void JobPool::push(Job job) {
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->jobs.emplace_back(state_->pushed++, std::move(job));
  }
  state_->wake_workers.notify_one();
}

std::size_t JobPool::pending() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->pushed - state_->taken;
}

std::shared_ptr<void> JobPool::take(std::optional<std::chrono::milliseconds> timeout) {
  State& s = *state_;
  std::unique_lock<std::mutex> lock(s.mutex);
  const auto ready = [&] {
    return !s.results.empty() && (!s.ordered || s.results.begin()->first == s.taken);
  };
  if (!timeout)
    s.wake_taker.wait(lock, ready);
  else if (!s.wake_taker.wait_for(lock, *timeout, ready))
    throw Error(reel::detail::message("[DataLoader] no batch was ready within the timeout of ",
                                      timeout->count(), " ms; allow more, or use more workers"));
  State::Result result = std::move(s.results.begin()->second);
  s.results.erase(s.results.begin());
  ++s.taken;
  lock.unlock();
  if (result.exception) throw WorkerException(result.exception);
  return result.value;
}

void JobPool::clear() {
  State& s = *state_;
  std::unique_lock<std::mutex> lock(s.mutex);
  s.jobs.clear();
  s.wake_taker.wait(lock, [&] { return s.running == 0; });
  s.results.clear();
  s.taken = s.pushed;
}

}  // namespace detail
}  // namespace data
}  // namespace reel
