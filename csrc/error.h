// The errors the core throws. Every message names the field, what was expected and what was found.
#pragma once

#include <new>
#include <stdexcept>
#include <string>

namespace sketchrnn {

// A weight file or an in-memory container that cannot be used.
struct WeightsError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// An argument out of its range.
struct ArgumentError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// A GPU that is not there, lacks memory, or failed.
struct DeviceError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A result that no memory here can hold.
struct MemoryError : std::bad_alloc {
  explicit MemoryError(const std::string& message) : message_(message) {}
  const char* what() const noexcept override { return message_.what(); }

 private:
  std::runtime_error message_;  // copies without throwing, as an exception must
};

// The work was stopped by the caller's progress function.
struct Cancelled : std::runtime_error {
  Cancelled() : std::runtime_error("cancelled") {}
};

}  // namespace sketchrnn
