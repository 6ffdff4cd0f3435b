#include "generator.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "error.h"
#include "lanes.h"
#include "workers.h"

namespace sketchrnn {
namespace {

// Rows of finished drawings, compact and in order of finishing, in chunks that are given back one
// by one while the result is put together, so that the two never stand in memory in full.
class FinishedRows {
 public:
  void append(const std::vector<Row>& drawing) {
    for (const Row& row : drawing) {
      if (chunks_.empty() || chunks_.back().size() == kChunk) {
        chunks_.emplace_back();
        chunks_.back().reserve(kChunk);
      }
      chunks_.back().push_back(row);
    }
  }

  // Visits the rows of the next chunk in order and gives its memory back; false when none is left.
  template <class Visit>
  bool consume_chunk(Visit visit) {
    if (consumed_ == chunks_.size()) return false;
    for (const Row& row : chunks_[consumed_]) visit(row);
    std::vector<Row>().swap(chunks_[consumed_++]);  // assigning {} would keep the memory
    return true;
  }

 private:
  static constexpr std::size_t kChunk = 1u << 16;
  std::vector<std::vector<Row>> chunks_;
  std::size_t consumed_ = 0;
};

struct Finished {
  std::size_t drawing;
  std::size_t length;
};

struct Output {
  FinishedRows rows;
  std::vector<Finished> order;
};

// One thread's lanes over drawings that it takes from `next`.
class Worker {
 public:
  Worker(const Net& net, const float* h, const float* c, std::size_t prefix_length,
         const DrawOptions& options, std::size_t lanes, Output& output)
      : net_(net),
        start_h_(h),
        start_c_(c),
        prefix_length_(prefix_length),
        options_(options),
        output_(output),
        lanes_(net, lanes),
        drawings_(lanes),
        logits_(static_cast<std::size_t>(net.choice_outputs()) * lanes_.column()),
        params_(kPlaceOutputs * lanes_.column()),
        uniforms_(4 * lanes_.column()),
        offsets_(2 * lanes_.column()),
        choices_(2 * lanes_.column()) {
    for (std::size_t i = 0; i < lanes; ++i)
      drawings_[i].rows.reserve(std::min<std::size_t>(options.max_len, 512));
    std::fill_n(uniforms_.data(), uniforms_.size(), 1.0f);
  }

  void run(WorkQueue& queue) {
    for (;;) {
      while (lanes_.active() < drawings_.size()) {
        std::size_t drawing = 0;
        if (!queue.take(drawing)) break;
        Drawing& lane = drawings_[lanes_.active()];
        lane.index = drawing;
        lane.rows.clear();
        lanes_.start(start_h_, start_c_);
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
    const std::size_t column = lanes_.column();
    float* const u = uniforms_.data();
    for (std::size_t i = 0; i < n; ++i) {
      const auto point = static_cast<std::uint32_t>(prefix_length_ + drawings_[i].rows.size());
      const PointUniforms uniforms = point_uniforms(
          options_.seed, options_.index + drawings_[i].index, point, RandomStream::draw);
      u[i] = uniforms.component;
      u[column + i] = uniforms.pen;
      u[2 * column + i] = uniforms.radius;
      u[3 * column + i] = uniforms.angle;
    }
    const Kernels& kernels = net_.kernels();
    const Packed& packed = net_.packed();
    const int choices = net_.choice_outputs();
    const int count = static_cast<int>(n);
    int32_t* const component = choices_.data();
    int32_t* const pen = component + column;
    float* const dx = offsets_.data();
    float* const dy = dx + column;
    kernels.head(packed, 0, choices, count, lanes_.h(0), lanes_.stride(), logits_.data(), column);
    kernels.choose(logits_.data(), column, count, net_.mixtures(), options_.temperature, u,
                   u + column, component, pen);
    for (std::size_t i = 0; i < n; ++i)
      kernels.head(packed, choices + component[i] * kPlaceOutputs, kPlaceOutputs, 1, lanes_.h(i),
                   lanes_.stride(), params_.data() + i, column);
    kernels.place(params_.data(), column, count, options_.temperature, u + 2 * column,
                  u + 3 * column, dx, dy);
    for (std::size_t i = 0; i < n; ++i) {
      const Row row{dx[i] * net_.scale_factor(), dy[i] * net_.scale_factor(),
                    static_cast<Pen>(pen[i])};
      check_row(row, prefix_length_ + drawings_[i].rows.size());
      drawings_[i].rows.push_back(row);
      lanes_.input(i) = net_.input_from_row(row.dx, row.dy, row.pen);
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
  const float* start_h_;
  const float* start_c_;
  std::size_t prefix_length_;
  const DrawOptions& options_;
  Output& output_;
  Lanes lanes_;
  std::vector<Drawing> drawings_;
  AlignedFloats logits_, params_, uniforms_, offsets_;
  std::vector<int32_t> choices_;
};

// A single drawing: no lanes, and with several threads each step is divided.
Output draw_one(Stream& stream, const DrawOptions& options, const Progress& progress) {
  stream.reseed(options.seed, options.index);
  stream.use_threads(options.threads);
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

void write_row(float* out, const Row& row) {
  out[0] = row.dx;
  out[1] = row.dy;
  for (int p = 0; p < kPenStates; ++p) out[2 + p] = static_cast<int>(row.pen) == p ? 1.0f : 0.0f;
}

Batch assemble(std::vector<Output>& outputs, const std::vector<Row>& prefix, std::size_t count) {
  Batch batch;
  batch.count = count;
  batch.offsets.reset(new std::int64_t[count + 1]);
  batch.offsets[0] = 0;
  for (const Output& output : outputs)
    for (const Finished& finished : output.order)
      batch.offsets[finished.drawing + 1] =
          static_cast<std::int64_t>(prefix.size() + finished.length);
  for (std::size_t i = 0; i < count; ++i) batch.offsets[i + 1] += batch.offsets[i];
  batch.rows.reset(new float[5 * static_cast<std::size_t>(batch.offsets[count])]);
  // Where each thread's next row goes.
  struct Place {
    std::size_t drawings = 0;  // begun so far
    std::size_t left = 0;      // rows still to come of the last one
    float* out = nullptr;
  };
  std::vector<Place> places(outputs.size());
  // A chunk of each thread in turn: all threads took drawings in order and at one pace, so that the
  // result is filled from front to back while what it is made from goes.
  for (bool more = true; more;) {
    more = false;
    for (std::size_t t = 0; t < outputs.size(); ++t) {
      Place& place = places[t];
      more |= outputs[t].rows.consume_chunk([&](const Row& row) {
        if (place.left == 0) {
          const Finished& finished = outputs[t].order[place.drawings++];
          place.out = batch.rows.get() + 5 * batch.offsets[finished.drawing];
          for (const Row& given : prefix) {
            write_row(place.out, given);
            place.out += 5;
          }
          place.left = finished.length;
        }
        write_row(place.out, row);
        place.out += 5;
        --place.left;
      });
    }
  }
  return batch;
}

}  // namespace

void check_may_draw(bool finished, std::size_t rows, const DrawOptions& options) {
  if (finished) throw ArgumentError("the drawing to continue has already ended (p3)");
  if (options.max_len <= rows)
    throw ArgumentError("max_len: expected more than the " + std::to_string(rows) +
                        " rows given, found " + std::to_string(options.max_len));
  if (options.max_len > std::numeric_limits<std::uint32_t>::max())
    throw ArgumentError("max_len: expected at most 2^32 - 1, found " +
                        std::to_string(options.max_len));
}

Batch generate(Stream& origin, const std::vector<Row>& prefix, const DrawOptions& options,
               const Progress& progress) {
  check_may_draw(origin.finished(), prefix.size(), options);
  if (options.count == 1 && options.lanes == 0) {
    std::vector<Output> one;
    one.push_back(draw_one(origin, options, progress));
    return assemble(one, prefix, 1);
  }
  const float* const h = origin.h_row();
  const float* const c = origin.c_row();
  const LanePlan plan = plan_lanes(options.count, options.threads, options.lanes);
  std::vector<Output> outputs(plan.threads);
  run_workers(plan.threads, options.count, progress, [&](std::size_t thread, WorkQueue& queue) {
    Worker(origin.net(), h, c, prefix.size(), options, plan.lanes, outputs[thread]).run(queue);
  });
  return assemble(outputs, prefix, options.count);
}

}  // namespace sketchrnn
