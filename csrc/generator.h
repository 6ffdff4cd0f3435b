// Many drawings at once: a fixed set of lanes per thread, refilled the moment a drawing ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "net.h"
#include "stream.h"

namespace sketchrnn {

// Called now and then by the calling thread with the number of finished drawings; false stops the
// work. May throw.
using Progress = std::function<bool(std::size_t done)>;

// Drawings one after another as stroke-5 rows (5 floats each, data units).
struct Batch {
  std::unique_ptr<float[]> rows;
  std::unique_ptr<std::int64_t[]>
      offsets;  // count + 1; drawing i is rows [offsets[i], offsets[i+1])
  std::size_t count = 0;
};

struct DrawOptions {
  std::size_t count = 1;
  Temperature temperature{1.0f, 1.0f, false};
  std::uint64_t seed = 0;
  std::uint64_t index = 0;  // sketch index of the first drawing in the random counter
  std::size_t max_len = 0;  // rows of a drawing at most, the given ones included
  int threads = 1;
  int lanes = 0;  // per thread; 0 lets the core choose. Never changes a result.
};

// Throws ArgumentError if a drawing of `rows` rows cannot be continued so.
void check_may_draw(bool finished, std::size_t rows, const DrawOptions& options);

// Continues `origin` (whose rows so far are `prefix`) `count` times. Drawing k is the same whatever
// count, threads and lanes are. Throws Cancelled when `progress` says so.
Batch generate(Stream& origin, const std::vector<Row>& prefix, const DrawOptions& options,
               const Progress& progress);

}  // namespace sketchrnn
