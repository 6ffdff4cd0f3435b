// Drawings taken from Arrow arrays, by the PyCapsule interface, whoever made them: of the struct that
// arrow_out.cpp gives, or lists of strokes alone; numbers of any type, text in any of its forms.

#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/arrow_abi.h"
#include "bindings/bindings.h"
#include "engine/memory_limit.h"

namespace sketchrnn::bindings {
namespace {

[[noreturn]] void unlike(const std::string& column, const char* wanted, const char* format) {
  throw ArgumentError("column '" + column + "': expected " + wanted + ", found Arrow's format '" +
                      format + "'");
}

// A column as it lies there: what it is, its memory, and which part of it is meant.
struct Column {
  const ArrowSchema* schema;
  const ArrowArray* array;
  std::int64_t start;  // of the first element, in the buffers
  std::int64_t length;
  std::string name;

  std::string_view format() const { return schema->format; }
  template <class T>
  const T* buffer(int k) const {
    if (array->n_buffers <= k || (array->buffers[k] == nullptr && length > 0))
      throw ArgumentError("column '" + name + "': its memory is not all there");
    return static_cast<const T*>(array->buffers[k]);
  }
  bool present(std::int64_t i) const {
    if (array->null_count == 0 || array->n_buffers == 0 || array->buffers[0] == nullptr)
      return true;
    const std::int64_t bit = start + i;
    return ((static_cast<const unsigned char*>(array->buffers[0])[bit / 8] >> (bit % 8)) & 1) != 0;
  }
  void all_present() const {
    for_each([&](std::int64_t i) {
      if (!present(i))
        throw ArgumentError("column '" + name + "': element " + std::to_string(i) + " is null");
    });
  }
  // take(i) for each of its elements.
  template <class Take>
  void for_each(const Take& take) const {
    in_portions(static_cast<std::size_t>(std::max<std::int64_t>(length, 0)),
                [&](std::size_t first, std::size_t end) {
                  for (std::size_t i = first; i < end; ++i) take(static_cast<std::int64_t>(i));
                });
  }
  // Child k, of which the elements [from, from + count) are meant.
  Column child(std::int64_t k, std::int64_t from, std::int64_t count) const {
    const ArrowArray* const inner = array->children[k];
    const char* const called = schema->children[k]->name;
    Column out{schema->children[k], inner, inner->offset + from, count,
               name.empty() ? std::string(called == nullptr ? "" : called)
                            : name + "." + (called == nullptr ? "" : called)};
    if (from < 0 || count < 0 || from + count > inner->length)
      throw ArgumentError("column '" + out.name + "': expected " + std::to_string(from + count) +
                          " elements, found " + std::to_string(inner->length));
    return out;
  }
  std::optional<std::int64_t> named(const char* wanted) const {
    for (std::int64_t k = 0; k < schema->n_children; ++k)
      if (schema->children[k]->name != nullptr &&
          std::strcmp(schema->children[k]->name, wanted) == 0)
        return k;
    return std::nullopt;
  }
};

// take(i, value) for each number of a column, whatever its type.
template <class Take>
void each(const Column& column, const char* wanted, const Take& take) {
  column.all_present();
  const auto as = [&](auto type) {
    using T = decltype(type);
    const T* const values = column.buffer<T>(1) + column.start;
    column.for_each([&](std::int64_t i) { take(i, values[i]); });
  };
  const std::string_view format = column.format();
  if (format.size() != 1) unlike(column.name, wanted, column.schema->format);
  switch (format[0]) {
    case 'f':
      return as(float{});
    case 'g':
      return as(double{});
    case 'c':
      return as(std::int8_t{});
    case 'C':
      return as(std::uint8_t{});
    case 's':
      return as(std::int16_t{});
    case 'S':
      return as(std::uint16_t{});
    case 'i':
      return as(std::int32_t{});
    case 'I':
      return as(std::uint32_t{});
    case 'l':
      return as(std::int64_t{});
    case 'L':
      return as(std::uint64_t{});
    default:
      unlike(column.name, wanted, column.schema->format);
  }
}

py::list texts(const Column& column) {
  const std::string_view format = column.format();
  py::list out;
  const auto put = [&](const char* text, std::int64_t size) {
    if (size < 0) throw ArgumentError("column '" + column.name + "': its memory is not all there");
    PyObject* const made = PyUnicode_DecodeUTF8(text, static_cast<py::ssize_t>(size), "replace");
    if (made == nullptr) throw py::error_already_set();
    out.append(py::reinterpret_steal<py::object>(made));
  };
  const auto between = [&](auto type) {
    using T = decltype(type);
    const T* const offsets = column.buffer<T>(1) + column.start;
    column.for_each([&](std::int64_t i) {
      if (!column.present(i)) return out.append(py::none());
      const auto size = static_cast<std::int64_t>(offsets[i + 1] - offsets[i]);
      put(size == 0 ? "" : column.buffer<char>(2) + offsets[i], size);
    });
  };
  if (column.schema->dictionary != nullptr && column.array->dictionary != nullptr) {
    const ArrowArray* const known = column.array->dictionary;
    const py::list words =
        texts({column.schema->dictionary, known, known->offset, known->length, column.name});
    Column codes = column;
    for (std::int64_t i = 0; i < column.length; ++i) out.append(py::none());
    ArrowArray every = *column.array;  // codes of what is null mean nothing
    every.null_count = 0;
    codes.array = &every;
    each(codes, "text", [&](std::int64_t i, auto code) {
      if (!column.present(i)) return;
      const auto word = static_cast<std::int64_t>(code);
      if (word < 0 || word >= known->length)
        throw ArgumentError("column '" + column.name + "': element " + std::to_string(i) +
                            " is not in its dictionary");
      out[static_cast<std::size_t>(i)] = words[static_cast<std::size_t>(word)];
    });
  } else if (format == "u") {
    between(std::int32_t{});
  } else if (format == "U") {
    between(std::int64_t{});
  } else if (format == "vu") {  // 16 bytes: size, then the text itself or where it is
    constexpr int kInline = 12;
    const char* const views = column.buffer<char>(1) + 16 * column.start;
    for (std::int64_t i = 0; i < column.length; ++i) {
      std::int32_t view[4];
      std::memcpy(view, views + 16 * i, sizeof view);
      if (!column.present(i)) {
        out.append(py::none());
      } else if (view[0] <= kInline) {
        put(views + 16 * i + 4, view[0]);
      } else {
        put(column.buffer<char>(2 + view[2]) + view[3], view[0]);
      }
    }
  } else {
    unlike(column.name, "text", column.schema->format);
  }
  return out;
}

// Where each list begins among the elements of its child, (length + 1).
std::vector<std::int64_t> list_offsets(const Column& column) {
  constexpr const char* kLists = "list<struct<dx, dy, pen>>";
  column.all_present();
  std::vector<std::int64_t> out;
  const auto as = [&](auto type) {
    using T = decltype(type);
    if (column.length == 0) return;
    const T* const offsets = column.buffer<T>(1) + column.start;
    out.assign(offsets, offsets + column.length + 1);
  };
  if (column.format() == "+l") {
    as(std::int32_t{});
  } else if (column.format() == "+L") {
    as(std::int64_t{});
  } else {
    unlike(column.name, kLists, column.schema->format);
  }
  if (out.empty()) out.assign(1, 0);
  if (!std::is_sorted(out.begin(), out.end()) || out.front() < 0)
    throw ArgumentError("column '" + column.name + "': its lists overlap");
  return out;
}

// Rows of stroke-5 and where each drawing begins.
py::tuple strokes_from(const Column& column) {
  std::vector<std::int64_t> offsets = list_offsets(column);
  const std::int64_t first = offsets.front();
  for (std::int64_t& offset : offsets) offset -= first;
  const std::int64_t total = offsets.back();
  const Column rows = column.child(0, first, total);
  if (rows.format() != "+s") unlike(rows.name, "struct<dx, dy, pen>", rows.schema->format);
  rows.all_present();
  check_memory("strokes", sizeof(float) * kStroke5 * static_cast<double>(total));
  std::unique_ptr<float[]> out(new float[static_cast<std::size_t>(total) * kStroke5]);
  const auto where = [&](std::int64_t i) { return place_of(offsets, static_cast<std::size_t>(i)); };
  const auto field = [&](const char* name) {
    const auto k = rows.named(name);
    if (!k) throw ArgumentError("column '" + rows.name + "': has no field '" + name + "'");
    return rows.child(*k, rows.start, total);
  };
  for (int axis = 0; axis < 2; ++axis)
    each(field(axis == 0 ? "dx" : "dy"), "numbers", [&](std::int64_t i, auto value) {
      const auto offset = static_cast<float>(value);
      if (!std::isfinite(offset))
        throw ArgumentError(where(i) + ": offsets must be finite, found " + std::to_string(offset));
      out[kStroke5 * static_cast<std::size_t>(i) + static_cast<std::size_t>(axis)] = offset;
    });
  std::size_t drawing = 0;
  each(field("pen"), "0, 1 or 2", [&](std::int64_t i, auto value) {
    const auto pen = static_cast<double>(value);
    if (!(pen == 0.0 || pen == 1.0 || pen == 2.0))
      throw ArgumentError(where(i) + ": pen: expected 0 (down), 1 (lifts) or 2 (end), found " +
                          std::to_string(value));
    while (offsets[drawing + 1] <= i) ++drawing;
    if (pen == 2.0 && offsets[drawing + 1] != i + 1)
      throw ArgumentError(where(i + 1) + " follows the end of the drawing");
    float* const row = out.get() + kStroke5 * static_cast<std::size_t>(i);
    write_row(row, {row[0], row[1], static_cast<Pen>(static_cast<int>(pen))});
  });
  const auto count = static_cast<Index>(offsets.size());
  OffsetArray starts(count);
  std::copy(offsets.begin(), offsets.end(), starts.mutable_data());
  return py::make_tuple(
      own(std::move(out), {static_cast<Index>(total), static_cast<Index>(kStroke5)}), starts);
}

// The drawings of one array: strokes, offsets, index and names, the last two None where there are
// none. A struct has them as columns; a list is the strokes themselves.
py::tuple drawings_of(const ArrowSchema& schema, const ArrowArray& array) {
  const Column all{&schema, &array, array.offset, array.length, ""};
  py::object index = py::none();
  py::object names = py::none();
  Column strokes = all;
  strokes.name = "strokes";
  if (all.format() == "+s") {
    all.all_present();
    const auto column = [&](const char* name) -> std::optional<Column> {
      const auto k = all.named(name);
      if (!k) return std::nullopt;
      return all.child(*k, all.start, all.length);
    };
    const auto found = column("strokes");
    if (!found) throw ArgumentError("column 'strokes': there is none");
    strokes = *found;
    if (const auto numbers = column("index")) {
      IndexArray out(static_cast<Index>(all.length));
      each(*numbers, "whole numbers", [&](std::int64_t i, auto value) {
        if (std::is_floating_point_v<decltype(value)> || !(value >= 0))
          throw ArgumentError("column 'index': element " + std::to_string(i) +
                              ": expected a whole number from 0, found " + std::to_string(value));
        out.mutable_data()[i] = static_cast<std::uint64_t>(value);
      });
      index = out;
    }
    if (const auto words = column("object")) names = texts(*words);
  }
  const py::tuple rows = strokes_from(strokes);
  return py::make_tuple(rows[0], rows[1], index, names);
}

template <class T>
T* pointer(const py::capsule& capsule, const char* name) {
  auto* const found = static_cast<T*>(PyCapsule_GetPointer(capsule.ptr(), name));
  if (found == nullptr) throw py::error_already_set();
  if (found->release == nullptr) throw ArgumentError("the Arrow data has been taken already");
  return found;
}

// What a stream gives, released when this goes.
template <class T>
struct Taken {
  T value{};
  Taken() = default;
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;
  ~Taken() { release(&value); }
};

py::list from_stream(const py::capsule& capsule) {
  auto* const stream = pointer<ArrowArrayStream>(capsule, kArrowStreamName);
  const auto checked = [&](int status) {
    if (status == 0) return;
    const char* const why = stream->get_last_error(stream);
    throw ArgumentError(std::string("the Arrow stream ended: ") +
                        (why == nullptr ? std::strerror(status) : why));
  };
  Taken<ArrowSchema> schema;
  checked(stream->get_schema(stream, &schema.value));
  py::list out;
  for (;;) {
    Taken<ArrowArray> array;
    int status = 0;
    {
      const Unlocked unlocked;  // whoever reads a file there need not hold up other threads
      status = stream->get_next(stream, &array.value);
    }
    checked(status);
    if (array.value.release == nullptr) return out;
    out.append(drawings_of(schema.value, array.value));
  }
}

}  // namespace

void bind_arrow_in(py::module_& m) {
  m.def("from_arrow", [](const py::capsule& schema, const py::capsule& array) {
    return drawings_of(*pointer<ArrowSchema>(schema, kArrowSchemaName),
                       *pointer<ArrowArray>(array, kArrowArrayName));
  });
  m.def("from_arrow_stream", &from_stream);
}

}  // namespace sketchrnn::bindings
