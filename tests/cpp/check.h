// The little that these tests need of a test library: CHECK counts and prints what fails, main()
// runs the TESTs whose name contains its argument.
#pragma once

#include <cstdio>
#include <cstring>
#include <exception>
#include <sstream>
#include <string>
#include <vector>

namespace check {

struct Test {
  const char* name;
  void (*run)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

inline int& failures() {
  static int count = 0;
  return count;
}

inline bool add(const char* name, void (*run)()) {
  tests().push_back({name, run});
  return true;
}

inline void fail(const char* file, int line, const std::string& message) {
  // A broken kernel would fail a million times.
  if (++failures() <= 20) std::printf("%s:%d: %s\n", file, line, message.c_str());
}

template <class T>
std::string text(const T& value) {
  std::ostringstream out;
  out.precision(17);
  out << value;
  return out.str();
}

inline int run(int argc, char** argv) {
  int ran = 0;
  for (const Test& test : tests()) {
    if (argc > 1 && std::strstr(test.name, argv[1]) == nullptr) continue;
    ++ran;
    const int before = failures();
    try {
      test.run();
    } catch (const std::exception& e) {
      fail(test.name, 0, std::string("unexpected exception: ") + e.what());
    }
    std::printf("%s %s\n", failures() == before ? "ok    " : "FAILED", test.name);
  }
  if (ran == 0) std::printf("no test of that name\n");
  return failures() == 0 && ran > 0 ? 0 : 1;
}

}  // namespace check

#define TEST(name)                                               \
  static void name();                                            \
  static const bool name##_added = ::check::add(#name, &(name)); \
  static void name()

#define CHECK(condition)                                             \
  do {                                                               \
    if (!(condition)) ::check::fail(__FILE__, __LINE__, #condition); \
  } while (false)

#define CHECK_EQ(a, b)                                                                    \
  do {                                                                                    \
    const auto& check_a = (a);                                                            \
    const auto& check_b = (b);                                                            \
    if (!(check_a == check_b))                                                            \
      ::check::fail(                                                                      \
          __FILE__, __LINE__,                                                             \
          #a " == " #b ": " + ::check::text(check_a) + " and " + ::check::text(check_b)); \
  } while (false)

#define CHECK_THROWS(expression, exception, part)                                         \
  do {                                                                                    \
    std::string check_what = "nothing was thrown";                                        \
    try {                                                                                 \
      (void)(expression);                                                                 \
    } catch (const exception& e) {                                                        \
      check_what = e.what();                                                              \
    }                                                                                     \
    if (check_what.find(part) == std::string::npos)                                       \
      ::check::fail(__FILE__, __LINE__,                                                   \
                    #expression ": expected " #exception " with \"" + std::string(part) + \
                        "\", found: " + check_what);                                      \
  } while (false)
