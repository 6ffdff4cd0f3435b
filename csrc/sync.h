// Locks, which do nothing in a build without threads (SKETCHRNN_THREADS=OFF: browsers, chips).
#pragma once

#if defined(SKETCHRNN_NO_THREADS)
namespace sketchrnn {
struct Mutex {
  void lock() {}
  void unlock() {}
};
}  // namespace sketchrnn
#else
#include <mutex>
namespace sketchrnn {
using Mutex = std::mutex;
}  // namespace sketchrnn
#endif

namespace sketchrnn {
class Lock {
 public:
  explicit Lock(Mutex& mutex) : mutex_(mutex) { mutex_.lock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() { mutex_.unlock(); }

 private:
  Mutex& mutex_;
};
}  // namespace sketchrnn
