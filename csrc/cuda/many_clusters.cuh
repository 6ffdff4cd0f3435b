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

class Cluster {
 public:
  SKETCHRNN_FN Cluster(const NetView& net, const ClusterWork& work, char* memory)
      : net_(net),
        work_(work),
        blocks_(static_cast<int>(cluster_blocks())),
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
      for (int l = warp_; l < own_lanes_; l += kWarps) {
        if (in_warp_ == 0) lane(g, l) = Lane{};
        __syncwarp();
        tell(g, l, 0);
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
  // Lanes that a thread has of its unit, pairs of neighbours 8 apart: GroupSums.
  static constexpr int kCells = 16;
  // Depth of a product, and products to a block of the contract.
  static constexpr int kDepth = 32, kPerBlock = kBlock * 4 / kDepth;
  // Bytes of 64 rows' 16 bytes of k, and of eight rows'.
  static constexpr uint32_t kColumn = 1024, kEightRows = 128;
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

  SKETCHRNN_FN static int lane_of_cell(int i, int in_warp) {
    return 8 * (i / 2) + 2 * (in_warp % 4) + i % 2;
  }

  // One step of group g; false when it has come to its end.
  SKETCHRNN_FN bool step_of(int g, uint32_t step, float (&c)[kCells]) {
    wait(&barriers_.messages[g], step % 2);
    wait(&barriers_.bytes[g], step % 2);  // at the end too: no copy may be under way then
    if (!anybody(g)) return false;
    const int place = (thread_ / kGroupThreads * kWarps + warp_) * 8 + in_warp_ / 4;
    const int unit = rank_ * kClusterUnits + place;
    float h[kCells];
    cells_of(g, unit, c, h);
    wait(&barriers_.read[g], step % 2);
    wait(&barriers_.ready, half_steps_ % 2);
    ++half_steps_;
    put(g, place, unit, h);
    publish_writes();
    sync_some(kForMultipliers, kMultipliers * kGroupThreads);
    if (thread_ == 0) send(g);
    return true;
  }

  // The new c, and in h what has become of it.
  SKETCHRNN_FN void cells_of(int g, int unit, float (&c)[kCells], float (&h)[kCells]) {
    const bool is_unit = unit < net_.hidden;
    const int safe = is_unit ? unit : 0;  // units beyond the net's are computed and dropped
    const uint32_t depth = static_cast<uint32_t>(blocks_) * kClusterUnits;
    const uint32_t tiles =
        shared_address(s_.weights) + static_cast<uint32_t>(thread_ / kGroupThreads) * 128 * depth;
    const uint64_t b = matrix_at(shared_address(bytes(g)), kColumn, kEightRows);
    const uint64_t first = matrix_at(tiles, kColumn, kEightRows);
    const uint64_t second = matrix_at(tiles + 64 * depth, kColumn, kEightRows);
    const int products = (net_.hidden + kDepth - 1) / kDepth;
    float totals[kCells][kGates];
    for (int k = 0; k < products; k += kPerBlock) {
      const int count = products - k < kPerBlock ? products - k : kPerBlock;
      GroupSums ij, fo;
      begin_products();
      for (int i = 0; i < count; ++i) {
        // The address is the descriptor's lowest field, in units of 16 bytes.
        const uint64_t at = static_cast<uint64_t>(k + i) * (kDepth / 16 * kColumn / 16);
        multiply_bytes(ij, first + at, b + at, i != 0);
        multiply_bytes(fo, second + at, b + at, i != 0);
      }
      end_products();
      if (k == 0) {
#pragma unroll
        for (int i = 0; i < kCells; ++i) {
          // Or all loads would be begun at once, and c would have to leave its registers.
          if (i % 8 == 0) __syncwarp();
          const Message& m = messages(g)[lane_of_cell(i, in_warp_)];
          const float* const bias = condition_number(net_, work_.conditions, m.what >> 4).bias;
          start_totals(net_, safe, {m.dx, m.dy, static_cast<Pen>(m.what & 3), bias}, totals[i]);
        }
      }
      wait_for_products();
      float scale[kGates];
      load_scale(net_, safe, scale);
#pragma unroll
      for (int i = 0; i < kCells; ++i) {
        const int at = i / 2 * 4 + i % 2;
        totals[i][0] = fmaf(static_cast<float>(ij[at]), scale[0], totals[i][0]);
        totals[i][1] = fmaf(static_cast<float>(ij[at + 2]), scale[1], totals[i][1]);
        totals[i][2] = fmaf(static_cast<float>(fo[at]), scale[2], totals[i][2]);
        totals[i][3] = fmaf(static_cast<float>(fo[at + 2]), scale[3], totals[i][3]);
      }
    }
    sync_some(kForEach + thread_ / kGroupThreads, kGroupThreads);
    if (thread_ % kGroupThreads < blocks_)
      arrive_there(&barriers_.read[g], static_cast<unsigned>(thread_ % kGroupThreads));
#pragma unroll
    for (int i = 0; i < kCells; ++i) {
      const uint32_t what = messages(g)[lane_of_cell(i, in_warp_)].what;
      if ((what >> 2 & 3) == kBegins) {
        const ConditionView own = condition_number(net_, work_.conditions, what >> 4);
        c[i] = own.c[safe];
        h[i] = own.h[safe];
      } else {
        h[i] = update(totals[i], c[i]);
      }
      if (!is_unit) h[i] = 0.0f;
    }
  }

  // h as bytes where the block's own part of them is, and as floats in the order of their readers.
  SKETCHRNN_FN void put(int g, int place, int unit, const float (&h)[kCells]) {
    int8_t* const part =
        bytes(g) + (rank_ * kClusterUnits + place) / 16 * static_cast<int>(kColumn) + place % 16;
    const float scale = unit < net_.hidden ? net_.h_scale[unit] : 0.0f;
#pragma unroll
    for (int i = 0; i < kCells; ++i) {
      const int l = lane_of_cell(i, in_warp_);
      part[l * 16] = static_cast<int8_t>(rounded_integer(h[i], scale, net_.h_limit));
      s_.going[l * kClusterUnits + place] = h[i];
    }
  }

  // By one thread.
  SKETCHRNN_FN void send(int g) {
    constexpr uint32_t size = kClusterLanes * kClusterUnits;
    int8_t* const part = bytes(g) + rank_ * static_cast<int>(size);
    arrive_expecting(&barriers_.bytes[g], size * static_cast<uint32_t>(blocks_ - 1));
    const int floats = own_lanes_ * kClusterUnits;
    for (int i = 0; i < blocks_; ++i) {
      const int to = (rank_ + i) % blocks_;  // not all to the same at once
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
    const int thread = thread_ % kGroupThreads;
    if (thread == 0)
      arrive_expecting(&barriers_.floats, kClusterLanes * kClusterUnits * sizeof(float));
    if (thread < blocks_) arrive_there(&barriers_.ready, static_cast<unsigned>(thread));
    wait(&barriers_.floats, half_steps_ % 2);
    ++half_steps_;
    predict_choices(g);
    sync_some(kForSamplers, kGroupThreads);
    for (int l = warp_; l < own_lanes_; l += kWarps) {
      if (lane(g, l).active) draw_point(g, l);
      tell(g, l, step + 1);
    }
    send_messages(g);
    return true;
  }

  SKETCHRNN_FN const float* h_of(int l) const { return s_.floats + l * kClusterUnits; }
  SKETCHRNN_FN size_t next_block() const { return static_cast<size_t>(own_lanes_) * kClusterUnits; }

  // Logits of pen and components: two rows of weights for eight lanes at once, for a row's weights
  // serve all lanes and a lane's h both rows.
  SKETCHRNN_FN void predict_choices(int g) {
    constexpr int kTogether = kClusterLanes / kClusterBlocks, kRows = 2;
    const int last = net_.choices() - 1, pairs = (last + kRows) / kRows;
    for (int task = warp_; task < pairs * (own_lanes_ / kTogether); task += kWarps) {
      const int row = task % pairs * kRows, l = task / pairs * kTogether;
      const float* weights[kRows * kTogether];
      const float* h[kRows * kTogether];
      float sum[kRows * kTogether];
#pragma unroll
      for (int n = 0; n < kRows * kTogether; ++n) {
        const int o = row + n / kTogether;  // an odd last row is made twice
        weights[n] = net_.head + (o < last ? o : last) * net_.head_stride;
        h[n] = h_of(l + n % kTogether);
      }
      warp_sums<kRows * kTogether>(net_, weights, h, 1, next_block(), sum);
      // Each finished by a thread of its own.
      float mine = 0.0f;
#pragma unroll
      for (int n = 0; n < kRows * kTogether; ++n) mine = in_warp_ == n ? sum[n] : mine;
      const int o = row + in_warp_ / kTogether, at = l + in_warp_ % kTogether;
      if (in_warp_ < kRows * kTogether && o <= last && lane(g, at).active)
        s_.logits[o * own_lanes_ + at] = head_output(net_, lane(g, at).own.head_bias, o, mine);
    }
  }

  // The point of a lane, by a whole warp.
  SKETCHRNN_FN void draw_point(int g, int l) {
    Lane& at = lane(g, l);
    const size_t n = static_cast<size_t>(own_lanes_);
    const Temperature temperature = work_.draw.temperature;
    const PointUniforms u = uniforms_of(work_.draw, at);
    const int pen = warp_choose(s_.logits + l, n, kPenStates, temperature, u.pen);
    const int component =
        warp_choose(s_.logits + kPenStates * n + l, n, net_.mixtures, temperature, u.component);
    const int row = net_.choices() + component * kPlaceOutputs;
    const float* weights[kPlaceOutputs];
    const float* h[kPlaceOutputs];
    float params[kPlaceOutputs];
#pragma unroll
    for (int p = 0; p < kPlaceOutputs; ++p) {
      weights[p] = net_.head + (row + p) * net_.head_stride;
      h[p] = h_of(l);
    }
    warp_sums<kPlaceOutputs>(net_, weights, h, 1, next_block(), params);
#pragma unroll
    for (int p = 0; p < kPlaceOutputs; ++p)
      params[p] = head_output(net_, at.own.head_bias, row + p, params[p]);
    const Offset offset = place_point(params, 1, temperature, u.radius, u.angle);
    __syncwarp();
    if (in_warp_ == 0 && take_point(net_, work_.draw, work_.control, at, offset, pen, true))
      at.active = 0;
    __syncwarp();
  }

  // What lane l does next: idle ones get a drawing, if there is one and nobody says stop.
  SKETCHRNN_FN void tell(int g, int l, uint32_t step) {
    if (in_warp_ != 0) return;
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
    if (thread_ % kGroupThreads != 0) return;
    const uint32_t bytes = static_cast<uint32_t>(own_lanes_ * sizeof(Message));
    arrive_expecting(&barriers_.messages[g], bytes * static_cast<uint32_t>(blocks_ - 1));
    for (int i = 1; i < blocks_; ++i)
      copy_there(own_messages(g), own_messages(g), bytes, &barriers_.messages[g],
                 static_cast<unsigned>((rank_ + i) % blocks_));
  }

  const int thread_ = static_cast<int>(threadIdx.x);
  const int warp_ = thread_ / static_cast<int>(kWarp) % kWarps;  // of its warpgroup
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
constexpr int kSamplerRegisters = 88, kMultiplierRegisters = 208;

__global__ void SKETCHRNN_CLUSTER_BOUNDS cluster_kernel(const __grid_constant__ NetView net,
                                                        const __grid_constant__ ClusterWork work) {
#if SKETCHRNN_CLUSTERS
  SKETCHRNN_SHARED_MEMORY(memory);
  Cluster cluster(net, work, memory);
  cluster.begin();
  if (threadIdx.x < kClusterThreads - 128) {
    take_registers<kMultiplierRegisters>();
    cluster.multiply();
  } else {
    give_registers<kSamplerRegisters>();
    cluster.sample();
  }
  cluster_sync();  // no block may end while another writes to its memory
#endif
}

}  // namespace
}  // namespace sketchrnn::cuda
