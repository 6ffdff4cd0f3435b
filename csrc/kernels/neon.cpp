// 64-bit Arm with Advanced SIMD (every AArch64 processor): 4 floats a vector, 32 registers.

#include <arm_neon.h>
#include <string.h>

#include "kernels/kernels.h"
#include "platform.h"

namespace sketchrnn {
namespace {

#include "neon_vec.h"

#include "body.h"

}  // namespace

const Kernels kNeon = {"neon", kPanel, step, head, choose, place};

}  // namespace sketchrnn
