// Threads that take numbered pieces of work from one queue, with progress, cancelling and errors.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "error.h"
#include "generator.h"

namespace sketchrnn {

// What all threads of one call share.
struct SharedWork {
  explicit SharedWork(std::size_t total) : count(total) {}
  const std::size_t count;
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> finished{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::exception_ptr error;  // the first one, under mutex

  void fail(std::exception_ptr e) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (!error) error = std::move(e);
    stop = true;
  }
};

// One thread's view of it. Only the calling thread, which works too, has the progress function.
class WorkQueue {
 public:
  WorkQueue(SharedWork& shared, const Progress* progress) : shared_(shared), progress_(progress) {}

  bool take(std::size_t& item) {
    if (shared_.next.load(std::memory_order_relaxed) >= shared_.count) return false;
    item = shared_.next.fetch_add(1, std::memory_order_relaxed);
    return item < shared_.count;
  }

  void done() { shared_.finished.fetch_add(1, std::memory_order_relaxed); }

  // To be asked often: false when the work shall end now.
  bool go_on() {
    if (shared_.stop.load(std::memory_order_relaxed)) return false;
    if (progress_ != nullptr && Clock::now() >= next_report_) {
      if (!report()) return false;
    }
    return true;
  }

  bool report() {
    if (progress_ == nullptr || !*progress_) return true;
    next_report_ = Clock::now() + kReportEvery;
    if ((*progress_)(shared_.finished.load(std::memory_order_relaxed))) return true;
    shared_.stop = true;
    return false;
  }

 private:
  using Clock = std::chrono::steady_clock;
  // A keyboard interrupt is promised within 100 ms.
  static constexpr std::chrono::milliseconds kReportEvery{30};

  SharedWork& shared_;
  const Progress* progress_;
  Clock::time_point next_report_ = Clock::now() + kReportEvery;
};

// Runs work(thread, queue) on `threads` threads, the calling one among them, until the queue is
// empty. The first exception stops all and is thrown here; Cancelled if `progress` said no. If the
// system gives fewer threads, those that there are do all the work.
template <class Work>
void run_workers(std::size_t threads, std::size_t count, const Progress& progress, Work work) {
  SharedWork shared(count);
  std::atomic<std::size_t> running{0};
  std::vector<std::thread> others;
  others.reserve(threads - 1);
  for (std::size_t t = 1; t < threads; ++t) {
    running.fetch_add(1);
    try {
      others.emplace_back([&, t] {
        try {
          WorkQueue queue(shared, nullptr);
          work(t, queue);
        } catch (...) {
          shared.fail(std::current_exception());
        }
        running.fetch_sub(1, std::memory_order_release);
      });
    } catch (const std::system_error&) {
      running.fetch_sub(1);
      break;
    }
  }
  WorkQueue queue(shared, &progress);
  try {
    work(0, queue);
    // The others may be busy for long after the calling thread has run out of work.
    while (running.load(std::memory_order_acquire) != 0) {
      if (!queue.go_on()) break;
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  } catch (...) {
    shared.fail(std::current_exception());
  }
  for (std::thread& other : others) other.join();
  if (shared.error) std::rethrow_exception(shared.error);
  if (shared.stop) throw Cancelled();
}

}  // namespace sketchrnn
