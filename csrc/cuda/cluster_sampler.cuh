// The warpgroup of a cluster's block that samples (many_clusters.cuh): the head of a group's new h, a
// point of each lane, and what the lanes are to do next.
#pragma once

#include "cuda/cluster_block.cuh"

namespace sketchrnn::cuda {
namespace {

// A look at the host's memory costs a microsecond, a step of a group some six.
constexpr uint32_t kClusterStepsBetweenStops = 16;

template <int kBlocks>
class ClusterSampler : ClusterBlock<kBlocks> {
  using Block = ClusterBlock<kBlocks>;

 public:
  using Block::Block;

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
  using Block::anybody;
  using Block::barriers_;
  using Block::blocks_;
  using Block::half_steps_;
  using Block::in_group_;
  using Block::in_warp_;
  using Block::kForSamplers;
  using Block::kGroupThreads;
  using Block::kWarps;
  using Block::lane;
  using Block::messages;
  using Block::net_;
  using Block::own_lanes_;
  using Block::own_messages;
  using Block::rank_;
  using Block::s_;
  using Block::warp_;
  using Block::work_;

  // Threads that have a sum of the head together, and sums that they can have at once.
  static constexpr int kHalf = 16, kMostSums = kHalf / 2;

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
};

}  // namespace
}  // namespace sketchrnn::cuda
