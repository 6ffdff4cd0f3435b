// NumPy arrays in and out, and what a caller may ask for: what all bindings share.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "error.h"
#include "generator.h"
#include "score.h"
#include "stream.h"
#include "temperature.h"

namespace sketchrnn::bindings {

namespace py = pybind11;

using FloatArray = py::array_t<float, py::array::c_style>;
using Index = py::ssize_t;

// An array over memory that C++ allocated with new[]; it frees it when the array goes.
template <class T>
py::array_t<T> own(std::unique_ptr<T[]> data, std::vector<Index> shape) {
  T* const raw = data.get();
  py::capsule owner(raw, [](void* p) { delete[] static_cast<T*>(p); });
  data.release();
  return py::array_t<T>(std::move(shape), raw, owner);
}

// Checks stroke-5 rows and takes them over. `what` names them in messages; where it is null,
// drawing and row do, by the drawings' offsets.
inline std::vector<Row> rows_from(const FloatArray& array, const char* what,
                                  const std::vector<std::int64_t>& offsets = {}) {
  if (array.ndim() != 2 || array.shape(1) != 5)
    throw ArgumentError(std::string(what ? what : "strokes") +
                        ": expected an array of shape (n, 5)");
  const auto place = [&](std::size_t i) {
    if (what != nullptr) return std::string(what) + ": row " + std::to_string(i);
    const auto row = static_cast<std::int64_t>(i);
    const auto next = std::upper_bound(offsets.begin(), offsets.end(), row);
    return "drawing " + std::to_string(next - offsets.begin() - 1) + ": row " +
           std::to_string(row - *(next - 1));
  };
  const float* p = array.data();
  std::vector<Row> rows(static_cast<std::size_t>(array.shape(0)));
  for (std::size_t i = 0; i < rows.size(); ++i, p += 5) {
    if (!std::isfinite(p[0]) || !std::isfinite(p[1]))
      throw ArgumentError(place(i) + ": offsets must be finite, found (" + std::to_string(p[0]) +
                          ", " + std::to_string(p[1]) + ")");
    int pen = -1;
    int ones = 0;
    int zeros = 0;
    for (int k = 0; k < 3; ++k) {
      if (p[2 + k] == 1.0f) {
        pen = k;
        ++ones;
      }
      zeros += p[2 + k] == 0.0f;
    }
    if (ones != 1 || zeros != 2)
      throw ArgumentError(place(i) + ": pen states must be one 1 and two 0, found (" +
                          std::to_string(p[2]) + ", " + std::to_string(p[3]) + ", " +
                          std::to_string(p[4]) + ")");
    rows[i] = {p[0], p[1], static_cast<Pen>(pen)};
  }
  return rows;
}

inline FloatArray array_from(const Row& row) {
  FloatArray out(5);
  float* p = out.mutable_data();
  p[0] = row.dx;
  p[1] = row.dy;
  p[2] = row.pen == Pen::down ? 1.0f : 0.0f;
  p[3] = row.pen == Pen::up ? 1.0f : 0.0f;
  p[4] = row.pen == Pen::end ? 1.0f : 0.0f;
  return out;
}

// Called without the GIL: takes it, lets Python handle signals, and reports.
inline Progress progress_from(const py::object& callback) {
  return [callback_pointer = &callback](std::size_t done) {
    const py::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (!callback_pointer->is_none()) (*callback_pointer)(done);
    return true;
  };
}

// Bounds what sizes are computed from, so that none of them can wrap around.
inline std::size_t check_count(const char* name, std::size_t count) {
  constexpr std::size_t most = std::size_t{1} << 40;
  if (count > most)
    throw ArgumentError(std::string(name) + ": expected at most 2^40, found " +
                        std::to_string(count));
  return count;
}

inline int check_threads(int threads) {
  if (threads < 1 || threads > 4096)
    throw ArgumentError("threads: expected a number from 1 to 4096, found " +
                        std::to_string(threads));
  return threads;
}

struct CheckedDrawings {
  std::vector<Row> rows;
  std::vector<std::int64_t> offsets;
  Drawings view() const { return {rows.data(), offsets.data(), offsets.size() - 1}; }
};

inline CheckedDrawings drawings_from(const FloatArray& strokes,
                                     const py::array_t<std::int64_t, py::array::c_style>& offsets) {
  CheckedDrawings out;
  if (offsets.ndim() != 1 || offsets.size() < 1)
    throw ArgumentError("offsets: expected an array of shape (n + 1,)");
  out.offsets.assign(offsets.data(), offsets.data() + offsets.size());
  bool good =
      out.offsets.front() == 0 && strokes.ndim() == 2 && out.offsets.back() == strokes.shape(0);
  for (std::size_t i = 1; i < out.offsets.size(); ++i)
    good = good && out.offsets[i - 1] <= out.offsets[i];
  if (!good) throw ArgumentError("offsets: expected to rise from 0 to the number of rows");
  out.rows = rows_from(strokes, nullptr, out.offsets);
  return out;
}

inline DrawOptions draw_options(std::size_t count, double temperature,
                                std::optional<double> softmax_temperature, std::uint64_t seed,
                                std::uint64_t index, std::size_t max_len, int threads, int lanes) {
  DrawOptions options;
  options.count = check_count("n", count);
  options.temperature = make_temperature(temperature, softmax_temperature);
  options.seed = seed;
  options.index = index;
  options.max_len = max_len;
  options.threads = check_threads(threads);
  options.lanes = lanes;
  return options;
}

// Strokes (total, 5) and offsets (n + 1,).
inline py::tuple arrays_from(Batch batch) {
  const Index total = static_cast<Index>(batch.offsets[batch.count]);
  const Index count = static_cast<Index>(batch.count);
  return py::make_tuple(own(std::move(batch.rows), {total, 5}),
                        own(std::move(batch.offsets), {count + 1}));
}

// Calls score(offset_nll, pen_nll, report) for n rows without the GIL; returns both arrays.
template <class Score>
py::tuple scores_from(std::size_t n, const py::object& progress, Score score) {
  std::unique_ptr<double[]> offset_nll(new double[n]);
  std::unique_ptr<double[]> pen_nll(new double[n]);
  {
    const Progress report = progress_from(progress);
    const py::gil_scoped_release release;
    score(offset_nll.get(), pen_nll.get(), report);
  }
  return py::make_tuple(own(std::move(offset_nll), {static_cast<Index>(n)}),
                        own(std::move(pen_nll), {static_cast<Index>(n)}));
}

// The same for the raw predictions (n, outputs).
template <class Forward>
FloatArray predictions_from(std::size_t n, std::size_t outputs, Forward forward) {
  std::unique_ptr<float[]> z(new float[n * outputs]);
  {
    const py::none none;
    const Progress report = progress_from(none);
    const py::gil_scoped_release release;
    forward(z.get(), report);
  }
  return own(std::move(z), {static_cast<Index>(n), static_cast<Index>(outputs)});
}

// The processor's net behind a net, wherever that is.
inline const Net& host_net(const Net& net) { return net; }
template <class Other>
const Net& host_net(const Other& net) {
  return net.net();
}

// What streams have in common, S: a Stream, or a cuda::DeviceStream.
template <class S>
void bind_stream(py::class_<S>& stream) {
  stream.def("copy", [](const S& s) { return S(s); })
      .def("reset", &S::reset)
      .def("reseed", &S::reseed, py::arg("seed"), py::arg("index"))
      .def(
          "feed",
          [](S& s, const FloatArray& strokes) {
            const std::vector<Row> rows = rows_from(strokes, "strokes");
            const py::gil_scoped_release release;
            s.feed(rows.data(), rows.size());
          },
          py::arg("strokes").noconvert())
      // Some tens of microseconds: releasing the GIL for it would cost a good part of that.
      .def(
          "step",
          [](S& s, double temperature, std::optional<double> softmax_temperature) {
            return array_from(s.step(make_temperature(temperature, softmax_temperature)));
          },
          py::arg("temperature"), py::arg("softmax_temperature"))
      .def("predict",
           [](S& s) {
             FloatArray z(host_net(s.net()).outputs());
             s.predict(z.mutable_data());
             return z;
           })
      .def("hidden_state",
           [](S& s) {
             FloatArray h(host_net(s.net()).hidden());
             FloatArray c(host_net(s.net()).hidden());
             s.hidden_state(h.mutable_data(), c.mutable_data());
             return py::make_tuple(h, c);
           })
      .def_property_readonly("position", &S::position)
      .def_property_readonly("finished", &S::finished)
      .def_property_readonly("seed", &S::seed)
      .def_property_readonly("index", &S::index);
}

}  // namespace sketchrnn::bindings
