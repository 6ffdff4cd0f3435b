// Drawings given away as Arrow arrays, by the PyCapsule interface: no Arrow library is needed.
//
//   struct<index: uint64, object: string, strokes: list<struct<dx: float, dy: float, pen: uint8>>>
//
// `pen` is the place of the one among stroke-5's p1, p2, p3. Rows lie interleaved with us and apart
// in Arrow, so they are copied once. What is given away is memory of C++ alone: whoever takes it may
// free it on any thread, at any time, without Python.

#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/arrow_abi.h"
#include "bindings/bindings.h"

namespace sketchrnn::bindings {
namespace {

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
    for (auto i = static_cast<std::size_t>(drawings.offsets[d]);
         i < static_cast<std::size_t>(drawings.offsets[d + 1]); ++i) {
      if (i % kPortion == 0) hear_signals();
      const Row& row = drawings.rows[i];
      const auto to_x = Form::taken(x + row.dx, x, row.dx);
      const auto to_y = Form::taken(y + row.dy, y, row.dy);
      if constexpr (std::is_same_v<Form, Whole>) {
        constexpr double most = std::numeric_limits<std::int16_t>::max();
        if (!(std::abs(to_x) <= most && std::abs(to_y) <= most))
          throw ArgumentError(place_of(drawings.offsets, i) + ": offset (" +
                              std::to_string(row.dx) + ", " + std::to_string(row.dy) +
                              ") does not fit into 16 bits");
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
  return capsule(array(count, held(nullptr), std::move(columns)), kArrowArrayName);
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
    auto* const mine = static_cast<ArrowArray*>(PyCapsule_GetPointer(one.ptr(), kArrowArrayName));
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
  return capsule(stream, kArrowStreamName);
}

}  // namespace

void bind_arrow_out(py::module_& m) {
  m.def("arrow_schema",
        [](bool compact) { return capsule(schema_of_drawings(compact), kArrowSchemaName); });
  m.def("to_arrow", &to_arrow, py::arg("strokes").noconvert(), py::arg("offsets").noconvert(),
        py::arg("index").noconvert(), py::arg("names"), py::arg("compact"));
  m.def("to_arrow_stream", &to_stream, py::arg("arrays"), py::arg("compact"));
}

}  // namespace sketchrnn::bindings
