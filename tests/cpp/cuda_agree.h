// What holds for a net on a GPU, real or fake: draw() and score() give what the processor gives.
#pragma once

#include "check.h"
#include "engine/score.h"
#include "nets.h"

namespace agree {

using namespace sketchrnn;

inline DrawOptions options_of(std::size_t count, std::size_t max_len = 20) {
  DrawOptions options;
  options.count = count;
  options.seed = 7;
  options.max_len = max_len;
  options.temperature = make_temperature(0.8);
  options.threads = 1;
  return options;
}

// Four objects in an order of no use to anybody.
inline std::vector<std::uint32_t> some_objects(std::size_t count) {
  std::vector<std::uint32_t> objects(count);
  for (std::size_t i = 0; i < count; ++i) objects[i] = static_cast<std::uint32_t>(i * 3 % 4);
  return objects;
}

inline bool same(const Batch& a, const Batch& b) {
  const auto total = static_cast<std::size_t>(a.offsets[a.count]);
  return a.count == b.count &&
         std::memcmp(a.offsets.get(), b.offsets.get(), (a.count + 1) * sizeof(std::int64_t)) == 0 &&
         std::memcmp(a.rows.get(), b.rows.get(), kStroke5 * total * sizeof(float)) == 0;
}

// A net of four objects, alone and in batches, from the start and behind given rows.
inline void drawings(const Device& there, const std::vector<std::size_t>& counts) {
  const std::vector<Row> given = {{3.0f, -2.0f, Pen::down}, {-7.0f, 1.0f, Pen::up}};
  const auto here = processor(there.net());
  for (const std::size_t count : counts)
    for (const bool started : {false, true}) {
      const Conditions own(there.net(), some_objects(count));
      const std::vector<Row> prefix = started ? given : std::vector<Row>{};
      const DrawOptions options = options_of(count);
      const Batch expected = draw(*here, own, prefix, options, nullptr);
      CHECK(same(expected, draw(there, own, prefix, options, nullptr)));
      const auto left = draw_there(there, own, prefix, options, nullptr);
      CHECK_EQ(left->count(), count);
      CHECK_EQ(left->total(), expected.offsets[count]);
    }
}

inline void losses(const Device& there, std::size_t count) {
  const Batch batch = nets::draw(there.net(), options_of(count));
  const std::vector<Row> rows = nets::rows_of(batch);
  const Drawings drawings{rows.data(), batch.offsets.get(), count};
  const Conditions own(there.net(), some_objects(count));
  std::vector<double> a[2], b[2];
  for (auto* both : {a, b})
    for (int i = 0; i < 2; ++i) both[i].assign(rows.size(), -1.0);
  score(*processor(there.net()), own, drawings, 1, a[0].data(), a[1].data(), nullptr);
  score(there, own, drawings, 2, b[0].data(), b[1].data(), nullptr);
  CHECK(a[0] == b[0] && a[1] == b[1]);
}

// Drawings of a net of 64 units, against what the processor was found to draw.
inline void smoke(const Device& there) {
  constexpr std::uint64_t found[kPrecisions] = {0xe7c726a9f82e8f7du, 0x7079920d2c83588fu,
                                                0x879f6fe48942eea1u};
  const auto precision = there.net()->precision();
  for (const std::size_t count : {3u, 50u}) {
    const Batch batch = draw(there, Conditions(there.net()), {}, options_of(count, 100), nullptr);
    const auto bytes = kStroke5 * static_cast<std::size_t>(batch.offsets[3]) * sizeof(float);
    CHECK_EQ(nets::hash(batch.rows.get(), bytes), found[static_cast<int>(precision)]);
  }
}

}  // namespace agree
