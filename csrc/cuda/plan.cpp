#include "cuda/plan.h"

#include <algorithm>
#include <string>

#include "cuda/device.h"
#include "cuda/shared.h"

namespace sketchrnn::cuda {
namespace {

std::size_t fitting(const NetView& net, const Machine& machine, std::size_t bytes) {
  if (bytes > machine.shared_bytes)
    fail(machine.ordinal, "a net of " + std::to_string(net.hidden) + " units needs " +
                              std::to_string(bytes) + " bytes of shared memory, there are " +
                              std::to_string(machine.shared_bytes));
  return bytes;
}

template <class Number>
Number parts_of(Number whole, Number part) {
  return (whole + part - 1) / part;
}

}  // namespace

FewPlan plan_few(const NetView& net, const Machine& machine, int lanes) {
  FewPlan plan{};
  plan.units = parts_of(net.hidden, machine.multiprocessors);
  plan.blocks = static_cast<unsigned>(parts_of(net.hidden, plan.units));
  const int items = few_items(net, plan.units);
  plan.resident = items <= kFewThreads;
  // A warp for each logit, a thread for each item.
  const int wanted = std::max({256, 32 * net.choices(), parts_of(items, 32) * 32});
  plan.threads = static_cast<unsigned>(std::min(kFewThreads, wanted));
  const bool rounds = net.precision != Precision::f32;
  const auto bytes = [&](int n) { return few_shared(net, rounds, n, plan.units, nullptr).bytes; };
  plan.lanes = lanes;
  while (plan.lanes > 1 && bytes(plan.lanes) > machine.shared_bytes) --plan.lanes;
  plan.shared = fitting(net, machine, bytes(plan.lanes));
  plan.exchange_words =
      2 * static_cast<std::size_t>(plan.lanes) * static_cast<std::size_t>(net.units);
  return plan;
}

ManyPlan plan_many(const NetView& net, const Machine& machine, std::size_t count, int lanes,
                   bool draw) {
  const bool rounds = net.precision != Precision::f32;
  const auto bytes = [&](int n) { return many_shared(net, rounds, draw, n, nullptr).bytes; };
  const auto most = static_cast<std::size_t>(machine.multiprocessors);
  const auto enough = [&](int n) {
    return lanes > 0 ? n >= lanes : most * static_cast<std::size_t>(n) >= count;
  };
  ManyPlan plan{};
  plan.lanes = 8;
  while (2 * plan.lanes <= kManyLanes && !enough(plan.lanes) &&
         bytes(2 * plan.lanes) <= machine.shared_bytes)
    plan.lanes *= 2;
  const auto each = static_cast<std::size_t>(plan.lanes);
  plan.blocks = static_cast<unsigned>(std::min(most, parts_of(count, each)));
  plan.threads = net.precision == Precision::f32 ? kScalarThreads : kTensorThreads;
  plan.shared = fitting(net, machine, bytes(plan.lanes));
  plan.cells = plan.blocks * each * static_cast<std::size_t>(net.units);
  return plan;
}

ClusterPlan plan_clusters(const NetView& net, const Machine& machine, std::size_t count,
                          int lanes) {
  constexpr int kFilled = (kClusterBlocks - 1) * kClusterUnits;  // by seven blocks
  ClusterPlan plan{};
  if (machine.clusters == 0 || net.precision != Precision::i8 || lanes != 0 ||
      net.hidden <= kFilled || cluster_blocks_for(net.hidden) != kClusterBlocks ||
      count <= static_cast<std::size_t>(kClusterLanes))
    return plan;
  plan.shared = cluster_shared(net, kClusterBlocks, nullptr).bytes_used;
  if (plan.shared > machine.shared_bytes) return plan;
  const std::size_t clusters = std::min(static_cast<std::size_t>(machine.clusters),
                                        parts_of(count, static_cast<std::size_t>(kClusterLanes)));
  plan.cluster = kClusterBlocks;
  plan.blocks = static_cast<unsigned>(clusters) * plan.cluster;
  plan.threads = kClusterThreads;
  plan.lanes = clusters * kClusterGroups * kClusterLanes;
  return plan;
}

std::size_t plan_wave(const Machine& machine, std::size_t free, std::size_t given,
                      const DrawOptions& options) {
  const std::size_t each =
      (options.max_len - given) * sizeof(Row) + options.max_len * kStroke5 * sizeof(float) + 64;
  const std::size_t fit = free / 10 * 9 / each;
  if (fit == 0)
    fail(machine.ordinal,
         "out of memory: a drawing of max_len = " + std::to_string(options.max_len) +
             " rows needs " + std::to_string(each) + " bytes, " + std::to_string(free) +
             " are free");
  return std::max<std::size_t>(1, std::min(fit, options.count));
}

std::size_t plan_part(const Drawings& drawings, std::size_t first, int outputs) {
  constexpr std::size_t kMost = std::size_t{256} << 20;  // bytes
  const std::size_t room = kMost / (static_cast<std::size_t>(outputs) * sizeof(float));
  std::size_t last = first + 1;
  while (last < drawings.count &&
         static_cast<std::size_t>(drawings.offsets[last + 1] - drawings.offsets[first]) <= room)
    ++last;
  return last;
}

}  // namespace sketchrnn::cuda
