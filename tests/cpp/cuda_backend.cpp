// The host's side of CUDA on a small fake runtime (fake_cuda/): draw() and score() from end to end,
// memory, errors, stopping, contexts.

#include "fake_cuda/cuda_runtime.h"
// The runtime comes before what is written for it.
#include "cuda/backend.cu"
#include "cuda/devices.cu"

#include "cuda_agree.h"

namespace {

using namespace sketchrnn;

// Fresh facts for each test; what is pooled for good stays.
fake::Runtime& fresh() {
  fake::Runtime& r = fake::runtime();
  r.devices = 2;
  r.multiprocessors = 3;
  r.clusters = 0;
  r.threads_of_a_block = 1024;
  r.free_bytes = std::size_t{1} << 30;
  r.turns = 100'000'000;
  r.failing.clear();
  r.contexts.clear();
  r.context = -1;
  r.launches = 0;
  return r;
}

using agree::options_of;
using agree::same;

TEST(draws_and_scores_what_the_processor_does) {
  fake::Runtime& r = fresh();
  for (const Precision precision : nets::kAllPrecisions) {
    const auto net = nets::net({36, 3, 3, 4}, choose_kernels(), precision);
    const auto there = cuda::put_on_device(net, 0);
    CHECK_EQ(there->name(), "cuda:0");
    agree::drawings(*there, {0, 1, 5, 40});
    agree::losses(*there, 30);
    CHECK(there->kernel_seconds() > 0.0);
  }
  // What is left belongs to the parts of jobs that are kept.
  for (const auto& [p, bytes] : r.allocated) CHECK_EQ(bytes, sizeof(cuda::DeviceWords));
}

TEST(what_is_left_on_the_device_are_the_drawings) {
  fresh();
  const auto net = nets::net({8, 2, 3}, choose_kernels());
  const auto there = cuda::put_on_device(net, 0);
  const Batch expected = nets::draw(net, options_of(40));
  const auto left = draw_there(*there, Conditions(net), {}, options_of(40), nullptr);
  const auto total = static_cast<std::size_t>(expected.offsets[40]);
  CHECK(std::memcmp(left->offsets(), expected.offsets.get(), 41 * sizeof(std::int64_t)) == 0);
  CHECK(std::memcmp(left->rows(), expected.rows.get(), kStroke5 * total * sizeof(float)) == 0);
}

TEST(the_smoke_test_has_the_processors_hashes) {
  fresh();
  for (const Precision precision : nets::kAllPrecisions) {
    const auto net = nets::net({64, 20, 1}, choose_kernels(), precision);
    agree::smoke(*processor(net));
    agree::smoke(*cuda::put_on_device(net, 0));
  }
}

// The net's size is what fills eight blocks; few rows, for 3,072 fibers are slow.
TEST(clusters_draw_and_stop_as_all_do) {
  fake::Runtime& r = fresh();
  r.clusters = 1;
  const auto net = nets::net({450, 2, 3, 4}, choose_kernels(), Precision::i8);
  const auto there = cuda::put_on_device(net, 0);
  const Conditions own(net, agree::some_objects(140));
  CHECK(same(draw(*processor(net), own, {}, options_of(140, 4), nullptr),
             draw(*there, own, {}, options_of(140, 4), nullptr)));
  CHECK_EQ(r.cluster, 8u);
  r.turns = 20;
  CHECK_THROWS(draw(*there, own, {}, options_of(140, 100000), [](std::size_t) { return false; }),
               Cancelled, "cancelled");
  r.turns = 100'000'000;
  // Few, and on a device for which the kernel is empty.
  (void)draw(*there, Conditions(net), {}, options_of(40, 3), nullptr);
  CHECK_EQ(r.cluster, 1u);
  r.threads_of_a_block = 32;
  (void)draw(*cuda::put_on_device(net, 0), own, {}, options_of(140, 3), nullptr);
  CHECK_EQ(r.cluster, 1u);
}

TEST(little_memory_makes_waves) {
  fake::Runtime& r = fresh();
  const auto net = nets::net({20, 2, 3}, choose_kernels());
  const auto there = cuda::put_on_device(net, 0);
  const Batch expected = nets::draw(net, options_of(90));
  r.free_bytes = 35 * (20 * 32 + 64);
  const int before = r.launches;
  CHECK(same(expected, draw(*there, Conditions(net), {}, options_of(90), nullptr)));
  CHECK_EQ(r.launches - before, 2 * 3);  // of 31, each drawn and gathered
  CHECK_THROWS(draw_there(*there, Conditions(net), {}, options_of(90), nullptr), DeviceError,
               "90 drawings may not fit");
  r.free_bytes = 100;
  CHECK_THROWS(draw(*there, Conditions(net), {}, options_of(90), nullptr), DeviceError,
               "out of memory");
}

TEST(jobs_share_a_few_streams) {
  fake::Runtime& r = fresh();
  const auto net = nets::net({8, 2, 3}, choose_kernels());
  const auto there = cuda::put_on_device(net, 0);
  (void)draw(*there, Conditions(net), {}, options_of(2), nullptr);
  const int streams = r.streams;
  for (int i = 0; i < 5; ++i) (void)draw(*there, Conditions(net), {}, options_of(40), nullptr);
  CHECK_EQ(r.streams, streams);
}

TEST(progress_stops_a_kernel) {
  fake::Runtime& r = fresh();
  const auto net = nets::net({20, 2, 3}, choose_kernels());
  const auto there = cuda::put_on_device(net, 0);
  r.turns = 20;  // so that the host gets to ask
  for (const std::size_t count : {3u, 2000u}) {
    int asked = 0;
    CHECK_THROWS(draw(*there, Conditions(net), {}, options_of(count, 100000),
                      [&](std::size_t) { return ++asked < 2; }),
                 Cancelled, "cancelled");
    CHECK_EQ(asked, 2);
    CHECK_THROWS(draw(*there, Conditions(net), {}, options_of(count, 100000),
                      [](std::size_t) -> bool { throw std::runtime_error("enough"); }),
                 std::runtime_error, "enough");
  }
  std::size_t most = 0;
  r.turns = 2;
  (void)draw(*there, Conditions(net), {}, options_of(300), [&](std::size_t done) {
    CHECK(done >= most && done <= 300);
    most = done;
    return true;
  });
}

TEST(what_the_driver_reports_is_passed_on) {
  fake::Runtime& r = fresh();
  const auto net = nets::net({8, 2, 3}, choose_kernels());
  const auto there = cuda::put_on_device(net, 1);
  const auto drawing = [&] { return draw(*there, Conditions(net), {}, options_of(40), nullptr); };
  const Batch expected = drawing();
  for (const char* function : {"launch", "kernel", "cudaMallocFromPoolAsync", "cudaMemcpyAsync"}) {
    r.failing = function;
    r.failure = std::string(function) == "cudaMallocFromPoolAsync" ? cudaErrorMemoryAllocation
                                                                   : cudaErrorLaunchFailure;
    CHECK_THROWS(drawing(), DeviceError, "device cuda:1: ");
    r.failing.clear();
    CHECK(same(expected, drawing()));
  }
}

TEST(points_that_are_not_finite_are_an_error) {
  fresh();
  const auto net = nets::net({8, 2, 3}, choose_kernels());
  const auto there = cuda::put_on_device(net, 0);
  const Conditions wide =
      Conditions(net).replaced(1, [](const ConditionPtr& condition, const Progress&) {
        auto out = std::make_shared<Condition>(*condition);
        for (double& bias : out->head_bias) bias += 100.0;
        return out;
      });
  DrawOptions options = options_of(3);
  options.temperature = make_temperature(1e10);
  CHECK_THROWS(draw(*there, wide, {}, options, nullptr), ArgumentError, "not finite");
}

TEST(no_other_device_gets_a_context) {
  fake::Runtime& r = fresh();
  {
    const auto net = nets::net({8, 2, 3}, choose_kernels());
    const auto there = cuda::put_on_device(net, 1);
    (void)draw(*there, Conditions(net), {}, options_of(3), nullptr);
    const auto left = draw_there(*there, Conditions(net), {}, options_of(40), nullptr);
    const auto copied = cuda::copied_on_device(1, left->rows(), 8);
    CHECK(std::memcmp(copied.get(), left->rows(), 8) == 0 && copied.get() != left->rows());
  }
  CHECK_EQ(r.contexts.size(), 1u);
  CHECK_EQ(*r.contexts.begin(), 1);
  CHECK_EQ(r.context, -1);
}

TEST(lent_memory_waits_for_its_borrowers) {
  fake::Runtime& r = fresh();
  const auto net = nets::net({8, 2, 3}, choose_kernels());
  const auto there = cuda::put_on_device(net, 0);
  auto left = draw_there(*there, Conditions(net), {}, options_of(40), nullptr);
  const int before = r.synchronised;
  left.reset();
  CHECK_EQ(r.synchronised, before + 1);
}

TEST(devices_that_do_not_suffice_say_why) {
  fake::Runtime& r = fresh();
  const auto net = nets::net({8, 2, 3}, choose_kernels());
  CHECK_THROWS(cuda::put_on_device(net, 2), DeviceError, "expected cuda:0 to cuda:1, found cuda:2");
  r.devices = 3;
  CHECK_THROWS(cuda::put_on_device(net, 2), DeviceError, "compute capability 8.0");
  r.devices = 0;
  CHECK_THROWS(cuda::put_on_device(net, 0), DeviceError, "finds no GPU");
  r.failing = "cudaGetDeviceCount";
  r.failure = cudaErrorInsufficientDriver;
  CHECK_THROWS(cuda::put_on_device(net, 0), DeviceError, "there is no NVIDIA driver");
}

}  // namespace
