// Where a net draws: the processor, or a backend that does the same three things elsewhere with the
// same bits. Checks, defaults and the rows given before are draw()'s and score()'s business.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/conditions.h"
#include "engine/rows.h"
#include "engine/temperature.h"
#include "progress.h"

namespace sketchrnn {

struct DrawOptions {
  std::size_t count = 1;
  Temperature temperature{1.0f, 1.0f, false};
  std::uint64_t seed = 0;
  std::uint64_t index = 0;  // sketch index of the first drawing in the random counter
  // Rows of a drawing at most, the given ones included; 0: the net's N_max, or twice the given rows
  // where those are as many.
  std::size_t max_len = 0;
  int threads = 0;  // 0: every processor this process may use, but one for a single drawing
  int lanes = 0;    // per thread; 0 lets the device choose. Never changes a result.
};

// Drawings that were left in a device's own memory: stroke-5 rows and their offsets, as in Batch.
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
  virtual int ordinal() const = 0;
};

// Called for every row of given drawings with its number and the raw head outputs that predicted it
// (net.outputs() of them, in the contract's order), from several threads.
using Visit = std::function<void(std::int64_t row, const float* z)>;

class Device {
 public:
  explicit Device(std::shared_ptr<const Net> net) : net_(std::move(net)) {}
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  virtual ~Device() = default;

  const std::shared_ptr<const Net>& net() const { return net_; }
  virtual std::string name() const = 0;  // "cpu", "cuda:0", …

  // Draws from the states of `conditions`, behind which the rows of `prefix` lie; options are
  // complete. Throws Cancelled when `progress` says so.
  virtual Batch draw(const Conditions& conditions, const std::vector<Row>& prefix,
                     const DrawOptions& options, const Progress& progress) const = 0;

  // The same, left in the device's memory. Throws DeviceError where it has none of its own.
  virtual std::shared_ptr<const DeviceBatch> draw_there(const Conditions& conditions,
                                                        const std::vector<Row>& prefix,
                                                        const DrawOptions& options,
                                                        const Progress& progress) const;

  // Follows given drawings (teacher forcing) on `threads` of the host's threads.
  virtual void follow(const Conditions& conditions, const Drawings& drawings, int threads,
                      const Visit& visit, const Progress& progress) const = 0;

  // Time that its long kernels have run so far, by its own clock; 0 where there is none.
  virtual double kernel_seconds() const { return 0.0; }

 private:
  std::shared_ptr<const Net> net_;
};

// The processor.
std::shared_ptr<const Device> processor(std::shared_ptr<const Net> net);

}  // namespace sketchrnn
