// What the files of the C interface (include/sketchrnn/sketchrnn.h) share.
//
// Every function that can fail runs inside guarded(), which turns whatever is thrown into a status
// and a message. The calls that promise not to allocate look for the expected failures themselves,
// before anything can throw.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "engine/conditions.h"
#include "engine/device.h"
#include "engine/rows.h"
#include "error.h"
#include "sketchrnn/sketchrnn.h"

#if defined(__GLIBCXX__) && !defined(SKETCHRNN_NO_THREADS)
#define SKETCHRNN_FORCED_UNWIND 1
#include <cxxabi.h>
#endif

// A net, and which of its objects it draws.
struct sketchrnn_net {
  std::shared_ptr<const sketchrnn::Device> device;
  std::uint32_t object;

  const sketchrnn::Net& net() const { return *device->net(); }
  // `z` of `count` numbers, NULL for a latent vector by (seed, index).
  sketchrnn::Conditions conditions(const float* z, std::size_t count, std::uint64_t seed,
                                   std::uint64_t index) const {
    const bool given = z != nullptr;
    if (!given && count != 0) throw sketchrnn::ArgumentError("z: must not be NULL");
    if (given && count == 0) throw sketchrnn::ArgumentError("z: expected numbers, found none");
    if (given || net().latent() != 0)
      return sketchrnn::Conditions(
          device->net(), sketchrnn::Latents{std::vector<float>(z, z + count), seed, index});
    const bool several = !net().weights().objects.empty();
    return sketchrnn::Conditions(
        device->net(), several ? std::vector<std::uint32_t>{object} : std::vector<std::uint32_t>{});
  }
};

static_assert(sizeof(sketchrnn_row) == 5 * sizeof(float), "a row is five floats, as in Batch");

namespace sketchrnn::c_api {

inline sketchrnn_status fail(sketchrnn_status status, const char* message, sketchrnn_error* error) {
  if (error != nullptr) {
    std::size_t n = std::min(std::strlen(message), sizeof error->message - 1);
    // A cut may not leave half a character.
    if (message[n] != '\0')
      while (n > 0 && (static_cast<unsigned char>(message[n]) & 0xC0u) == 0x80u) --n;
    std::memcpy(error->message, message, n);
    error->message[n] = '\0';
  }
  return status;
}

template <class Work>
sketchrnn_status guarded(sketchrnn_error* error, Work work) {
  try {
    return work();
#if defined(SKETCHRNN_FORCED_UNWIND)
  } catch (const abi::__forced_unwind&) {
    throw;  // pthread_exit in a progress function, or pthread_cancel: the thread ends
#endif
  } catch (const WeightsError& e) {
    return fail(SKETCHRNN_ERROR_WEIGHTS, e.what(), error);
  } catch (const ArgumentError& e) {
    return fail(SKETCHRNN_ERROR_ARGUMENT, e.what(), error);
  } catch (const Cancelled& e) {
    return fail(SKETCHRNN_ERROR_CANCELLED, e.what(), error);
  } catch (const MemoryError& e) {
    return fail(SKETCHRNN_ERROR_MEMORY, e.what(), error);
  } catch (const std::bad_alloc&) {
    return fail(SKETCHRNN_ERROR_MEMORY, "out of memory", error);
  } catch (const std::exception& e) {
    return fail(SKETCHRNN_ERROR_INTERNAL, e.what(), error);
  } catch (...) {
    return fail(SKETCHRNN_ERROR_INTERNAL, "unknown exception", error);
  }
}

template <class T>
void require(const T* pointer, const char* name) {
  if (pointer == nullptr) throw ArgumentError(std::string(name) + ": must not be NULL");
}

// take(row) for every row; throws ArgumentError for the first that is not stroke-5.
template <class Take>
void take_rows(const sketchrnn_row* rows, std::size_t count, const char* name, const Take& take) {
  if (count == 0) return;
  require(rows, name);
  const auto place = [&](std::size_t i) {
    return std::string(name) + ": row " + std::to_string(i);
  };
  for_each_row(&rows->dx, count, place, take);
}

inline void check_room(std::size_t count, std::size_t expected) {
  if (count != expected)
    throw ArgumentError("count: expected " + std::to_string(expected) + ", found " +
                        std::to_string(count));
}

}  // namespace sketchrnn::c_api
