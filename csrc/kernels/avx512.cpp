// x86-64 with AVX-512 F, BW, DQ, VL (Skylake-X 2017 and later): 16 floats a vector, 32 registers.

#include <immintrin.h>

#include "kernels/kernels.h"
#include "platform.h"

namespace sketchrnn {
namespace {

#include "avx512_vec.h"
#include "body.h"

}  // namespace

const Kernels kAvx512 = {"avx512", kPanel, step, head, choose, place};

}  // namespace sketchrnn
