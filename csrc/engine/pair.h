// Two threads that take the two halves of many short jobs: the calling one and a helper that it
// owns.
//
// A job of some microseconds leaves no time for a mutex or a system call, so both sides wait by
// spinning, at first. A helper that has had no job for a while parks on a condition variable, and a
// side that waits unusually long yields, so that nothing burns a processor that others need. The
// helper moves away when it finds itself on its caller's processor.
#pragma once

#if defined(SKETCHRNN_NO_THREADS)

#include <memory>

namespace sketchrnn {
// Never made.
struct Pair {
  template <class Job>
  void run(const Job&) {}
  void barrier(int) {}
  bool orphaned() const { return false; }
};
using OwnPair = std::unique_ptr<Pair>;
inline OwnPair try_pair() { return nullptr; }
}  // namespace sketchrnn

#else

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace sketchrnn {

class Pair {
 public:
  // Throws std::system_error when the system gives no thread.
  Pair();
  ~Pair();
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  // Runs job(0) here and job(1) on the helper, and returns when both are done. The job may not
  // throw.
  template <class Job>
  void run(const Job& job) {
    start([](const void* context, int part) { (*static_cast<const Job*>(context))(part); }, &job);
    job(0);
    wait_for(done_, job_number_);
  }

  // Inside a job: returns when both parts have called it as often as this one.
  void barrier(int part);

  // Whether this process is a fork of the one that made it: the helper did not come along.
  bool orphaned() const { return forks_ != forks_seen.load(std::memory_order_relaxed); }

  static std::atomic<unsigned> forks_seen;  // by this process and those that it is a fork of

 private:
  using Call = void (*)(const void*, int);

  void start(Call call, const void* context);
  void help();
  static void wait_for(const std::atomic<unsigned>& counter, unsigned value);

  // Each counter is written by one side only, and stands on its own cache line.
  alignas(64) std::atomic<unsigned> posted_{0};
  alignas(64) std::atomic<unsigned> done_{0};
  struct alignas(64) Arrivals {
    std::atomic<unsigned> count{0};
  };
  Arrivals arrived_[2];
  alignas(64) Call call_ = nullptr;
  const void* context_ = nullptr;
  int caller_processor_ = -1;
  unsigned job_number_ = 0;
  const unsigned forks_ = forks_seen.load(std::memory_order_relaxed);
  std::atomic<bool> parked_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread helper_;
};

// An orphan cannot be taken apart: its helper would be waited for, whose lock may be held for ever.
// It is left where it lies, once a fork.
struct PairDeleter {
  void operator()(Pair* pair) const {
    if (!pair->orphaned()) delete pair;
  }
};
using OwnPair = std::unique_ptr<Pair, PairDeleter>;

// Null when the system gives no thread.
OwnPair try_pair();

}  // namespace sketchrnn

#endif
