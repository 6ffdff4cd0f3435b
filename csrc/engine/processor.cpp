// The processor as a device: a fixed set of lanes per thread, refilled the moment a drawing ends.
#include <algorithm>
#include <string>
#include <utility>

#include "engine/device.h"
#include "engine/finished.h"
#include "engine/lanes.h"
#include "engine/sampler.h"
#include "engine/stream.h"
#include "engine/workers.h"

namespace sketchrnn {
namespace {

// One thread's lanes over drawings that it takes from a queue.
class Worker {
 public:
  Worker(const Conditions& conditions, std::size_t prefix_length, const DrawOptions& options,
         std::size_t lanes, Output& output)
      : net_(*conditions.net()),
        conditions_(conditions),
        prefix_length_(prefix_length),
        options_(options),
        output_(output),
        lanes_(net_, lanes),
        sampler_(net_.kernels(), net_.mixtures(), lanes),
        drawings_(lanes) {
    for (Drawing& drawing : drawings_)
      drawing.rows.reserve(std::min<std::size_t>(options.max_len, 512));
  }

  void run(WorkQueue& queue) {
    for (;;) {
      while (lanes_.active() < drawings_.size()) {
        std::size_t drawing = 0;
        if (!queue.take(drawing)) break;
        Drawing& lane = drawings_[lanes_.active()];
        lane.index = drawing;
        lane.rows.clear();
        lanes_.start(conditions_.at(drawing, [&](std::size_t) { return queue.go_on(); }));
      }
      if (lanes_.active() == 0) return;
      sample();
      retire(queue);
      if (!queue.go_on()) return;
      lanes_.step();
    }
  }

 private:
  struct Drawing {
    std::size_t index = 0;
    std::vector<Row> rows;
  };

  // One point for every lane from its current state.
  void sample() {
    const std::size_t n = lanes_.active();
    for (std::size_t i = 0; i < n; ++i) {
      const auto point = static_cast<std::uint32_t>(prefix_length_ + drawings_[i].rows.size());
      sampler_.set_uniforms(i, point_uniforms(options_.seed, options_.index + drawings_[i].index,
                                              point, RandomStream::draw));
    }
    lanes_.head(0, net_.choice_outputs(), sampler_.logits(), sampler_.column());
    sampler_.draw(n, options_.temperature,
                  [&](std::size_t lane, int output, float* out, std::size_t column) {
                    lanes_.head_of(lane, output, kPlaceOutputs, out, column);
                  });
    for (std::size_t i = 0; i < n; ++i) {
      const Row row = sampler_.row(i, net_.scale_factor());
      check_row(row, prefix_length_ + drawings_[i].rows.size());
      drawings_[i].rows.push_back(row);
      lanes_.feed(i, row);
    }
  }

  // Takes drawings that have ended out of their lanes.
  void retire(WorkQueue& queue) {
    for (std::size_t i = lanes_.active(); i-- > 0;) {
      Drawing& drawing = drawings_[i];
      if (drawing.rows.back().pen != Pen::end &&
          prefix_length_ + drawing.rows.size() < options_.max_len)
        continue;
      output_.rows.append(drawing.rows);
      output_.order.push_back({drawing.index, drawing.rows.size()});
      queue.done();
      std::swap(drawing, drawings_[lanes_.active() - 1]);
      lanes_.remove(i);
    }
  }

  const Net& net_;
  const Conditions& conditions_;
  std::size_t prefix_length_;
  const DrawOptions& options_;
  Output& output_;
  Lanes lanes_;
  PointSampler sampler_;
  std::vector<Drawing> drawings_;
};

// A single drawing: no lanes, and with several threads each step is divided.
Output draw_one(const Conditions& conditions, std::size_t prefix_length, const DrawOptions& options,
                const Progress& progress) {
  Stream stream(conditions.net(), conditions.at(0), options.seed, options.index, options.threads,
                prefix_length);
  Output output;
  std::vector<Row> drawing;
  SharedWork shared(1);
  WorkQueue queue(shared, &progress);
  while (!stream.finished() && stream.position() < options.max_len) {
    drawing.push_back(stream.step(options.temperature));
    if (!queue.go_on()) throw Cancelled();
  }
  output.rows.append(drawing);
  output.order.push_back({0, drawing.size()});
  return output;
}

// One thread's lanes over given drawings.
void follow_some(const Conditions& conditions, const Drawings& drawings, std::size_t capacity,
                 WorkQueue& queue, const Visit& visit) {
  struct Place {
    std::int64_t row, last;
  };
  const Net& net = *conditions.net();
  Lanes lanes(net, capacity);
  std::vector<Place> places(capacity);
  const auto outputs = static_cast<std::size_t>(net.outputs());
  const std::size_t column = padded(capacity);
  AlignedFloats raw(outputs * column);
  std::vector<float> z(outputs);
  for (;;) {
    std::size_t drawing = 0;
    while (lanes.active() < capacity && queue.take(drawing)) {
      if (drawings.offsets[drawing] == drawings.offsets[drawing + 1]) continue;
      places[lanes.active()] = {drawings.offsets[drawing], drawings.offsets[drawing + 1] - 1};
      lanes.start(conditions.at(drawing));
    }
    if (lanes.active() == 0) return;
    lanes.head(0, net.outputs(), raw.data(), column);
    for (std::size_t i = lanes.active(); i-- > 0;) {
      Place& place = places[i];
      for (std::size_t o = 0; o < outputs; ++o)
        z[o] = raw[static_cast<std::size_t>(net.kernel_row(static_cast<int>(o))) * column + i];
      visit(place.row, z.data());
      if (place.row == place.last) {
        queue.done();
        // The lane moved here has been visited already: lanes are visited from the last.
        place = places[lanes.active() - 1];
        lanes.remove(i);
      } else {
        lanes.feed(i, drawings.rows[place.row++]);
      }
    }
    if (!queue.go_on()) return;
    lanes.step();
  }
}

class Processor final : public Device {
 public:
  using Device::Device;

  std::string name() const override { return "cpu"; }

  Batch draw(const Conditions& conditions, const std::vector<Row>& prefix,
             const DrawOptions& options, const Progress& progress) const override {
    const LanePlan plan = plan_lanes(options.count, options.threads, options.lanes);
    std::vector<Output> outputs(plan.threads);
    if (options.count == 1 && options.lanes == 0)
      outputs[0] = draw_one(conditions, prefix.size(), options, progress);
    else
      run_workers(plan.threads, options.count, progress, [&](std::size_t thread, WorkQueue& queue) {
        Worker(conditions, prefix.size(), options, plan.lanes, outputs[thread]).run(queue);
      });
    return assemble(outputs, prefix, options.count);
  }

  void follow(const Conditions& conditions, const Drawings& drawings, int threads,
              const Visit& visit, const Progress& progress) const override {
    if (drawings.count == 0) return;
    const LanePlan plan = plan_lanes(drawings.count, threads, 0);
    run_workers(plan.threads, drawings.count, progress, [&](std::size_t, WorkQueue& queue) {
      follow_some(conditions, drawings, plan.lanes, queue, visit);
    });
  }
};

}  // namespace

std::shared_ptr<const Device> processor(std::shared_ptr<const Net> net) {
  return std::make_shared<const Processor>(std::move(net));
}

}  // namespace sketchrnn
