// How long work asks its caller whether to go on: a progress function, called some 30 times a
// second.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

#include "error.h"

namespace sketchrnn {

// Called now and then by the calling thread with how much is done (drawings, where drawings are
// made); false stops the work. May throw.
using Progress = std::function<bool(std::size_t done)>;

// Asks a progress function when it is time to. Costs a look at the clock: to be called every
// millisecond or so, not in the innermost loop.
class Pulse {
 public:
  explicit Pulse(const Progress* progress)
      : progress_(progress != nullptr && *progress ? progress : nullptr) {}
  explicit Pulse(const Progress& progress) : Pulse(&progress) {}

  // False when the work shall end now.
  bool go_on(std::size_t done) {
    if (progress_ == nullptr || Clock::now() < next_) return true;
    next_ = Clock::now() + kEvery;
    return (*progress_)(done);
  }

  // The same for work that is thrown away when it is stopped.
  void check(std::size_t done = 0) {
    if (!go_on(done)) throw Cancelled();
  }

 private:
  using Clock = std::chrono::steady_clock;
  // A keyboard interrupt is promised within 100 ms.
  static constexpr std::chrono::milliseconds kEvery{30};

  const Progress* progress_;
  Clock::time_point next_ = Clock::now() + kEvery;
};

}  // namespace sketchrnn
