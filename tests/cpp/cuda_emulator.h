// The words of CUDA on the host, so that the GPU's kernels run where there is none: a fiber for
// each thread of the grid, switched at every barrier and every exchange within a warp.
//
// It shows that indices, barriers and arithmetic are right, and nothing about time or about memory
// order: fibers take turns on one processor.
#pragma once

#include <math.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#define __device__
#define __host__
#define __global__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__

struct alignas(16) uint4 {
  uint32_t x, y, z, w;
};
struct alignas(16) float4 {
  float x, y, z, w;
};

namespace emulator {

struct Index {
  unsigned x;
};

// Threads that wait for each other. Values are kept for two rounds: who is first in the next round
// must not overwrite what the last of this one still has to read.
struct Meeting {
  unsigned members = 0, arrived = 0;
  uint64_t round = 0;
  uint64_t values[2][32] = {};
  uint64_t any[2] = {};
};

struct Block {
  Meeting barrier;
  std::vector<Meeting> warps;
  std::vector<char> shared;
};

class Launch;

struct Thread {
  ucontext_t context{};  // for its first turn only: swapcontext asks the system for signal masks
  jmp_buf resume{};
  bool begun = false;
  std::unique_ptr<char[]> stack;
  Block* block = nullptr;
  Index index{}, block_index{};
  bool done = false;
};

// Whose turn it is.
struct Grid {
  Launch* launch = nullptr;
  Index threads{}, blocks{};
  Thread* current = nullptr;
  ucontext_t scheduler_context{};
  jmp_buf scheduler{};
};

inline Grid& grid() {
  static Grid the_grid;
  return the_grid;
}

inline void yield() {
  Grid& g = grid();
  if (_setjmp(g.current->resume) == 0) _longjmp(g.scheduler, 1);
}

__attribute__((noinline)) inline void take_turn(Thread& thread) {
  Grid& g = grid();
  g.current = &thread;
  if (_setjmp(g.scheduler) != 0) return;
  if (thread.begun) _longjmp(thread.resume, 1);
  thread.begun = true;
  swapcontext(&g.scheduler_context, &thread.context);
}

void entry();

// Waits until all members have come; returns the round's place among the two.
inline unsigned meet(Meeting& meeting) {
  const uint64_t round = meeting.round;
  if (++meeting.arrived == meeting.members) {
    meeting.arrived = 0;
    ++meeting.round;
    meeting.any[meeting.round % 2] = 0;
  } else {
    while (meeting.round == round) yield();
  }
  return round % 2;
}

inline Meeting& warp() { return grid().current->block->warps[grid().current->index.x / 32]; }

// Everybody's value, from thread 0 of the warp on.
inline const uint64_t* exchange(uint64_t value) {
  Meeting& meeting = warp();
  meeting.values[meeting.round % 2][grid().current->index.x % 32] = value;
  const unsigned place = meet(meeting);
  return meeting.values[place];
}

__attribute__((noinline)) inline void prepare(Thread& thread, Block& block, Index index,
                                              Index block_index) {
  constexpr size_t stack_bytes = 128 << 10;
  thread.stack.reset(new char[stack_bytes]);
  thread.block = &block;
  thread.index = index;
  thread.block_index = block_index;
  getcontext(&thread.context);
  thread.context.uc_stack.ss_sp = thread.stack.get();
  thread.context.uc_stack.ss_size = stack_bytes;
  thread.context.uc_link = nullptr;
  makecontext(&thread.context, entry, 0);
}

// A kernel under way: body() for all threads of all blocks.
class Launch {
 public:
  Launch(unsigned blocks, unsigned threads, size_t shared_bytes, std::function<void()> body)
      : threads_{threads}, blocks_{blocks}, body_(std::move(body)), all_blocks_(blocks) {
    for (unsigned b = 0; b < blocks; ++b) {
      Block& block = all_blocks_[b];
      block.barrier.members = threads;
      block.warps.resize((threads + 31) / 32);
      for (Meeting& warp : block.warps) warp.members = 32;
      // Garbage, as on a GPU: nothing may count on zeros.
      block.shared.assign(shared_bytes + 64, static_cast<char>(0xA5));
      for (unsigned t = 0; t < threads; ++t) {
        all_.push_back(std::make_unique<Thread>());
        prepare(*all_.back(), block, {t}, {b});
      }
    }
  }

  // So many turns of every thread; true when all have ended. Throws if they wait for ever.
  bool run(size_t turns) {
    Grid& g = grid();
    g.launch = this;
    g.threads = threads_;
    g.blocks = blocks_;
    for (; turns > 0; --turns) {
      if (++turns_ > 50'000'000) throw std::runtime_error("the kernel does not end");
      size_t left = 0;
      for (const auto& thread : all_) {
        if (thread->done) continue;
        ++left;
        take_turn(*thread);
      }
      if (left == 0) return true;
    }
    return false;
  }
  void body() const { body_(); }

 private:
  Index threads_, blocks_;
  std::function<void()> body_;
  std::vector<Block> all_blocks_;
  std::vector<std::unique_ptr<Thread>> all_;
  size_t turns_ = 0;
};

inline void entry() {
  grid().launch->body();
  grid().current->done = true;
  yield();
}

inline void launch(unsigned blocks, unsigned threads, size_t shared_bytes,
                   std::function<void()> kernel) {
  Launch(blocks, threads, shared_bytes, std::move(kernel)).run(SIZE_MAX);
}

inline char* shared_memory() {
  std::vector<char>& shared = grid().current->block->shared;
  const auto at = reinterpret_cast<uintptr_t>(shared.data());
  return shared.data() + (64 - at % 64) % 64;
}

}  // namespace emulator

#define SKETCHRNN_SHARED_MEMORY(name) char* const name = emulator::shared_memory()
#define threadIdx (emulator::grid().current->index)
#define blockIdx (emulator::grid().current->block_index)
#define blockDim (emulator::grid().threads)
#define gridDim (emulator::grid().blocks)

inline void __syncthreads() { emulator::meet(emulator::grid().current->block->barrier); }
inline int __syncthreads_or(int x) {
  emulator::Meeting& barrier = emulator::grid().current->block->barrier;
  if (x != 0) barrier.any[barrier.round % 2] = 1;
  const unsigned place = emulator::meet(barrier);
  return static_cast<int>(barrier.any[place]);
}
inline void __syncwarp() { emulator::meet(emulator::warp()); }
inline unsigned __ballot_sync(unsigned, bool x) {
  const uint64_t* values = emulator::exchange(x);
  unsigned bits = 0;
  for (unsigned i = 0; i < 32; ++i) bits |= static_cast<unsigned>(values[i]) << i;
  return bits;
}
template <class T>
T __shfl_sync(unsigned, T x, int from) {
  uint64_t bits = 0;
  memcpy(&bits, &x, sizeof x);
  const uint64_t* values = emulator::exchange(bits);
  memcpy(&x, &values[from], sizeof x);
  return x;
}
template <class T>
T __shfl_xor_sync(unsigned mask, T x, unsigned apart) {
  return __shfl_sync(mask, x, static_cast<int>(threadIdx.x % 32 ^ apart));
}
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __dp4a(int a, int b, int sum) {
  for (int i = 0; i < 4; ++i)
    sum += static_cast<int8_t>(a >> 8 * i) * static_cast<int8_t>(b >> 8 * i);
  return sum;
}
template <class T>
T atomicAdd(T* p, T x) {
  const T before = *p;
  *p += x;
  return before;
}

namespace sketchrnn::cuda {
namespace {

template <class T>
T load_volatile(const T* p) {
  return *static_cast<const volatile T*>(p);
}
template <class T>
void store_volatile(T* p, T x) {
  *static_cast<volatile T*>(p) = x;
}
inline void wait_a_little() { emulator::yield(); }

inline int32_t dp2a_low(uint32_t a, uint32_t b, int32_t sum) {
  for (int i = 0; i < 2; ++i)
    sum += static_cast<int16_t>(a >> 16 * i) * static_cast<uint8_t>(b >> 8 * i);
  return sum;
}
inline int32_t dp2a_high(uint32_t a, uint32_t b, int32_t sum) {
  for (int i = 0; i < 2; ++i)
    sum += static_cast<int16_t>(a >> 16 * i) * static_cast<int8_t>(b >> (16 + 8 * i));
  return sum;
}

// PTX ISA, mma.m16n8k32 for bytes: which thread has which part of a, b and the sum, which wraps.
template <bool kSignedA, bool kSignedB>
void mma_bytes(int32_t (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  uint32_t all_a[4][32], all_b[2][32];
  for (int r = 0; r < 4; ++r) {
    const uint64_t* values = emulator::exchange(a[r]);
    for (int t = 0; t < 32; ++t) all_a[r][t] = static_cast<uint32_t>(values[t]);
  }
  for (int r = 0; r < 2; ++r) {
    const uint64_t* values = emulator::exchange(r == 0 ? b0 : b1);
    for (int t = 0; t < 32; ++t) all_b[r][t] = static_cast<uint32_t>(values[t]);
  }
  const auto byte = [](uint32_t word, int i, bool is_signed) {
    const auto bits = static_cast<uint8_t>(word >> 8 * i);
    return is_signed ? static_cast<int>(static_cast<int8_t>(bits)) : static_cast<int>(bits);
  };
  const auto a_at = [&](int row, int k) {
    return byte(all_a[row / 8 + k / 16 * 2][row % 8 * 4 + k % 16 / 4], k % 4, kSignedA);
  };
  const auto b_at = [&](int k, int column) {
    return byte(all_b[k / 16][column * 4 + k % 16 / 4], k % 4, kSignedB);
  };
  const int thread = static_cast<int>(threadIdx.x % 32);
  for (int i = 0; i < 4; ++i)
    for (int k = 0; k < 32; ++k)
      sum[i] = static_cast<int32_t>(
          static_cast<uint32_t>(sum[i]) +
          static_cast<uint32_t>(a_at(thread / 4 + i / 2 * 8, k) * b_at(k, thread % 4 * 2 + i % 2)));
}

}  // namespace
}  // namespace sketchrnn::cuda
