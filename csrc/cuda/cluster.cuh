// The words of sm_90a that a cluster of blocks is programmed in: barriers in shared memory, copies
// into another block's, products of a warpgroup. One instruction each, no more.
//
// Numbers in brackets are the sections of the PTX ISA (9.0) that say what each does. A block of a
// cluster sees the shared memory of the others at the same places as its own; "there" is such a
// place in block `rank`. Without nvcc, tests/cpp/cuda_emulator.h gives these words their meaning.
#pragma once

#include "cuda/thread.cuh"

namespace sketchrnn::cuda {
namespace {

// [9.7.13.15] A barrier's phase ends when so many have arrived as it was made for, and as many bytes
// have come as were expected; the next begins. Phases are told apart by their parity.
using Barrier = uint64_t;

// [9.7.15.5.1, Matrix Descriptor Format] A matrix in shared memory as wgmma reads it: core matrices
// of 8 rows by 16 bytes, each 128 bytes in one piece, without swizzle; k runs along the 16 bytes.
// `along_k` bytes from one core matrix to the next in the direction of k (the "leading dimension
// byte offset"), `along_rows` to the next eight rows (the "stride dimension byte offset").
SKETCHRNN_FN uint64_t matrix_at(uint32_t address, uint32_t along_k, uint32_t along_rows) {
  const auto field = [](uint32_t bytes) { return static_cast<uint64_t>((bytes & 0x3FFFF) >> 4); };
  return field(address) | field(along_k) << 16 | field(along_rows) << 32;
}

// What a warpgroup's thread has of a product of 64 × 128: of warp w, thread t, element i row
// 16 w + t / 4 + 8 (i / 2 % 2), column 8 (i / 4) + 2 (t % 4) + i % 2 [9.7.15.5.1.1].
constexpr int kGroupSums = 64;
using GroupSums = int32_t[kGroupSums];

#if defined(__CUDACC__)
SKETCHRNN_FN uint32_t shared_address(const void* p) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}
// [9.7.9.22, mapa]
SKETCHRNN_FN uint32_t shared_address_there(const void* p, unsigned rank) {
  uint32_t there;
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(shared_address(p)), "r"(rank));
  return there;
}

SKETCHRNN_FN unsigned cluster_rank() {
  unsigned rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}
SKETCHRNN_FN unsigned cluster_blocks() {
  unsigned blocks;
  asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(blocks));
  return blocks;
}
// All threads of all blocks of the cluster [9.7.13.4].
SKETCHRNN_FN void cluster_sync() {
  asm volatile(
      "barrier.cluster.arrive.release;\n\t"
      "barrier.cluster.wait.acquire;" ::
          : "memory");
}
// `threads` threads of a block that name the same number.
SKETCHRNN_FN void sync_some(int number, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(number), "r"(threads) : "memory");
}
// [9.7.20.5] A whole warpgroup takes or gives registers.
template <int kCount>
SKETCHRNN_FN void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kCount));
}
template <int kCount>
SKETCHRNN_FN void give_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kCount));
}

SKETCHRNN_FN void make_barrier(Barrier* barrier, unsigned arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)),
               "r"(arrivals)
               : "memory");
}
// The block's new barriers are seen by the others, and by copies.
SKETCHRNN_FN void publish_barriers() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
SKETCHRNN_FN void arrive(Barrier* barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier))
               : "memory");
}
SKETCHRNN_FN void arrive_there(Barrier* barrier, unsigned rank) {
  asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" ::"r"(
                   shared_address_there(barrier, rank))
               : "memory");
}
// Arrives, and has the phase wait for so many bytes.
SKETCHRNN_FN void arrive_expecting(Barrier* barrier, uint32_t bytes) {
  asm volatile(
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)),
      "r"(bytes)
      : "memory");
}
// Until the phase of this parity has ended. Of a new barrier the phase before the first, whose
// parity is 1, counts as ended.
SKETCHRNN_FN void wait(const Barrier* barrier, uint32_t parity) {
  uint32_t ended;
  do {
    asm volatile(
        "{\n\t"
        ".reg .pred p;\n\t"
        "mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], %2;\n\t"
        "selp.u32 %0, 1, 0, p;\n\t"
        "}"
        : "=r"(ended)
        : "r"(shared_address(barrier)), "r"(parity)
        : "memory");
  } while (ended == 0);
}

// What this thread has written to shared memory is seen by copies and products [9.7.13.5, proxies].
SKETCHRNN_FN void publish_writes() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
// [9.7.9.25.4] Bulk copies: on 16 bytes, of a multiple of 16; the barrier beside what is written is
// told of the bytes.
SKETCHRNN_FN void copy_there(void* to, const void* from, uint32_t bytes, Barrier* barrier,
                             unsigned rank) {
  asm volatile(
      "cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%0], [%1], %2, "
      "[%3];" ::"r"(shared_address_there(to, rank)),
      "r"(shared_address(from)), "r"(bytes), "r"(shared_address_there(barrier, rank))
      : "memory");
}
SKETCHRNN_FN void copy_in(void* to, const void* from, uint32_t bytes, Barrier* barrier) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, "
      "[%3];" ::"r"(shared_address(to)),
      "l"(from), "r"(bytes), "r"(shared_address(barrier))
      : "memory");
}

// [9.7.15] sum = a · b, or sum + a · b, of 64 × 32 bytes by 32 × 128, by a whole warpgroup: begun by
// multiply_bytes between begin_products and end_products, there after wait_for_products. The sums
// must not be looked at in between.
SKETCHRNN_FN void begin_products() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
SKETCHRNN_FN void end_products() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
SKETCHRNN_FN void wait_for_products(GroupSums& s) {
  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
  // Or the compiler could read them before it.
#pragma unroll
  for (int i = 0; i < kGroupSums; ++i) asm volatile("" : "+r"(s[i])::"memory");
}
SKETCHRNN_FN void multiply_bytes(GroupSums& s, uint64_t a, uint64_t b, bool add) {
  asm volatile(
      "{\n\t"
      ".reg .pred p;\n\t"
      "setp.ne.b32 p, %66, 0;\n\t"
      "wgmma.mma_async.sync.aligned.m64n128k32.s32.s8.s8 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
      "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
      "%64, %65, p;\n\t"
      "}"
      : "+r"(s[0]), "+r"(s[1]), "+r"(s[2]), "+r"(s[3]), "+r"(s[4]), "+r"(s[5]), "+r"(s[6]),
        "+r"(s[7]), "+r"(s[8]), "+r"(s[9]), "+r"(s[10]), "+r"(s[11]), "+r"(s[12]), "+r"(s[13]),
        "+r"(s[14]), "+r"(s[15]), "+r"(s[16]), "+r"(s[17]), "+r"(s[18]), "+r"(s[19]), "+r"(s[20]),
        "+r"(s[21]), "+r"(s[22]), "+r"(s[23]), "+r"(s[24]), "+r"(s[25]), "+r"(s[26]), "+r"(s[27]),
        "+r"(s[28]), "+r"(s[29]), "+r"(s[30]), "+r"(s[31]), "+r"(s[32]), "+r"(s[33]), "+r"(s[34]),
        "+r"(s[35]), "+r"(s[36]), "+r"(s[37]), "+r"(s[38]), "+r"(s[39]), "+r"(s[40]), "+r"(s[41]),
        "+r"(s[42]), "+r"(s[43]), "+r"(s[44]), "+r"(s[45]), "+r"(s[46]), "+r"(s[47]), "+r"(s[48]),
        "+r"(s[49]), "+r"(s[50]), "+r"(s[51]), "+r"(s[52]), "+r"(s[53]), "+r"(s[54]), "+r"(s[55]),
        "+r"(s[56]), "+r"(s[57]), "+r"(s[58]), "+r"(s[59]), "+r"(s[60]), "+r"(s[61]), "+r"(s[62]),
        "+r"(s[63])
      : "l"(a), "l"(b), "r"(static_cast<int>(add)));
}
#endif

}  // namespace
}  // namespace sketchrnn::cuda
