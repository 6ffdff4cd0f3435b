#include "engine/pair.h"

#if !defined(SKETCHRNN_NO_THREADS)

#include "platform.h"

#if !defined(_WIN32)
#include <pthread.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif
#if defined(SKETCHRNN_X86_64)
#include <emmintrin.h>
#endif

#include <chrono>
#include <system_error>

namespace sketchrnn {
namespace {

void pause() {
#if defined(SKETCHRNN_X86_64)
  _mm_pause();
#elif defined(SKETCHRNN_ARM_64)
  asm volatile("yield");
#endif
}

#if defined(__linux__)
int current_processor() { return sched_getcpu(); }

// Linux tends to start or wake a thread beside the one that did so, and leaves two that spin
// together there for seconds while another processor idles (measured: 100 µs a step, not 7).
// Narrowing the affinity moves this thread at once; it is widened again so that it may go on to
// wherever the system likes.
void leave_processor(int processor) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  cpu_set_t others = allowed;
  CPU_CLR(static_cast<unsigned>(processor), &others);
  if (CPU_COUNT(&others) == 0) return;
  if (sched_setaffinity(0, sizeof others, &others) == 0)
    sched_setaffinity(0, sizeof allowed, &allowed);
}
#else
int current_processor() { return -1; }
void leave_processor(int) {}
#endif

// Jobs for which the helper stays where it is after a move, however crowded: two system calls.
constexpr int kJobsBetweenMoves = 256;

constexpr int kSpins = 1 << 12;  // some 100 µs; a half of a step takes a tenth of that
constexpr std::chrono::milliseconds kParkAfter{2};

#if !defined(_WIN32)
// Registered when the library is loaded: a lock around a later registration could itself be held
// across a fork.
void count_fork() { Pair::forks_seen.fetch_add(1, std::memory_order_relaxed); }
[[maybe_unused]] const int counting = pthread_atfork(nullptr, nullptr, count_fork);
#endif

}  // namespace

std::atomic<unsigned> Pair::forks_seen{0};

OwnPair try_pair() {
  try {
    return OwnPair(new Pair);
  } catch (const std::system_error&) {
    return nullptr;
  }
}

Pair::Pair() : helper_([this] { help(); }) {}

Pair::~Pair() {
  start(nullptr, nullptr);
  helper_.join();
}

void Pair::barrier(int part) {
  const unsigned mine = arrived_[part].count.load(std::memory_order_relaxed) + 1;
  arrived_[part].count.store(mine, std::memory_order_release);
  wait_for(arrived_[1 - part].count, mine);
}

void Pair::wait_for(const std::atomic<unsigned>& counter, unsigned value) {
  // Counters wrap; a difference does not care.
  for (int spins = 0; static_cast<int>(counter.load(std::memory_order_acquire) - value) < 0;) {
    if (++spins < kSpins)
      pause();
    else
      std::this_thread::yield();
  }
}

void Pair::start(Call call, const void* context) {
  call_ = call;
  context_ = context;
  caller_processor_ = current_processor();
  ++job_number_;
  // Sequentially consistent, as parked_ is: either the helper sees the job before it sleeps, or
  // this side sees that it sleeps.
  posted_.store(job_number_);
  if (parked_.load()) {
    const std::lock_guard<std::mutex> lock(mutex_);
    wake_.notify_one();
  }
}

void Pair::help() {
  using Clock = std::chrono::steady_clock;
  int stay = 0;
  for (unsigned next = 1;; ++next) {
    int spins = 0;
    Clock::time_point park_at{};
    while (posted_.load() != next) {
      if (++spins < kSpins) {
        pause();
        continue;
      }
      if (park_at == Clock::time_point{}) park_at = Clock::now() + kParkAfter;
      if (Clock::now() < park_at) {
        std::this_thread::yield();
        continue;
      }
      std::unique_lock<std::mutex> lock(mutex_);
      parked_.store(true);
      wake_.wait(lock, [&] { return posted_.load() == next; });
      parked_.store(false);
    }
    if (call_ == nullptr) return;
    if (stay > 0) {
      --stay;
    } else if (caller_processor_ >= 0 && caller_processor_ == current_processor()) {
      leave_processor(caller_processor_);
      stay = kJobsBetweenMoves;
    }
    call_(context_, 1);
    done_.store(next, std::memory_order_release);
  }
}

}  // namespace sketchrnn

#endif
