// x86-64 with AVX-512 and its VNNI dot products (Ice Lake 2019, Zen 4 2022 and later): i16 and i8
// need one instruction for a vector of weights, as float32 does.

#include <immintrin.h>

#include "kernels/kernels.h"
#include "platform.h"

namespace sketchrnn {
namespace {

#include "avx512_vec.h"
#include "body.h"

}  // namespace

const Kernels kAvx512Vnni = {"avx512vnni", kPanel, step, head, choose, place};

}  // namespace sketchrnn
