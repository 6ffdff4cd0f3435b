// The words of CUDA on the host, so that the GPU's kernels run where there is none: a fiber for
// each thread of the grid, switched at every barrier and every exchange within a warp.
//
// It shows that indices, barriers and arithmetic are right, and nothing about time or about memory
// order: fibers take turns on one processor. In clusters warps fall asleep for a while by chance,
// so that who counts on others' being as fast is found out, and what is asynchronous ends late: a
// copy some turns after it was begun, a warpgroup's product when it is waited for; both look whether
// what they read has changed meanwhile. Matrices are found by their descriptors. Fences between
// kinds of memory access do nothing here: that one is missing cannot be seen.
#pragma once

#include <math.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <vector>

#define __device__
#define __host__
#define __global__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__

struct alignas(8) uint2 {
  uint32_t x, y;
};
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

// An mbarrier, by the place of its word in shared memory.
struct Arrivals {
  uint32_t members = 0, pending = 0;
  int64_t bytes = 0;
  uint64_t phase = 0;  // 0 is the first
};

// Operands of a product of a warpgroup as they were when it was begun.
struct Operands {
  int8_t a[64][32] = {}, b[128][32] = {};
  unsigned left = 128;  // threads that have not had them
};

struct Block {
  Meeting barrier;
  std::map<int, Meeting> some;
  std::vector<Meeting> warps;
  std::vector<char> shared;
  std::map<const void*, Arrivals> arrivals;
  std::vector<std::map<uint64_t, Operands>> operands;  // of each warpgroup, by number
  Block* cluster = nullptr;                            // its first block
  Meeting cluster_barrier;                             // the first block's is used
  unsigned rank = 0, running = 0;
};

// Bytes on their way into a block's shared memory.
struct Copy {
  Block *from_block, *to_block;  // null: from memory that all see
  char* to;
  const char* from;
  std::vector<char> bytes;
  const void* barrier;
  int turns;
};

// What a thread has begun of products.
struct Product {
  int32_t* sums;
  uint64_t a, b, number;
  bool add;
};
struct Products {
  std::vector<Product> begun;
  std::map<int32_t*, std::vector<int32_t>> before;  // the sums while they must not be looked at
  uint64_t count = 0;
  bool fenced = false, ended = true;
};

class Launch;

struct Thread {
  ucontext_t context{};  // for its first turn only: swapcontext asks the system for signal masks
  jmp_buf resume{};
  bool begun = false;
  std::unique_ptr<char[]> stack;
  Block* block = nullptr;
  Index index{}, block_index{};
  Products products;
  // While this word has this value the thread waits, and gets no turn.
  const uint64_t* word = nullptr;
  uint64_t value = 0;
  bool done = false;
};

// Whose turn it is.
struct Grid {
  Launch* launch = nullptr;
  Index threads{}, blocks{};
  unsigned cluster = 1;
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

inline void wait_for_change(const uint64_t& word, uint64_t value) {
  Thread& thread = *grid().current;
  thread.word = &word;
  thread.value = value;
  while (word == value) yield();
  thread.word = nullptr;
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
    wait_for_change(meeting.round, round);
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
  Launch(unsigned blocks, unsigned threads, size_t shared_bytes, std::function<void()> body,
         unsigned cluster = 1)
      : threads_{threads},
        blocks_{blocks},
        cluster_(cluster),
        body_(std::move(body)),
        all_blocks_(blocks) {
    asleep_.resize(blocks * ((threads + 31) / 32));
    if (blocks % cluster != 0) throw std::logic_error("a grid of broken clusters");
    for (unsigned b = 0; b < blocks; ++b) {
      Block& block = all_blocks_[b];
      block.barrier.members = threads;
      block.running = threads;
      block.rank = b % cluster;
      block.cluster = &all_blocks_[b - block.rank];
      block.cluster_barrier.members = threads * cluster;
      block.operands.resize((threads + 127) / 128);
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
    g.cluster = cluster_;
    for (; turns > 0; --turns) {
      if (++turns_ > 50'000'000) throw std::runtime_error("the kernel does not end");
      size_t left = 0;
      for (const auto& thread : all_) {
        if (thread->done) continue;
        ++left;
        if (thread->word != nullptr && *thread->word == thread->value) continue;
        if (cluster_ > 1 && is_asleep(*thread)) continue;
        take_turn(*thread);
      }
      if (left == 0) {
        if (!copies_.empty()) throw std::logic_error("a block ended with a copy under way");
        return true;
      }
      if (!copies_.empty()) end_copies();
      if (cluster_ > 1) fall_asleep();
    }
    return false;
  }
  void body() const { body_(); }

  // Copies take from 1 to 8 turns, in no order, and now and then thousands.
  void begin_copy(Block* from_block, Block& to_block, void* to, const void* from, size_t bytes,
                  const void* barrier) {
    const char* const source = static_cast<const char*>(from);
    if (reinterpret_cast<uintptr_t>(to) % 16 != 0 || reinterpret_cast<uintptr_t>(from) % 16 != 0 ||
        bytes % 16 != 0 || bytes == 0)
      throw std::logic_error("a bulk copy that is not of 16 bytes");
    copies_.push_back({from_block,
                       &to_block,
                       static_cast<char*>(to),
                       source,
                       {source, source + bytes},
                       barrier,
                       1 + static_cast<int>(chance(chance(128) == 0 ? 8192 : 8))});
  }

 private:
  void end_copies();

  uint32_t chance(uint32_t of) {
    chance_ = chance_ * 1664525 + 1013904223;
    return (chance_ >> 16) % of;
  }
  bool is_asleep(const Thread& thread) const {
    return asleep_[thread.block_index.x * ((threads_.x + 31) / 32) + thread.index.x / 32] > turns_;
  }
  void fall_asleep() {
    if (chance(8) == 0)
      asleep_[chance(static_cast<uint32_t>(asleep_.size()))] =
          turns_ + chance(chance(128) == 0 ? 4096 : 256);
  }

  Index threads_, blocks_;
  unsigned cluster_;
  std::function<void()> body_;
  std::vector<Block> all_blocks_;
  std::vector<Copy> copies_;
  std::vector<size_t> asleep_;  // until which turn, each warp
  uint32_t chance_ = 1;
  std::vector<std::unique_ptr<Thread>> all_;
  size_t turns_ = 0;
};

inline void entry() {
  grid().launch->body();
  grid().current->done = true;
  --grid().current->block->running;
  yield();
}

inline void launch(unsigned blocks, unsigned threads, size_t shared_bytes,
                   std::function<void()> kernel, unsigned cluster = 1) {
  Launch(blocks, threads, shared_bytes, std::move(kernel), cluster).run(SIZE_MAX);
}

inline char* shared_memory(Block& block) {
  const auto at = reinterpret_cast<uintptr_t>(block.shared.data());
  return block.shared.data() + (64 - at % 64) % 64;
}
inline char* shared_memory() { return shared_memory(*grid().current->block); }

// The place of `p`, which is in the thread's block's shared memory, and that place in another block.
inline uint32_t shared_place(const void* p) {
  const auto place = static_cast<const char*>(p) - shared_memory();
  const Block& block = *grid().current->block;
  if (place < 0 || static_cast<size_t>(place) > block.shared.size() - 64)
    throw std::logic_error("not a place in shared memory");
  return static_cast<uint32_t>(place);
}
inline Block& block_there(unsigned rank) {
  if (rank >= grid().cluster) throw std::logic_error("no such block in the cluster");
  Block& block = grid().current->block->cluster[rank];
  if (block.running == 0) throw std::logic_error("a block that has ended");
  return block;
}
inline char* there(const void* p, unsigned rank) {
  return shared_memory(block_there(rank)) + shared_place(p);
}

inline Arrivals& arrivals_at(Block& block, const void* barrier) {
  const auto found = block.arrivals.find(barrier);
  if (found == block.arrivals.end()) throw std::logic_error("not an mbarrier");
  return found->second;
}
inline void end_phase_if_complete(Arrivals& a) {
  constexpr int64_t most = (1 << 20) - 1;
  if (a.bytes > most || a.bytes < -most)
    throw std::logic_error("more bytes than an mbarrier counts");
  if (a.pending != 0 || a.bytes != 0) return;
  a.pending = a.members;
  ++a.phase;
}
inline void arrive_at(Block& block, const void* barrier, uint32_t bytes) {
  Arrivals& a = arrivals_at(block, barrier);
  if (a.pending == 0) throw std::logic_error("more arrivals than an mbarrier waits for");
  a.bytes += bytes;
  --a.pending;
  end_phase_if_complete(a);
}

inline void Launch::end_copies() {
  std::vector<Copy> left;
  for (Copy& copy : copies_) {
    if (--copy.turns > 0) {
      left.push_back(std::move(copy));
      continue;
    }
    if (copy.to_block->running == 0 ||
        (copy.from_block != nullptr && copy.from_block->running == 0))
      throw std::logic_error("a copy from or into a block that has ended");
    if (memcmp(copy.from, copy.bytes.data(), copy.bytes.size()) != 0)
      throw std::logic_error("a copy's source has changed meanwhile");
    memcpy(copy.to, copy.bytes.data(), copy.bytes.size());
    Arrivals& a = arrivals_at(*copy.to_block, copy.barrier);
    a.bytes -= static_cast<int64_t>(copy.bytes.size());
    end_phase_if_complete(a);
  }
  copies_ = std::move(left);
}

// Byte k of a row of a matrix by its descriptor: PTX ISA, "Matrix Descriptor Format" and "Strides".
inline void read_matrix(uint64_t descriptor, int8_t (*to)[32], uint64_t rows) {
  const auto field = [&](int first) { return (descriptor >> first & 0x3FFF) << 4; };
  if (descriptor >> 49 != 0) throw std::logic_error("a descriptor with a swizzle or an offset");
  const size_t size = grid().current->block->shared.size() - 64;
  for (uint64_t row = 0; row < rows; ++row)
    for (uint64_t column = 0; column < 2; ++column) {
      const uint64_t at = field(0) + column * field(16) + row / 8 * field(32) + row % 8 * 16;
      if (at + 16 > size) throw std::logic_error("a matrix beyond shared memory");
      memcpy(&to[row][column * 16], shared_memory() + at, 16);
    }
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
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned places) {
  const uint64_t bytes = x | static_cast<uint64_t>(y) << 32;
  unsigned r = 0;
  for (unsigned i = 0; i < 4; ++i) r |= (bytes >> 8 * (places >> 4 * i & 7) & 0xFF) << 8 * i;
  return r;
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

// Off by an ulp either way, as the bits happen to be: a GPU's may be. Not for a mantissa of ones,
// with which nvcc's own division would go wrong if the GPU's were not the nearest.
inline float reciprocal_estimate(float x) {
  float r = 1.0f / x;
  uint32_t bits, of_x;
  memcpy(&bits, &r, sizeof r);
  memcpy(&of_x, &x, sizeof x);
  if ((of_x & 0x7FFFFF) != 0x7FFFFF) bits += (of_x * 2654435761u >> 16) % 3 - 1;
  memcpy(&r, &bits, sizeof r);
  return fabsf(r) < 0x1p-126f ? 0.0f : r;
}

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

// The words of cluster.cuh.
inline uint32_t shared_address(const void* p) { return emulator::shared_place(p); }
inline unsigned cluster_rank() { return emulator::grid().current->block->rank; }
inline unsigned cluster_blocks() { return emulator::grid().cluster; }
inline void cluster_sync() {
  emulator::meet(emulator::grid().current->block->cluster->cluster_barrier);
}
inline void sync_some(int number, int threads) {
  emulator::Meeting& some = emulator::grid().current->block->some[number];
  if (number < 1 || number > 15 ||
      (some.members != 0 && some.members != static_cast<unsigned>(threads)))
    throw std::logic_error("a barrier that others call something else");
  some.members = static_cast<unsigned>(threads);
  emulator::meet(some);
}
template <int kCount>
void take_registers() {}
template <int kCount>
void give_registers() {}

inline void make_barrier(uint64_t* barrier, unsigned arrivals) {
  emulator::Block& block = *emulator::grid().current->block;
  (void)emulator::shared_place(barrier);
  block.arrivals[barrier] = {arrivals, arrivals, 0, 0};
}
inline void publish_barriers() {}
inline void arrive(uint64_t* barrier) {
  emulator::arrive_at(*emulator::grid().current->block, barrier, 0);
}
inline void arrive_expecting(uint64_t* barrier, uint32_t bytes) {
  emulator::arrive_at(*emulator::grid().current->block, barrier, bytes);
}
inline void arrive_there(uint64_t* barrier, unsigned rank) {
  emulator::arrive_at(emulator::block_there(rank), emulator::there(barrier, rank), 0);
}
inline void wait(const uint64_t* barrier, uint32_t parity) {
  const emulator::Arrivals& a = emulator::arrivals_at(*emulator::grid().current->block, barrier);
  if (a.phase % 2 == parity) emulator::wait_for_change(a.phase, a.phase);
}
inline void publish_writes() {}
inline void copy_there(void* to, const void* from, uint32_t bytes, uint64_t* barrier,
                       unsigned rank) {
  (void)emulator::shared_place(from);
  emulator::grid().launch->begin_copy(emulator::grid().current->block, emulator::block_there(rank),
                                      emulator::there(to, rank), from, bytes,
                                      emulator::there(barrier, rank));
}
inline void copy_in(void* to, const void* from, uint32_t bytes, uint64_t* barrier) {
  (void)emulator::shared_place(to);
  emulator::grid().launch->begin_copy(nullptr, *emulator::grid().current->block, to, from, bytes,
                                      barrier);
}

inline void begin_products() { emulator::grid().current->products.fenced = true; }
inline void multiply_bytes(int32_t (&sums)[64], uint64_t a, uint64_t b, bool add) {
  emulator::Thread& thread = *emulator::grid().current;
  emulator::Products& own = thread.products;
  if (!own.fenced) throw std::logic_error("a product without a fence before it");
  const auto [operands, is_first] =
      thread.block->operands[thread.index.x / 128].emplace(own.count, emulator::Operands());
  if (is_first) {
    emulator::read_matrix(a, operands->second.a, 64);
    emulator::read_matrix(b, operands->second.b, 128);
  }
  own.begun.push_back({sums, a, b, own.count++, add});
  own.ended = false;
  if (own.before.emplace(sums, std::vector<int32_t>(sums, sums + 64)).second)
    for (int32_t& sum : sums) sum = 0x5A5A5A5A;
}
inline void end_products() { emulator::grid().current->products.ended = true; }
inline void wait_for_products(int32_t (&)[64]) {
  emulator::Thread& thread = *emulator::grid().current;
  emulator::Products& own = thread.products;
  if (!own.ended) throw std::logic_error("products that are not of a group");
  auto& all = thread.block->operands[thread.index.x / 128];
  const unsigned at = thread.index.x % 128, row = at / 32 * 16 + at % 32 / 4;
  for (const emulator::Product& product : own.begun) {
    emulator::Operands& operands = all.at(product.number);
    if (--operands.left == 0) {
      emulator::Operands now;
      emulator::read_matrix(product.a, now.a, 64);
      emulator::read_matrix(product.b, now.b, 128);
      if (memcmp(now.a, operands.a, sizeof now.a) != 0 ||
          memcmp(now.b, operands.b, sizeof now.b) != 0)
        throw std::logic_error("a product's operands have changed meanwhile");
    }
    std::vector<int32_t>& before = own.before.at(product.sums);
    for (unsigned i = 0; i < before.size(); ++i) {
      const int8_t* const a = operands.a[row + i / 2 % 2 * 8];
      const int8_t* const b = operands.b[i / 4 * 8 + at % 4 * 2 + i % 2];
      int32_t sum = 0;
      for (int k = 0; k < 32; ++k) sum += a[k] * b[k];
      before[i] = static_cast<int32_t>(static_cast<uint32_t>(product.add ? before[i] : 0) +
                                       static_cast<uint32_t>(sum));
    }
    if (operands.left == 0) all.erase(product.number);
  }
  for (auto& [sums, values] : own.before)
    for (size_t i = 0; i < values.size(); ++i) {
      if (sums[i] != 0x5A5A5A5A) throw std::logic_error("sums that were written meanwhile");
      sums[i] = values[i];
    }
  own.begun.clear();
  own.before.clear();
  own.fenced = false;
}

}  // namespace
}  // namespace sketchrnn::cuda
