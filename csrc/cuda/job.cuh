// A long kernel under way: what it and the host say to each other, waiting, stopping, timing.
#pragma once

#include <cuda_runtime.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "cuda/memory.cuh"
#include "cuda/view.h"
#include "error.h"
#include "generator.h"
#include "stream.h"

namespace sketchrnn::cuda {
namespace {

class Event {
 public:
  explicit Event(int ordinal) { check(cudaEventCreate(&event_), ordinal, "making an event"); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { (void)cudaEventDestroy(event_); }
  cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

class OwnStream {
 public:
  explicit OwnStream(int ordinal) {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), ordinal, "making a stream");
  }
  OwnStream(const OwnStream&) = delete;
  OwnStream& operator=(const OwnStream&) = delete;
  ~OwnStream() { (void)cudaStreamDestroy(stream_); }
  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

// What Control points to.
struct ControlWords {
  unsigned long long next = 0;
  unsigned finished = 0;
  int stop = 0;
  unsigned bad = 0;
};

// A long kernel's stream and what is said during it; good for one launch after another.
class Job {
 public:
  explicit Job(int ordinal)
      : ordinal_(ordinal),
        words_(ordinal, 1),
        stream_(ordinal),
        aside_(ordinal),
        begun_(ordinal),
        ended_(ordinal) {}

  // launch() starts the kernel in stream(); then as wait(). Returns the kernel's milliseconds.
  template <class Launch>
  float run(const Progress& progress, std::size_t done, Launch launch) {
    try {
      check(cudaMemsetAsync(words_.get(), 0, sizeof(ControlWords), stream()), ordinal_,
            "clearing memory");
      check(cudaEventRecord(begun_.get(), stream()), ordinal_, "starting");
      launch();
      check(cudaEventRecord(ended_.get(), stream()), ordinal_, "starting");
      wait(progress, done);
    } catch (...) {
      // Whatever was begun ends before the memory that it uses goes.
      stop();
      (void)cudaStreamSynchronize(stream());
      throw;
    }
    float milliseconds = 0.0f;
    check(cudaEventElapsedTime(&milliseconds, begun_.get(), ended_.get()), ordinal_, "timing");
    return milliseconds;
  }

  cudaStream_t stream() const { return stream_.get(); }
  Control control() const {
    ControlWords* const w = words_.get();
    return {&w->next, &w->finished, &w->stop, &w->bad};
  }

 private:
  // Until the launched work is done. Throws Cancelled if `progress` said no; whatever it throws
  // itself stops the work too. `done` pieces were done before.
  void wait(const Progress& progress, std::size_t done) {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::milliseconds every{30};  // as on the processor
    const auto begun = Clock::now();
    auto next_report = begun + every;
    bool cancelled = false;
    for (;;) {
      const cudaError_t status = cudaStreamQuery(stream());
      if (status != cudaErrorNotReady) {
        check(status, ordinal_, "running");
        break;
      }
      const auto now = Clock::now();
      if (progress && now >= next_report && !cancelled) {
        if (!progress(done + words().finished)) {
          cancelled = true;
          stop();
        }
        next_report = Clock::now() + every;
      }
      // Short work is waited for awake.
      if (now - begun < std::chrono::milliseconds(1))
        std::this_thread::yield();
      else
        std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    if (cancelled) throw Cancelled();
    const unsigned bad = words().bad;
    if (bad != 0) check_row({NAN, NAN, Pen::down}, bad - 1);
  }

  ControlWords words() const {
    ControlWords found;
    check(cudaMemcpyAsync(&found, words_.get(), sizeof found, cudaMemcpyDeviceToHost, aside_.get()),
          ordinal_, "asking how far it is");
    check(cudaStreamSynchronize(aside_.get()), ordinal_, "asking how far it is");
    return found;
  }
  void stop() {
    const int one = 1;
    (void)cudaMemcpyAsync(&words_.get()->stop, &one, sizeof one, cudaMemcpyHostToDevice,
                          aside_.get());
    (void)cudaStreamSynchronize(aside_.get());
  }

  int ordinal_;
  Buffer<ControlWords> words_;
  OwnStream stream_, aside_;
  Event begun_, ended_;
};

}  // namespace
}  // namespace sketchrnn::cuda
