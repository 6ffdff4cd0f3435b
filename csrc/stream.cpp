#include "stream.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "error.h"

namespace sketchrnn {

Stream::Stream(std::shared_ptr<const Net> net, std::uint64_t seed, std::uint64_t index, int threads)
    : net_(std::move(net)),
      seed_(seed),
      index_(index),
      h_(net_->state_stride()),
      h_next_(net_->state_stride()),
      c_(net_->state_stride()),
      rounded_(net_->precision() == Precision::f32 ? 0 : 2 * net_->state_stride()),
      scratch_(static_cast<std::size_t>(net_->outputs() + 8) * kMaxWidth) {
  use_threads(threads);
  reset();
}

void Stream::use_threads(int threads) {
  // Less than two panels cannot be divided.
  const bool divided = threads > 1 && net_->packed().panels > 1;
  if (divided != (pair_ != nullptr)) pair_ = divided ? std::make_unique<Pair>() : nullptr;
}

Stream::Stream(const Stream& other)
    : net_(other.net_),
      seed_(other.seed_),
      index_(other.index_),
      position_(other.position_),
      finished_(other.finished_),
      pending_(other.pending_),
      input_(other.input_),
      h_(other.h_),
      h_next_(other.h_next_),
      c_(other.c_),
      rounded_(other.rounded_),
      scratch_(other.scratch_),
      pair_(other.pair_ ? std::make_unique<Pair>() : nullptr) {}

void Stream::reset() {
  const std::size_t bytes = net_->state_stride() * sizeof(float);
  std::memcpy(h_.data(), net_->start_h(), bytes);
  std::memcpy(c_.data(), net_->start_c(), bytes);
  position_ = 0;
  finished_ = false;
  pending_ = false;
}

// Takes in the pending row, and with `choices` also computes the choice outputs into the scratch.
void Stream::flush(bool choices) {
  const Packed& packed = net_->packed();
  const int outputs = choices ? net_->choice_outputs() : 0;
  const bool advance = pending_;
  pending_ = false;
  const bool backwards = position_ % 2 != 0;
  const auto step = [&](int first_panel, int last_panel, float* rounded) {
    net_->kernels().step(packed, first_panel, last_panel, backwards, 1, &input_, h_.data(),
                         c_.data(), h_next_.data(), net_->state_stride(), rounded);
  };
  if (pair_ == nullptr || !advance) {
    if (advance) {
      step(0, packed.panels, rounded_.data());
      std::swap(h_, h_next_);
    }
    choice_rows(h_.data(), 0, outputs);
    return;
  }
  const int half_panels = packed.panels / 2;
  const int half_outputs = outputs / 2;
  const auto job = [&](int part) {
    if (part == 0)
      step(0, half_panels, rounded_.data());
    else
      step(half_panels, packed.panels,
           rounded_.data() + (rounded_.size() == 0 ? 0 : net_->state_stride()));
    if (outputs == 0) return;
    pair_->barrier(part);
    if (part == 0)
      choice_rows(h_next_.data(), 0, half_outputs);
    else
      choice_rows(h_next_.data(), half_outputs, outputs);
  };
  pair_->run(job);
  std::swap(h_, h_next_);
}

void Stream::choice_rows(const float* h, int first, int last) {
  if (first == last) return;
  net_->kernels().head(net_->packed(), first, last - first, 1, h, net_->state_stride(),
                       scratch_.data() + static_cast<std::size_t>(first) * kMaxWidth, kMaxWidth);
}

void Stream::feed(const Row* rows, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    flush();
    input_ = net_->input_from_row(rows[i].dx, rows[i].dy, rows[i].pen);
    pending_ = true;
    ++position_;
    finished_ = rows[i].pen == Pen::end;
  }
  flush();  // so that copies made after a prefix do not repeat its last step
}

Row Stream::step(Temperature temperature) {
  check_may_step(position_, finished_);
  flush(true);
  const Kernels& kernels = net_->kernels();
  const Packed& packed = net_->packed();
  const int choices = net_->choice_outputs();
  const PointUniforms u =
      point_uniforms(seed_, index_, static_cast<std::uint32_t>(position_), RandomStream::draw);
  // Scratch: columns of kMaxWidth floats, of which a single drawing uses the first.
  float* const logits = scratch_.data();
  float* const params = logits + static_cast<std::size_t>(choices) * kMaxWidth;
  alignas(64) float uniform[4][kMaxWidth] = {{u.component}, {u.pen}, {1.0f}, {0.0f}};
  alignas(64) int32_t component[kMaxWidth], pen[kMaxWidth];
  alignas(64) float dx[kMaxWidth], dy[kMaxWidth];
  uniform[2][0] = u.radius;
  uniform[3][0] = u.angle;
  kernels.choose(logits, kMaxWidth, 1, net_->mixtures(), temperature, uniform[0], uniform[1],
                 component, pen);
  kernels.head(packed, choices + component[0] * kPlaceOutputs, kPlaceOutputs, 1, h_.data(),
               net_->state_stride(), params, kMaxWidth);
  kernels.place(params, kMaxWidth, 1, temperature, uniform[2], uniform[3], dx, dy);

  const Row row{dx[0] * net_->scale_factor(), dy[0] * net_->scale_factor(),
                static_cast<Pen>(pen[0])};
  check_row(row, position_);
  input_ = net_->input_from_row(row.dx, row.dy, row.pen);
  pending_ = true;
  ++position_;
  finished_ = row.pen == Pen::end;
  return row;
}

void Stream::predict(float* z) {
  flush();
  float* const out = scratch_.data();
  const int outputs = net_->outputs();
  net_->kernels().head(net_->packed(), 0, outputs, 1, h_.data(), net_->state_stride(), out, 1);
  for (int i = 0; i < outputs; ++i) z[i] = out[net_->kernel_row(i)];
}

void Stream::hidden_state(float* h, float* c) {
  flush();
  std::memcpy(h, h_.data(), static_cast<std::size_t>(net_->hidden()) * sizeof(float));
  std::memcpy(c, c_.data(), static_cast<std::size_t>(net_->hidden()) * sizeof(float));
}

const float* Stream::h_row() {
  flush();
  return h_.data();
}

const float* Stream::c_row() {
  flush();
  return c_.data();
}

void check_may_step(std::uint64_t position, bool finished) {
  if (finished)
    throw ArgumentError("step: the drawing has ended (pen state p3); reset() starts a new one");
  if (position > std::numeric_limits<std::uint32_t>::max())
    throw ArgumentError("step: a drawing can have at most 2^32 points");
}

void check_row(const Row& row, std::uint64_t position) {
  if (std::isfinite(row.dx) && std::isfinite(row.dy)) return;
  throw ArgumentError("point " + std::to_string(position) +
                      " is not finite: the temperature or the weights are too large for float32");
}

}  // namespace sketchrnn
