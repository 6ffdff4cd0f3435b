// The GPU's kernels, run on the host (cuda_emulator.h), against the engine: the same bits.

#include "cuda_emulator.h"
// The kernels come after the words that they are written in.
#include "check.h"
#include "cuda/device.h"
#include "cuda/few.cuh"
#include "cuda/layout.h"
#include "cuda/many_i8.cuh"
#include "error.h"
#include "generator.h"
#include "nets.h"
#include "score.h"
#include "temperature.h"

namespace {

using namespace sketchrnn;
using namespace sketchrnn::cuda;

constexpr std::uint64_t kSeed = 11;
constexpr std::uint32_t kLimit = 30;

std::shared_ptr<const Net> net_of(int hidden, int mixtures, Precision precision) {
  return nets::net({hidden, mixtures, 3}, choose_kernels(), precision);
}

// What a launch works on, in place of a GPU's memory.
struct Buffers {
  std::vector<Row> rows;
  std::vector<std::uint32_t> lengths;
  unsigned long long next = 0;
  unsigned finished = 0;
  int stop = 0;
  unsigned bad = 0;

  explicit Buffers(std::size_t count) : rows(count * kLimit), lengths(count, 0) {}
  Control control() { return {&next, &finished, &stop, &bad}; }
  Draw draw(double temperature, std::uint64_t index = 0) {
    return {kSeed,       index,  lengths.size(), 0, kLimit, make_temperature(temperature),
            rows.data(), kLimit, lengths.data()};
  }
  // The same drawings from the engine.
  void check(const std::shared_ptr<const Net>& net, double temperature) const {
    Stream origin(net, kSeed, 0);
    DrawOptions options;
    options.count = lengths.size();
    options.temperature = make_temperature(temperature);
    options.seed = kSeed;
    options.max_len = kLimit;
    const Batch expected = generate(origin, {}, options, nullptr);
    CHECK_EQ(finished, lengths.size());
    CHECK_EQ(bad, 0u);
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      const std::int64_t first = expected.offsets[i];
      CHECK_EQ(static_cast<std::int64_t>(lengths[i]), expected.offsets[i + 1] - first);
      for (std::size_t t = 0; t < lengths[i]; ++t) {
        const Row& row = rows[i * kLimit + t];
        const float* const other = expected.rows.get() + 5 * (first + static_cast<std::int64_t>(t));
        CHECK(std::memcmp(&row.dx, other, 2 * sizeof(float)) == 0);
        CHECK(other[2 + static_cast<int>(row.pen)] == 1.0f);
      }
    }
  }
};

struct Few {
  int units;  // of a block
  unsigned threads;
  bool resident;
};

template <class Element>
FewWork launch_few(const NetView& view, FewWork work, const Few& few, bool draw) {
  work.units = few.units;
  std::vector<unsigned long long> exchange(2 * work.lanes * static_cast<std::size_t>(view.units));
  work.exchange = exchange.data();
  const std::size_t bytes = few_shared<Element>(view, work.lanes, few.units, nullptr).bytes;
  const auto blocks = static_cast<unsigned>((view.hidden + few.units - 1) / few.units);
  CHECK(!few.resident || few_items(view, few.units) <= static_cast<int>(few.threads));
  emulator::launch(blocks, few.threads, bytes, [&] {
    if (draw && few.resident) return few_kernel<Element, true, true>(view, work);
    if (draw) return few_kernel<Element, false, true>(view, work);
    if (few.resident) return few_kernel<Element, true, false>(view, work);
    few_kernel<Element, false, false>(view, work);
  });
  return work;
}

TEST(few_sketches_are_those_of_the_engine) {
  for (const Precision precision : nets::kAllPrecisions)
    for (const double temperature : {0.0, 0.7}) {
      const auto net = net_of(80, 5, precision);
      const Layout layout(*net);
      for (const Few& few : {Few{16, 128, true}, Few{30, 64, false}}) {
        for (const int lanes : {1, 6}) {
          Buffers buffers(lanes == 1 ? 2 : 7);  // lanes are refilled
          FewWork work{};
          work.start = {layout.start_h.data(), layout.start_c.data()};
          work.draw = buffers.draw(temperature);
          work.control = buffers.control();
          work.lanes = lanes;
          with_element(precision, [&](auto element) {
            launch_few<decltype(element)>(layout.view, work, few, true);
          });
          buffers.check(net, temperature);
        }
      }
    }
}

std::vector<Row> some_rows(const std::shared_ptr<const Net>& net, std::size_t count,
                           std::vector<std::int64_t>& offsets) {
  Stream origin(net, 5, 0);
  DrawOptions options;
  options.count = count;
  options.temperature = make_temperature(1.0);
  options.seed = 5;
  options.max_len = 12;
  const Batch batch = generate(origin, {}, options, nullptr);
  offsets.assign(batch.offsets.get(), batch.offsets.get() + count + 1);
  return nets::rows_of(batch);
}

TEST(a_followed_sketch_leaves_the_engines_state) {
  for (const Precision precision : nets::kAllPrecisions) {
    const auto net = net_of(70, 2, precision);
    const Layout layout(*net);
    std::vector<std::int64_t> offsets;
    const std::vector<Row> rows = some_rows(net, 1, offsets);
    std::vector<float> h(layout.view.head_stride), c(static_cast<std::size_t>(layout.view.units));
    Buffers buffers(0);
    FewWork work{};
    work.start = {layout.start_h.data(), layout.start_c.data()};
    work.follow.rows = rows.data();
    work.follow.count = rows.size();
    work.control = buffers.control();
    work.final_h = h.data();
    work.final_c = c.data();
    work.lanes = 1;
    with_element(precision, [&](auto element) {
      launch_few<decltype(element)>(layout.view, work, {24, 192, true}, false);
    });
    Stream stream(net, 0, 0);
    stream.feed(rows.data(), rows.size());
    CHECK(std::memcmp(h.data(), stream.h_row(), 70 * sizeof(float)) == 0);
    CHECK(std::memcmp(c.data(), stream.c_row(), 70 * sizeof(float)) == 0);

    // And a point drawn after it, with its last row still to be taken in.
    Buffers one(1);
    std::vector<float> h_before(h), c_before(c);
    work.follow.count = rows.size() - 1;
    work.final_h = h_before.data();
    work.final_c = c_before.data();
    with_element(precision, [&](auto element) {
      launch_few<decltype(element)>(layout.view, work, {24, 192, true}, false);
    });
    if (rows.back().pen == Pen::end) continue;
    work = FewWork{};
    work.start = {h_before.data(), c_before.data()};
    work.pending = true;
    work.input = net->input_from_row(rows.back().dx, rows.back().dy, rows.back().pen);
    work.draw = one.draw(0.6);
    work.draw.first_point = static_cast<std::uint32_t>(rows.size());
    work.draw.limit = work.draw.first_point + 1;
    work.control = one.control();
    work.final_h = h.data();
    work.final_c = c.data();
    work.lanes = 1;
    with_element(precision, [&](auto element) {
      launch_few<decltype(element)>(layout.view, work, {24, 192, true}, true);
    });
    stream.reseed(kSeed, 0);
    const Row expected = stream.step(make_temperature(0.6));
    CHECK(std::memcmp(&one.rows[0].dx, &expected.dx, sizeof(float)) == 0);
    CHECK(std::memcmp(&one.rows[0].dy, &expected.dy, sizeof(float)) == 0);
    CHECK(one.rows[0].pen == expected.pen);
  }
}

template <class Gates, class Work>
void launch_many(const NetView& view, Work work, unsigned blocks, unsigned threads, bool draw) {
  std::vector<float> c(blocks * static_cast<std::size_t>(view.units * work.lanes), NAN);
  work.c = c.data();
  const std::size_t bytes = many_shared<Gates>(view, work.lanes, draw, nullptr).bytes;
  emulator::launch(blocks, threads, bytes, [&] {
    if (draw) return many_kernel<Gates, true>(view, work);
    many_kernel<Gates, false>(view, work);
  });
}

void launch_many_of(Precision precision, const NetView& view, const ManyWork& work, unsigned blocks,
                    unsigned threads, bool draw) {
  if (precision == Precision::f32)
    launch_many<ScalarGates<F32>>(view, work, blocks, threads, draw);
  else if (precision == Precision::i16)
    launch_many<ScalarGates<I16>>(view, work, blocks, threads, draw);
  else
    launch_many<TensorGates>(view, work, blocks, threads, draw);
}

TEST(many_sketches_are_those_of_the_engine) {
  struct Shape {
    int hidden, mixtures, lanes;
    unsigned blocks, threads;
    std::size_t count;
  };
  for (const Precision precision : nets::kAllPrecisions)
    for (const Shape& shape : {Shape{33, 5, 8, 2, 64, 40}, Shape{80, 20, 16, 1, 64, 24},
                               Shape{300, 1, 32, 1, 128, 40}, Shape{20, 40, 64, 1, 256, 70}}) {
      const auto net = net_of(shape.hidden, shape.mixtures, precision);
      const Layout layout(*net);
      for (const double temperature : {0.0, 0.7}) {
        Buffers buffers(shape.count);
        ManyWork work{};
        work.start = {layout.start_h.data(), layout.start_c.data()};
        work.draw = buffers.draw(temperature);
        work.control = buffers.control();
        work.lanes = shape.lanes;
        launch_many_of(precision, layout.view, work, shape.blocks, shape.threads, true);
        buffers.check(net, temperature);
        if (shape.hidden == 300) break;  // one temperature is enough for the widest
      }
    }
}

// Draws what `buffers` has room for, by the kernel for many or by that for few.
void draw_into(Buffers& buffers, bool many, Precision precision, const Layout& layout,
               double temperature) {
  const Start start{layout.start_h.data(), layout.start_c.data()};
  if (many) {
    ManyWork work{};
    work.start = start;
    work.draw = buffers.draw(temperature);
    work.control = buffers.control();
    work.lanes = 8;
    return launch_many_of(precision, layout.view, work, 1, 64, true);
  }
  FewWork work{};
  work.start = start;
  work.draw = buffers.draw(temperature);
  work.control = buffers.control();
  work.lanes = 5;
  with_element(precision, [&](auto element) {
    launch_few<decltype(element)>(layout.view, work, {12, 64, true}, true);
  });
}

// Small enough to be run with every access checked (AddressSanitizer makes fibers slow).
TEST(small_drawings_are_those_of_the_engine) {
  for (const Precision precision : nets::kAllPrecisions) {
    const auto net = net_of(20, 2, precision);
    const Layout layout(*net);
    for (const bool many : {false, true}) {
      Buffers buffers(9);
      draw_into(buffers, many, precision, layout, 0.7);
      buffers.check(net, 0.7);
    }
  }
}

TEST(many_predictions_are_those_of_the_engine) {
  for (const Precision precision : nets::kAllPrecisions) {
    const auto net = net_of(100, 3, precision);
    const Layout layout(*net);
    std::vector<std::int64_t> offsets;
    const std::vector<Row> rows = some_rows(net, 11, offsets);
    offsets.insert(offsets.begin() + 4, offsets[4]);  // a drawing without rows
    const auto outputs = static_cast<std::size_t>(net->outputs());
    std::vector<float> z(rows.size() * outputs, NAN), expected(rows.size() * outputs);
    forward(*net, {rows.data(), offsets.data(), offsets.size() - 1}, 1, expected.data(), nullptr);
    Buffers buffers(0);
    ManyWork work{};
    work.start = {layout.start_h.data(), layout.start_c.data()};
    work.follow = {rows.data(), offsets.data(), offsets.size() - 1, z.data()};
    work.control = buffers.control();
    work.lanes = 8;
    launch_many_of(precision, layout.view, work, 1, 64, false);
    CHECK_EQ(buffers.finished, 11u);
    CHECK(std::memcmp(z.data(), expected.data(), z.size() * sizeof(float)) == 0);
  }
}

// The core is built without CUDA here, whatever the machine has.
TEST(without_a_backend_the_stub_says_so) {
  const DeviceList list = devices();
  CHECK(!list.compiled && list.found.empty());
  CHECK(list.reason.find("no CUDA backend") != std::string::npos);
  CHECK_THROWS(put_on_device(net_of(8, 1, Precision::f32), 0), DeviceError, list.reason);
}

TEST(kernels_stop_when_told) {
  const auto net = net_of(33, 5, Precision::f32);
  const Layout layout(*net);
  for (const bool many : {false, true}) {
    Buffers buffers(5);
    buffers.stop = 1;
    draw_into(buffers, many, Precision::f32, layout, 0.5);
    CHECK(buffers.finished < 5);
  }
}

}  // namespace
