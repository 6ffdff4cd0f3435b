// The host's side of CUDA: nets and states on a device, and which kernel runs over which blocks.

#include <cuda_runtime.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "cuda/device.h"
#include "cuda/few.cuh"
#include "cuda/job.cuh"
#include "cuda/layout.h"
#include "cuda/many_i8.cuh"
#include "cuda/memory.cuh"
#include "error.h"

namespace sketchrnn::cuda {
namespace {

template <class Run>
void with_gates(Precision precision, Run run) {
  if (precision == Precision::f32) return run(ScalarGates<F32>{});
  if (precision == Precision::i16) return run(ScalarGates<I16>{});
  run(TensorGates{});
}

// Stroke-5 rows one drawing after another, the given rows first.
__global__ void gather_kernel(const Row* rows, std::size_t row_stride, const std::int64_t* offsets,
                              std::uint64_t count, const Row* prefix, std::int64_t prefix_rows,
                              float* out) {
  for (std::uint64_t k = blockIdx.x; k < count; k += gridDim.x) {
    const std::int64_t length = offsets[k + 1] - offsets[k];
    for (std::int64_t t = threadIdx.x; t < length; t += blockDim.x) {
      const Row row = t < prefix_rows
                          ? prefix[t]
                          : rows[k * row_stride + static_cast<std::size_t>(t - prefix_rows)];
      float* const target = out + 5 * (offsets[k] + t);
      target[0] = row.dx;
      target[1] = row.dy;
      for (int p = 0; p < kPenStates; ++p)
        target[2 + p] = static_cast<int>(row.pen) == p ? 1.0f : 0.0f;
    }
  }
}

// All head outputs of one state, in the contract's order; a warp for each.
__global__ void predict_kernel(NetView net, const float* h, float* z) {
  const int row = static_cast<int>((blockIdx.x * blockDim.x + threadIdx.x) / kWarp);
  if (row >= net.outputs()) return;
  const float value = warp_head(net, row, h, 1);
  if (threadIdx.x % kWarp == 0) z[contract_output(net, row)] = value;
}

class CudaNet;

class CudaState final : public DeviceState {
 public:
  explicit CudaState(std::shared_ptr<const CudaNet> net);
  std::unique_ptr<DeviceState> copy() const override;
  void reset() override;
  void take_in(const Row* rows, std::size_t count) override;
  Row draw_point(const Row* pending, Temperature temperature, std::uint64_t seed,
                 std::uint64_t index, std::uint32_t point) override;
  void predict(float* z) const override;
  void read(float* h, float* c) const override;
  Start start() const { return {h_.get(), c_.get()}; }

 private:
  // A few kernel over this state, in its own memory: a step allocates nothing.
  void run(FewWork work, bool draw);
  void copy_of(CudaState& to, const Start& from) const {
    cuda::copy(net_ordinal(), to.h_.get(), from.h, h_.bytes(), "copying a state");
    cuda::copy(net_ordinal(), to.c_.get(), from.c, c_.bytes(), "copying a state");
  }
  int net_ordinal() const;

  std::shared_ptr<const CudaNet> net_;
  Job job_;
  Buffer<unsigned long long> exchange_;
  Buffer<float> h_, c_, z_;
  Buffer<Row> row_;
  Buffer<std::uint32_t> length_;
};

class CudaBatch final : public DeviceBatch {
 public:
  CudaBatch(Buffer<float> rows, Buffer<std::int64_t> offsets, std::int64_t total)
      : rows_(std::move(rows)), offsets_(std::move(offsets)), total_(total) {}
  const float* rows() const override { return rows_.get(); }
  const std::int64_t* offsets() const override { return offsets_.get(); }
  std::int64_t total() const override { return total_; }
  std::size_t count() const override { return offsets_.count() - 1; }

 private:
  Buffer<float> rows_;
  Buffer<std::int64_t> offsets_;
  std::int64_t total_;
};

class CudaNet final : public DeviceNet {
 public:
  CudaNet(std::shared_ptr<const Net> net, int ordinal) : net_(std::move(net)), ordinal_(ordinal) {
    const Current current(ordinal);
    check(cudaDeviceGetAttribute(&multiprocessors_, cudaDevAttrMultiProcessorCount, ordinal),
          ordinal, "asking about it");
    check(cudaDeviceGetAttribute(&shared_bytes_, cudaDevAttrMaxSharedMemoryPerBlockOptin, ordinal),
          ordinal, "asking about it");
    const Layout layout(*net_);
    view_ = layout.view;
    const auto upload = [&](auto& buffer, const auto* data, std::size_t count) {
      buffer = std::decay_t<decltype(buffer)>(ordinal, data, count);
      return buffer.get();
    };
    const auto outputs = static_cast<std::size_t>(net_->outputs());
    view_.input = upload(input_, layout.input.data(), layout.input.size());
    view_.scale = upload(scale_, layout.scale.data(), layout.scale.size());
    view_.h_scale = upload(h_scale_, layout.h_scale.data(), layout.h_scale.size());
    view_.rows = upload(rows_, layout.rows.data(), layout.rows.size());
    view_.tiles = upload(tiles_, layout.tiles.data(), layout.tiles.size());
    view_.head = upload(head_, layout.view.head, outputs * view_.head_stride);
    view_.head_bias = upload(head_bias_, layout.view.head_bias, outputs);
    upload(start_h_, layout.start_h.data(), layout.start_h.size());
    upload(start_c_, layout.start_c.data(), layout.start_c.size());
  }

  const Net& net() const override { return *net_; }
  int ordinal() const override { return ordinal_; }
  const NetView& view() const { return view_; }
  Start origin() const { return {start_h_.get(), start_c_.get()}; }

  std::unique_ptr<DeviceState> start() const override {
    const Current current(ordinal_);
    return std::make_unique<CudaState>(std::static_pointer_cast<const CudaNet>(shared_from_this()));
  }

  Batch draw(const DeviceState& from, const std::vector<Row>& prefix, const DrawOptions& options,
             const Progress& progress) const override {
    const Current current(ordinal_);
    Batch batch;
    batch.count = options.count;
    batch.offsets.reset(new std::int64_t[options.count + 1]);
    batch.offsets[0] = 0;
    // Waves as large as certainly fit, whose rows are put together at the end.
    const std::size_t wave = wave_of(prefix.size(), options);
    std::vector<std::unique_ptr<float[]>> parts;
    for (std::size_t first = 0; first < options.count; first += wave) {
      const std::size_t count = std::min(wave, options.count - first);
      const Drawn drawn = draw_wave(from, prefix, options, first, count, progress);
      for (std::size_t i = 0; i < count; ++i)
        batch.offsets[first + i + 1] = batch.offsets[first] + drawn.offsets[i + 1];
      parts.emplace_back(new float[5 * static_cast<std::size_t>(drawn.offsets[count])]);
      cuda::copy(ordinal_, parts.back().get(), drawn.rows.get(), drawn.rows.bytes(),
                 "copying the drawings");
    }
    if (parts.size() == 1) {
      batch.rows = std::move(parts[0]);
      return batch;
    }
    batch.rows.reset(new float[5 * static_cast<std::size_t>(batch.offsets[options.count])]);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::size_t first = i * wave, last = std::min(first + wave, options.count);
      std::copy_n(parts[i].get(), 5 * (batch.offsets[last] - batch.offsets[first]),
                  batch.rows.get() + 5 * batch.offsets[first]);
      parts[i].reset();
    }
    return batch;
  }

  std::shared_ptr<DeviceBatch> draw_there(const DeviceState& from, const std::vector<Row>& prefix,
                                          const DrawOptions& options,
                                          const Progress& progress) const override {
    const Current current(ordinal_);
    const std::size_t wave = wave_of(prefix.size(), options);
    if (wave < options.count)
      fail(ordinal_, "n: " + std::to_string(options.count) +
                         " drawings may not fit into its free memory at once, " +
                         std::to_string(wave) + " do");
    Drawn drawn = draw_wave(from, prefix, options, 0, options.count, progress);
    return std::make_shared<CudaBatch>(std::move(drawn.rows), std::move(drawn.device_offsets),
                                       drawn.offsets[options.count]);
  }

  void forward(const Drawings& drawings, float* z, const Progress& progress) const override {
    if (drawings.count == 0) return;
    const Current current(ordinal_);
    const auto total = static_cast<std::size_t>(drawings.offsets[drawings.count]);
    const Buffer<Row> given(ordinal_, drawings.rows, total);
    const Buffer<std::int64_t> offsets(ordinal_, drawings.offsets, drawings.count + 1);
    const Buffer<float> out(ordinal_, total * static_cast<std::size_t>(view_.outputs()));
    Job job(ordinal_);
    ManyWork work{};
    work.start = origin();
    work.follow = {given.get(), offsets.get(), drawings.count, out.get()};
    run_many(work, job, drawings.count, 0, false, progress, 0);
    cuda::copy(ordinal_, z, out.get(), out.bytes(), "copying the predictions");
  }

  // Words of exchange memory that run_few() needs for so many lanes.
  std::size_t exchange_words(int lanes) const {
    return 2 * static_cast<std::size_t>(lanes) * static_cast<std::size_t>(view_.units);
  }

  // Runs `work` (its control and units are filled in here) on the whole device, and waits.
  void run_few(FewWork work, Job& job, bool draw, const Progress& progress,
               std::size_t done) const {
    work.control = job.control();
    work.units = (view_.hidden + multiprocessors_ - 1) / multiprocessors_;
    const int blocks = (view_.hidden + work.units - 1) / work.units;
    const int items = few_items(view_, work.units);
    const bool resident = items <= kFewThreads;
    const int warp = static_cast<int>(kWarp);
    const int threads = resident ? std::max(256, (items + warp - 1) / warp * warp) : kFewThreads;
    with_element(net_->precision(), [&](auto element) {
      using Element = decltype(element);
      const std::size_t shared = few_shared<Element>(view_, work.lanes, work.units, nullptr).bytes;
      const auto kernel =
          draw ? (resident ? few_kernel<Element, true, true> : few_kernel<Element, false, true>)
               : (resident ? few_kernel<Element, true, false> : few_kernel<Element, false, false>);
      const void* const function = reinterpret_cast<const void*>(kernel);
      allow_shared(function, shared);
      NetView view = view_;
      void* arguments[] = {&view, &work};
      count_time(job.run(progress, done, [&] {
        check(
            cudaMemsetAsync(work.exchange, 0,
                            exchange_words(work.lanes) * sizeof(unsigned long long), job.stream()),
            ordinal_, "clearing memory");
        // Cooperative: all blocks must run at once, for each waits for all others.
        check(cudaLaunchCooperativeKernel(function, dim3(static_cast<unsigned>(blocks)),
                                          dim3(static_cast<unsigned>(threads)), arguments, shared,
                                          job.stream()),
              ordinal_, "starting the kernel for few sketches");
      }));
    });
  }

  double kernel_seconds() const override { return 1e-9 * static_cast<double>(nanoseconds_); }

 private:
  // Drawings on the device, one after another.
  struct Drawn {
    Buffer<float> rows;
    Buffer<std::int64_t> device_offsets;
    std::vector<std::int64_t> offsets;
  };

  void count_time(float milliseconds) const {
    nanoseconds_ += static_cast<std::uint64_t>(1e6 * static_cast<double>(milliseconds));
  }

  void allow_shared(const void* function, std::size_t bytes) const {
    if (bytes > static_cast<std::size_t>(shared_bytes_))
      fail(ordinal_, "a net of " + std::to_string(view_.hidden) + " units needs " +
                         std::to_string(bytes) + " bytes of shared memory, there are " +
                         std::to_string(shared_bytes_));
    check(cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(bytes)),
          ordinal_, "asking for shared memory");
  }

  // Drawings that certainly fit into the free memory: their rows as drawn and as handed out, all of
  // the greatest length.
  std::size_t wave_of(std::size_t given, const DrawOptions& options) const {
    std::size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total), ordinal_, "asking for its memory");
    const std::size_t each =
        (options.max_len - given) * sizeof(Row) + options.max_len * 5 * sizeof(float) + 64;
    const std::size_t fit = free / 10 * 9 / each;
    if (fit == 0)
      fail(ordinal_, "out of memory: a drawing of max_len = " + std::to_string(options.max_len) +
                         " rows needs " + std::to_string(each) + " bytes, " + std::to_string(free) +
                         " of " + std::to_string(total) + " are free");
    return std::max<std::size_t>(1, std::min(fit, options.count));
  }

  Drawn draw_wave(const DeviceState& from, const std::vector<Row>& prefix,
                  const DrawOptions& options, std::size_t first, std::size_t count,
                  const Progress& progress) const {
    Drawn drawn;
    drawn.offsets.assign(count + 1, 0);
    if (count == 0) {
      drawn.device_offsets = Buffer<std::int64_t>(ordinal_, drawn.offsets.data(), 1);
      return drawn;
    }
    const std::size_t most = options.max_len - prefix.size();
    const Buffer<Row> rows(ordinal_, count * most);
    const Buffer<std::uint32_t> lengths(ordinal_, count);
    Draw draw{};
    draw.seed = options.seed;
    draw.index = options.index + first;
    draw.count = count;
    draw.first_point = static_cast<std::uint32_t>(prefix.size());
    draw.limit = static_cast<std::uint32_t>(options.max_len);
    draw.temperature = options.temperature;
    draw.rows = rows.get();
    draw.row_stride = most;
    draw.lengths = lengths.get();
    const Start start = static_cast<const CudaState&>(from).start();
    Job job(ordinal_);
    if (count <= static_cast<std::size_t>(kFewLanes) && options.lanes == 0) {
      FewWork work{};
      work.start = start;
      work.draw = draw;
      work.lanes = static_cast<int>(count);
      const Buffer<unsigned long long> exchange(ordinal_, exchange_words(work.lanes));
      work.exchange = exchange.get();
      run_few(work, job, true, progress, first);
    } else {
      ManyWork work{};
      work.start = start;
      work.draw = draw;
      run_many(work, job, count, options.lanes, true, progress, first);
    }
    std::vector<std::uint32_t> found(count);
    cuda::copy(ordinal_, found.data(), lengths.get(), lengths.bytes(), "copying lengths");
    for (std::size_t i = 0; i < count; ++i)
      drawn.offsets[i + 1] = drawn.offsets[i] + static_cast<std::int64_t>(prefix.size() + found[i]);
    drawn.device_offsets = Buffer<std::int64_t>(ordinal_, drawn.offsets.data(), count + 1);
    drawn.rows = Buffer<float>(ordinal_, 5 * static_cast<std::size_t>(drawn.offsets[count]));
    const Buffer<Row> before(ordinal_, prefix.data(), prefix.size());
    const auto blocks = static_cast<unsigned>(std::min<std::size_t>(count, 65535));
    gather_kernel<<<blocks, 128, 0, kOwn>>>(rows.get(), most, drawn.device_offsets.get(), count,
                                            before.get(), static_cast<std::int64_t>(prefix.size()),
                                            drawn.rows.get());
    finish(ordinal_, "gathering rows");
    return drawn;
  }

  // Runs the kernel for many, and waits.
  void run_many(ManyWork work, Job& job, std::size_t count, int lanes, bool draw,
                const Progress& progress, std::size_t done) const {
    work.control = job.control();
    with_gates(net_->precision(), [&](auto gates) {
      using Gates = decltype(gates);
      const auto bytes = [&](int n) { return many_shared<Gates>(view_, n, draw, nullptr).bytes; };
      // The fewest lanes with which all sketches are under way at once, so that few spread over the
      // whole device; or as many as shared memory holds.
      const auto blocks_for = static_cast<std::size_t>(multiprocessors_);
      work.lanes = 8;
      while (2 * work.lanes <= kManyLanes &&
             (lanes > 0 ? work.lanes < lanes
                        : blocks_for * static_cast<std::size_t>(work.lanes) < count) &&
             bytes(2 * work.lanes) <= static_cast<std::size_t>(shared_bytes_))
        work.lanes *= 2;
      const std::size_t each = static_cast<std::size_t>(work.lanes);
      const auto blocks = static_cast<unsigned>(std::min(blocks_for, (count + each - 1) / each));
      const Buffer<float> c(ordinal_, blocks * each * static_cast<std::size_t>(view_.units));
      work.c = c.get();
      const auto kernel = draw ? many_kernel<Gates, true> : many_kernel<Gates, false>;
      allow_shared(reinterpret_cast<const void*>(kernel), bytes(work.lanes));
      count_time(job.run(progress, done, [&] {
        kernel<<<blocks, Gates::kThreads, bytes(work.lanes), job.stream()>>>(view_, work);
        check(cudaGetLastError(), ordinal_, "starting the kernel for many sketches");
      }));
    });
  }

  std::shared_ptr<const Net> net_;
  int ordinal_;
  int multiprocessors_ = 0, shared_bytes_ = 0;
  NetView view_{};
  Buffer<float> input_, scale_, h_scale_, head_, start_h_, start_c_;
  Buffer<std::uint32_t> rows_, tiles_;
  Buffer<double> head_bias_;
  mutable std::atomic<std::uint64_t> nanoseconds_{0};
};

CudaState::CudaState(std::shared_ptr<const CudaNet> net)
    : net_(std::move(net)),
      job_(net_->ordinal()),
      exchange_(net_->ordinal(), net_->exchange_words(1)),
      h_(net_->ordinal(), net_->view().head_stride),
      c_(net_->ordinal(), static_cast<std::size_t>(net_->view().units)),
      z_(net_->ordinal(), static_cast<std::size_t>(net_->view().outputs())),
      row_(net_->ordinal(), 1),
      length_(net_->ordinal(), 1) {
  reset();
}

std::unique_ptr<DeviceState> CudaState::copy() const {
  const Current current(net_->ordinal());
  auto twin = std::make_unique<CudaState>(net_);
  copy_of(*twin, start());
  return twin;
}

void CudaState::reset() {
  const Current current(net_->ordinal());
  copy_of(*this, net_->origin());
}

int CudaState::net_ordinal() const { return net_->ordinal(); }

void CudaState::run(FewWork work, bool draw) {
  work.start = start();
  work.exchange = exchange_.get();
  work.final_h = h_.get();
  work.final_c = c_.get();
  work.lanes = 1;
  net_->run_few(work, job_, draw, {}, 0);
}

void CudaState::take_in(const Row* rows, std::size_t count) {
  if (count == 0) return;
  const Current current(net_->ordinal());
  const Buffer<Row> given(net_->ordinal(), rows, count);
  FewWork work{};
  work.follow.rows = given.get();
  work.follow.count = count;
  run(work, false);
}

Row CudaState::draw_point(const Row* pending, Temperature temperature, std::uint64_t seed,
                          std::uint64_t index, std::uint32_t point) {
  const Current current(net_->ordinal());
  FewWork work{};
  work.pending = pending != nullptr;
  if (pending != nullptr)
    work.input = net_->net().input_from_row(pending->dx, pending->dy, pending->pen);
  work.draw.seed = seed;
  work.draw.index = index;
  work.draw.count = 1;
  work.draw.first_point = point;
  work.draw.limit = point + 1;
  work.draw.temperature = temperature;
  work.draw.rows = row_.get();
  work.draw.row_stride = 1;
  work.draw.lengths = length_.get();
  run(work, true);
  Row row{};
  cuda::copy(net_ordinal(), &row, row_.get(), sizeof row, "copying a point");
  return row;
}

void CudaState::predict(float* z) const {
  const Current current(net_->ordinal());
  const unsigned warps = 8;
  const auto outputs = static_cast<unsigned>(net_->view().outputs());
  predict_kernel<<<(outputs + warps - 1) / warps, warps * kWarp, 0, kOwn>>>(net_->view(), h_.get(),
                                                                            z_.get());
  check(cudaGetLastError(), net_ordinal(), "predicting");
  cuda::copy(net_ordinal(), z, z_.get(), z_.bytes(), "copying a prediction");
}

void CudaState::read(float* h, float* c) const {
  const Current current(net_->ordinal());
  const std::size_t bytes = static_cast<std::size_t>(net_->view().hidden) * sizeof(float);
  cuda::copy(net_ordinal(), h, h_.get(), bytes, "copying h");
  cuda::copy(net_ordinal(), c, c_.get(), bytes, "copying c");
}

// The oldest device that the kernels are compiled for; newer ones run their PTX.
constexpr int kOldestMajor = 8;

}  // namespace

DeviceList devices() {
  DeviceList list{true, {}, ""};
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    (void)cudaGetLastError();
    list.reason = status == cudaErrorInsufficientDriver
                      ? "there is no NVIDIA driver, or one older than this build needs (CUDA " +
                            std::to_string(CUDART_VERSION / 1000) + "." +
                            std::to_string(CUDART_VERSION % 1000 / 10) + ")"
                  : status == cudaErrorNoDevice || status == cudaSuccess
                      ? "the NVIDIA driver finds no GPU"
                      : std::string("the NVIDIA driver: ") + cudaGetErrorString(status);
    return list;
  }
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp facts{};
    const cudaError_t asked = cudaGetDeviceProperties(&facts, i);
    if (asked != cudaSuccess) {
      (void)cudaGetLastError();
      list.found.push_back({i, "", 0, 0, 0, 0, false, cudaGetErrorString(asked)});
      continue;
    }
    const bool usable = facts.major >= kOldestMajor && facts.cooperativeLaunch != 0;
    list.found.push_back({i, facts.name, facts.major, facts.minor, facts.multiProcessorCount,
                          facts.totalGlobalMem, usable,
                          usable ? "" : "compute capability 8.0 or more is needed"});
  }
  return list;
}

std::shared_ptr<const DeviceNet> put_on_device(std::shared_ptr<const Net> net, int ordinal) {
  const DeviceList list = devices();
  if (list.found.empty()) throw DeviceError("device: no CUDA device: " + list.reason);
  if (ordinal < 0 || static_cast<std::size_t>(ordinal) >= list.found.size())
    throw DeviceError("device: expected cuda:0 to cuda:" + std::to_string(list.found.size() - 1) +
                      ", found cuda:" + std::to_string(ordinal));
  const DeviceInfo& device = list.found[static_cast<std::size_t>(ordinal)];
  if (!device.usable) fail(ordinal, device.name + ": " + device.reason);
  return std::make_shared<const CudaNet>(std::move(net), ordinal);
}

}  // namespace sketchrnn::cuda
