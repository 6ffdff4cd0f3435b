// The host's side of CUDA: a net on a device, its drawings and what is predicted of given ones.

#include <cuda_runtime.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "cuda/device.h"
#include "cuda/drawn.cuh"
#include "cuda/few.cuh"
#include "cuda/job.cuh"
#include "cuda/launch.cuh"
#include "cuda/layout.h"
#include "cuda/many_clusters.cuh"
#include "cuda/many_integer.cuh"
#include "cuda/memory.cuh"
#include "cuda/plan.h"
#include "engine/workers.h"

namespace sketchrnn::cuda {
namespace {

using FewKernel = void (*)(const NetView, const FewWork);
using ManyKernel = void (*)(const NetView, const ManyWork);

// The kernels of a precision.
struct Functions {
  FewKernel few_resident, few;
  ManyKernel draw, follow;
};

template <class Element, class Gates>
Functions functions_of() {
  return {few_kernel<Element, true>, few_kernel<Element, false>, many_kernel<Gates, true>,
          many_kernel<Gates, false>};
}

Functions functions_of(Precision precision) {
  if (precision == Precision::f32) return functions_of<F32, ScalarGates>();
  if (precision == Precision::i16) return functions_of<I16, TensorGates<I16>>();
  return functions_of<I8, TensorGates<I8>>();
}

// A call's conditions in the device's memory.
class DeviceConditions {
 public:
  DeviceConditions(int ordinal, const Conditions& conditions, std::size_t count) {
    const ConditionTable table(conditions, count);
    numbers_ = {ordinal, table.numbers.data(), table.numbers.size()};
    which_ = {ordinal, table.which.data(), table.which.size()};
  }

  // Of the drawings from number `first` on.
  ConditionsView from(std::size_t first) const {
    return {numbers_.get(), which_.count() == 0 ? nullptr : which_.get() + first};
  }

 private:
  Buffer<float> numbers_;
  Buffer<std::uint32_t> which_;
};

Machine machine_of(int ordinal) {
  const auto attribute = [&](cudaDeviceAttr which) {
    int value = 0;
    check(cudaDeviceGetAttribute(&value, which, ordinal), ordinal, "asking about it");
    return value;
  };
  return {ordinal, attribute(cudaDevAttrMultiProcessorCount),
          static_cast<std::size_t>(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin)), 0};
}

class CudaDevice final : public Device {
 public:
  CudaDevice(std::shared_ptr<const Net> net, int ordinal)
      : Device(std::move(net)), ordinal_(ordinal) {
    const Current current(ordinal);
    machine_ = machine_of(ordinal);
    functions_ = functions_of(this->net()->precision());
    // Once, and to the most that there is: it is the function's, whoever launches it.
    for (const void* const function : {reinterpret_cast<const void*>(functions_.few_resident),
                                       reinterpret_cast<const void*>(functions_.few),
                                       reinterpret_cast<const void*>(functions_.draw),
                                       reinterpret_cast<const void*>(functions_.follow)})
      allow_shared_memory(function);
    const Layout layout(*this->net());
    view_ = layout.view;
    const auto upload = [&](auto& buffer, const auto* data, std::size_t count) {
      buffer = {ordinal, data, count};
      return buffer.get();
    };
    view_.offsets = upload(offsets_, layout.offsets.data(), layout.offsets.size());
    view_.scale = upload(scale_, layout.scale.data(), layout.scale.size());
    view_.h_scale = upload(h_scale_, layout.h_scale.data(), layout.h_scale.size());
    view_.rows = upload(rows_, layout.rows.data(), layout.rows.size());
    view_.tiles = upload(tiles_, layout.tiles.data(), layout.tiles.size());
    view_.head = upload(head_, layout.view.head,
                        static_cast<std::size_t>(view_.outputs()) * view_.head_stride);
    machine_.clusters = clusters_of();
    if (machine_.clusters > 0) {
      const std::vector<std::uint32_t> weights = cluster_weights(*this->net(), kClusterBlocks);
      upload(cluster_weights_, weights.data(), weights.size());
      const AlignedFloats units = cluster_units(*this->net(), kClusterBlocks);
      upload(cluster_units_, units.data(), units.size());
      const AlignedFloats head = cluster_head(*this->net(), kClusterBlocks);
      upload(cluster_head_, head.data(), head.size());
    }
  }

  std::string name() const override { return "cuda:" + std::to_string(ordinal_); }

  Batch draw(const Conditions& conditions, const std::vector<Row>& prefix,
             const DrawOptions& options, const Progress& progress) const override {
    const Current current(ordinal_);
    const DeviceConditions own(ordinal_, conditions, options.count);
    Batch batch;
    batch.count = options.count;
    batch.offsets.reset(new std::int64_t[options.count + 1]);
    batch.offsets[0] = 0;
    // Waves as large as certainly fit, whose rows are put together at the end.
    const std::size_t wave = wave_of(prefix.size(), options);
    std::vector<std::unique_ptr<float[]>> parts;
    for (std::size_t first = 0; first < options.count; first += wave) {
      const std::size_t count = std::min(wave, options.count - first);
      const Drawn drawn = draw_wave(own, prefix, options, first, count, progress);
      for (std::size_t i = 0; i < count; ++i)
        batch.offsets[first + i + 1] = batch.offsets[first] + drawn.offsets[i + 1];
      parts.emplace_back(new float[kStroke5 * static_cast<std::size_t>(drawn.offsets[count])]);
      cuda::copy(ordinal_, parts.back().get(), drawn.rows.get(), drawn.rows.bytes(),
                 "copying the drawings");
    }
    if (parts.size() == 1) {
      batch.rows = std::move(parts[0]);
      return batch;
    }
    batch.rows.reset(new float[kStroke5 * static_cast<std::size_t>(batch.offsets[options.count])]);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::size_t first = i * wave, last = std::min(first + wave, options.count);
      std::copy_n(parts[i].get(), kStroke5 * (batch.offsets[last] - batch.offsets[first]),
                  batch.rows.get() + kStroke5 * batch.offsets[first]);
      parts[i].reset();
    }
    return batch;
  }

  std::shared_ptr<const DeviceBatch> draw_there(const Conditions& conditions,
                                                const std::vector<Row>& prefix,
                                                const DrawOptions& options,
                                                const Progress& progress) const override {
    const Current current(ordinal_);
    const std::size_t wave = wave_of(prefix.size(), options);
    if (wave < options.count)
      fail(ordinal_, "n: " + std::to_string(options.count) +
                         " drawings may not fit into its free memory at once, " +
                         std::to_string(wave) + " do");
    const DeviceConditions own(ordinal_, conditions, options.count);
    return std::make_shared<const CudaBatch>(
        draw_wave(own, prefix, options, 0, options.count, progress), ordinal_);
  }

  void follow(const Conditions& conditions, const Drawings& drawings, int threads,
              const Visit& visit, const Progress& progress) const override {
    const Current current(ordinal_);
    const DeviceConditions own(ordinal_, conditions, drawings.count);
    const auto outputs = static_cast<std::size_t>(view_.outputs());
    std::vector<float> z;
    for (std::size_t first = 0, last; first < drawings.count; first = last) {
      last = plan_part(drawings, first, view_.outputs());
      const std::int64_t begin = drawings.offsets[first];
      const auto rows = static_cast<std::size_t>(drawings.offsets[last] - begin);
      z.resize(rows * outputs);
      predict(own.from(first), drawings, first, last, z.data(), progress);
      run_workers(static_cast<std::size_t>(threads), rows, {}, [&](std::size_t, WorkQueue& queue) {
        for (std::size_t i = 0; queue.take(i) && queue.go_on();)
          visit(begin + static_cast<std::int64_t>(i), z.data() + i * outputs);
      });
    }
  }

  double kernel_seconds() const override { return 1e-9 * static_cast<double>(nanoseconds_); }

 private:
  void allow_shared_memory(const void* function) const {
    check(cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(machine_.shared_bytes)),
          ordinal_, "asking for shared memory");
  }

  // How many clusters run at once, if the net is one for them and the kernel is more than an empty
  // one here, which takes no block of its size.
  int clusters_of() const {
    Machine some = machine_;
    some.clusters = 1;
    const ClusterPlan plan = plan_clusters(view_, some, SIZE_MAX / 2, 0);
    if (plan.blocks == 0) return 0;
    const auto function = reinterpret_cast<const void*>(&cluster_kernel<kClusterBlocks>);
    cudaFuncAttributes facts{};
    check(cudaFuncGetAttributes(&facts, function), ordinal_, "asking for a kernel");
    if (facts.maxThreadsPerBlock < kClusterThreads) return 0;
    allow_shared_memory(function);
    return resident_clusters(cluster_kernel<kClusterBlocks>,
                             {plan.blocks, plan.threads, plan.shared, false, plan.cluster});
  }

  void count_time(float milliseconds) const {
    nanoseconds_ += static_cast<std::uint64_t>(1e6 * static_cast<double>(milliseconds));
  }

  std::size_t wave_of(std::size_t given, const DrawOptions& options) const {
    std::size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total), ordinal_, "asking for its memory");
    return plan_wave(machine_, free, given, options);
  }

  // What the net predicts of the rows of drawings [first, last).
  void predict(const ConditionsView& conditions, const Drawings& drawings, std::size_t first,
               std::size_t last, float* z, const Progress& progress) const {
    const std::int64_t begin = drawings.offsets[first];
    std::vector<std::int64_t> starts(drawings.offsets + first, drawings.offsets + last + 1);
    for (std::int64_t& start : starts) start -= begin;
    const Buffer<Row> given(ordinal_, drawings.rows + begin,
                            static_cast<std::size_t>(starts.back()));
    const Buffer<std::int64_t> offsets(ordinal_, starts.data(), starts.size());
    const Buffer<float> out(ordinal_, given.count() * static_cast<std::size_t>(view_.outputs()));
    ManyWork work{};
    work.conditions = conditions;
    work.follow = {given.get(), offsets.get(), last - first, out.get()};
    Job job(ordinal_);
    run_many(work, job, last - first, 0, false, progress, first);
    cuda::copy(ordinal_, z, out.get(), out.bytes(), "copying the predictions");
  }

  Drawn draw_wave(const DeviceConditions& conditions, const std::vector<Row>& prefix,
                  const DrawOptions& options, std::size_t first, std::size_t count,
                  const Progress& progress) const {
    Drawn drawn;
    drawn.offsets.assign(count + 1, 0);
    if (count == 0) {
      drawn.device_offsets = {ordinal_, drawn.offsets.data(), 1};
      return drawn;
    }
    const std::size_t most = options.max_len - prefix.size();
    const Buffer<Row> rows(ordinal_, count * most);
    const Buffer<std::uint32_t> lengths(ordinal_, count);
    const Draw draw{options.seed,
                    options.index + first,
                    count,
                    static_cast<std::uint32_t>(prefix.size()),
                    static_cast<std::uint32_t>(options.max_len),
                    options.temperature,
                    rows.get(),
                    most,
                    lengths.get()};
    Job job(ordinal_);
    if (suits_few(count, options.lanes)) {
      FewWork work{};
      work.conditions = conditions.from(first);
      work.draw = draw;
      run_few(work, job, progress, first);
    } else if (const ClusterPlan plan = plan_clusters(view_, machine_, count, options.lanes);
               plan.blocks > 0) {
      ClusterWork work{};
      work.conditions = conditions.from(first);
      work.draw = draw;
      run_clusters(work, plan, job, progress, first);
    } else {
      ManyWork work{};
      work.conditions = conditions.from(first);
      work.draw = draw;
      run_many(work, job, count, options.lanes, true, progress, first);
    }
    std::vector<std::uint32_t> found(count);
    cuda::copy(ordinal_, found.data(), lengths.get(), lengths.bytes(), "copying lengths");
    for (std::size_t i = 0; i < count; ++i)
      drawn.offsets[i + 1] = drawn.offsets[i] + static_cast<std::int64_t>(prefix.size() + found[i]);
    drawn.device_offsets = {ordinal_, drawn.offsets.data(), count + 1};
    drawn.rows = {ordinal_, kStroke5 * static_cast<std::size_t>(drawn.offsets[count])};
    const Buffer<Row> before(ordinal_, prefix.data(), prefix.size());
    const auto blocks = static_cast<unsigned>(std::min<std::size_t>(count, 65535));
    start(ordinal_, gather_kernel, {blocks, 128, 0, false}, kOwn, rows.get(), most,
          drawn.device_offsets.get(), count, before.get(), static_cast<std::int64_t>(prefix.size()),
          drawn.rows.get());
    finish(ordinal_, "gathering rows");
    return drawn;
  }

  // The kernels, to their end; `work` lacks what the plan says. `done` drawings were done before.
  void run_few(FewWork work, Job& job, const Progress& progress, std::size_t done) const {
    const FewPlan plan = plan_few(view_, machine_, static_cast<int>(work.draw.count));
    const Buffer<unsigned long long> exchange(ordinal_, plan.exchange_words);
    work.control = job.control();
    work.exchange = exchange.get();
    work.lanes = plan.lanes;
    work.units = plan.units;
    const FewKernel kernel = plan.resident ? functions_.few_resident : functions_.few;
    count_time(job.run(progress, done, [&] {
      check(cudaMemsetAsync(exchange.get(), 0, exchange.bytes(), job.stream()), ordinal_,
            "clearing memory");
      // Cooperative: all blocks must run at once, for each waits for all others.
      start(ordinal_, kernel, {plan.blocks, plan.threads, plan.shared, true}, job.stream(), view_,
            work);
    }));
  }

  void run_many(ManyWork work, Job& job, std::size_t count, int lanes, bool draw,
                const Progress& progress, std::size_t done) const {
    const ManyPlan plan = plan_many(view_, machine_, count, lanes, draw);
    const Buffer<float> c(ordinal_, plan.cells);
    work.control = job.control();
    work.c = c.get();
    work.lanes = plan.lanes;
    const ManyKernel kernel = draw ? functions_.draw : functions_.follow;
    count_time(job.run(progress, done, [&] {
      start(ordinal_, kernel, {plan.blocks, plan.threads, plan.shared, false}, job.stream(), view_,
            work);
    }));
  }

  void run_clusters(ClusterWork work, const ClusterPlan& plan, Job& job, const Progress& progress,
                    std::size_t done) const {
    const Buffer<Lane> lanes(ordinal_, plan.lanes);
    work.control = job.control();
    work.weights = cluster_weights_.get();
    work.units = cluster_units_.get();
    work.head = cluster_head_.get();
    work.lane = lanes.get();
    count_time(job.run(progress, done, [&] {
      start(ordinal_, cluster_kernel<kClusterBlocks>,
            {plan.blocks, plan.threads, plan.shared, false, plan.cluster}, job.stream(), view_,
            work);
    }));
  }

  int ordinal_;
  Machine machine_{};
  Functions functions_{};
  NetView view_{};
  Buffer<float> offsets_, scale_, h_scale_, head_, cluster_units_, cluster_head_;
  Buffer<std::uint32_t> rows_, tiles_, cluster_weights_;
  mutable std::atomic<std::uint64_t> nanoseconds_{0};
};

}  // namespace

std::shared_ptr<const Device> put_on_device(std::shared_ptr<const Net> net, int ordinal) {
  const DeviceList list = devices();
  if (list.found.empty()) throw DeviceError("device: no CUDA device: " + list.reason);
  if (ordinal < 0 || static_cast<std::size_t>(ordinal) >= list.found.size())
    throw DeviceError("device: expected cuda:0 to cuda:" + std::to_string(list.found.size() - 1) +
                      ", found cuda:" + std::to_string(ordinal));
  const DeviceInfo& device = list.found[static_cast<std::size_t>(ordinal)];
  if (!device.usable) fail(ordinal, device.name + ": " + device.reason);
  return std::make_shared<const CudaDevice>(std::move(net), ordinal);
}

std::shared_ptr<void> copied_on_device(int ordinal, const void* data, std::size_t bytes) {
  struct Lent {
    ~Lent() { finish_all(buffer.ordinal()); }
    Buffer<char> buffer;
  };
  const Current current(ordinal);
  auto lent = std::make_shared<Lent>();
  lent->buffer = {ordinal, static_cast<const char*>(data), bytes};
  return {lent, lent->buffer.get()};
}

}  // namespace sketchrnn::cuda
