// The two warpgroups of a cluster's block that multiply (many_clusters.cuh): the products of a group's
// step, its cells, and h on its way to all blocks.
#pragma once

#include "cuda/cluster_block.cuh"

namespace sketchrnn::cuda {
namespace {

template <int kBlocks>
class ClusterCells : ClusterBlock<kBlocks> {
  using Block = ClusterBlock<kBlocks>;

 public:
  using Block::Block;

  SKETCHRNN_FN void multiply() {
    float c[kClusterGroups][kCells] = {};
    bool goes_on[kClusterGroups] = {true, true};
    wait(&barriers_.weights, 0);
    for (uint32_t step = 0; goes_on[0] || goes_on[1]; ++step) {
#pragma unroll
      for (int g = 0; g < kClusterGroups; ++g)
        if (goes_on[g]) goes_on[g] = step_of(g, step, c[g]);
    }
  }

 private:
  using Block::anybody;
  using Block::barriers_;
  using Block::blocks_;
  using Block::bytes;
  using Block::half_steps_;
  using Block::in_group_;
  using Block::in_warp_;
  using Block::kForEach;
  using Block::kForMultipliers;
  using Block::kGroupThreads;
  using Block::kMultipliers;
  using Block::messages;
  using Block::net_;
  using Block::own_lanes_;
  using Block::rank_;
  using Block::s_;
  using Block::thread_;
  using Block::warp_;
  using Block::warpgroup_;
  using Block::work_;

  // A thread that multiplies has the cells of so many units, neighbours in the block's order, and
  // lanes, eight apart (GroupSums). Cell i is unit i / 2, lane i % 2.
  static constexpr int kUnits = 8, kLanes = 2, kCells = kUnits * kLanes;
  // Depth of a product, and products to a block of the contract.
  static constexpr int kDepth = 32, kPerBlock = kBlock * 4 / kDepth;
  // Whether there are two of those; smaller clusters have one.
  static constexpr bool kTwoBlocks = kBlocks * kClusterUnits > kPerBlock* kDepth;
  // Bytes of all lanes' 16 bytes of k, of all weights' of a warpgroup, and of eight rows'.
  static constexpr uint32_t kColumn = 16 * kClusterLanes, kWeightColumn = 16 * 128,
                            kEightRows = 128;

  // The thread's first unit and lane; the others from there on.
  SKETCHRNN_FN int first_place() const {
    return warpgroup_ * (kClusterUnits / kMultipliers) + in_warp_ % 4 * kUnits;
  }
  SKETCHRNN_FN int first_unit() const {
    return rank_ * kClusterUnits + cluster_unit(first_place());
  }
  // cluster_units() of its units.
  SKETCHRNN_FN const float4* unit_numbers() const {
    return reinterpret_cast<const float4*>(work_.units) +
           (rank_ * kClusterUnits + first_place()) * (kClusterNumbers / 4);
  }
  SKETCHRNN_FN int lane_of(int r) const { return 16 * warp_ + in_warp_ / 4 + 8 * r; }
  // Which of a thread's sums is that of a cell's gate.
  SKETCHRNN_FN static constexpr int sum_of(int cell, int gate) {
    return 4 * (cell / kLanes * 2 + gate / 2) + cell % kLanes * 2 + gate % 2;
  }

  // One step of group g; false when it has come to its end.
  SKETCHRNN_FN bool step_of(int g, uint32_t step, float (&c)[kCells]) {
    wait(&barriers_.messages[g], step % 2);
    wait(&barriers_.bytes[g], step % 2);  // at the end too: no copy may be under way then
    if (!anybody(g)) return false;
    float h[kCells];
    cells_of(g, c, h);
    wait(&barriers_.read[g], step % 2);
    wait(&barriers_.ready, half_steps_ % 2);
    ++half_steps_;
    put(g, h);
    publish_writes();
    sync_some(kForMultipliers, kMultipliers * kGroupThreads);
    if (thread_ == 0) send(g);
    return true;
  }

  // The new c, and in h what has become of it. A block that is not full computes what lies beyond
  // its units too, from whatever is there: finite numbers whose weights are zeros.
  SKETCHRNN_FN void cells_of(int g, float (&c)[kCells], float (&h)[kCells]) {
    GroupSums sums;
    begin_multiplying(g, 0, sums);
    const int unit = first_unit();
    const float4* const numbers = unit_numbers();
    float totals[kCells][kGates];
    {
      float dx[kLanes], dy[kLanes];
      const float4* bias[kLanes];
#pragma unroll
      for (int r = 0; r < kLanes; ++r) {
        const Message& m = messages(g)[lane_of(r)];
        dx[r] = m.dx;
        dy[r] = m.dy;
        const float* const own = condition_number(net_, work_.conditions, m.what >> 4).bias;
        bias[r] = reinterpret_cast<const float4*>(own) + (m.what & 3) * net_.units + unit;
      }
      wait_for_products(sums);
#pragma unroll
      for (int u = 0; u < kUnits; ++u) {
        // Or all loads would be begun at once, and c would have to leave its registers.
        __syncwarp();
        const float4 wx = numbers[4 * u], wy = numbers[4 * u + 1], scale = numbers[4 * u + 2];
#pragma unroll
        for (int r = 0; r < kLanes; ++r) {
          const int i = u * kLanes + r;
          start_totals(bias[r][cluster_unit(u)], wx, wy, dx[r], dy[r], totals[i]);
          add_sums(sums, i, scale, totals[i]);
        }
      }
    }
    if constexpr (kTwoBlocks) {
      begin_multiplying(g, 1, sums);
      wait_for_products(sums);
    }
    sync_some(kForEach + warpgroup_, kGroupThreads);
    if (in_group_ < blocks_) arrive_there(&barriers_.read[g], static_cast<unsigned>(in_group_));
    if constexpr (kTwoBlocks) {
#pragma unroll
      for (int i = 0; i < kCells; ++i) add_sums(sums, i, numbers[i / kLanes * 4 + 2], totals[i]);
    }
    update_together(totals, c, h);
#pragma unroll
    for (int r = 0; r < kLanes; ++r) {
      const uint32_t what = load_volatile(&messages(g)[lane_of(r)].what);
      if ((what >> 2 & 3) != kBegins) continue;
      const ConditionView own = condition_number(net_, work_.conditions, what >> 4);
#pragma unroll
      for (int u = 0; u < kUnits; ++u) {
        const int at = unit + cluster_unit(u);
        c[u * kLanes + r] = at < net_.hidden ? own.c[at] : 0.0f;
        h[u * kLanes + r] = at < net_.hidden ? own.h[at] : 0.0f;
      }
    }
  }

  // Begins the products of a block of the contract. Weights beyond the net's units are zeros.
  SKETCHRNN_FN void begin_multiplying(int g, int block, GroupSums& sums) {
    const uint32_t depth = static_cast<uint32_t>(blocks_) * kClusterUnits;
    // Asked for at every step, so that the compiler sees that they are the same in a whole warp, and
    // does not make all descriptors before the first step, for which there are no registers.
    const uint32_t of_lanes = __shfl_sync(kWholeWarp, shared_address(bytes(g)), 0);
    const uint32_t of_weights = __shfl_sync(
        kWholeWarp, shared_address(s_.weights) + static_cast<uint32_t>(warpgroup_) * 128 * depth,
        0);
    const uint32_t first = static_cast<uint32_t>(block * kPerBlock);
    const uint64_t lanes =
        matrix_at(of_lanes + first * (kDepth / 16) * kColumn, kColumn, kEightRows);
    const uint64_t weights =
        matrix_at(of_weights + first * (kDepth / 16) * kWeightColumn, kWeightColumn, kEightRows);
    begin_products();
    const int products = kTwoBlocks ? kPerBlock : blocks_ * (kClusterUnits / kDepth);
#pragma unroll
    for (int k = 0; k < products; ++k) multiply(sums, lanes, weights, k);
    end_products();
  }
  SKETCHRNN_FN static void multiply(GroupSums& sums, uint64_t lanes, uint64_t weights, int k) {
    // The address is the descriptor's lowest field, in units of 16 bytes.
    const uint64_t columns = static_cast<uint64_t>(k) * (kDepth / 16);
    multiply_bytes(sums, lanes + columns * (kColumn / 16), weights + columns * (kWeightColumn / 16),
                   k != 0);
  }

  SKETCHRNN_FN static void start_totals(float4 bias, float4 wx, float4 wy, float dx, float dy,
                                        float (&totals)[kGates]) {
    totals[0] = fmaf(dy, wy.x, fmaf(dx, wx.x, bias.x));
    totals[1] = fmaf(dy, wy.y, fmaf(dx, wx.y, bias.y));
    totals[2] = fmaf(dy, wy.z, fmaf(dx, wx.z, bias.z));
    totals[3] = fmaf(dy, wy.w, fmaf(dx, wx.w, bias.w));
  }
  SKETCHRNN_FN static void add_sums(const GroupSums& sums, int i, float4 scale,
                                    float (&totals)[kGates]) {
    totals[0] = fmaf(static_cast<float>(sums[sum_of(i, 0)]), scale.x, totals[0]);
    totals[1] = fmaf(static_cast<float>(sums[sum_of(i, 1)]), scale.y, totals[1]);
    totals[2] = fmaf(static_cast<float>(sums[sum_of(i, 2)]), scale.z, totals[2]);
    totals[3] = fmaf(static_cast<float>(sums[sum_of(i, 3)]), scale.w, totals[3]);
  }

  // h as bytes where the block's own part of them is, and as floats in the order of their readers.
  SKETCHRNN_FN void put(int g, const float (&h)[kCells]) {
    const int place = first_place(), at = rank_ * kClusterUnits + place;
    int8_t* const part = bytes(g) + at / 16 * static_cast<int>(kColumn) + at % 16;
    const float4* const numbers = unit_numbers();
    uint32_t rounded[kCells];
#pragma unroll
    for (int u = 0; u < kUnits; ++u) {
      const float scale = numbers[4 * u + 3].x;
#pragma unroll
      for (int r = 0; r < kLanes; ++r)
        rounded[r * kUnits + u] =
            static_cast<uint32_t>(rounded_bits(h[u * kLanes + r], scale, net_.h_limit));
    }
#pragma unroll
    for (int r = 0; r < kLanes; ++r) {
      const int l = lane_of(r);
      *reinterpret_cast<uint2*>(part + l * 16) = {low_bytes(rounded + r * kUnits),
                                                  low_bytes(rounded + r * kUnits + 4)};
      float4* const going = reinterpret_cast<float4*>(s_.going + l * kClusterUnits + place);
      going[0] = {h[r], h[kLanes + r], h[2 * kLanes + r], h[3 * kLanes + r]};
      going[1] = {h[4 * kLanes + r], h[5 * kLanes + r], h[6 * kLanes + r], h[7 * kLanes + r]};
    }
  }
  SKETCHRNN_FN static uint32_t low_bytes(const uint32_t* four) {
    return __byte_perm(__byte_perm(four[0], four[1], 0x0040), __byte_perm(four[2], four[3], 0x0040),
                       0x5410);
  }

  // By one thread.
  SKETCHRNN_FN void send(int g) {
    constexpr uint32_t size = kClusterLanes * kClusterUnits;
    int8_t* const part = bytes(g) + rank_ * static_cast<int>(size);
    arrive_expecting(&barriers_.bytes[g], size * static_cast<uint32_t>(blocks_ - 1));
    const int floats = own_lanes_ * kClusterUnits;
#pragma unroll 1
    for (int i = 0; i < blocks_; ++i) {
      const int to = (rank_ + i) & (blocks_ - 1);  // not all to the same at once
      if (i != 0) copy_there(part, part, size, &barriers_.bytes[g], static_cast<unsigned>(to));
      copy_there(s_.floats + rank_ * floats, s_.going + to * floats,
                 static_cast<uint32_t>(floats) * sizeof(float), &barriers_.floats,
                 static_cast<unsigned>(to));
    }
  }
};

}  // namespace
}  // namespace sketchrnn::cuda
