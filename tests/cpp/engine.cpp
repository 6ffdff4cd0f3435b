// Streams, batches and scores: one set of bits by every road, threads included.

#include <array>
#include <cstring>
#include <vector>

#include "check.h"
#include "engine/score.h"
#include "engine/simplify.h"
#include "error.h"
#include "nets.h"

namespace {

using namespace sketchrnn;

const Progress kNoProgress;

Batch draw(const std::shared_ptr<const Net>& net, std::size_t count, int threads, int lanes = 0,
           std::uint64_t index = 0, double temperature = 0.7) {
  DrawOptions options;
  options.count = count;
  options.temperature = make_temperature(temperature);
  options.seed = 11;
  options.index = index;
  options.max_len = 40;
  options.threads = threads;
  options.lanes = lanes;
  return nets::draw(net, options);
}

bool same(const Batch& a, const Batch& b) {
  const auto n = static_cast<std::size_t>(a.offsets[a.count]);
  return a.count == b.count &&
         std::memcmp(a.offsets.get(), b.offsets.get(), (a.count + 1) * sizeof(std::int64_t)) == 0 &&
         std::memcmp(a.rows.get(), b.rows.get(), 5 * n * sizeof(float)) == 0;
}

TEST(philox_known_answers) {
  // Random123's kat_vectors.
  CHECK((philox4x32_10({0, 0, 0, 0}, {0, 0}) ==
         Words4{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t f = 0xffffffff;
  CHECK((philox4x32_10({f, f, f, f}, {f, f}) ==
         Words4{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  CHECK(
      (philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
       Words4{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(uniforms_stay_in_their_range) {
  for (std::uint32_t i = 0; i < 1'000'000; ++i) {
    const PointUniforms u = point_uniforms(5, 3, i, RandomStream::draw);
    if (!(u.component >= 0.0f && u.component < 1.0f && u.pen >= 0.0f && u.pen < 1.0f &&
          u.radius > 0.0f && u.radius <= 1.0f && u.angle >= 0.0f && u.angle < 1.0f))
      check::fail(__FILE__, __LINE__, "uniforms of point " + std::to_string(i));
  }
}

TEST(threads_and_lanes_change_nothing) {
  for (const Kernels* kernels : nets::usable())
    for (const Precision precision : nets::kAllPrecisions) {
      const auto net = nets::net({48, 3, 2}, *kernels, precision);
      const std::size_t count = 60;
      const Batch expected = draw(net, count, 1);
      std::int64_t shortest = 40;
      for (std::size_t i = 0; i < count; ++i)
        shortest = std::min(shortest, expected.offsets[i + 1] - expected.offsets[i]);
      CHECK(shortest < 40);  // else no lane was refilled
      for (const int threads : {1, 2, 3, 7})
        for (const int lanes : {1, 2, 5, 48})
          CHECK(same(draw(net, count, threads, lanes), expected));
    }
}

void stream_equals_batch(Precision precision) {
  const auto portable = draw(nets::net({33, 4, 5}, kPortable, precision), 20, 2);
  const std::vector<Row> rows = nets::rows_of(portable);
  for (const Kernels* kernels : nets::usable()) {
    const auto net = nets::net({33, 4, 5}, *kernels, precision);
    CHECK(same(draw(net, 20, 1), portable));
    std::size_t at = 0;
    for (std::size_t i = 0; i < 20; ++i) {
      Stream stream = nets::stream(net, 11, i);
      for (std::int64_t k = portable.offsets[i]; k < portable.offsets[i + 1]; ++k, ++at) {
        const Row row = stream.step(make_temperature(0.7));
        CHECK(std::memcmp(&row.dx, &rows[at].dx, 4) == 0);
        CHECK(std::memcmp(&row.dy, &rows[at].dy, 4) == 0);
        CHECK(row.pen == rows[at].pen);
      }
    }
  }
}

TEST(stream_equals_batch_on_every_isa) {
  for (const Precision precision : nets::kAllPrecisions) stream_equals_batch(precision);
}

TEST(any_hidden_size_and_mixtures) {
  for (const int hidden : {1, 2, 7, 8, 15, 16, 17, 31, 63, 64, 65, 100, 129}) {
    for (const int mixtures : {1, 2, 20}) {
      for (const Precision precision : nets::kAllPrecisions) {
        const nets::Spec spec{hidden, mixtures, 3};
        const auto portable = draw(nets::net(spec, kPortable, precision), 4, 1);
        for (const Kernels* kernels : nets::usable())
          CHECK(same(draw(nets::net(spec, *kernels, precision), 4, 1), portable));
      }
    }
  }
}

// A matrix unit works on groups of 16 sketches, three at most, and on two panels and two blocks of
// 256 units at once: one, two and three blocks, panels and words that do not come out even.
TEST(any_shape_on_the_matrix_unit) {
  DrawOptions options;
  options.count = 50;
  options.temperature = make_temperature(0.7);
  options.seed = 5;
  options.max_len = 4;
  options.threads = 1;
  for (const int hidden : {31, 260, 520}) {
    const auto net = nets::net({hidden, 3, 3}, *nets::usable().back(), Precision::i8);
    options.lanes = 1;  // which goes another way
    const Batch one_by_one = nets::draw(net, options);
    for (const int lanes : {4, 15, 16, 17, 32, 33, 48, 50}) {
      options.lanes = lanes;
      CHECK(same(nets::draw(net, options), one_by_one));
    }
  }
}

TEST(scores_do_not_depend_on_threads) {
  const auto net = nets::net({48, 3, 2}, *nets::usable().back());
  const Batch batch = draw(net, 50, 2);
  const std::vector<Row> rows = nets::rows_of(batch);
  const Drawings drawings{rows.data(), batch.offsets.get(), batch.count};
  std::vector<double> offset1(rows.size()), pen1(rows.size());
  score(*processor(net), Conditions(net), drawings, 1, offset1.data(), pen1.data(), kNoProgress);
  for (const int threads : {2, 5}) {
    std::vector<double> offset(rows.size()), pen(rows.size());
    score(*processor(net), Conditions(net), drawings, threads, offset.data(), pen.data(),
          kNoProgress);
    CHECK(offset == offset1);
    CHECK(pen == pen1);
  }
}

TEST(progress_stops_the_work) {
  const auto net = nets::net({48, 3, 2}, *nets::usable().back());
  for (const int threads : {1, 3}) {
    DrawOptions options;
    options.count = std::size_t{1} << 24;
    options.temperature = make_temperature(0.7);
    options.max_len = 40;
    options.threads = threads;
    CHECK_THROWS(nets::draw(net, options, [](std::size_t) { return false; }), Cancelled,
                 "cancelled");
    CHECK_THROWS(
        nets::draw(net, options, [](std::size_t) -> bool { throw std::runtime_error("stop"); }),
        std::runtime_error, "stop");
  }
}

TEST(streams_end) {
  const auto net = nets::net({8, 1, 1}, *nets::usable().back());
  Stream stream = nets::stream(net, 1);
  const Row end{0.0f, 0.0f, Pen::end};
  stream.feed(&end, 1);
  CHECK(stream.finished());
  CHECK_THROWS(stream.step(make_temperature(0.5)), ArgumentError, "ended");
  stream.reset();
  CHECK(!stream.finished());
  stream.step(make_temperature(0.5));
}

TEST(temperatures) {
  for (const double bad : {-1.0, -1e-300, static_cast<double>(NAN), static_cast<double>(INFINITY)})
    CHECK_THROWS(make_temperature(bad), ArgumentError, "temperature");
  CHECK(make_temperature(0.0).greedy);
  CHECK(!make_temperature(1e-300).greedy);
  CHECK(std::isfinite(make_temperature(1e-300).inverse_softmax));
}

TEST(simplify_keeps_what_is_far) {
  const std::vector<double> line = {0, 0, 1, 0.5, 2, 0, 3, 5, 4, 0, 5, 0, 6, 0};
  bool keep[7];
  simplify(line.data(), 7, 1.0, Chord::kSegment, keep);
  const bool expected[7] = {true, false, true, true, true, false, true};
  for (int i = 0; i < 7; ++i) CHECK_EQ(keep[i], expected[i]);
  simplify(line.data(), 1, 1.0, Chord::kSegment, keep);
  CHECK(keep[0]);
  simplify(line.data(), 0, 1.0, Chord::kSegment, keep);
  // A closed line: both ends coincide.
  const std::vector<double> loop = {0, 0, 5, 0, 5, 5, 0, 5, 0, 0};
  simplify(loop.data(), 5, 1.0, Chord::kSegment, keep);
  for (int i = 0; i < 5; ++i) CHECK(keep[i]);
  // Every point stays, and each split takes off one point: as deep as recursion would go.
  std::vector<double> zigzag;
  for (int i = 0; i < 3000; ++i) {
    zigzag.push_back(i);
    zigzag.push_back(i % 2 ? 10.0 + i * 1e-3 : 0.0);
  }
  std::vector<char> kept(3000);
  simplify(zigzag.data(), 3000, 0.5, Chord::kSegment, reinterpret_cast<bool*>(kept.data()));
  for (const char k : kept) CHECK(k != 0);
}

}  // namespace
