// Rows of stroke-5 as users have them: five floats, (dx, dy, p1, p2, p3) in data units.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "error.h"
#include "kernels/kernels.h"

namespace sketchrnn {

constexpr std::size_t kStroke5 = 5;

// Drawings one after another.
struct Batch {
  std::unique_ptr<float[]> rows;
  std::unique_ptr<std::int64_t[]>
      offsets;  // count + 1; drawing i is rows [offsets[i], offsets[i+1])
  std::size_t count = 0;
};

// Given drawings, as rows with offsets in the same manner.
struct Drawings {
  const Row* rows = nullptr;
  const std::int64_t* offsets = nullptr;
  std::size_t count = 0;
};

constexpr void write_row(float* out, const Row& row) {
  out[0] = row.dx;
  out[1] = row.dy;
  for (int p = 0; p < kPenStates; ++p) out[2 + p] = static_cast<int>(row.pen) == p ? 1.0f : 0.0f;
}

// What is wrong with five floats as a row, or null and the row.
inline const char* read_row(const float* in, Row& row) {
  if (!std::isfinite(in[0]) || !std::isfinite(in[1])) return "offsets must be finite";
  int ones = 0;
  int zeros = 0;
  for (int p = 0; p < kPenStates; ++p) {
    if (in[2 + p] == 1.0f) row.pen = static_cast<Pen>(p);
    ones += in[2 + p] == 1.0f;
    zeros += in[2 + p] == 0.0f;
  }
  row.dx = in[0];
  row.dy = in[1];
  return ones == 1 && zeros == 2 ? nullptr : "pen states must be one 1 and two 0";
}

// take(row) for every row. Throws ArgumentError for the first that is not stroke-5; place(i) says
// which it is.
template <class Place, class Take>
void for_each_row(const float* in, std::size_t count, const Place& place, const Take& take) {
  Row row{};
  for (std::size_t i = 0; i < count; ++i, in += kStroke5) {
    if (const char* wrong = read_row(in, row)) {
      std::string found;
      for (std::size_t k = 0; k < kStroke5; ++k)
        found += (k == 0 ? "" : ", ") + std::to_string(in[k]);
      throw ArgumentError(place(i) + ": " + wrong + ", found (" + found + ")");
    }
    take(row);
  }
}

template <class Place>
std::vector<Row> read_rows(const float* in, std::size_t count, const Place& place) {
  std::vector<Row> rows;
  rows.reserve(count);
  for_each_row(in, count, place, [&](const Row& row) { rows.push_back(row); });
  return rows;
}

}  // namespace sketchrnn
