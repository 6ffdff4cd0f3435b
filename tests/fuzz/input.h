// A fuzzer's bytes as the numbers that a target asks for, one after another; zeros when they end.
//
// Our own, since clang's FuzzedDataProvider.h is not there for GCC, which replays what was found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  bool empty() const { return at_ == size_; }
  std::size_t left() const { return size_ - at_; }

  template <class T>
  T take() {
    T value{};
    const std::size_t n = sizeof value < left() ? sizeof value : left();
    if (n != 0) std::memcpy(&value, data_ + at_, n);
    at_ += n;
    return value;
  }
  std::uint8_t byte() { return take<std::uint8_t>(); }
  bool flag() { return (byte() & 1u) != 0; }

  // A number in [0, n), n at most 256 (a byte decides).
  std::size_t below(std::size_t n) { return byte() % n; }

  std::string_view text(std::size_t n) {
    if (n > left()) n = left();
    const std::string_view taken(reinterpret_cast<const char*>(data_ + at_), n);
    at_ += n;
    return taken;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

// What a target holds to be true. Not assert(): it must hold in every build.
inline void check(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "\nfuzz: not so: %s\n", what);
  std::abort();
}

}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
