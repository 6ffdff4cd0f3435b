// A file of kernels (ISA_FILE, of ISA) once more, under another name for its table, and over its
// vector type the elementary functions. Compiled for each instruction set with its flags.
// After the header that declares the tables: the renamed ones are then this file's own, unused, and
// no kernel is compiled for them.
#include "kernels/kernels.h"

#define kPortable kPortableTwin
#define kAvx2 kAvx2Twin
#define kAvxVnni kAvxVnniTwin
#define kAvx512 kAvx512Twin
#define kAvx512Vnni kAvx512VnniTwin
#define kAvx512Amx kAvx512AmxTwin
#define kNeon kNeonTwin
#define kNeonDot kNeonDotTwin
#define kNeonI8mm kNeonI8mmTwin
#include ISA_FILE

#include "elementary.h"

namespace sketchrnn {
namespace {

void evaluate(int which, int n, const float* x, float* y) {
  for (int s = 0; s < n; s += V::kWidth) {
    const F a = V::load(x + s);
    F sine = a, cosine = a;
    if (which == 5 || which == 6) sincos_turns(a, sine, cosine);
    F r = a;
    if (which == 0) r = exp(a);
    if (which == 1) r = expm1(a);
    if (which == 2) r = log(a);
    if (which == 3) r = tanh(a);
    if (which == 4) r = sigmoid(a);
    if (which == 5) r = sine;
    if (which == 6) r = cosine;
    if (which == 7) r = V::fma(a, V::load(x + n + s), V::load(x + 2 * n + s));
    if (which == 8) r = exp2(clamped(a));
    if (which == 9) r = exp2m1(clamped(a));
    V::store(y + s, r);
  }
}

const bool added = (elementary::add(ISA, evaluate), true);

}  // namespace
}  // namespace sketchrnn
