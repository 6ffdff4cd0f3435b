// Lines of QuickDraw's ndjson as rows, at the speed of the disk.
//
// Only what those files consist of is understood here: flat objects, texts without escapes, numbers
// without exponents. Of anything else the caller is told that it was met, and reads those lines with
// all of JSON (formats/ndjson.py), which also says what is wrong with them.

#include <charconv>
#include <cstring>
#include <exception>
#include <optional>
#include <string_view>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/bindings.h"

namespace sketchrnn::bindings {
namespace {

class Unusual : public std::exception {};

struct Point {
  double x;
  double y;
  bool lifts;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  void read() {
    while (skip(), at_ != end_) {
      if (*at_ == '\n') {
        ++at_;
        continue;
      }
      object();
      skip();
      if (at_ != end_ && *at_ != '\n') throw Unusual{};
    }
  }

  std::vector<float> rows;
  std::vector<std::int64_t> offsets{0};
  std::vector<std::optional<std::string_view>> words;

 private:
  void skip() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }
  char peek() const { return at_ == end_ ? '\0' : *at_; }
  bool next(char wanted) {
    skip();
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!next(wanted)) throw Unusual{};
  }

  void object() {
    bool drawn = false;
    bool named = false;
    std::optional<std::string_view> word;
    expect('{');
    do {
      skip();
      const std::string_view key = text();
      expect(':');
      skip();
      if (key == "drawing") {
        if (drawn) throw Unusual{};
        drawn = true;
        drawing();
      } else if (key == "word") {
        if (named) throw Unusual{};
        named = true;
        if (peek() == '"') {
          word = text(0xff);
        } else {
          literal("null");
        }
      } else {
        scalar();
      }
    } while (next(','));
    expect('}');
    if (!drawn) throw Unusual{};
    words.push_back(word);
    offsets.push_back(static_cast<std::int64_t>(rows.size() / kStroke5));
  }

  // Of bytes up to `most`: whether more of them are UTF-8 has to be looked at.
  std::string_view text(unsigned char most = 0x7f) {
    if (peek() != '"') throw Unusual{};
    const char* const first = ++at_;
    for (; at_ != end_ && *at_ != '"'; ++at_) {
      const auto letter = static_cast<unsigned char>(*at_);
      if (letter == '\\' || letter < 0x20 || letter > most) throw Unusual{};
    }
    if (at_ == end_) throw Unusual{};
    return {first, static_cast<std::size_t>(at_++ - first)};
  }

  void literal(std::string_view wanted) {
    if (static_cast<std::size_t>(end_ - at_) < wanted.size() ||
        std::string_view(at_, wanted.size()) != wanted)
      throw Unusual{};
    at_ += wanted.size();
  }

  void scalar() {
    switch (peek()) {
      case '"':
        text();
        break;
      case 't':
        literal("true");
        break;
      case 'f':
        literal("false");
        break;
      case 'n':
        literal("null");
        break;
      default:
        number();
    }
  }

  double number() {
    const char* const first = at_;
    const bool negative = peek() == '-';
    if (negative) ++at_;
    const char* const digits = at_;
    std::int64_t whole = 0;
    while (peek() >= '0' && peek() <= '9') {
      if (at_ - digits == 15) throw Unusual{};  // beyond, float64 holds not every whole number
      whole = 10 * whole + (*at_++ - '0');
    }
    const auto count = at_ - digits;
    if (count == 0 || (count > 1 && *digits == '0') || (negative && whole == 0)) throw Unusual{};
    if (peek() == 'e' || peek() == 'E') throw Unusual{};
    if (peek() != '.') return static_cast<double>(negative ? -whole : whole);
#if defined(__cpp_lib_to_chars)
    const char* const fraction = ++at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    if (at_ == fraction || peek() == 'e' || peek() == 'E') throw Unusual{};
    double value = 0.0;
    if (std::from_chars(first, at_, value).ptr != at_) throw Unusual{};
    return value;
#else
    (void)first;
    throw Unusual{};
#endif
  }

  // take(value) for each number of a list of at least one.
  template <class Take>
  std::size_t numbers(const Take& take) {
    std::size_t count = 0;
    expect('[');
    do {
      skip();
      take(count++, number());
    } while (next(','));
    expect(']');
    return count;
  }

  void drawing() {
    points_.clear();
    expect('[');
    do {
      const std::size_t first = points_.size();
      expect('[');
      const std::size_t count =
          numbers([&](std::size_t, double x) { points_.push_back({x, 0.0, false}); });
      expect(',');
      const std::size_t beside = numbers([&](std::size_t i, double y) {
        if (i < count) points_[first + i].y = y;
      });
      if (beside != count) throw Unusual{};
      if (next(',')) numbers([](std::size_t, double) {});  // times
      expect(']');
      points_.back().lifts = true;
      // A first stroke of one point: strokes.py, lines_to_stroke5.
      if (first == 0 && count == 1) {
        points_.push_back(points_.back());
        points_.front().lifts = false;
      }
    } while (next(','));
    expect(']');
    for (std::size_t i = 1; i < points_.size(); ++i)
      put({static_cast<float>(points_[i].x - points_[i - 1].x),
           static_cast<float>(points_[i].y - points_[i - 1].y),
           points_[i].lifts ? Pen::up : Pen::down});
    put({0.0f, 0.0f, Pen::end});
  }

  void put(const Row& row) {
    rows.resize(rows.size() + kStroke5);
    write_row(&rows[rows.size() - kStroke5], row);
  }

  const char* at_;
  const char* const end_;
  std::vector<Point> points_;
};

// Strokes, offsets and words of whole lines; None where something unusual is among them.
py::object ndjson(const py::bytes& block) {
  const std::string_view text = block;
  Reader reader(text);
  bool usual = true;
  {
    const Unlocked unlocked;
    try {
      reader.read();
    } catch (const Unusual&) {
      usual = false;
    }
  }
  if (!usual) return py::none();
  py::list words;
  std::optional<std::string_view> last;
  py::object word = py::none();
  for (const auto& one : reader.words) {
    if (one != last) {
      PyObject* const made =
          one ? PyUnicode_DecodeUTF8(one->data(), static_cast<Index>(one->size()), "strict")
              : py::none().release().ptr();
      if (made == nullptr) {
        PyErr_Clear();
        return py::none();
      }
      word = py::reinterpret_steal<py::object>(made);
      last = one;
    }
    words.append(word);
  }
  FloatArray strokes(
      {static_cast<Index>(reader.rows.size() / kStroke5), static_cast<Index>(kStroke5)});
  std::copy(reader.rows.begin(), reader.rows.end(), strokes.mutable_data());
  OffsetArray offsets(static_cast<Index>(reader.offsets.size()));
  std::copy(reader.offsets.begin(), reader.offsets.end(), offsets.mutable_data());
  return py::make_tuple(strokes, offsets, words);
}

}  // namespace

void bind_ndjson(py::module_& m) { m.def("ndjson", &ndjson, py::arg("block")); }

}  // namespace sketchrnn::bindings
