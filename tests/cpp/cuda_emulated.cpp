// The GPU's kernels, run on the host (cuda_emulator.h), against the engine: the same bits.

#include "cuda_emulator.h"
// The kernels come after the words that they are written in.
#include "check.h"
#include "cuda/device.h"
#include "cuda/few.cuh"
#include "cuda/layout.h"
#include "cuda/many_clusters.cuh"
#include "cuda/many_integer.cuh"
#include "cuda/plan.h"
#include "nets.h"

#include <cmath>
#include <cstring>
#include <iterator>

namespace {

using namespace sketchrnn;
using namespace sketchrnn::cuda;

constexpr std::uint64_t kSeed = 11;
constexpr std::uint32_t kLimit = 30;
constexpr std::size_t kShared = 227 << 10;  // bytes: H100's

// Which kernel, on how much of a device.
struct How {
  bool many;
  int lanes;  // of the kernel for few: of the whole device; for many: of a block
  int multiprocessors;
  unsigned threads;  // fewer than on a device, for speed
};

// A net and the drawings to be made of it, in place of a GPU's memory.
struct Case {
  Case(const nets::Spec& spec, Precision precision, std::vector<std::uint32_t> objects = {})
      : net(nets::net(spec, choose_kernels(), precision)),
        conditions(net, std::move(objects)),
        layout(*net) {}

  Draw prepare(std::size_t n, double temperature, std::uint32_t limit) {
    count = n;
    options.count = n;
    options.temperature = make_temperature(temperature);
    options.seed = kSeed;
    options.max_len = limit;
    rows.assign(n * limit, Row{});
    lengths.assign(n, 0);
    return {kSeed, 0, n, 0, limit, options.temperature, rows.data(), limit, lengths.data()};
  }

  void draw(std::size_t n, double temperature, const How& how) {
    const Draw what = prepare(n, temperature, kLimit);
    const ConditionTable table(conditions, n);
    const Machine machine{0, how.multiprocessors, kShared, 0};
    if (how.many) {
      ManyWork work{};
      work.conditions = table.view();
      work.draw = what;
      return run_many(work, plan_many(layout.view, machine, n, how.lanes, true), how.threads, true);
    }
    FewWork work{};
    work.conditions = table.view();
    work.draw = what;
    work.control = control();
    const FewPlan plan = plan_few(layout.view, machine, how.lanes);
    work.lanes = plan.lanes;
    work.units = plan.units;
    std::vector<unsigned long long> exchange(plan.exchange_words);
    work.exchange = exchange.data();
    const bool resident = few_items(layout.view, plan.units) <= static_cast<int>(how.threads);
    emulator::launch(plan.blocks, how.threads, plan.shared, [&] {
      const NetView& view = layout.view;
      const auto launch = [&](auto element) {
        using Element = decltype(element);
        return resident ? few_kernel<Element, true>(view, work)
                        : few_kernel<Element, false>(view, work);
      };
      if (view.precision == Precision::f32) return launch(F32{});
      if (view.precision == Precision::i16) return launch(I16{});
      launch(I8{});
    });
  }

  void run_many(ManyWork work, const ManyPlan& plan, unsigned threads, bool draws) {
    work.control = control();
    work.lanes = plan.lanes;
    std::vector<float> c(plan.cells);
    work.c = c.data();
    emulator::launch(plan.blocks, std::min(threads, plan.threads), plan.shared, [&] {
      const NetView& view = layout.view;
      const auto launch = [&](auto gates) {
        using Gates = decltype(gates);
        return draws ? many_kernel<Gates, true>(view, work) : many_kernel<Gates, false>(view, work);
      };
      if (view.precision == Precision::f32) return launch(ScalarGates{});
      if (view.precision == Precision::i16) return launch(TensorGates<I16>{});
      launch(TensorGates<I8>{});
    });
  }

  // By `clusters` clusters of as many blocks as the net takes.
  void draw_in_clusters(std::size_t n, double temperature, unsigned clusters,
                        std::uint32_t limit = kLimit) {
    const Draw what = prepare(n, temperature, limit);
    const ConditionTable table(conditions, n);
    const int blocks = cluster_blocks_for(layout.view.hidden);
    const auto weights = cluster_weights(*net, blocks);
    const auto units = cluster_units(*net, blocks);
    const auto head = cluster_head(*net, blocks);
    const auto all = clusters * static_cast<unsigned>(blocks);
    std::vector<Lane> lanes(clusters * kClusterGroups * kClusterLanes);
    std::memset(static_cast<void*>(lanes.data()), 0xA5, lanes.size() * sizeof(Lane));
    const ClusterWork work{table.view(), what,        control(),   weights.data(),
                           units.data(), head.data(), lanes.data()};
    emulator::launch(
        all, kClusterThreads, cluster_shared(layout.view, blocks, nullptr).bytes_used,
        [&] {
          return blocks == kClusterBlocks ? cluster_kernel<kClusterBlocks>(layout.view, work)
                                          : cluster_kernel<0>(layout.view, work);
        },
        static_cast<unsigned>(blocks));
  }

  Control control() { return {&next, &finished, &bad, &stop, &reported}; }

  // The same drawings from the engine.
  void check() const {
    const Batch expected = draw_on_processor();
    CHECK_EQ(finished, count);
    CHECK_EQ(reported, count);
    CHECK_EQ(bad, 0u);
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t first = expected.offsets[i];
      CHECK_EQ(static_cast<std::int64_t>(lengths[i]), expected.offsets[i + 1] - first);
      for (std::size_t t = 0; t < lengths[i]; ++t) {
        float row[kStroke5];
        write_row(row, rows[i * options.max_len + t]);
        const auto at = kStroke5 * (static_cast<std::size_t>(first) + t);
        CHECK(std::memcmp(row, expected.rows.get() + at, sizeof row) == 0);
      }
    }
  }

  Batch draw_on_processor() const {
    return sketchrnn::draw(*processor(net), conditions, {}, options, nullptr);
  }

  std::shared_ptr<const Net> net;
  Conditions conditions;
  Layout layout;
  DrawOptions options;
  std::size_t count = 0;
  std::vector<Row> rows;
  std::vector<std::uint32_t> lengths;
  unsigned long long next = 0;
  unsigned finished = 0;
  unsigned bad = 0, reported = 0;
  int stop = 0;
};

TEST(few_sketches_are_those_of_the_engine) {
  for (const Precision precision : nets::kAllPrecisions)
    for (const double temperature : {0.0, 0.7})
      // Several blocks, weights in registers and in memory; lanes are refilled.
      for (const How& how : {How{false, 1, 5, 128}, {false, 6, 5, 128}, {false, 6, 3, 64}}) {
        Case one({80, 5, 3}, precision);
        one.draw(how.lanes == 1 ? 2 : 7, temperature, how);
        one.check();
      }
}

TEST(many_sketches_are_those_of_the_engine) {
  struct Shape {
    int hidden, mixtures;
    How how;
    std::size_t count;
  };
  for (const Precision precision : nets::kAllPrecisions)
    for (const Shape& shape : {Shape{33, 5, {true, 8, 2, 64}, 40},
                               {80, 20, {true, 16, 1, 64}, 24},
                               {300, 1, {true, 32, 1, 128}, 40},
                               {20, 40, {true, 64, 1, 256}, 70}})
      for (const double temperature : {0.0, 0.7}) {
        Case one({shape.hidden, shape.mixtures, 3}, precision);
        one.draw(shape.count, temperature, shape.how);
        one.check();
        if (shape.hidden == 300) break;  // one temperature is enough for the widest
      }
}

// Objects one after another in no order, so that lanes change theirs when they are refilled.
std::vector<std::uint32_t> mixed_objects(std::size_t count) {
  std::vector<std::uint32_t> objects(count);
  for (std::size_t i = 0; i < count; ++i) objects[i] = static_cast<std::uint32_t>(i * i % 4);
  return objects;
}

TEST(every_sketch_of_a_batch_has_its_own_object) {
  for (const Precision precision : nets::kAllPrecisions)
    for (const How& how : {How{false, 5, 2, 64}, {true, 8, 2, 64}}) {
      const std::size_t count = how.many ? 21 : 8;
      Case one({36, 3, 3, 4}, precision, mixed_objects(count));
      one.draw(count, 0.7, how);
      one.check();
    }
}

// Numbers whose exponents are spread evenly over [lowest, highest], of either sign.
struct Spread {
  std::uint32_t state = 1;
  std::uint32_t bits() {
    state ^= state << 13;
    state ^= state >> 17;
    return state ^= state << 5;
  }
  float operator()(int lowest, int highest) {
    const auto range = static_cast<std::uint32_t>(highest - lowest);
    const float mantissa = 1.0f + static_cast<float>(bits() >> 9) * 0x1p-23f;
    const float x = std::ldexp(mantissa, lowest + static_cast<int>(bits() % range));
    return (bits() & 1) != 0 ? x : -x;
  }
};

// With estimates of the reciprocal that are off by an ulp (cuda_emulator.h).
TEST(ordinary_quotients_are_those_of_division) {
  Spread spread;
  for (int i = 0; i < 1000000; ++i) {
    const float denominator = std::fabs(spread(0, 126)), numerator = spread(-60, 127);
    const float expected = numerator / denominator;
    if (std::fabs(expected) >= 0x1p-103f) CHECK_EQ(divide_normal(numerator, denominator), expected);
  }
  // Mantissas that differ in few bits, whose quotients are near the middle of two floats.
  for (int i = 0; i < 1000000; ++i) {
    const float denominator = 2.0f - static_cast<float>(1 + spread.bits() % 4096) * 0x1p-23f;
    const float numerator = 2.0f - static_cast<float>(1 + spread.bits() % 4096) * 0x1p-23f;
    CHECK_EQ(divide_normal(numerator, denominator), numerator / denominator);
  }
}

// Whatever its sums and c are, tiny, infinite or no numbers.
TEST(cells_together_are_those_one_by_one) {
  const float odd[] = {0.0f, -0.0f, 1e-40f, -1e-30f, 0x1p-60f, 100.0f, -100.0f, 3e38f, INFINITY};
  Spread spread;
  const auto any = [&](int lowest, int highest) {
    const std::uint32_t choice = spread.bits() % 64;
    return choice < std::size(odd) ? odd[choice] : choice == 63 ? NAN : spread(lowest, highest);
  };
  const auto same = [](float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; };
  for (int i = 0; i < 200000; ++i) {
    float sums[4][kGates], c[4], h[4], c_alone[4];
    for (int n = 0; n < 4; ++n) {
      for (float& sum : sums[n]) sum = any(-40, 7);
      c[n] = c_alone[n] = any(i % 2 == 0 ? -10 : -126, 5);
    }
    update_together<4>(sums, c, h);
    for (int n = 0; n < 4; ++n) {
      const float alone = update(sums[n], c_alone[n]);
      CHECK(same(h[n], alone) || (std::isnan(h[n]) && std::isnan(alone)));
      CHECK(same(c[n], c_alone[n]) || (std::isnan(c[n]) && std::isnan(c_alone[n])));
    }
  }
}

TEST(clusters_draw_the_sketches_of_the_engine) {
  struct Shape {
    int hidden, mixtures;
    double temperature;
    unsigned clusters;
    std::size_t count;
    std::uint32_t limit;
  };
  // One block, two that are not filled, four, and all eight with both blocks of k.
  for (const Shape& shape : {Shape{64, 5, 0.7, 2, 300, 12},
                             {100, 40, 0.7, 1, 150, 8},
                             {130, 3, 0.0, 1, 140, 6},
                             {512, 20, 0.7, 1, 140, 4}}) {
    Case one({shape.hidden, shape.mixtures, 3, 4}, Precision::i8, mixed_objects(shape.count));
    one.draw_in_clusters(shape.count, shape.temperature, shape.clusters, shape.limit);
    one.check();
  }
}

TEST(drawings_go_on_where_a_given_one_ends) {
  for (const bool many : {false, true}) {
    Case one({36, 3, 3, 4}, Precision::i8, mixed_objects(8));
    const Row given[] = {{3.0f, -2.0f, Pen::down}, {-7.0f, 1.0f, Pen::up}};
    one.conditions =
        one.conditions.replaced(8, [&](const ConditionPtr& condition, const Progress&) {
          Stream stream(one.net, condition, 0, 0);
          stream.feed(given, 2);
          return stream.here();
        });
    one.draw(8, 0.7, {many, many ? 8 : 5, 2, 64});
    CHECK_EQ(one.finished, 8u);
    for (std::size_t i = 0; i < 8; ++i) {
      Stream stream(one.net, one.conditions.at(i), kSeed, i);
      for (std::size_t t = 0; t < one.lengths[i]; ++t) {
        const Row expected = stream.step(one.options.temperature);
        CHECK(std::memcmp(&expected, &one.rows[i * kLimit + t], sizeof expected) == 0);
      }
    }
  }
}

// Small enough to be run with every access checked (AddressSanitizer makes fibers slow).
TEST(small_drawings_are_those_of_the_engine) {
  for (const Precision precision : nets::kAllPrecisions)
    for (const bool many : {false, true}) {
      Case one({20, 2, 3, 4}, precision, mixed_objects(9));
      one.draw(9, 0.7, {many, many ? 8 : 5, many ? 1 : 2, 64});
      one.check();
    }
}

TEST(predictions_are_those_of_the_engine) {
  for (const Precision precision : nets::kAllPrecisions) {
    Case one({100, 3, 3, 4}, precision, mixed_objects(13));
    one.options.count = 12;
    one.options.max_len = 12;
    one.options.temperature = make_temperature(1.0);
    const Batch batch = nets::draw(one.net, one.options);
    const std::vector<Row> rows = nets::rows_of(batch);
    std::vector<std::int64_t> offsets(batch.offsets.get(), batch.offsets.get() + 13);
    // And one without rows.
    offsets.insert(offsets.begin() + 4, offsets[4]);
    const Drawings drawings{rows.data(), offsets.data(), 13};
    const auto outputs = static_cast<std::size_t>(one.net->outputs());
    std::vector<float> z(rows.size() * outputs, -1.0f), expected(z);
    processor(one.net)->follow(
        one.conditions, drawings, 1,
        [&](std::int64_t row, const float* values) {
          std::copy_n(values, outputs, expected.data() + static_cast<std::size_t>(row) * outputs);
        },
        nullptr);
    const ConditionTable table(one.conditions, 13);
    ManyWork work{};
    work.conditions = table.view();
    work.follow = {rows.data(), offsets.data(), 13, z.data()};
    one.run_many(work, plan_many(one.layout.view, {0, 2, kShared, 0}, 13, 0, false), 64, false);
    CHECK_EQ(one.finished, 12u);
    CHECK(std::memcmp(z.data(), expected.data(), z.size() * sizeof(float)) == 0);
  }
}

TEST(kernels_stop_when_told) {
  for (const bool many : {false, true}) {
    Case one({33, 5, 3}, Precision::f32);
    one.stop = 1;
    one.draw(5, 0.5, {many, many ? 8 : 5, 1, 64});
    CHECK(one.finished < 5);
  }
}

TEST(points_that_are_not_finite_are_told) {
  for (const bool many : {false, true}) {
    Case one({33, 5, 3}, Precision::f32);
    one.conditions =
        one.conditions.replaced(3, [&](const ConditionPtr& condition, const Progress&) {
          auto wide = std::make_shared<Condition>(*condition);
          for (double& bias : wide->head_bias) bias += 100.0;  // σ near the largest float
          return wide;
        });
    one.draw(3, 1e10, {many, many ? 8 : 3, 1, 64});
    CHECK(one.bad > 0);
    CHECK_THROWS(one.draw_on_processor(), ArgumentError, "not finite");
  }
}

// The core is built without CUDA here, whatever the machine has.
TEST(without_a_backend_the_stub_says_so) {
  const DeviceList list = devices();
  CHECK(!list.compiled && list.found.empty());
  CHECK(list.reason.find("no CUDA backend") != std::string::npos);
  const Case one({8, 1, 3}, Precision::f32);
  CHECK_THROWS(put_on_device(one.net, 0), DeviceError, list.reason);
}

}  // namespace
