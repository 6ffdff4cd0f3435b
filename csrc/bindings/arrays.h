// NumPy arrays in and out: what all bindings share.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings/gil.h"
#include "engine/rows.h"
#include "error.h"

namespace sketchrnn::bindings {

namespace py = pybind11;

using FloatArray = py::array_t<float, py::array::c_style>;
using OffsetArray = py::array_t<std::int64_t, py::array::c_style>;
using ObjectArray = py::array_t<std::uint32_t, py::array::c_style>;
using IndexArray = py::array_t<std::uint64_t, py::array::c_style>;  // of drawings
using Index = py::ssize_t;

// An array over memory that C++ allocated with new[]; it frees it when the array goes.
template <class T>
py::array_t<T> own(std::unique_ptr<T[]> data, std::vector<Index> shape) {
  T* const raw = data.get();
  py::capsule owner(raw, [](void* p) { delete[] static_cast<T*>(p); });
  data.release();
  return py::array_t<T>(std::move(shape), raw, owner);
}

// Elements between which Python looks for Ctrl-C: some milliseconds of work.
constexpr std::size_t kPortion = std::size_t{1} << 18;

inline void hear_signals() {
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

// f(first, end) for the portions of so many elements.
template <class F>
void in_portions(std::size_t count, const F& f) {
  for (std::size_t first = 0; first < count; first += kPortion) {
    hear_signals();
    f(first, std::min(first + kPortion, count));
  }
}

// Stroke-5 rows that place(i) names in messages.
template <class Place>
std::vector<Row> rows_from(const FloatArray& array, const char* what, const Place& place) {
  if (array.ndim() != 2 || array.shape(1) != static_cast<Index>(kStroke5))
    throw ArgumentError(std::string(what) + ": expected an array of shape (n, 5)");
  const auto count = static_cast<std::size_t>(array.shape(0));
  std::vector<Row> rows;
  rows.reserve(count);
  in_portions(count, [&](std::size_t first, std::size_t end) {
    for_each_row(
        array.data() + kStroke5 * first, end - first,
        [&](std::size_t i) { return place(first + i); },
        [&](const Row& row) { rows.push_back(row); });
  });
  return rows;
}

inline std::vector<Row> rows_from(const FloatArray& array, const char* what) {
  return rows_from(array, what,
                   [&](std::size_t i) { return std::string(what) + ": row " + std::to_string(i); });
}

// Row i of all drawings' rows, in messages.
inline std::string place_of(const std::vector<std::int64_t>& offsets, std::size_t i) {
  const auto row = static_cast<std::int64_t>(i);
  const auto next = std::upper_bound(offsets.begin(), offsets.end(), row);
  return "drawing " + std::to_string(next - offsets.begin() - 1) + ": row " +
         std::to_string(row - *(next - 1));
}

struct CheckedDrawings {
  std::vector<Row> rows;
  std::vector<std::int64_t> offsets;
  Drawings view() const { return {rows.data(), offsets.data(), offsets.size() - 1}; }
};

inline CheckedDrawings drawings_from(const FloatArray& strokes, const OffsetArray& offsets) {
  CheckedDrawings out;
  if (offsets.ndim() != 1 || offsets.size() < 1)
    throw ArgumentError("offsets: expected an array of shape (n + 1,)");
  out.offsets.assign(offsets.data(), offsets.data() + offsets.size());
  const bool good = out.offsets.front() == 0 && strokes.ndim() == 2 &&
                    out.offsets.back() == strokes.shape(0) &&
                    std::is_sorted(out.offsets.begin(), out.offsets.end());
  if (!good) throw ArgumentError("offsets: expected to rise from 0 to the number of rows");
  out.rows = rows_from(strokes, "strokes", [&](std::size_t i) { return place_of(out.offsets, i); });
  return out;
}

// Strokes (total, 5) and offsets (n + 1,).
inline py::tuple arrays_from(Batch batch) {
  const auto total = static_cast<Index>(batch.offsets[batch.count]);
  const auto count = static_cast<Index>(batch.count);
  return py::make_tuple(own(std::move(batch.rows), {total, static_cast<Index>(kStroke5)}),
                        own(std::move(batch.offsets), {count + 1}));
}

}  // namespace sketchrnn::bindings
