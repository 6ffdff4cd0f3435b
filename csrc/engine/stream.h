// One drawing in the making: feed movements, step, look at the prediction, copy, reset.
//
// No call allocates after construction. Not thread-safe by itself; different streams over one net
// may run in different threads.
#pragma once

#include <cstdint>
#include <memory>

#include "aligned.h"
#include "engine/pair.h"
#include "engine/sampler.h"
#include "model/net.h"
#include "progress.h"

namespace sketchrnn {

// Throws ArgumentError if an offset is not finite (a temperature or weights that overflow float32).
void check_row(const Row& row, std::uint64_t position);

class Stream {
 public:
  // At the state of `condition`, behind which `position` rows lie. With two threads each step is
  // divided between the calling thread and a helper of the stream's own, whose halves of the
  // weights stay in their cores' caches; results are the same. If the system has no thread to give,
  // the calling thread does it all.
  Stream(std::shared_ptr<const Net> net, ConditionPtr condition, std::uint64_t seed,
         std::uint64_t index, int threads = 1, std::uint64_t position = 0);
  Stream(const Stream& other);
  Stream(Stream&&) = default;
  Stream& operator=(const Stream&) = delete;
  Stream& operator=(Stream&&) = delete;
  ~Stream() = default;

  // Puts the stream where it began.
  void reset();
  // Random numbers of another drawing; with them its latent vector, where keep_latent() says so.
  void reseed(std::uint64_t seed, std::uint64_t index);
  // That the condition is the latent vector of (seed, index), given by nobody.
  void keep_latent() { latent_of_seed_ = true; }

  // Teacher forcing: takes rows in as if they had been drawn. Throws Cancelled when `progress` says
  // so, with the rows until then taken in.
  void feed(const Row* rows, std::size_t count, const Progress& progress = {});

  // Draws the next point and takes it in. Throws ArgumentError when the drawing has ended.
  Row step(Temperature temperature);

  // Raw head outputs for the next point, net.outputs() of them in the contract's order.
  void predict(float* z);

  // Hidden and cell state after all rows so far, net.hidden() floats each.
  void hidden_state(float* h, float* c);

  // Goes on from another state, net.hidden() floats each, as if the rows so far had led there.
  void set_hidden_state(const float* h, const float* c);

  // The stream's condition with the state after all rows so far: where others may go on.
  ConditionPtr here();

  const Net& net() const { return *net_; }
  std::uint64_t position() const { return position_; }
  bool finished() const { return finished_; }
  std::uint64_t seed() const { return seed_; }
  std::uint64_t index() const { return index_; }

 private:
  void flush(bool choices = false);
  void head(const float* h, int first, int count, float* out, std::size_t column) const;

  std::shared_ptr<const Net> net_;
  ConditionPtr condition_;
  std::uint64_t seed_, index_;
  std::uint64_t first_position_, position_ = 0;
  bool finished_ = false;
  bool latent_of_seed_ = false;
  // The last row is taken in only when something needs the state after it: a drawing's last step
  // then costs nothing.
  bool pending_ = false;
  Input input_{};
  AlignedFloats h_, h_next_, c_;
  AlignedFloats rounded_;
  PointSampler sampler_;
  AlignedFloats outputs_;  // of predict, in the kernels' order
  OwnPair pair_;
};

}  // namespace sketchrnn
