// x86-64 with AVX2 and the VNNI dot products without AVX-512 (Alder Lake 2021, Zen 5 2024 and later):
// i16 and i8 need one instruction for a vector of weights, as float32 does.

#include <immintrin.h>

#include "kernels/kernels.h"
#include "platform.h"

namespace sketchrnn {
namespace {

#include "avx2_vec.h"
#include "body.h"

}  // namespace

const Kernels kAvxVnni = {"avxvnni", kPanel, step, head, choose, place};

}  // namespace sketchrnn
