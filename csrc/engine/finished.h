// Finished drawings of several threads, and the one batch that is made of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/rows.h"

namespace sketchrnn {

// Rows of finished drawings, compact and in order of finishing, in chunks that are given back one
// by one while the result is put together, so that the two never stand in memory in full.
class FinishedRows {
 public:
  void append(const std::vector<Row>& drawing) {
    for (const Row& row : drawing) {
      if (chunks_.empty() || chunks_.back().size() == chunks_.back().capacity()) {
        chunks_.emplace_back();
        chunks_.back().reserve(kSmallest << std::min(chunks_.size(), kDoublings));
      }
      chunks_.back().push_back(row);
    }
  }

  // Visits the rows of the next chunk in order and gives its memory back; false when none is left.
  template <class Visit>
  bool consume_chunk(Visit visit) {
    if (consumed_ == chunks_.size()) return false;
    for (const Row& row : chunks_[consumed_]) visit(row);
    std::vector<Row>().swap(chunks_[consumed_++]);  // assigning {} would keep the memory
    return true;
  }

 private:
  // Rows of a chunk: few for who draws few.
  static constexpr std::size_t kSmallest = 1u << 7, kDoublings = 9;
  std::vector<std::vector<Row>> chunks_;
  std::size_t consumed_ = 0;
};

struct Finished {
  std::size_t drawing;
  std::size_t length;
};

// What one thread has drawn.
struct Output {
  FinishedRows rows;
  std::vector<Finished> order;
};

// Drawings 0 to count - 1 in their order, each with the rows of `prefix` first. Takes the rows
// away.
inline Batch assemble(std::vector<Output>& outputs, const std::vector<Row>& prefix,
                      std::size_t count) {
  Batch batch;
  batch.count = count;
  batch.offsets.reset(new std::int64_t[count + 1]);
  batch.offsets[0] = 0;
  for (const Output& output : outputs)
    for (const Finished& finished : output.order)
      batch.offsets[finished.drawing + 1] =
          static_cast<std::int64_t>(prefix.size() + finished.length);
  for (std::size_t i = 0; i < count; ++i) batch.offsets[i + 1] += batch.offsets[i];
  batch.rows.reset(new float[kStroke5 * static_cast<std::size_t>(batch.offsets[count])]);
  // Where each thread's next row goes.
  struct Place {
    std::size_t drawings = 0;  // begun so far
    std::size_t left = 0;      // rows still to come of the last one
    float* out = nullptr;
  };
  std::vector<Place> places(outputs.size());
  // A chunk of each thread in turn: all threads took drawings in order and at one pace, so that the
  // result is filled from front to back while what it is made from goes.
  for (bool more = true; more;) {
    more = false;
    for (std::size_t t = 0; t < outputs.size(); ++t) {
      Place& place = places[t];
      more |= outputs[t].rows.consume_chunk([&](const Row& row) {
        if (place.left == 0) {
          const Finished& finished = outputs[t].order[place.drawings++];
          place.out = batch.rows.get() +
                      kStroke5 * static_cast<std::size_t>(batch.offsets[finished.drawing]);
          for (const Row& given : prefix) {
            write_row(place.out, given);
            place.out += kStroke5;
          }
          place.left = finished.length;
        }
        write_row(place.out, row);
        place.out += kStroke5;
        --place.left;
      });
    }
  }
  return batch;
}

}  // namespace sketchrnn
