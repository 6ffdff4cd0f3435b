// 64-bit Arm with the dot-product extension (Cortex-A75 2017, Apple A13 and M1, Raspberry Pi 5): in i8
// sixteen products of bytes are one instruction.

#include <arm_neon.h>
#include <string.h>

#include "kernels/kernels.h"
#include "platform.h"

namespace sketchrnn {
namespace {

#define SKETCHRNN_NEON_DOT
#include "neon_vec.h"

#include "body.h"

}  // namespace

const Kernels kNeonDot = {"neondot", kPanel, step, head, choose, place};

}  // namespace sketchrnn
