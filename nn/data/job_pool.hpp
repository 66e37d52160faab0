// The threads behind a data loader.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

namespace reel {
namespace data {
namespace detail {

/// Worker threads that make results ahead of time; one thread pushes jobs and takes results.
class JobPool {
 public:
  /// Called with the number of the worker thread.
  using Job = std::function<std::shared_ptr<void>(std::size_t worker)>;

  /// `ordered`: results come in the order of their jobs, otherwise as they get ready.
  JobPool(std::size_t workers, bool ordered);
  /// Drops the jobs that have not begun and waits for the others.
  ~JobPool();
  JobPool(const JobPool&) = delete;
  JobPool& operator=(const JobPool&) = delete;

  void push(Job job);
  /// Jobs whose results were not taken.
  std::size_t pending() const;
  /// The next result; there must be a pending job. Throws WorkerException where the job threw, and
  /// Error where `timeout` passes first, after which the result can still be taken.
  std::shared_ptr<void> take(std::optional<std::chrono::milliseconds> timeout);
  /// Drops all jobs and results, after those that have begun are done.
  void clear();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace detail
}  // namespace data
}  // namespace reel
