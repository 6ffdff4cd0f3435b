#include "model/json.h"

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <set>

#include "error.h"

namespace sketchrnn::json {
namespace {

constexpr int kMaxDepth = 8;  // a safetensors header is three deep

class Parser {
 public:
  Parser(std::string_view text, const std::string& what) : text_(text), what_(what) {}

  Value document() {
    Value value = read(0);
    skip_space();
    if (at_ != text_.size()) fail("the end");
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& expected) const {
    throw WeightsError(what_ + ": not valid JSON at byte " + std::to_string(at_) + ": expected " +
                       expected);
  }

  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }

  char peek() {
    skip_space();
    if (at_ == text_.size()) fail("more text");
    return text_[at_];
  }

  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!take(c)) fail(std::string("'") + c + "'");
  }

  Value read(int depth) {
    if (depth > kMaxDepth) fail("at most " + std::to_string(kMaxDepth) + " levels of nesting");
    Value value;
    switch (peek()) {
      case '{':
        value.kind = Value::Kind::object;
        read_members(value, depth);
        break;
      case '[':
        value.kind = Value::Kind::array;
        read_items(value, depth);
        break;
      case '"':
        value.kind = Value::Kind::string;
        value.text = read_string();
        break;
      case 't':
        value.kind = Value::Kind::boolean;
        value.text = read_word("true");
        break;
      case 'f':
        value.kind = Value::Kind::boolean;
        value.text = read_word("false");
        break;
      case 'n':
        read_word("null");
        break;
      default:
        value.kind = Value::Kind::number;
        value.text = read_number();
    }
    return value;
  }

  void read_members(Value& value, int depth) {
    std::set<std::string> seen;
    expect('{');
    if (take('}')) return;
    do {
      if (peek() != '"') fail("a key");
      std::string key = read_string();
      if (!seen.insert(key).second) fail("each key once, found \"" + key + "\" again");
      expect(':');
      value.members.emplace_back(std::move(key), read(depth + 1));
    } while (take(','));
    expect('}');
  }

  void read_items(Value& value, int depth) {
    expect('[');
    if (take(']')) return;
    do value.items.push_back(read(depth + 1));
    while (take(','));
    expect(']');
  }

  std::string read_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) fail("a value");
    at_ += word.size();
    return std::string(word);
  }

  std::string read_number() {
    const std::size_t start = at_;
    const auto digits = [&] {
      const std::size_t first = at_;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
      if (at_ == first) fail("a value");
    };
    if (at_ < text_.size() && text_[at_] == '-') ++at_;
    if (at_ < text_.size() && text_[at_] == '0') {
      ++at_;
    } else {
      digits();
    }
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      digits();
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      ++at_;
      if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
      digits();
    }
    return std::string(text_.substr(start, at_ - start));
  }

  unsigned read_hex4() {
    unsigned code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = at_ < text_.size() ? text_[at_] : '\0';
      unsigned digit = 0;
      if (c >= '0' && c <= '9') {
        digit = static_cast<unsigned>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        digit = static_cast<unsigned>(c - 'a') + 10;
      } else if (c >= 'A' && c <= 'F') {
        digit = static_cast<unsigned>(c - 'A') + 10;
      } else {
        fail("four hexadecimal digits");
      }
      code = code * 16 + digit;
    }
    return code;
  }

  static void append_utf8(std::string& out, unsigned code) {
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xC0 | (code >> 6));
      out += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      out += static_cast<char>(0xE0 | (code >> 12));
      out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
      out += static_cast<char>(0x80 | (code & 0x3F));
    } else {
      out += static_cast<char>(0xF0 | (code >> 18));
      out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
      out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
      out += static_cast<char>(0x80 | (code & 0x3F));
    }
  }

  void read_escape(std::string& out) {
    if (at_ == text_.size()) fail("an escaped character");
    const char c = text_[at_++];
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out += c;
        return;
      case 'b':
        out += '\b';
        return;
      case 'f':
        out += '\f';
        return;
      case 'n':
        out += '\n';
        return;
      case 'r':
        out += '\r';
        return;
      case 't':
        out += '\t';
        return;
      case 'u':
        break;
      default:
        fail("a known escape");
    }
    unsigned code = read_hex4();
    if (code >= 0xD800 && code < 0xDC00) {  // first half of a surrogate pair
      if (text_.substr(at_, 2) != "\\u") fail("the second half of a surrogate pair");
      at_ += 2;
      const unsigned low = read_hex4();
      if (low < 0xDC00 || low > 0xDFFF) fail("the second half of a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code <= 0xDFFF) {
      fail("the first half of a surrogate pair");
    }
    append_utf8(out, code);
  }

  // Raw bytes ≥ 0x80 must be UTF-8: the strings reach Python as text.
  void read_utf8(std::string& out, unsigned char first) {
    int more = 0;
    unsigned code = 0;
    unsigned smallest = 0;
    if ((first & 0xE0) == 0xC0) {
      more = 1;
      code = first & 0x1Fu;
      smallest = 0x80;
    } else if ((first & 0xF0) == 0xE0) {
      more = 2;
      code = first & 0x0Fu;
      smallest = 0x800;
    } else if ((first & 0xF8) == 0xF0) {
      more = 3;
      code = first & 0x07u;
      smallest = 0x10000;
    } else {
      fail("UTF-8");
    }
    for (; more > 0; --more, ++at_) {
      if (at_ == text_.size() || (static_cast<unsigned char>(text_[at_]) & 0xC0) != 0x80)
        fail("UTF-8");
      code = (code << 6) | (static_cast<unsigned char>(text_[at_]) & 0x3Fu);
    }
    if (code < smallest || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) fail("UTF-8");
    append_utf8(out, code);
  }

  std::string read_string() {
    std::string out;
    ++at_;  // the opening quote, seen by the caller
    for (;;) {
      if (at_ == text_.size()) fail("a closing quote");
      const auto c = static_cast<unsigned char>(text_[at_++]);
      if (c == '"') return out;
      if (c < 0x20) fail("no raw control character in a string");
      if (c == '\\') {
        read_escape(out);
      } else if (c < 0x80) {
        out += static_cast<char>(c);
      } else {
        read_utf8(out, c);
      }
    }
  }

  std::string_view text_;
  const std::string& what_;
  std::size_t at_ = 0;
};

}  // namespace

const Value* Value::find(std::string_view key) const {
  for (const auto& [name, value] : members)
    if (name == key) return &value;
  return nullptr;
}

Value parse(std::string_view text, const std::string& what) {
  return Parser(text, what).document();
}

#if defined(__cpp_lib_to_chars)
bool to_double(std::string_view text, double& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}
#else
// libc++ before version 20 reads no floating-point numbers. strtod takes blanks, a plus and
// hexadecimal numbers too, and where a program sets a locale, that one's decimal point.
bool to_double(std::string_view text, double& value) {
  if (text.empty() || text.front() == '+' || text.find_first_of(" \t\n\v\f\rxX") != text.npos)
    return false;
  const std::string copy(text);
  char* end = nullptr;
  errno = 0;
  value = std::strtod(copy.c_str(), &end);
  return errno == 0 && end == copy.c_str() + copy.size();
}
#endif

bool to_size(std::string_view text, std::size_t& value) {
  std::uint64_t wide = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), wide);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  if (wide > (std::uint64_t{1} << 53) || wide > SIZE_MAX) return false;
  value = static_cast<std::size_t>(wide);
  return true;
}

}  // namespace sketchrnn::json
