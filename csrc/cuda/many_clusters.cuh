// Many sketches in i8 on clusters of blocks (sm_90a): the weights lie still in shared memory, h goes
// round, and while two warpgroups do the cells of one group of sketches a third samples the other.
//
// A cluster of 8 blocks has 512 units, 64 a block, and two groups of 64 lanes, of each of which
// every block samples 8. A step of a group in a block: the product of 64 units' four gates with all
// 64 lanes by wgmma, in blocks of 256 k as the contract scales them; the cells, c in registers; the
// block's part of the new h goes to all blocks as bytes, and to the blocks that sample them as
// floats. Samplers answer with a Message for each lane, which all blocks get. A lane that begins a
// drawing is told so and takes its h and c from the condition in place of a step. Nothing waits for
// a whole cluster: copies end at mbarriers (ClusterBarriers says at which). All sums are those of
// kernels/body.h; sampling and cells are thread.cuh's.
#pragma once

#include "cuda/cluster.cuh"

namespace sketchrnn::cuda {
namespace {

// Of each block. Nobody can be a whole phase behind: what begins a phase needs everybody's end of
// the one before.
struct ClusterBarriers {
  Barrier weights;                   // they are here
  Barrier bytes[kClusterGroups];     // the other blocks' parts of the group's h have come
  Barrier read[kClusterGroups];      // all blocks have multiplied with them: theirs may be replaced
  Barrier messages[kClusterGroups];  // all samplers' have come
  Barrier floats;                    // h for the block's own sampler has come
  Barrier ready;  // all samplers have done with the floats before, and know of the step to come
};
static_assert(sizeof(ClusterBarriers) == kClusterBarriers * sizeof(Barrier), "");

// A look at the host's memory costs a microsecond, a step of a group some six.
constexpr uint32_t kClusterStepsBetweenStops = 16;

// kBlocks: of the cluster, where the compiler is to know; 0: as many as it has.
template <int kBlocks>
class Cluster {
 public:
  SKETCHRNN_FN Cluster(const NetView& net, const ClusterWork& work, char* memory)
      : net_(net),
        work_(work),
        blocks_(kBlocks != 0 ? kBlocks : static_cast<int>(cluster_blocks())),
        rank_(static_cast<int>(cluster_rank())),
        own_lanes_(kClusterLanes / blocks_),
        s_(cluster_shared(net, blocks_, memory)),
        barriers_(*reinterpret_cast<ClusterBarriers*>(s_.barriers)) {}

  SKETCHRNN_FN void begin() {
    const size_t depth = static_cast<size_t>(blocks_) * kClusterUnits;
    if (thread_ == 0) {
      const unsigned all = static_cast<unsigned>(blocks_);
      make_barrier(&barriers_.weights, 1);
      make_barrier(&barriers_.floats, 1);
      make_barrier(&barriers_.ready, all);
      for (int g = 0; g < kClusterGroups; ++g) {
        make_barrier(&barriers_.bytes[g], 1);
        make_barrier(&barriers_.read[g], kMultipliers * all);
        make_barrier(&barriers_.messages[g], 1);
        arrive(&barriers_.bytes[g]);  // the h before the first step are these zeros
      }
      publish_barriers();
      const uint32_t bytes = static_cast<uint32_t>(kGates * kClusterUnits * depth);
      arrive_expecting(&barriers_.weights, bytes);
      copy_in(s_.weights, work_.weights + rank_ * static_cast<size_t>(bytes / sizeof(uint32_t)),
              bytes, &barriers_.weights);
    }
    const size_t words = kClusterGroups * kClusterLanes * depth / sizeof(uint32_t);
    for (size_t i = thread_; i < words; i += kClusterThreads)
      reinterpret_cast<uint32_t*>(s_.bytes)[i] = 0;
    publish_writes();
    cluster_sync();
  }

  // The two warpgroups that multiply.
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

  // The warpgroup that samples.
  SKETCHRNN_FN void sample() {
    for (int g = 0; g < kClusterGroups; ++g) {
      if (in_group_ < own_lanes_) {
        lane(g, in_group_) = Lane{};
        tell(g, in_group_, 0);
      }
      send_messages(g);
    }
    unsigned goes_on = (1u << kClusterGroups) - 1;
    for (uint32_t turn = 0; goes_on != 0; ++turn) {
      const int g = static_cast<int>(turn % kClusterGroups);
      if ((goes_on >> g & 1) != 0 && !points_of(g, turn / kClusterGroups)) goes_on &= ~(1u << g);
    }
  }

 private:
  static constexpr int kGroupThreads = 128, kWarps = 4, kMultipliers = 2;
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
  // Threads that have a sum of the head together, and sums that they can have at once.
  static constexpr int kHalf = 16, kMostSums = kHalf / 2;
  // Numbers of sync_some.
  static constexpr int kForMultipliers = 1, kForSamplers = 2, kForEach = 3;

  SKETCHRNN_FN Lane& lane(int g, int l) const {
    return work_.lane[(static_cast<size_t>(blockIdx.x) * kClusterGroups + g) * own_lanes_ + l];
  }
  SKETCHRNN_FN Message* messages(int g) const { return s_.message + g * kClusterLanes; }
  SKETCHRNN_FN Message* own_messages(int g) const { return messages(g) + rank_ * own_lanes_; }
  SKETCHRNN_FN int8_t* bytes(int g) const {
    return s_.bytes + g * blocks_ * (kClusterLanes * kClusterUnits);
  }
  SKETCHRNN_FN static MessageState state_of(const Message& m) {
    return static_cast<MessageState>(m.what >> 2 & 3);
  }

  // Whether any lane has anything to do, by a whole warp: the same answer in every block.
  SKETCHRNN_FN bool anybody(int g) const {
    const Message* const m = messages(g) + in_warp_;
    const bool busy = state_of(m[0]) != kIdle || state_of(m[kWarp]) != kIdle;
    return __ballot_sync(kWholeWarp, busy) != 0;
  }

  // --- Multiplying.

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

  // --- Sampling.

  // What a group's lanes are to do in the step to come is known; one point of each follows it.
  SKETCHRNN_FN bool points_of(int g, uint32_t step) {
    wait(&barriers_.messages[g], step % 2);
    const bool goes_on = anybody(g);
    sync_some(kForSamplers, kGroupThreads);
    if (!goes_on) return false;
    if (in_group_ == 0)
      arrive_expecting(&barriers_.floats, kClusterLanes * kClusterUnits * sizeof(float));
    if (in_group_ < blocks_) arrive_there(&barriers_.ready, static_cast<unsigned>(in_group_));
    const int l = in_group_;  // a thread for each
    const bool active = l < own_lanes_ && lane(g, l).active;
    PointUniforms uniforms{};
    Normals normals{};
    if (active) {
      uniforms = uniforms_of(work_.draw, lane(g, l));
      normals = box_muller(uniforms.radius, uniforms.angle);
    }
    wait(&barriers_.floats, half_steps_ % 2);
    ++half_steps_;
    predict_choices(g);
    sync_some(kForSamplers, kGroupThreads);
    if (active) {
      float* const pen = s_.logits + kPenRow * own_lanes_ + l;
      *pen = static_cast<float>(choose<kPenStates>(pen, kPenStates, uniforms.pen));
      float* const component = s_.logits + kComponentRow * own_lanes_ + l;
      *component = static_cast<float>(choose<4>(component, net_.mixtures, uniforms.component));
    }
    sync_some(kForSamplers, kGroupThreads);
    predict_parameters(g);
    sync_some(kForSamplers, kGroupThreads);
    if (active) draw_point(lane(g, l), l, normals);
    if (l < own_lanes_) tell(g, l, step + 1);
    send_messages(g);
    return true;
  }

  SKETCHRNN_FN const float* head_row(int row) const {
    return work_.head + row * blocks_ * kClusterUnits;
  }
  // Sums number row · kLanes + lane of kRows neighbouring rows of the head's weights times the h of
  // kLanes neighbouring lanes by each half of a warp, which may have different ones. Thread t of a
  // half has the partial sums t, t + 16, t + 32 and t + 48 of the 64 that kernels.h speaks of, and
  // returns sum number t / 2, if there is one.
  template <int kRows, int kLanes>
  SKETCHRNN_FN float half_warp_sums(const float* weights, const float* h) const {
    constexpr int kSums = kRows * kLanes;
    const int thread = in_warp_ % kHalf, next = own_lanes_ * kHalf;
    const float4* const w = reinterpret_cast<const float4*>(weights) + thread;
    const float4* const x = reinterpret_cast<const float4*>(h) + thread;
    float4 sum[kSums] = {};
#pragma unroll
    for (int block = 0; block < blocks_; ++block) {
      float4 row[kRows];
#pragma unroll
      for (int n = 0; n < kRows; ++n) row[n] = w[(n * blocks_ + block) * kHalf];
#pragma unroll
      for (int l = 0; l < kLanes; ++l) {
        const float4 value = x[block * next + l * kHalf];
#pragma unroll
        for (int n = 0; n < kRows; ++n) {
          float4& s = sum[n * kLanes + l];
          s.x = fmaf(value.x, row[n].x, s.x);
          s.y = fmaf(value.y, row[n].y, s.y);
          s.z = fmaf(value.z, row[n].z, s.z);
          s.w = fmaf(value.w, row[n].w, s.w);
        }
      }
    }
    float all[kMostSums];
#pragma unroll
    for (int n = 0; n < kSums; ++n) all[n] = (sum[n].x + sum[n].z) + (sum[n].y + sum[n].w);
    fold<kSums, kMostSums / 2>(all);
    return all[0];
  }
  // Adds the sums of threads 2 · kApart away, each of which keeps half of them: the one further on
  // those from kApart on.
  template <int kSums, int kApart>
  SKETCHRNN_FN void fold(float* sums) const {
    if constexpr (kApart == 0) {
      sums[0] += __shfl_xor_sync(kWholeWarp, sums[0], 1);
    } else {
      const bool further = (in_warp_ & 2 * kApart) != 0;
#pragma unroll
      for (int n = 0; n < (kSums < kApart ? kSums : kApart); ++n) {
        const bool pair = n + kApart < kSums;
        const float give = pair && !further ? sums[n + kApart] : sums[n];
        const float keep = pair && further ? sums[n + kApart] : sums[n];
        sums[n] = keep + __shfl_xor_sync(kWholeWarp, give, 2 * kApart);
      }
      fold<(kSums < kApart ? kSums : kApart), kApart / 2>(sums);
    }
  }

  // Logits of pen and components: two rows for eight lanes at once, four a half of a warp. An odd
  // last row is made with the one after it, which nobody reads.
  SKETCHRNN_FN void predict_choices(int g) {
    constexpr int kTogether = kClusterLanes / kClusterBlocks, kRows = 2, kOfHalf = kTogether / 2;
    const int sum = in_warp_ % kHalf / 2;
    for (int group = 0; group < own_lanes_; group += kTogether) {
      const int first = group + in_warp_ / kHalf * kOfHalf, at = first + sum % kOfHalf;
      const Lane& own = lane(g, at);
      const bool wanted = in_warp_ % 2 == 0 && own.active;
      const double* const head_bias = own.own.head_bias;
      for (int row = warp_ * kRows; row < net_.choices(); row += kWarps * kRows) {
        const int o = row + sum / kOfHalf;
        const bool writes = wanted && o < net_.choices();
        const double bias = writes ? head_bias[o] : 0.0;
        const float mine =
            half_warp_sums<kRows, kOfHalf>(head_row(row), s_.floats + first * kClusterUnits);
        if (writes) s_.logits[o * own_lanes_ + at] = head_output(net_, bias, mine);
      }
    }
  }

  // choose_category, which keeps the exponentials where the logits were. kTogether at a time.
  template <int kTogether>
  SKETCHRNN_FN int choose(float* logits, int count, float uniform) const {
    const Temperature temperature = work_.draw.temperature;
    float largest = logits[0];
    int argmax = 0;
#pragma unroll kTogether
    for (int m = 0; m < count; ++m) {
      const float x = logits[m * own_lanes_];
      argmax = largest < x ? m : argmax;
      largest = largest < x ? x : largest;
    }
    if (temperature.greedy) return argmax;
    float total = 0.0f;
#pragma unroll kTogether
    for (int m = 0; m < count; ++m) {
      float& at = logits[m * own_lanes_];
      at = exp((at - largest) * temperature.inverse_softmax);
      total += at;
    }
    const float threshold = uniform * total;
    float cumulated = 0.0f;
    int index = 0;
#pragma unroll kTogether
    for (int m = 0; m < count; ++m) {
      cumulated += logits[m * own_lanes_];
      index = threshold < cumulated ? index : m + 1;
    }
    return threshold < cumulated ? index : argmax;
  }

  // Of the components that were chosen: half a warp for each lane.
  SKETCHRNN_FN void predict_parameters(int g) {
    const int p = in_warp_ % kHalf / 2;
    for (int task = warp_; task < own_lanes_ / 2; task += kWarps) {
      const int l = 2 * task + in_warp_ / kHalf;
      const Lane& own = lane(g, l);
      const bool active = own.active != 0;
      const int component =
          active ? static_cast<int>(s_.logits[kComponentRow * own_lanes_ + l]) : 0;
      const int row = net_.choices() + component * kPlaceOutputs;
      const bool wanted = active && in_warp_ % 2 == 0 && p < kPlaceOutputs;
      const double bias = wanted ? own.own.head_bias[row + p] : 0.0;
      const float mine =
          half_warp_sums<kPlaceOutputs, 1>(head_row(row), s_.floats + l * kClusterUnits);
      if (wanted) s_.logits[(kParameterRow + p) * own_lanes_ + l] = head_output(net_, bias, mine);
    }
  }

  SKETCHRNN_FN void draw_point(Lane& at, int l, Normals normals) {
    const float* const own = s_.logits + l;
    const Offset offset =
        place_normals(own + kParameterRow * own_lanes_, static_cast<size_t>(own_lanes_),
                      work_.draw.temperature, normals);
    const int pen = static_cast<int>(own[kPenRow * own_lanes_]);
    if (take_point(net_, work_.draw, work_.control, at, offset, pen, true)) at.active = 0;
  }

  // What lane l does next: idle ones get a drawing, if there is one and nobody says stop.
  SKETCHRNN_FN void tell(int g, int l, uint32_t step) {
    Lane& at = lane(g, l);
    MessageState state = kSteps;
    if (step % kClusterStepsBetweenStops == 0 && load_volatile(work_.control.stop) != 0) {
      state = kIdle;
      at.active = 0;
      at.drawing = work_.draw.count;  // and never again
    } else if (!at.active) {
      state = kIdle;
      if (at.drawing < work_.draw.count) {
        const unsigned long long drawing = atomicAdd(work_.control.next, 1ull);
        at.drawing = drawing;
        if (drawing < work_.draw.count) {
          begin_drawing(net_, work_.conditions, at, drawing, work_.draw.first_point);
          at.input = {0.0f, 0.0f, Pen::down, at.own.bias};
          state = kBegins;
        }
      }
    }
    const uint32_t condition = state == kIdle ? 0 : condition_of(work_.conditions, at.drawing);
    own_messages(g)[l] = {
        at.input.dx, at.input.dy,
        condition << 4 | static_cast<uint32_t>(state) << 2 | static_cast<uint32_t>(at.input.pen)};
  }

  // The block's messages to all blocks, when all are there.
  SKETCHRNN_FN void send_messages(int g) {
    publish_writes();
    sync_some(kForSamplers, kGroupThreads);
    if (in_group_ == 0) copy_messages(g);
  }
  SKETCHRNN_FN void copy_messages(int g) {
    const uint32_t bytes = static_cast<uint32_t>(own_lanes_ * sizeof(Message));
    arrive_expecting(&barriers_.messages[g], bytes * static_cast<uint32_t>(blocks_ - 1));
#pragma unroll 1
    for (int i = 1; i < blocks_; ++i)
      copy_there(own_messages(g), own_messages(g), bytes, &barriers_.messages[g],
                 static_cast<unsigned>((rank_ + i) & (blocks_ - 1)));
  }

  const int thread_ = static_cast<int>(threadIdx.x), in_group_ = thread_ % kGroupThreads;
  const int warpgroup_ = thread_ / kGroupThreads;
  const int warp_ = in_group_ / static_cast<int>(kWarp);  // of its warpgroup
  const int in_warp_ = thread_ % static_cast<int>(kWarp);
  const NetView& net_;
  const ClusterWork& work_;
  const int blocks_, rank_, own_lanes_;
  const ClusterShared s_;
  ClusterBarriers& barriers_;
  uint32_t half_steps_ = 0;  // steps of either group
};

#if !defined(__CUDACC__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define SKETCHRNN_CLUSTERS 1
#define SKETCHRNN_CLUSTER_BOUNDS __launch_bounds__(kClusterThreads, 1)
#else
// Where there is no wgmma the kernel is empty and takes no block of its size, by which the host
// knows (clusters_of() of backend.cu).
#define SKETCHRNN_CLUSTERS 0
#define SKETCHRNN_CLUSTER_BOUNDS __launch_bounds__(32)
#endif

// Registers are handed from the warpgroup that samples to those that keep c and two products.
constexpr int kSamplerRegisters = 104, kMultiplierRegisters = 200;

template <int kBlocks>
__global__ void SKETCHRNN_CLUSTER_BOUNDS cluster_kernel(const __grid_constant__ NetView net,
                                                        const __grid_constant__ ClusterWork work) {
#if SKETCHRNN_CLUSTERS
  SKETCHRNN_SHARED_MEMORY(memory);
  // Each part makes its own numbers: fewer are kept from one to the other.
  Cluster<kBlocks>(net, work, memory).begin();
  if (threadIdx.x < kClusterThreads - 128) {
    take_registers<kMultiplierRegisters>();
    Cluster<kBlocks>(net, work, memory).multiply();
  } else {
    give_registers<kSamplerRegisters>();
    Cluster<kBlocks>(net, work, memory).sample();
  }
  cluster_sync();  // no block may end while another writes to its memory
#endif
}

}  // namespace
}  // namespace sketchrnn::cuda
