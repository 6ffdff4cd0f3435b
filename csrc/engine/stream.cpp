#include "engine/stream.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "engine/latent.h"
#include "error.h"

namespace sketchrnn {
namespace {

// Less than two panels cannot be divided.
OwnPair helper_for(const Net& net, int threads) {
  return threads > 1 && net.packed().panels > 1 ? try_pair() : nullptr;
}

}  // namespace

Stream::Stream(std::shared_ptr<const Net> net, ConditionPtr condition, std::uint64_t seed,
               std::uint64_t index, int threads, std::uint64_t position)
    : net_(std::move(net)),
      condition_(std::move(condition)),
      seed_(seed),
      index_(index),
      first_position_(position),
      h_(net_->state_stride()),
      h_next_(net_->state_stride()),
      c_(net_->state_stride()),
      rounded_(net_->precision() == Precision::f32 ? 0 : 2 * net_->state_stride()),
      sampler_(net_->kernels(), net_->mixtures(), 1),
      outputs_(static_cast<std::size_t>(net_->outputs())),
      pair_(helper_for(*net_, threads)) {
  reset();
}

Stream::Stream(const Stream& other)
    : net_(other.net_),
      condition_(other.condition_),
      seed_(other.seed_),
      index_(other.index_),
      first_position_(other.first_position_),
      position_(other.position_),
      finished_(other.finished_),
      latent_of_seed_(other.latent_of_seed_),
      pending_(other.pending_),
      input_(other.input_),
      h_(other.h_),
      h_next_(other.h_next_),
      c_(other.c_),
      rounded_(other.rounded_),
      sampler_(other.sampler_),
      outputs_(other.outputs_),
      pair_(other.pair_ ? try_pair() : nullptr) {}

void Stream::reseed(std::uint64_t seed, std::uint64_t index) {
  if (latent_of_seed_)
    condition_ =
        net_->condition(latent_normals(net_->kernels(), net_->latent(), seed, index).data());
  seed_ = seed;
  index_ = index;
}

void Stream::reset() {
  const std::size_t bytes = net_->state_stride() * sizeof(float);
  std::memcpy(h_.data(), condition_->h.data(), bytes);
  std::memcpy(c_.data(), condition_->c.data(), bytes);
  position_ = first_position_;
  finished_ = false;
  pending_ = false;
}

// Takes in the pending row, and with `choices` also computes the choice outputs for the sampler.
void Stream::flush(bool choices) {
  const Packed& packed = net_->packed();
  const int outputs = choices ? net_->choice_outputs() : 0;
  const bool advance = pending_;
  pending_ = false;
  if (pair_ != nullptr && pair_->orphaned()) pair_ = try_pair();
  const bool backwards = position_ % 2 != 0;
  const auto step = [&](int first_panel, int last_panel, float* rounded) {
    net_->kernels().step(packed, first_panel, last_panel, backwards, 1, &input_, h_.data(),
                         c_.data(), h_next_.data(), net_->state_stride(), rounded);
  };
  const auto choice_rows = [&](const float* h, int first, int last) {
    const std::size_t column = sampler_.column();
    if (first != last)
      head(h, first, last - first, sampler_.logits() + static_cast<std::size_t>(first) * column,
           column);
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

void Stream::head(const float* h, int first, int count, float* out, std::size_t column) const {
  const double* const bias = condition_->head_bias.data();
  net_->kernels().head(net_->packed(), first, count, 1, &bias, h, net_->state_stride(), out,
                       column);
}

void Stream::feed(const Row* rows, std::size_t count, const Progress& progress) {
  Pulse pulse(progress);
  for (std::size_t i = 0; i < count; ++i) {
    pulse.check(i);
    flush();
    input_ = net_->input_from_row(rows[i], *condition_);
    pending_ = true;
    ++position_;
    finished_ = rows[i].pen == Pen::end;
  }
  flush();  // so that copies made after a prefix do not repeat its last step
}

Row Stream::step(Temperature temperature) {
  if (finished_)
    throw ArgumentError("step: the drawing has ended (pen state p3); reset() starts a new one");
  if (position_ > std::numeric_limits<std::uint32_t>::max())
    throw ArgumentError("step: a drawing can have at most 2^32 points");
  flush(true);
  sampler_.set_uniforms(
      0, point_uniforms(seed_, index_, static_cast<std::uint32_t>(position_), RandomStream::draw));
  sampler_.draw(1, temperature, [&](std::size_t, int output, float* out, std::size_t column) {
    head(h_.data(), output, kPlaceOutputs, out, column);
  });
  const Row row = sampler_.row(0, net_->scale_factor());
  check_row(row, position_);
  input_ = net_->input_from_row(row, *condition_);
  pending_ = true;
  ++position_;
  finished_ = row.pen == Pen::end;
  return row;
}

void Stream::predict(float* z) {
  flush();
  const int outputs = net_->outputs();
  head(h_.data(), 0, outputs, outputs_.data(), 1);
  for (int i = 0; i < outputs; ++i) z[i] = outputs_[static_cast<std::size_t>(net_->kernel_row(i))];
}

void Stream::hidden_state(float* h, float* c) {
  flush();
  std::memcpy(h, h_.data(), static_cast<std::size_t>(net_->hidden()) * sizeof(float));
  std::memcpy(c, c_.data(), static_cast<std::size_t>(net_->hidden()) * sizeof(float));
}

void Stream::set_hidden_state(const float* h, const float* c) {
  pending_ = false;
  finished_ = false;
  std::memcpy(h_.data(), h, static_cast<std::size_t>(net_->hidden()) * sizeof(float));
  std::memcpy(c_.data(), c, static_cast<std::size_t>(net_->hidden()) * sizeof(float));
}

ConditionPtr Stream::here() {
  flush();
  auto made = std::make_shared<Condition>(*condition_);
  made->h = h_;
  made->c = c_;
  return made;
}

void check_row(const Row& row, std::uint64_t position) {
  if (std::isfinite(row.dx) && std::isfinite(row.dy)) return;
  throw ArgumentError("point " + std::to_string(position) +
                      " is not finite: the temperature or the weights are too large for float32");
}

}  // namespace sketchrnn
