// Nets on a GPU: the one interface behind which is either CUDA (backend.cu) or its absence
// (stub.cpp).
//
// Nothing here touches the driver before somebody asks for a device. Drawings, states and
// predictions have the bits of the processor's engine, for the same precision and seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "generator.h"
#include "net.h"
#include "score.h"
#include "stream.h"

namespace sketchrnn::cuda {

struct DeviceInfo {
  int ordinal;
  std::string name;
  int major, minor;  // compute capability
  int multiprocessors;
  std::size_t memory;  // bytes
  bool usable;
  std::string reason;  // why it is not
};

struct DeviceList {
  bool compiled;  // whether this build has the backend
  std::vector<DeviceInfo> found;
  std::string reason;  // why there is none
};

// Asks the driver, if there is one.
DeviceList devices();

// Drawings as they stand in the GPU's memory: stroke-5 rows and their offsets, as in Batch.
class DeviceBatch {
 public:
  DeviceBatch() = default;
  DeviceBatch(const DeviceBatch&) = delete;
  DeviceBatch& operator=(const DeviceBatch&) = delete;
  virtual ~DeviceBatch() = default;
  virtual const float* rows() const = 0;
  virtual const std::int64_t* offsets() const = 0;
  virtual std::int64_t total() const = 0;
  virtual std::size_t count() const = 0;
};

// h and c of one drawing in the making.
class DeviceState {
 public:
  DeviceState() = default;
  DeviceState(const DeviceState&) = delete;
  DeviceState& operator=(const DeviceState&) = delete;
  virtual ~DeviceState() = default;
  virtual std::unique_ptr<DeviceState> copy() const = 0;
  // Where every drawing begins.
  virtual void reset() = 0;
  virtual void take_in(const Row* rows, std::size_t count) = 0;
  // Takes `pending` in (unless null), and draws the point that comes next, which is not taken in.
  virtual Row draw_point(const Row* pending, Temperature temperature, std::uint64_t seed,
                         std::uint64_t index, std::uint32_t point) = 0;
  // Raw head outputs in the contract's order.
  virtual void predict(float* z) const = 0;
  virtual void read(float* h, float* c) const = 0;
};

class DeviceNet : public std::enable_shared_from_this<DeviceNet> {
 public:
  DeviceNet() = default;
  DeviceNet(const DeviceNet&) = delete;
  DeviceNet& operator=(const DeviceNet&) = delete;
  virtual ~DeviceNet() = default;
  virtual const Net& net() const = 0;
  virtual int ordinal() const = 0;
  // Time that its long kernels have run so far, by the device's own clock.
  virtual double kernel_seconds() const = 0;
  virtual std::unique_ptr<DeviceState> start() const = 0;
  // As generate(), from a state behind which `prefix` lies. Threads are ignored; `lanes` of the
  // options, if not 0, chooses the kernel for many with so many lanes a block.
  virtual Batch draw(const DeviceState& from, const std::vector<Row>& prefix,
                     const DrawOptions& options, const Progress& progress) const = 0;
  // The same, left on the device. All must fit there at once.
  virtual std::shared_ptr<DeviceBatch> draw_there(const DeviceState& from,
                                                  const std::vector<Row>& prefix,
                                                  const DrawOptions& options,
                                                  const Progress& progress) const = 0;
  // As forward().
  virtual void forward(const Drawings& drawings, float* z, const Progress& progress) const = 0;
};

// Throws DeviceError: no such device, no memory, a net too large.
std::shared_ptr<const DeviceNet> put_on_device(std::shared_ptr<const Net> net, int ordinal);

// As sketchrnn::score(), with `threads` of the host for the densities.
void score(const DeviceNet& net, const Drawings& drawings, int threads, double* offset_nll,
           double* pen_nll, const Progress& progress);

// What Stream is on the processor.
class DeviceStream {
 public:
  DeviceStream(std::shared_ptr<const DeviceNet> net, std::uint64_t seed, std::uint64_t index);
  DeviceStream(const DeviceStream& other);
  DeviceStream(DeviceStream&&) = default;
  DeviceStream& operator=(const DeviceStream&) = delete;
  DeviceStream& operator=(DeviceStream&&) = delete;
  ~DeviceStream() = default;

  void reset();
  void reseed(std::uint64_t seed, std::uint64_t index) {
    seed_ = seed;
    index_ = index;
  }
  void feed(const Row* rows, std::size_t count);
  Row step(Temperature temperature);
  void predict(float* z);
  void hidden_state(float* h, float* c);
  // As generate() with this stream as the origin.
  Batch draw(const std::vector<Row>& prefix, const DrawOptions& options, const Progress& progress);
  std::shared_ptr<DeviceBatch> draw_there(const std::vector<Row>& prefix,
                                          const DrawOptions& options, const Progress& progress);

  const DeviceNet& net() const { return *net_; }
  std::uint64_t position() const { return position_; }
  bool finished() const { return finished_; }
  std::uint64_t seed() const { return seed_; }
  std::uint64_t index() const { return index_; }

 private:
  // The state after all rows.
  DeviceState& state();

  std::shared_ptr<const DeviceNet> net_;
  std::unique_ptr<DeviceState> state_;
  std::uint64_t seed_, index_;
  std::uint64_t position_ = 0;
  bool finished_ = false;
  bool pending_ = false;  // `last_` is yet to be taken in
  Row last_{};
};

}  // namespace sketchrnn::cuda
