#include "engine/open.h"

#include <algorithm>
#include <utility>

#include "engine/draw.h"
#include "engine/lanes.h"
#include "error.h"
#include "model/encoder.h"

namespace sketchrnn {
namespace {

// 64 drawings of the net's own at τ = 1 see what it can meet; a fixed seed makes them the same
// everywhere. Of several objects each gets its share, of latent vectors each drawing has its own.
struct OwnDrawings {
  OwnDrawings(const std::shared_ptr<const Net>& net, const Progress& progress)
      : conditions(own_conditions(net)) {
    DrawOptions options;
    options.count = kCount;
    options.temperature = make_temperature(1.0);
    options.seed = kSeed;
    options.max_len = static_cast<std::size_t>(std::min(net->weights().max_len, 200));
    options.threads = 1;
    try {
      batch = draw(*processor(net), conditions, {}, options, progress);
    } catch (const ArgumentError& e) {
      throw WeightsError(net->weights().what +
                         ": precision i8 is calibrated on drawings of the net's own: " + e.what());
    }
  }

  static Conditions own_conditions(const std::shared_ptr<const Net>& net) {
    if (net->latent() != 0) return Conditions(net, Latents{{}, kSeed, 0});
    std::vector<std::uint32_t> objects;
    const std::size_t known = net->weights().objects.size();
    for (std::size_t i = 0; known != 0 && i < kCount; ++i)
      objects.push_back(static_cast<std::uint32_t>(i * known / kCount));
    return Conditions(net, std::move(objects));
  }

  static constexpr std::size_t kCount = 64;
  static constexpr std::uint64_t kSeed = 0x53524e4e;
  Conditions conditions;
  Batch batch;
};

// Hidden states of `net`, the one that drew them or a direction of its encoder, over drawings whose
// last rows it takes in or not, one row of H each. start(i) is where drawing i starts; `backwards`
// reads its rows from the last.
template <class Start>
std::vector<float> states_over(const std::shared_ptr<const Net>& net, const Batch& batch,
                               bool backwards, bool with_last, const Start& start,
                               const Progress& progress) {
  const auto hidden = static_cast<std::size_t>(net->hidden());
  std::vector<float> states;
  states.reserve(static_cast<std::size_t>(batch.offsets[batch.count]) * hidden);
  Lanes lanes(*net, batch.count);
  std::vector<std::int64_t> row;
  std::vector<std::int64_t> last;  // past the last
  std::vector<std::size_t> drawing;
  for (std::size_t i = 0; i < batch.count; ++i) {
    lanes.start(start(i));
    row.push_back(batch.offsets[i]);
    last.push_back(batch.offsets[i + 1] - (with_last ? 0 : 1));
    drawing.push_back(i);
  }
  Pulse pulse(progress);
  while (lanes.active() > 0) {
    pulse.check();
    for (std::size_t i = lanes.active(); i-- > 0;) {
      states.insert(states.end(), lanes.h(i), lanes.h(i) + hidden);
      if (row[i] >= last[i]) {
        row[i] = row[lanes.active() - 1];
        last[i] = last[lanes.active() - 1];
        drawing[i] = drawing[lanes.active() - 1];
        lanes.remove(i);
        continue;
      }
      const std::int64_t at = row[i]++;
      const std::size_t d = drawing[i];
      const std::int64_t from = backwards ? batch.offsets[d] + batch.offsets[d + 1] - 1 - at : at;
      Row drawn{};
      read_row(batch.rows.get() + kStroke5 * static_cast<std::size_t>(from), drawn);
      lanes.feed(i, drawn);
    }
    lanes.step();
  }
  return states;
}

}  // namespace

Calibrated calibrated(const std::shared_ptr<const Net>& net, const Progress& progress) {
  const OwnDrawings own(net, progress);
  const auto at = [&](std::size_t i) { return own.conditions.at(i); };
  std::vector<float> states = states_over(net, own.batch, false, false, at, progress);
  const std::size_t latent = net->latent();
  if (latent == 0) return {quantise_i8(net->weights(), states, progress), {}, {}};
  // Unlike other nets it does not start from zeros.
  const auto hidden = static_cast<std::size_t>(net->hidden());
  for (std::size_t i = 0; i < OwnDrawings::kCount; ++i) {
    const AlignedFloats h = net->first_h(own.conditions.latent(i).data());
    states.insert(states.end(), h.data(), h.data() + hidden);
  }
  const auto direction = [&](const Encoder::Direction& one, bool backwards) {
    const auto start = [&](std::size_t) { return one.start; };
    return quantise_i8(one.net->weights(),
                       states_over(one.net, own.batch, backwards, true, start, progress), progress);
  };
  return {quantise_i8(net->weights(), states, progress), direction(net->encoder().forward, false),
          direction(net->encoder().backward, true)};
}

std::shared_ptr<const Net> open_net(std::shared_ptr<const Weights> weights, Precision precision,
                                    const Progress& progress, const Kernels& kernels) {
  Calibrated found;
  if (precision == Precision::i8 && !weights->quantised())
    found = calibrated(open_net(weights, Precision::f32, progress, kernels), progress);
  const auto make = [&](std::shared_ptr<const Weights> from, QuantisedRecurrent& integers,
                        std::shared_ptr<const Encoder> encoder) {
    if (precision == Precision::i16)
      integers = quantise_i16(*from, progress);
    else if (precision == Precision::i8 && from->quantised())
      integers = stored_i8(*from);
    return std::make_shared<const Net>(std::move(from), kernels, precision, &integers, progress,
                                       std::move(encoder));
  };
  std::shared_ptr<const Encoder> encoder;
  if (weights->latent() != 0)
    encoder = Encoder::make(*weights, make(weights->forward, found.forward, nullptr),
                            make(weights->backward, found.backward, nullptr));
  return make(std::move(weights), found.net, encoder);
}

}  // namespace sketchrnn
