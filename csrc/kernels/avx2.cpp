// x86-64 with AVX2, FMA and F16C (Haswell 2013, Zen 2017 and later).

#include <immintrin.h>

#include "kernels/kernels.h"
#include "platform.h"

namespace sketchrnn {
namespace {

#include "avx2_vec.h"
#include "body.h"

}  // namespace

const Kernels kAvx2 = {"avx2", kPanel, step, head, choose, place};

}  // namespace sketchrnn
