// A real GPU against the processor: what tools/gpu_check runs first, without Python. Every test
// takes the first device; there must be one.

#include "cuda/device.h"
#include "cuda_agree.h"

namespace {

using namespace sketchrnn;

std::shared_ptr<const Device> there(const nets::Spec& spec, Precision precision) {
  return cuda::put_on_device(nets::net(spec, choose_kernels(), precision), 0);
}

TEST(smoke) {
  for (const Precision precision : nets::kAllPrecisions)
    agree::smoke(*there({64, 20, 1}, precision));
}

// The smallest that goes through every kernel: for compute-sanitizer, which is slow.
TEST(small_drawings) {
  for (const Precision precision : nets::kAllPrecisions)
    agree::drawings(*there({36, 3, 3, 4}, precision), {0, 1, 5, 40});
}
TEST(small_losses) {
  for (const Precision precision : nets::kAllPrecisions)
    agree::losses(*there({36, 3, 3, 4}, precision), 30);
}

// And the one for clusters, which takes more units and drawings than that.
TEST(small_clusters) { agree::drawings(*there({450, 3, 3, 4}, Precision::i8), {70}); }

TEST(drawings_of_every_size) {
  for (const Precision precision : nets::kAllPrecisions)
    for (const int hidden : {1, 100, 512, 1000, 1024})
      agree::drawings(*there({hidden, 20, 3, 4}, precision), {1, 8, 9, 32, 33, 700});
}

TEST(large_batches) {
  for (const Precision precision : nets::kAllPrecisions) {
    const auto device = there({512, 20, 3, 4}, precision);
    agree::drawings(*device, {20000});
    agree::losses(*device, 3000);
  }
}

TEST(progress_stops_a_kernel) {
  const auto device = there({512, 20, 3}, Precision::f32);
  for (const std::size_t count : {1u, 2000000u}) {
    DrawOptions options = agree::options_of(count, count == 1 ? 100000000 : 100);
    const Conditions endless =
        Conditions(device->net()).replaced(1, [](const ConditionPtr& from, const Progress&) {
          auto to = std::make_shared<Condition>(*from);
          to->head_bias[2] = -1e4;  // the pen never ends a drawing
          return to;
        });
    CHECK_THROWS(draw(*device, endless, {}, options, [](std::size_t) { return false; }), Cancelled,
                 "cancelled");
  }
  agree::smoke(*there({64, 20, 1}, Precision::f32));
}

}  // namespace
