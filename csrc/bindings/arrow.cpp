// Drawings as Arrow arrays and back, by the PyCapsule interface: no Arrow library is needed.
//
//   struct<index: uint64, object: string, strokes: list<struct<dx: float, dy: float, pen: uint8>>>
//
// `pen` is the place of the one among stroke-5's p1, p2, p3. Rows lie interleaved with us and apart
// in Arrow, so both ways copy once. What is given away is memory of C++ alone: whoever takes it may
// free it on any thread, at any time, without Python.

#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
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

using IndexArray = py::array_t<std::uint64_t, py::array::c_style>;

template <class T>
void release(T* one) {
  if (one->release != nullptr) one->release(one);
}

// ---- Giving

// Children that are each other's equals: any may be moved away and outlive the rest.
template <class T>
struct Children {
  std::vector<T> all;
  std::vector<T*> pointers;

  explicit Children(std::vector<T> children) : all(std::move(children)) {
    for (T& child : all) pointers.push_back(&child);
  }
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;
  ~Children() {
    for (T& child : all) release(&child);
  }
};

ArrowSchema schema(const char* format, const char* name, bool nullable,
                   std::vector<ArrowSchema> children = {}) {
  auto* const own = new Children<ArrowSchema>(std::move(children));
  return {format,
          name,
          nullptr,
          nullable ? kArrowNullable : 0,
          static_cast<std::int64_t>(own->all.size()),
          own->pointers.empty() ? nullptr : own->pointers.data(),
          nullptr,
          [](ArrowSchema* self) {
            delete static_cast<Children<ArrowSchema>*>(self->private_data);
            self->release = nullptr;
          },
          own};
}

ArrowSchema schema_of_drawings(bool compact) {
  const char* const offset = compact ? "s" : "f";
  std::vector<ArrowSchema> row{schema(offset, "dx", false), schema(offset, "dy", false),
                               schema("C", "pen", false)};
  std::vector<ArrowSchema> item{schema("+s", "item", false, std::move(row))};
  std::vector<ArrowSchema> columns{schema("L", "index", false), schema("u", "object", true),
                                   schema("+l", "strokes", false, std::move(item))};
  return schema("+s", "", false, std::move(columns));
}

struct Memory {
  std::vector<std::unique_ptr<char[]>> buffers;
  std::vector<const void*> pointers;
  Children<ArrowArray> children;
};

// Buffers as the format wants them, the first of them the bitmap of what is there (null: all).
ArrowArray array(std::size_t length, std::vector<std::unique_ptr<char[]>> buffers,
                 std::vector<ArrowArray> children = {}, std::int64_t nulls = 0) {
  auto* const own = new Memory{std::move(buffers), {}, Children<ArrowArray>(std::move(children))};
  for (const auto& buffer : own->buffers) own->pointers.push_back(buffer.get());
  return {static_cast<std::int64_t>(length),
          nulls,
          0,
          static_cast<std::int64_t>(own->pointers.size()),
          static_cast<std::int64_t>(own->children.all.size()),
          own->pointers.data(),
          own->children.pointers.empty() ? nullptr : own->children.pointers.data(),
          nullptr,
          [](ArrowArray* self) {
            delete static_cast<Memory*>(self->private_data);
            self->release = nullptr;
          },
          own};
}

// As many T as there are, in memory that belongs to an array.
template <class T>
struct Buffer {
  std::unique_ptr<char[]> bytes;

  explicit Buffer(std::size_t count) : bytes(new char[count * sizeof(T)]) {}
  void set(std::size_t i, T value) { std::memcpy(bytes.get() + i * sizeof(T), &value, sizeof(T)); }
};

template <class... Buffers>
std::vector<std::unique_ptr<char[]>> held(Buffers... buffers) {
  std::vector<std::unique_ptr<char[]>> all;
  (all.push_back(std::move(buffers)), ...);
  return all;
}

constexpr std::size_t kMostItems = std::numeric_limits<std::int32_t>::max();

// The names of drawings: one of them all, or one for each.
ArrowArray objects_of(const std::vector<std::optional<std::string>>& names, std::size_t count) {
  const auto name = [&](std::size_t i) -> const std::optional<std::string>& {
    return names.size() == 1 ? names[0] : names[i];
  };
  Buffer<std::int32_t> offsets(count + 1);
  Buffer<char> present((count + 7) / 8);
  std::size_t total = 0;
  std::int64_t nulls = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % 8 == 0) present.set(i / 8, 0);
    offsets.set(i, static_cast<std::int32_t>(total));
    if (name(i)) {
      present.bytes[i / 8] = static_cast<char>(present.bytes[i / 8] | (1 << (i % 8)));
      total += name(i)->size();
      if (total > kMostItems) throw ArgumentError("names: more than 2 GiB of text; take slices");
    } else {
      ++nulls;
    }
  }
  offsets.set(count, static_cast<std::int32_t>(total));
  std::unique_ptr<char[]> text(new char[total]);
  char* out = text.get();
  for (std::size_t i = 0; i < count; ++i)
    if (name(i)) out = std::copy(name(i)->begin(), name(i)->end(), out);
  return array(count, held(std::move(present.bytes), std::move(offsets.bytes), std::move(text)), {},
               nulls);
}

std::string place(std::size_t drawing, std::size_t row) {
  return "drawing " + std::to_string(drawing) + ": row " + std::to_string(row);
}

// Offsets as they are.
struct Exact {
  using Value = float;
  static float taken(double /*position*/, double /*last*/, float offset) { return offset; }
};

// Differences of positions in whole units: no position is more than half a unit off, however many.
struct Whole {
  using Value = std::int16_t;
  static double taken(double position, double last, float /*offset*/) {
    return std::nearbyint(position) - std::nearbyint(last);
  }
};

template <class Form>
ArrowArray rows_of(const CheckedDrawings& drawings) {
  using Value = typename Form::Value;
  const std::size_t total = drawings.rows.size();
  Buffer<Value> dx(total);
  Buffer<Value> dy(total);
  Buffer<std::uint8_t> pen(total);
  for (std::size_t d = 0; d + 1 < drawings.offsets.size(); ++d) {
    double x = 0.0;
    double y = 0.0;
    const auto first = static_cast<std::size_t>(drawings.offsets[d]);
    for (auto i = first; i < static_cast<std::size_t>(drawings.offsets[d + 1]); ++i) {
      const Row& row = drawings.rows[i];
      const auto to_x = Form::taken(x + row.dx, x, row.dx);
      const auto to_y = Form::taken(y + row.dy, y, row.dy);
      if constexpr (std::is_same_v<Form, Whole>) {
        constexpr double most = std::numeric_limits<std::int16_t>::max();
        if (!(std::abs(to_x) <= most && std::abs(to_y) <= most))
          throw ArgumentError(place(d, i - first) + ": offset (" + std::to_string(row.dx) + ", " +
                              std::to_string(row.dy) + ") does not fit into 16 bits");
      }
      dx.set(i, static_cast<Value>(to_x));
      dy.set(i, static_cast<Value>(to_y));
      pen.set(i, static_cast<std::uint8_t>(row.pen));
      x += row.dx;
      y += row.dy;
    }
  }
  std::vector<ArrowArray> columns{array(total, held(nullptr, std::move(dx.bytes))),
                                  array(total, held(nullptr, std::move(dy.bytes))),
                                  array(total, held(nullptr, std::move(pen.bytes)))};
  return array(total, held(nullptr), std::move(columns));
}

template <class T>
py::capsule capsule(T value, const char* name) {
  auto* const held = new T(value);
  PyObject* const made = PyCapsule_New(held, name, [](PyObject* self) {
    auto* const mine = static_cast<T*>(PyCapsule_GetPointer(self, PyCapsule_GetName(self)));
    release(mine);
    delete mine;
  });
  if (made == nullptr) {
    release(held);
    delete held;
    throw py::error_already_set();
  }
  return py::reinterpret_steal<py::capsule>(made);
}

constexpr const char* kSchema = "arrow_schema";
constexpr const char* kArray = "arrow_array";
constexpr const char* kStream = "arrow_array_stream";

py::capsule to_arrow(const FloatArray& strokes, const OffsetArray& offsets, const IndexArray& index,
                     const std::vector<std::optional<std::string>>& names, bool compact) {
  const CheckedDrawings drawings = drawings_from(strokes, offsets);
  const std::size_t count = drawings.offsets.size() - 1;
  if (static_cast<std::size_t>(index.size()) != count)
    throw ArgumentError("index: expected a number for each drawing");
  if (names.size() != 1 && names.size() != count)
    throw ArgumentError("names: expected one, or one for each drawing");
  if (drawings.rows.size() > kMostItems)
    throw ArgumentError("an Arrow list has room for 2147483647 rows, found " +
                        std::to_string(drawings.rows.size()) + ": take slices");
  Buffer<std::uint64_t> numbers(count);
  Buffer<std::int32_t> starts(count + 1);
  for (std::size_t i = 0; i < count; ++i) numbers.set(i, index.data()[i]);
  for (std::size_t i = 0; i <= count; ++i)
    starts.set(i, static_cast<std::int32_t>(drawings.offsets[i]));
  std::vector<ArrowArray> item{compact ? rows_of<Whole>(drawings) : rows_of<Exact>(drawings)};
  std::vector<ArrowArray> columns{
      array(count, held(nullptr, std::move(numbers.bytes))), objects_of(names, count),
      array(count, held(nullptr, std::move(starts.bytes)), std::move(item))};
  return capsule(array(count, held(nullptr), std::move(columns)), kArray);
}

// Arrays one after another, of which each is given away once.
struct Given {
  std::vector<ArrowArray> arrays;
  std::size_t next = 0;
  bool compact = false;
};

py::capsule to_stream(const std::vector<py::capsule>& arrays, bool compact) {
  auto* const given = new Given;
  given->compact = compact;
  for (const py::capsule& one : arrays) {
    auto* const mine = static_cast<ArrowArray*>(PyCapsule_GetPointer(one.ptr(), kArray));
    given->arrays.push_back(*mine);
    mine->release = nullptr;
  }
  ArrowArrayStream stream{};
  stream.get_schema = [](ArrowArrayStream* self, ArrowSchema* out) {
    try {
      *out = schema_of_drawings(static_cast<Given*>(self->private_data)->compact);
      return 0;
    } catch (const std::bad_alloc&) {
      return ENOMEM;
    }
  };
  stream.get_next = [](ArrowArrayStream* self, ArrowArray* out) {
    Given& mine = *static_cast<Given*>(self->private_data);
    if (mine.next < mine.arrays.size()) {
      *out = mine.arrays[mine.next++];
      return 0;
    }
    *out = {};  // the end
    return 0;
  };
  stream.get_last_error = [](ArrowArrayStream*) -> const char* { return nullptr; };
  stream.release = [](ArrowArrayStream* self) {
    auto* const mine = static_cast<Given*>(self->private_data);
    for (; mine->next < mine->arrays.size(); ++mine->next) release(&mine->arrays[mine->next]);
    delete mine;
    self->release = nullptr;
  };
  stream.private_data = given;
  return capsule(stream, kStream);
}

// ---- Taking

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
    for (std::int64_t i = 0; i < length; ++i)
      if (!present(i))
        throw ArgumentError("column '" + name + "': element " + std::to_string(i) + " is null");
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
    for (std::int64_t i = 0; i < column.length; ++i) take(i, values[i]);
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
    for (std::int64_t i = 0; i < column.length; ++i) {
      if (!column.present(i)) {
        out.append(py::none());
        continue;
      }
      const auto size = static_cast<std::int64_t>(offsets[i + 1] - offsets[i]);
      put(size == 0 ? "" : column.buffer<char>(2) + offsets[i], size);
    }
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
  const auto where = [&](std::int64_t i) {
    const auto next = std::upper_bound(offsets.begin(), offsets.end(), i);
    return place(static_cast<std::size_t>(next - offsets.begin() - 1),
                 static_cast<std::size_t>(i - *(next - 1)));
  };
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
  auto* const stream = pointer<ArrowArrayStream>(capsule, kStream);
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

void bind_arrow(py::module_& m) {
  m.def("arrow_schema", [](bool compact) { return capsule(schema_of_drawings(compact), kSchema); });
  m.def("to_arrow", &to_arrow, py::arg("strokes").noconvert(), py::arg("offsets").noconvert(),
        py::arg("index").noconvert(), py::arg("names"), py::arg("compact"));
  m.def("to_arrow_stream", &to_stream, py::arg("arrays"), py::arg("compact"));
  m.def("from_arrow", [](const py::capsule& schema, const py::capsule& array) {
    return drawings_of(*pointer<ArrowSchema>(schema, kSchema), *pointer<ArrowArray>(array, kArray));
  });
  m.def("from_arrow_stream", &from_stream);
}

}  // namespace sketchrnn::bindings
