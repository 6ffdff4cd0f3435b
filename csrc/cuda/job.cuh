// A long kernel under way: what it and the host say to each other, waiting, stopping, timing.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "cuda/memory.cuh"
#include "cuda/view.h"
#include "engine/stream.h"
#include "progress.h"

namespace sketchrnn::cuda {
namespace {

// What Control points to in the device's memory.
struct DeviceWords {
  unsigned long long next = 0;
  unsigned finished = 0;
  unsigned bad = 0;
};
// And in the host's, which both see while the kernel runs. Asked and told through a second stream
// instead, a kernel could hold up its own stop: streams share a few queues of the hardware.
struct HostWords {
  int stop = 0;
  unsigned finished = 0;
};

// A stream, events and words for one launch after another. Never given back: making and freeing
// such things waits for whatever the device does.
class JobParts {
 public:
  explicit JobParts(int ordinal) : words(ordinal, 1) {
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), ordinal, "making a stream");
    for (cudaEvent_t* event : {&begun, &ended})
      check(cudaEventCreate(event), ordinal, "making an event");
    check(cudaHostAlloc(reinterpret_cast<void**>(&host), sizeof(HostWords), cudaHostAllocMapped),
          ordinal, "asking for pinned memory");
  }

  Buffer<DeviceWords> words;
  cudaStream_t stream = nullptr;
  cudaEvent_t begun = nullptr, ended = nullptr;
  HostWords* host = nullptr;
};

class Job {
 public:
  explicit Job(int ordinal) : ordinal_(ordinal) {
    {
      const std::lock_guard<std::mutex> lock(idle_mutex());
      std::vector<JobParts*>& idle = idle_parts()[ordinal];
      if (!idle.empty()) {
        parts_ = idle.back();
        idle.pop_back();
      }
    }
    if (parts_ == nullptr) parts_ = std::make_unique<JobParts>(ordinal).release();
  }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  ~Job() {
    const std::lock_guard<std::mutex> lock(idle_mutex());
    idle_parts()[ordinal_].push_back(parts_);
  }

  // launch() starts the kernel in stream(), which is then waited for. Throws Cancelled if
  // `progress` said no; whatever it throws itself stops the work too. `done` pieces were done
  // before. Returns the kernel's milliseconds.
  template <class Launch>
  float run(const Progress& progress, std::size_t done, Launch launch) {
    try {
      *parts_->host = HostWords{};
      check(cudaMemsetAsync(parts_->words.get(), 0, sizeof(DeviceWords), stream()), ordinal_,
            "clearing memory");
      check(cudaEventRecord(parts_->begun, stream()), ordinal_, "starting");
      launch();
      check(cudaEventRecord(parts_->ended, stream()), ordinal_, "starting");
      wait(progress, done);
    } catch (...) {
      // Whatever was begun ends before the memory that it uses goes.
      stop();
      (void)cudaStreamSynchronize(stream());
      throw;
    }
    DeviceWords words;
    copy(ordinal_, &words, parts_->words.get(), sizeof words, "asking how it ended");
    if (words.bad != 0) check_row({NAN, NAN, Pen::down}, words.bad - 1);
    float milliseconds = 0.0f;
    check(cudaEventElapsedTime(&milliseconds, parts_->begun, parts_->ended), ordinal_, "timing");
    return milliseconds;
  }

  cudaStream_t stream() const { return parts_->stream; }
  Control control() const {
    DeviceWords* const w = parts_->words.get();
    HostWords* const h = parts_->host;
    return {&w->next, &w->finished, &w->bad, &h->stop, &h->finished};
  }

 private:
  // Both outlive whatever runs while the process ends.
  static std::mutex& idle_mutex() {
    static auto& mutex = *new std::mutex;
    return mutex;
  }
  static std::map<int, std::vector<JobParts*>>& idle_parts() {
    static auto& parts = *new std::map<int, std::vector<JobParts*>>;
    return parts;
  }

  void wait(const Progress& progress, std::size_t done) {
    const auto begun = std::chrono::steady_clock::now();
    Pulse pulse(progress);
    std::size_t finished = 0;
    bool cancelled = false;
    for (;;) {
      const cudaError_t status = cudaStreamQuery(stream());
      if (status != cudaErrorNotReady) {
        check(status, ordinal_, "running");
        break;
      }
      // Blocks that finish drawings at one time may report in any order.
      const unsigned told = *static_cast<const volatile unsigned*>(&parts_->host->finished);
      finished = std::max<std::size_t>(finished, told);
      if (!cancelled && !pulse.go_on(done + finished)) {
        cancelled = true;
        stop();
      }
      // Short work is waited for awake.
      if (std::chrono::steady_clock::now() - begun < std::chrono::milliseconds(1))
        std::this_thread::yield();
      else
        std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    if (cancelled) throw Cancelled();
  }

  void stop() { *static_cast<volatile int*>(&parts_->host->stop) = 1; }

  int ordinal_;
  JobParts* parts_ = nullptr;
};

}  // namespace
}  // namespace sketchrnn::cuda
