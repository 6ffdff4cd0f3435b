// What does not depend on CUDA: the book-keeping of a stream, and losses from predictions.
#include "cuda/device.h"

#include <algorithm>
#include <utility>

#include "error.h"
#include "workers.h"

namespace sketchrnn::cuda {

DeviceStream::DeviceStream(std::shared_ptr<const DeviceNet> net, std::uint64_t seed,
                           std::uint64_t index)
    : net_(std::move(net)), state_(net_->start()), seed_(seed), index_(index) {}

DeviceStream::DeviceStream(const DeviceStream& other)
    : net_(other.net_),
      state_(other.state_->copy()),
      seed_(other.seed_),
      index_(other.index_),
      position_(other.position_),
      finished_(other.finished_),
      pending_(other.pending_),
      last_(other.last_) {}

void DeviceStream::reset() {
  state_->reset();
  position_ = 0;
  finished_ = pending_ = false;
}

DeviceState& DeviceStream::state() {
  if (pending_) state_->take_in(&last_, 1);
  pending_ = false;
  return *state_;
}

void DeviceStream::feed(const Row* rows, std::size_t count) {
  if (count == 0) return;
  state().take_in(rows, count);
  position_ += count;
  finished_ = rows[count - 1].pen == Pen::end;
}

Row DeviceStream::step(Temperature temperature) {
  check_may_step(position_, finished_);
  last_ = state_->draw_point(pending_ ? &last_ : nullptr, temperature, seed_, index_,
                             static_cast<std::uint32_t>(position_));
  pending_ = true;
  check_row(last_, position_);
  ++position_;
  finished_ = last_.pen == Pen::end;
  return last_;
}

void DeviceStream::predict(float* z) { state().predict(z); }

void DeviceStream::hidden_state(float* h, float* c) { state().read(h, c); }

Batch DeviceStream::draw(const std::vector<Row>& prefix, const DrawOptions& options,
                         const Progress& progress) {
  check_may_draw(finished_, prefix.size(), options);
  return net_->draw(state(), prefix, options, progress);
}

std::shared_ptr<DeviceBatch> DeviceStream::draw_there(const std::vector<Row>& prefix,
                                                      const DrawOptions& options,
                                                      const Progress& progress) {
  check_may_draw(finished_, prefix.size(), options);
  return net_->draw_there(state(), prefix, options, progress);
}

void score(const DeviceNet& net, const Drawings& drawings, int threads, double* offset_nll,
           double* pen_nll, const Progress& progress) {
  const auto outputs = static_cast<std::size_t>(net.net().outputs());
  // Predictions of so many rows at a time: 256 MB.
  const std::size_t room = std::max<std::size_t>(1, (std::size_t{64} << 20) / outputs);
  std::vector<float> z;
  for (std::size_t first = 0; first < drawings.count;) {
    std::size_t last = first + 1;
    const std::int64_t begin = drawings.offsets[first];
    while (last < drawings.count &&
           static_cast<std::size_t>(drawings.offsets[last + 1] - begin) <= room)
      ++last;
    const auto rows = static_cast<std::size_t>(drawings.offsets[last] - begin);
    std::vector<std::int64_t> offsets(drawings.offsets + first, drawings.offsets + last + 1);
    for (std::int64_t& offset : offsets) offset -= begin;
    const Drawings part{drawings.rows + begin, offsets.data(), last - first};
    z.resize(rows * outputs);
    const Progress report = [&, first](std::size_t done) {
      return !progress || progress(first + done);
    };
    net.forward(part, z.data(), report);
    run_workers(static_cast<std::size_t>(threads), rows, {}, [&](std::size_t, WorkQueue& queue) {
      for (std::size_t i = 0; queue.take(i) && queue.go_on();)
        row_nll(net.net(), part.rows[i], z.data() + i * outputs,
                offset_nll[static_cast<std::size_t>(begin) + i],
                pen_nll[static_cast<std::size_t>(begin) + i]);
    });
    first = last;
  }
}

}  // namespace sketchrnn::cuda
