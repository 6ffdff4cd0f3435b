// A strict JSON reader for the small headers the core meets: objects, arrays, strings, numbers.
//
// Written for hostile input: bounded depth, no recursion beyond it, nothing accepted that RFC 8259
// does not allow, duplicate keys refused.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sketchrnn::json {

struct Value {
  enum class Kind { null, boolean, number, string, array, object };
  Kind kind = Kind::null;
  std::string text;  // the characters of a number, the decoded characters of a string
  std::vector<Value> items;
  std::vector<std::pair<std::string, Value>> members;

  const Value* find(std::string_view key) const;
};

// Throws WeightsError that says at which byte what was expected. `what` names the text in it.
Value parse(std::string_view text, const std::string& what);

// The whole of `text` as a number, in the C locale whatever the program's locale is.
bool to_double(std::string_view text, double& value);
// The whole of `text` as an integer in [0, 2^53].
bool to_size(std::string_view text, std::size_t& value);

}  // namespace sketchrnn::json
