// Which instruction sets there are, which of them this machine can run, and which one runs.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace sketchrnn {

struct Isa {
  const char* name;
  const Kernels* kernels;  // null: not in this build
  bool usable;
  std::string reason;  // why it is not usable, else empty
};

// Every instruction set the project knows, best last.
const std::vector<Isa>& isas();

// The best usable one, or the one that the environment variable SKETCHRNN_ISA names. Throws
// ArgumentError listing those that work when that one is unknown or not usable.
const Kernels& choose_kernels();

}  // namespace sketchrnn
