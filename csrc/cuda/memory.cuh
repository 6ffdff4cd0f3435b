// The device's memory and errors: typed failures, buffers from a pool of our own, copies.
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "cuda/device.h"

namespace sketchrnn::cuda {
namespace {

void check(cudaError_t status, int ordinal, const char* doing) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();  // or the next call would report it again
  fail(ordinal, std::string(doing) + ": " + cudaGetErrorString(status));
}

// A function of the driver, which this is not linked with. Null where the driver has none.
template <class Function>
Function driver_function(const char* name) {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult status{};
  constexpr unsigned kSince = 4000;  // the version in which both functions got their present form
  if (cudaGetDriverEntryPointByVersion(name, &found, kSince, cudaEnableDefault, &status) !=
      cudaSuccess)
    return nullptr;
  return reinterpret_cast<Function>(found);
}

// Makes a device the calling thread's for a while: others in the process (PyTorch, CuPy) have their
// own idea of which is current. What was current comes back as it was, by the driver's context:
// cudaSetDevice() would make a context on GPU 0 where there had been none.
class Current {
 public:
  explicit Current(int ordinal) {
    static const auto get = driver_function<CUresult (*)(CUcontext*)>("cuCtxGetCurrent");
    if (get == nullptr || get(&before_) != CUDA_SUCCESS) before_ = nullptr;
    check(cudaSetDevice(ordinal), ordinal, "choosing it");
  }
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;
  ~Current() {
    static const auto set = driver_function<CUresult (*)(CUcontext)>("cuCtxSetCurrent");
    if (set != nullptr) (void)set(before_);
  }

 private:
  CUcontext before_ = nullptr;
};

// Everything but the long kernels goes through the calling thread's own stream, and is waited for:
// kernels run in streams of their own, which know of no other.
const cudaStream_t kOwn = cudaStreamPerThread;

void finish(int ordinal, const char* doing) {
  check(cudaGetLastError(), ordinal, doing);
  check(cudaStreamSynchronize(kOwn), ordinal, doing);
}

void copy(int ordinal, void* to, const void* from, std::size_t bytes, const char* doing) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, kOwn), ordinal, doing);
  finish(ordinal, doing);
}

// A pool for each device, made when it is first needed and never given back. cudaMalloc and
// cudaFree would wait for whatever else the device does, other threads' long kernels too.
cudaMemPool_t pool_of(int ordinal) {
  static std::mutex mutex;
  static std::map<int, cudaMemPool_t> pools;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = pools.find(ordinal);
  if (found != pools.end()) return found->second;
  cudaMemPoolProps facts{};
  facts.allocType = cudaMemAllocationTypePinned;
  facts.location.type = cudaMemLocationTypeDevice;
  facts.location.id = ordinal;
  cudaMemPool_t pool = nullptr;
  check(cudaMemPoolCreate(&pool, &facts), ordinal, "making a memory pool");
  // Kept for the next call; what is more goes back to the device.
  std::uint64_t kept = std::uint64_t{256} << 20;
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &kept), ordinal,
        "making a memory pool");
  return pools[ordinal] = pool;
}

template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(int ordinal, std::size_t count) : ordinal_(ordinal), count_(count) {
    if (count == 0) return;
    const cudaError_t status = cudaMallocFromPoolAsync(reinterpret_cast<void**>(&data_),
                                                       count * sizeof(T), pool_of(ordinal), kOwn);
    if (status == cudaErrorMemoryAllocation) {
      (void)cudaGetLastError();
      std::size_t free = 0, total = 0;
      (void)cudaMemGetInfo(&free, &total);
      fail(ordinal, "out of memory: " + std::to_string(count * sizeof(T)) + " bytes needed, " +
                        std::to_string(free) + " of " + std::to_string(total) + " free");
    }
    check(status, ordinal, "allocating memory");
    finish(ordinal, "allocating memory");
  }
  Buffer(int ordinal, const T* source, std::size_t count) : Buffer(ordinal, count) {
    if (count != 0) copy(ordinal, data_, source, count * sizeof(T), "copying to it");
  }
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(ordinal_, other.ordinal_);
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    if (data_ == nullptr) return;
    // Wherever it is dropped: the stream must be one of its own device's. Without a device (the
    // process is about to end) there is nothing to free.
    try {
      const Current current(ordinal_);
      (void)cudaFreeAsync(data_, kOwn);
    } catch (const DeviceError&) {
    }
  }

  int ordinal() const { return ordinal_; }
  T* get() const { return data_; }
  std::size_t count() const { return count_; }
  std::size_t bytes() const { return count_ * sizeof(T); }

 private:
  int ordinal_ = 0;
  T* data_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace
}  // namespace sketchrnn::cuda
