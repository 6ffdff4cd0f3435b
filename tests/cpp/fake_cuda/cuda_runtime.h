// As much of the CUDA runtime as backend.cu uses, on the host: its memory is the host's, its
// kernels run in the emulator, a slice at every cudaStreamQuery. It remembers what a real one would
// not forgive: memory that is not freed or freed twice, contexts that nobody asked for, more shared
// memory than was allowed.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <type_traits>

#include "../cuda_emulator.h"

#define CUDART_VERSION 13000

enum cudaError_t {
  cudaSuccess,
  cudaErrorInvalidValue,
  cudaErrorMemoryAllocation,
  cudaErrorInsufficientDriver,
  cudaErrorNoDevice,
  cudaErrorNotReady,
  cudaErrorLaunchFailure
};
inline const char* cudaGetErrorString(cudaError_t e) {
  const char* const names[] = {
      "no error",  "invalid argument",          "out of memory", "old driver", "no device",
      "not ready", "unspecified launch failure"};
  return names[e];
}

namespace fake {

struct Stream {
  std::unique_ptr<emulator::Launch> running;
};

struct Runtime {
  int devices = 2;
  int multiprocessors = 3;
  int clusters = 0;               // that run at once
  int threads_of_a_block = 1024;  // of any kernel, at most
  std::size_t free_bytes = std::size_t{1} << 30;
  std::size_t turns = 100'000'000;  // of a kernel at every query
  std::string failing;              // the function that fails, and how
  cudaError_t failure = cudaSuccess;

  std::map<void*, std::size_t> allocated;
  std::map<const void*, std::size_t> shared_allowed;
  std::set<int> contexts;  // devices that have one
  int context = -1;        // the calling thread's; there is only one that uses the device here
  unsigned cluster = 1;    // of the last launch but gathering
  int streams = 0, launches = 0, synchronised = 0;
  std::mutex mutex;
};
inline Runtime& runtime() {
  static Runtime the_runtime;
  return the_runtime;
}
inline cudaError_t answer(const char* function) {
  const Runtime& r = runtime();
  return r.failing == function ? r.failure : cudaSuccess;
}
inline int current() {
  Runtime& r = runtime();
  if (r.context < 0) r.context = 0;  // as the real one does with whatever needs a context
  r.contexts.insert(r.context);
  return r.context;
}
inline cudaError_t finish(Stream* stream, std::size_t turns) {
  if (stream == nullptr || stream->running == nullptr) return cudaSuccess;
  if (!stream->running->run(turns)) return cudaErrorNotReady;
  stream->running.reset();
  return answer("kernel");
}

}  // namespace fake

using cudaStream_t = fake::Stream*;
struct fake_event {};
using cudaEvent_t = fake_event*;
using CUcontext = void*;
enum CUresult { CUDA_SUCCESS };
constexpr cudaStream_t cudaStreamPerThread = nullptr;

inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline cudaError_t cudaGetDeviceCount(int* count) {
  *count = fake::runtime().devices;
  return fake::answer("cudaGetDeviceCount");
}
struct cudaDeviceProp {
  char name[32];
  int major, minor, multiProcessorCount, cooperativeLaunch;
  std::size_t totalGlobalMem;
};
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* facts, int ordinal) {
  *facts = {"emulated", ordinal == 2 ? 7 : 9, 0, fake::runtime().multiprocessors, 1, 1u << 30};
  return cudaSuccess;
}
enum cudaDeviceAttr { cudaDevAttrMultiProcessorCount, cudaDevAttrMaxSharedMemoryPerBlockOptin };
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int) {
  *value = which == cudaDevAttrMultiProcessorCount ? fake::runtime().multiprocessors : 227 << 10;
  return cudaSuccess;
}
inline cudaError_t cudaSetDevice(int ordinal) {
  fake::runtime().context = ordinal;
  fake::runtime().contexts.insert(ordinal);
  return fake::answer("cudaSetDevice");
}
inline cudaError_t cudaDeviceSynchronize() {
  ++fake::runtime().synchronised;
  return cudaSuccess;
}

// A context is its device's number and 1, as a pointer.
inline CUresult fake_get_context(CUcontext* out) {
  *out = reinterpret_cast<void*>(static_cast<std::intptr_t>(fake::runtime().context + 1));
  return CUDA_SUCCESS;
}
inline CUresult fake_set_context(CUcontext context) {
  fake::runtime().context = static_cast<int>(reinterpret_cast<std::intptr_t>(context)) - 1;
  return CUDA_SUCCESS;
}
enum cudaDriverEntryPointQueryResult { cudaDriverEntryPointSuccess };
enum { cudaEnableDefault };
inline cudaError_t cudaGetDriverEntryPointByVersion(const char* name, void** function, unsigned,
                                                    int, cudaDriverEntryPointQueryResult*) {
  *function = std::string(name) == "cuCtxGetCurrent" ? reinterpret_cast<void*>(&fake_get_context)
                                                     : reinterpret_cast<void*>(&fake_set_context);
  return cudaSuccess;
}

enum cudaMemcpyKind { cudaMemcpyDefault };
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind,
                                   cudaStream_t) {
  fake::current();
  if (bytes != 0) std::memcpy(to, from, bytes);
  return fake::answer("cudaMemcpyAsync");
}
inline cudaError_t cudaMemsetAsync(void* p, int value, std::size_t bytes, cudaStream_t) {
  std::memset(p, value, bytes);
  return cudaSuccess;
}
enum { cudaHostAllocMapped };
inline cudaError_t cudaHostAlloc(void** p, std::size_t bytes, int) {
  *p = std::calloc(1, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *free = fake::runtime().free_bytes;
  *total = std::size_t{1} << 31;
  return cudaSuccess;
}

using cudaMemPool_t = void*;
enum { cudaMemAllocationTypePinned, cudaMemLocationTypeDevice, cudaMemPoolAttrReleaseThreshold };
struct cudaMemPoolProps {
  int allocType;
  struct {
    int type, id;
  } location;
};
inline cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps*) {
  static char the_pool;
  *pool = &the_pool;
  return cudaSuccess;
}
inline cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, int, void*) { return cudaSuccess; }
inline cudaError_t cudaMallocFromPoolAsync(void** p, std::size_t bytes, cudaMemPool_t,
                                           cudaStream_t) {
  fake::Runtime& r = fake::runtime();
  fake::current();
  if (const cudaError_t failed = fake::answer("cudaMallocFromPoolAsync")) return failed;
  *p = std::malloc(bytes);
  std::memset(*p, 0xA5, bytes);  // nothing may count on zeros
  r.allocated[*p] = bytes;
  return cudaSuccess;
}
inline cudaError_t cudaFreeAsync(void* p, cudaStream_t) {
  fake::current();
  if (fake::runtime().allocated.erase(p) != 1) throw std::logic_error("freed what is not there");
  std::free(p);
  return cudaSuccess;
}

enum { cudaStreamNonBlocking };
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, int) {
  ++fake::runtime().streams;
  *stream = new fake::Stream;  // never given back, as job.cuh does
  return cudaSuccess;
}
inline cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return fake::finish(stream, fake::runtime().turns);
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return fake::finish(stream, SIZE_MAX);
}
inline cudaError_t cudaEventCreate(cudaEvent_t*) { return cudaSuccess; }
inline cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t, cudaEvent_t) {
  *milliseconds = 1.0f;
  return cudaSuccess;
}
enum { cudaFuncAttributeMaxDynamicSharedMemorySize };
inline cudaError_t cudaFuncSetAttribute(const void* function, int, int bytes) {
  fake::runtime().shared_allowed[function] = static_cast<std::size_t>(bytes);
  return cudaSuccess;
}
struct cudaFuncAttributes {
  int maxThreadsPerBlock;
};
inline cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* facts, const void*) {
  facts->maxThreadsPerBlock = fake::runtime().threads_of_a_block;
  return cudaSuccess;
}

namespace fake {

// In place of cudaLaunchKernelExC, with the arguments' types.
template <class... Parameters>
cudaError_t launch(void (*kernel)(Parameters...), unsigned blocks, unsigned threads,
                   std::size_t shared, bool cooperative, unsigned cluster, cudaStream_t stream,
                   std::remove_const_t<Parameters>... arguments) {
  Runtime& r = runtime();
  ++r.launches;
  constexpr std::size_t without_asking = 48 << 10;
  const auto allowed = r.shared_allowed.find(reinterpret_cast<const void*>(kernel));
  if (shared > (allowed == r.shared_allowed.end() ? without_asking : allowed->second))
    return cudaErrorInvalidValue;
  if (cooperative && blocks > static_cast<unsigned>(r.multiprocessors))
    return cudaErrorInvalidValue;
  if (cluster > 1 && static_cast<int>(blocks / cluster) > r.clusters)
    return cudaErrorInvalidValue;  // none would wait for another, and none would need to
  if (const cudaError_t failed = answer("launch")) return failed;
  if (stream != nullptr) r.cluster = cluster;
  auto running = std::make_unique<emulator::Launch>(
      blocks, threads, shared, [=] { kernel(arguments...); }, cluster);
  if (stream == nullptr)
    running->run(SIZE_MAX);
  else
    stream->running = std::move(running);
  return cudaSuccess;
}

}  // namespace fake
