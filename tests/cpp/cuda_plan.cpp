// How work is cut for a device, without one.

#include "cuda/plan.h"

#include "check.h"
#include "cuda/device.h"
#include "cuda/layout.h"
#include "cuda/shared.h"
#include "nets.h"

namespace {

using namespace sketchrnn;
using namespace sketchrnn::cuda;

constexpr Machine kH100{0, 132, 227 << 10, 16};

// A net of such a shape, without its numbers: all that a plan looks at.
NetView shape(int hidden, Precision precision) {
  const auto up = [](int n, int multiple) { return (n + multiple - 1) / multiple * multiple; };
  NetView net{};
  net.precision = precision;
  net.hidden = hidden;
  net.units = up(hidden, kUnitPad);
  net.mixtures = 20;
  const int elements = elements_per_word(precision);
  net.words = (hidden + elements - 1) / elements;
  net.padded_words = up(net.words, kBlock);
  net.head_stride = static_cast<std::size_t>(up(hidden, kPad));
  return net;
}

TEST(the_shape_is_that_of_the_layout) {
  for (const Precision precision : nets::kAllPrecisions) {
    const NetView a = Layout(*nets::net({70, 20, 1}, choose_kernels(), precision)).view;
    const NetView b = shape(70, precision);
    CHECK_EQ(a.units, b.units);
    CHECK_EQ(a.words, b.words);
    CHECK_EQ(a.padded_words, b.padded_words);
    CHECK_EQ(a.head_stride, b.head_stride);
  }
}

TEST(few_sketches_have_every_unit_once) {
  for (const Precision precision : nets::kAllPrecisions)
    for (const int hidden : {1, 31, 128, 512, 1000, 1024})
      for (const int lanes : {1, 8, kFewLanes}) {
        const NetView net = shape(hidden, precision);
        const FewPlan plan = plan_few(net, kH100, lanes);
        CHECK(static_cast<int>(plan.blocks) <= kH100.multiprocessors);  // they wait for each other
        CHECK(static_cast<int>(plan.blocks) * plan.units >= hidden);
        CHECK((static_cast<int>(plan.blocks) - 1) * plan.units < hidden);
        CHECK(plan.threads % 32 == 0 && plan.threads <= static_cast<unsigned>(kFewThreads));
        CHECK_EQ(plan.resident, few_items(net, plan.units) <= static_cast<int>(plan.threads));
        CHECK(plan.resident || hidden > 512);
        CHECK(plan.shared <= kH100.shared_bytes);
        CHECK(plan.lanes == lanes || (plan.lanes < lanes && hidden >= 1000));
        CHECK_EQ(plan.exchange_words, 2u * plan.lanes * net.units);
      }
}

TEST(many_sketches_spread_over_the_device) {
  for (const Precision precision : nets::kAllPrecisions) {
    const NetView net = shape(512, precision);
    int before = 0;
    for (const std::size_t count : {1u, 9u, 1056u, 1057u, 5000u, 1000000u}) {
      const ManyPlan plan = plan_many(net, kH100, count, 0, true);
      CHECK(plan.lanes >= before);
      before = plan.lanes;
      CHECK(plan.blocks <= 132u);
      CHECK(plan.blocks * static_cast<std::size_t>(plan.lanes) >= count || plan.blocks == 132u);
      // No more lanes than it takes.
      CHECK(plan.lanes == 8 || 132u * static_cast<std::size_t>(plan.lanes / 2) < count);
      CHECK(plan.shared <= kH100.shared_bytes);
      CHECK_EQ(plan.cells, plan.blocks * static_cast<std::size_t>(plan.lanes) * net.units);
    }
    for (const int lanes : {8, 16, 32})
      CHECK_EQ(plan_many(net, kH100, 777, lanes, true).lanes, lanes);
    CHECK_EQ(plan_many(net, kH100, 777, 1, true).lanes, 8);
  }
}

TEST(clusters_are_for_nets_that_fill_them) {
  const NetView net = shape(512, Precision::i8);
  const auto blocks = [&](const NetView& of, std::size_t count, int lanes = 0) {
    return plan_clusters(of, kH100, count, lanes).blocks;
  };
  CHECK_EQ(blocks(net, 64), 0u);
  CHECK_EQ(blocks(net, 65), 2u * 8);
  CHECK_EQ(blocks(net, 1000), 16u * 8);
  CHECK_EQ(blocks(net, 1000000), 16u * 8);
  CHECK_EQ(blocks(net, 1000000, 8), 0u);
  for (const int hidden : {1, 256, 448, 513, 1024})
    CHECK_EQ(blocks(shape(hidden, Precision::i8), 10000), 0u);
  CHECK_EQ(blocks(shape(449, Precision::i8), 10000), 16u * 8);
  CHECK_EQ(blocks(shape(512, Precision::i16), 10000), 0u);
  CHECK_EQ(blocks(shape(512, Precision::f32), 10000), 0u);
  const Machine ampere{0, 108, 163 << 10, 0};
  CHECK_EQ(plan_clusters(net, ampere, 10000, 0).blocks, 0u);

  const ClusterPlan plan = plan_clusters(net, kH100, 10000, 0);
  CHECK_EQ(plan.cluster, 8u);
  CHECK_EQ(plan.lanes, 16u * 128);
  CHECK(plan.shared <= kH100.shared_bytes);
  NetView wide = net;  // more components than there is room for logits
  wide.mixtures = 100;
  CHECK_EQ(plan_clusters(wide, kH100, 10000, 0).blocks, 0u);
}

TEST(what_does_not_fit_is_said) {
  const Machine small{3, 132, 48 << 10, 0};
  CHECK_THROWS(plan_few(shape(4096, Precision::f32), small, 8), DeviceError,
               "cuda:3: a net of 4096");
  CHECK_THROWS(plan_many(shape(4096, Precision::i8), small, 9, 0, true), DeviceError,
               "bytes of shared memory");
  DrawOptions options;
  options.count = 1000;
  options.max_len = 100;
  // 100 rows as drawn (12 bytes) and as handed out (20), and its length.
  const std::size_t each = 100 * 32 + 64;
  CHECK_EQ(plan_wave(kH100, 10 * each, 0, options), 9u);
  CHECK_EQ(plan_wave(kH100, 10000 * each, 0, options), 1000u);
  CHECK_EQ(plan_wave(kH100, 10 * each, 50, options), 11u);
  CHECK_THROWS(plan_wave(kH100, each, 0, options), DeviceError, "out of memory");
}

TEST(parts_hold_what_memory_does) {
  // 123 outputs: 545,600 rows to a part.
  std::vector<std::int64_t> offsets = {0, 500000, 545600, 545601, 2000000, 2000001};
  const Drawings drawings{nullptr, offsets.data(), 5};
  CHECK_EQ(plan_part(drawings, 0, 123), 2u);
  CHECK_EQ(plan_part(drawings, 2, 123), 3u);
  CHECK_EQ(plan_part(drawings, 3, 123), 4u);  // one that is too large alone
  CHECK_EQ(plan_part(drawings, 4, 123), 5u);
}

TEST(a_few_go_to_the_kernel_for_few) {
  CHECK(suits_few(1, 0) && suits_few(kFewLanes, 0));
  CHECK(!suits_few(kFewLanes + 1, 0) && !suits_few(1, 8));
}

}  // namespace
