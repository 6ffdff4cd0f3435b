// Any text through the JSON reader; what it accepts must mean the same when it is written out and
// read again, and be refused with something behind it.

#include "model/json.h"

#include <string>

#include "error.h"
#include "input.h"

namespace {

using sketchrnn::json::Value;

void write_string(const std::string& text, std::string& out) {
  constexpr const char* digits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || c == '"' || c == '\\') {
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void write(const Value& value, std::string& out) {
  const char* separator = "";
  switch (value.kind) {
    case Value::Kind::null:
      out += "null";
      return;
    case Value::Kind::boolean:
    case Value::Kind::number:
      out += value.text;
      return;
    case Value::Kind::string:
      write_string(value.text, out);
      return;
    case Value::Kind::array:
      out += '[';
      for (const Value& item : value.items) {
        out += separator;
        write(item, out);
        separator = ",";
      }
      out += ']';
      return;
    case Value::Kind::object:
      out += '{';
      for (const auto& [key, item] : value.members) {
        out += separator;
        write_string(key, out);
        out += ':';
        write(item, out);
        separator = ",";
      }
      out += '}';
      return;
  }
}

bool same(const Value& a, const Value& b) {
  if (a.kind != b.kind || a.text != b.text || a.items.size() != b.items.size() ||
      a.members.size() != b.members.size())
    return false;
  for (std::size_t i = 0; i < a.items.size(); ++i)
    if (!same(a.items[i], b.items[i])) return false;
  for (std::size_t i = 0; i < a.members.size(); ++i)
    if (a.members[i].first != b.members[i].first || !same(a.members[i].second, b.members[i].second))
      return false;
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  double number = 0.0;
  std::size_t whole = 0;
  const bool is_number = sketchrnn::json::to_double(text, number);
  if (sketchrnn::json::to_size(text, whole)) {
    fuzz::check(is_number || size > 300, "a size is a number");
    fuzz::check(whole <= std::size_t{1} << 53, "a size is exact in float64");
  }
  Value value;
  try {
    value = sketchrnn::json::parse(text, "fuzz");
  } catch (const sketchrnn::WeightsError&) {
    return 0;
  }
  std::string out;
  write(value, out);
  fuzz::check(same(value, sketchrnn::json::parse(out, "written")), "written and read is the same");
  try {
    sketchrnn::json::parse(out + "]", "longer");
  } catch (const sketchrnn::WeightsError&) {
    return 0;
  }
  fuzz::check(false, "something behind the document is refused");
  return 0;
}
