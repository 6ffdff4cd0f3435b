#include "engine/latent.h"

#include <cmath>
#include <string>

#include "engine/lanes.h"
#include "engine/philox.h"
#include "engine/workers.h"
#include "error.h"
#include "model/encoder.h"
#include "model/exact.h"

namespace sketchrnn {

std::vector<float> latent_normals(const Kernels& kernels, std::size_t size, std::uint64_t seed,
                                  std::uint64_t index) {
  // Placed around the origin with σ = 1, ρ = 0: a point's two offsets are two normals.
  const std::size_t pairs = (size + 1) / 2;
  const std::size_t column = padded(pairs);
  const AlignedFloats parameters(kPlaceOutputs * column);
  AlignedFloats uniforms(2 * column);
  AlignedFloats normals(2 * column);
  std::fill_n(uniforms.data(), uniforms.size(), 1.0f);
  for (std::size_t i = 0; i < pairs; ++i) {
    const PointUniforms u =
        point_uniforms(seed, index, static_cast<std::uint32_t>(i), RandomStream::latent);
    uniforms[i] = u.radius;
    uniforms[column + i] = u.angle;
  }
  kernels.place(parameters.data(), column, static_cast<int>(pairs), {1.0f, 1.0f, false},
                uniforms.data(), uniforms.data() + column, normals.data(), normals.data() + column);
  std::vector<float> out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = normals[i / 2 + (i % 2 == 0 ? 0 : column)];
  return out;
}

namespace {

// One thread's lanes: a drawing has the same one in both directions, and ends in both at once.
class EncodeWorker {
 public:
  EncodeWorker(const Net& net, const Drawings& drawings, std::size_t lanes, float* mu, float* sigma)
      : encoder_(net.encoder()),
        drawings_(drawings),
        size_(net.latent()),
        mu_(mu),
        sigma_(sigma),
        forward_(*encoder_.forward.net, lanes),
        backward_(*encoder_.backward.net, lanes),
        places_(lanes),
        both_(encoder_.mu.padded_inputs()) {}

  void run(WorkQueue& queue) {
    for (;;) {
      std::size_t drawing = 0;
      while (forward_.active() < places_.size() && queue.take(drawing)) {
        places_[forward_.active()] = {drawing, 0};
        forward_.start(encoder_.forward.start);
        backward_.start(encoder_.backward.start);
      }
      if (forward_.active() == 0) return;
      for (std::size_t i = forward_.active(); i-- > 0;) {
        Place& place = places_[i];
        const std::int64_t first = drawings_.offsets[place.drawing];
        const std::int64_t last = drawings_.offsets[place.drawing + 1] - 1;
        if (first + place.row > last) {
          finish(i);
          queue.done();
          place = places_[forward_.active()];
          continue;
        }
        forward_.feed(i, drawings_.rows[first + place.row]);
        backward_.feed(i, drawings_.rows[last - place.row]);
        ++place.row;
      }
      if (!queue.go_on()) return;
      forward_.step();
      backward_.step();
    }
  }

 private:
  struct Place {
    std::size_t drawing = 0;
    std::int64_t row = 0;
  };

  void finish(std::size_t lane) {
    const auto units = static_cast<std::size_t>(encoder_.forward.net->hidden());
    std::copy_n(forward_.h(lane), units, both_.data());
    std::copy_n(backward_.h(lane), units, both_.data() + units);
    forward_.remove(lane);
    backward_.remove(lane);
    const std::size_t drawing = places_[lane].drawing;
    float* const mu = mu_ + drawing * size_;
    float* const sigma = sigma_ + drawing * size_;
    encoder_.mu.apply(both_.data(), mu);
    encoder_.log_variance.apply(both_.data(), sigma);
    for (std::size_t i = 0; i < size_; ++i) {
      sigma[i] = static_cast<float>(exact_exp(0.5 * static_cast<double>(sigma[i])));
      if (!std::isfinite(mu[i]) || !std::isfinite(sigma[i]))
        throw ArgumentError("drawing " + std::to_string(drawing) +
                            ": its latent vector overflows float32");
    }
  }

  const Encoder& encoder_;
  const Drawings& drawings_;
  std::size_t size_;
  float* mu_;
  float* sigma_;
  Lanes forward_, backward_;
  std::vector<Place> places_;
  AlignedFloats both_;
};

}  // namespace

void encode(const Net& net, const Drawings& drawings, int threads, float* mu, float* sigma,
            const Progress& progress) {
  if (drawings.count == 0) return;
  const LanePlan plan = plan_lanes(drawings.count, threads == 0 ? processors() : threads, 0);
  run_workers(plan.threads, drawings.count, progress, [&](std::size_t, WorkQueue& queue) {
    EncodeWorker(net, drawings, plan.lanes, mu, sigma).run(queue);
  });
}

}  // namespace sketchrnn
