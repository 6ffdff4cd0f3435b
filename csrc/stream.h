// One drawing in the making: feed movements, step, look at the prediction, copy, reset.
//
// No call allocates after construction. Not thread-safe by itself; different streams over one net
// may run in different threads.
#pragma once

#include <cstdint>
#include <memory>

#include "aligned.h"
#include "net.h"
#include "pair.h"
#include "philox.h"

namespace sketchrnn {

// Throws ArgumentError if an offset is not finite (a temperature or weights that overflow float32).
void check_row(const Row& row, std::uint64_t position);

// Throws ArgumentError if a drawing of `position` rows cannot have another.
void check_may_step(std::uint64_t position, bool finished);

class Stream {
 public:
  // With two threads each step is divided between the calling thread and a helper of the stream's
  // own, whose halves of the weights stay in their cores' caches; results are the same.
  Stream(std::shared_ptr<const Net> net, std::uint64_t seed, std::uint64_t index, int threads = 1);
  Stream(const Stream& other);
  Stream(Stream&&) = default;
  Stream& operator=(const Stream&) = delete;
  Stream& operator=(Stream&&) = delete;
  ~Stream() = default;

  // 1, or more for a helper thread. Throws std::system_error when the system gives none.
  void use_threads(int threads);

  // Puts the stream where a new drawing starts.
  void reset();
  void reseed(std::uint64_t seed, std::uint64_t index) {
    seed_ = seed;
    index_ = index;
  }

  // Teacher forcing: takes rows in as if they had been drawn.
  void feed(const Row* rows, std::size_t count);

  // Draws the next point and takes it in. Throws ArgumentError when the drawing has ended.
  Row step(Temperature temperature);

  // Raw head outputs for the next point, net.outputs() of them in the contract's order.
  void predict(float* z);

  // Hidden and cell state after all rows so far, net.hidden() floats each.
  void hidden_state(float* h, float* c);

  const Net& net() const { return *net_; }
  std::uint64_t position() const { return position_; }
  bool finished() const { return finished_; }
  std::uint64_t seed() const { return seed_; }
  std::uint64_t index() const { return index_; }

  // For generate(): h and c as rows of net.state_stride() floats.
  const float* h_row();
  const float* c_row();

 private:
  void flush(bool choices = false);
  void choice_rows(const float* h, int first, int last);

  std::shared_ptr<const Net> net_;
  std::uint64_t seed_, index_;
  std::uint64_t position_ = 0;
  bool finished_ = false;
  // The last row is taken in only when something needs the state after it: a drawing's last step
  // then costs nothing.
  bool pending_ = false;
  Input input_{};
  AlignedFloats h_, h_next_, c_;
  AlignedFloats rounded_, scratch_;
  std::unique_ptr<Pair> pair_;
};

}  // namespace sketchrnn
