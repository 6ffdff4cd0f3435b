// Refusing at once what no memory here can hold.
#pragma once

#include <cstddef>

namespace sketchrnn {

// Bytes of memory that this process can have at most, as far as the system tells: the machine's,
// the process's limit on its address space, its control group's.
double memory_limit();

// Throws MemoryError if a result of `bytes` at least is beyond that. `what` names it in the
// message.
void check_memory(const char* what, double bytes);

// What drawings take as a result: their offsets, and a row for each at the very least.
inline double least_bytes(std::size_t drawings) {
  return static_cast<double>(drawings) * (8.0 + 5.0 * 4.0);
}

}  // namespace sketchrnn
