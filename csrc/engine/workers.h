// Threads that take numbered pieces of work from one queue, with progress, cancelling and errors.
// In a build without threads the calling one does all.
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <utility>

#if !defined(SKETCHRNN_NO_THREADS)
#include <chrono>
#include <system_error>
#include <thread>
#include <vector>
#endif

#if defined(__linux__)
#include <sched.h>
#endif

#include "error.h"
#include "progress.h"
#include "sync.h"

namespace sketchrnn {

// Processors that this process may use.
inline int processors() {
#if defined(SKETCHRNN_NO_THREADS)
  return 1;
#else
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
#endif
  const unsigned count = std::thread::hardware_concurrency();
  return count == 0 ? 1 : static_cast<int>(count);
#endif
}

// What all threads of one call share.
struct SharedWork {
  explicit SharedWork(std::size_t total) : count(total) {}
  const std::size_t count;
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> finished{0};
  std::atomic<bool> stop{false};
  Mutex mutex;
  std::exception_ptr error;  // the first one, under mutex

  void fail(std::exception_ptr e) {
    const Lock lock(mutex);
    if (!error) error = std::move(e);
    stop = true;
  }
};

// One thread's view of it. Only the calling thread, which works too, has the progress function.
class WorkQueue {
 public:
  WorkQueue(SharedWork& shared, const Progress* progress) : shared_(shared), pulse_(progress) {}

  bool take(std::size_t& item) {
    if (shared_.next.load(std::memory_order_relaxed) >= shared_.count) return false;
    item = shared_.next.fetch_add(1, std::memory_order_relaxed);
    return item < shared_.count;
  }

  void done() { shared_.finished.fetch_add(1, std::memory_order_relaxed); }

  // To be asked often: false when the work shall end now.
  bool go_on() {
    if (shared_.stop.load(std::memory_order_relaxed)) return false;
    if (pulse_.go_on(shared_.finished.load(std::memory_order_relaxed))) return true;
    shared_.stop = true;
    return false;
  }

 private:
  SharedWork& shared_;
  Pulse pulse_;
};

#if defined(SKETCHRNN_NO_THREADS)

template <class Work>
void run_workers(std::size_t, std::size_t count, const Progress& progress, Work work) {
  SharedWork shared(count);
  WorkQueue queue(shared, &progress);
  work(0, queue);
  if (shared.stop) throw Cancelled();
}

#else

// Threads that are stopped and waited for however the calling thread leaves: also by an exception,
// and by pthread_exit in its progress function, which unwinds the stack but may not be caught for
// good (that is what Python 3.13 and older do to a thread that asks for the GIL of an interpreter
// which is shutting down).
class Helpers {
 public:
  explicit Helpers(SharedWork& shared) : shared_(shared) {}
  ~Helpers() {
    if (threads.empty()) return;
    if (!finished) shared_.stop = true;
    for (std::thread& thread : threads) thread.join();
  }
  Helpers(const Helpers&) = delete;
  Helpers& operator=(const Helpers&) = delete;

  std::vector<std::thread> threads;
  bool finished = false;  // there is no work left

 private:
  SharedWork& shared_;
};

// Runs work(thread, queue) on `threads` threads, the calling one among them, until the queue is
// empty. The first exception stops all and is thrown here; Cancelled if `progress` said no. If the
// system gives fewer threads, those that there are do all the work.
template <class Work>
void run_workers(std::size_t threads, std::size_t count, const Progress& progress, Work work) {
  SharedWork shared(count);
  std::atomic<std::size_t> running{0};
  {
    Helpers helpers(shared);
    helpers.threads.reserve(threads - 1);
    for (std::size_t t = 1; t < threads; ++t) {
      running.fetch_add(1);
      try {
        helpers.threads.emplace_back([&, t] {
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
    } catch (const Cancelled&) {  // perhaps because of another thread's error, which counts then
      shared.fail(std::current_exception());
    }
    // The others may be busy for long after the calling thread has run out of work.
    while (running.load(std::memory_order_acquire) != 0) {
      if (!queue.go_on()) break;
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    helpers.finished = true;
  }
  if (shared.error) std::rethrow_exception(shared.error);
  if (shared.stop) throw Cancelled();
}

#endif

}  // namespace sketchrnn
