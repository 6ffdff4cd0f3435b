// The kernels' elementary functions one by one, which the library itself offers nobody.
#pragma once

namespace elementary {

// 0 exp, 1 expm1, 2 log, 3 tanh, 4 sigmoid, 5 sin(2πx), 6 cos(2πx), 7 fma, 8 exp2 and 9 exp2m1
// of clamped x as in the cell, of n numbers each one after another. n a multiple of kMaxWidth.
using Function = void (*)(int which, int n, const float* x, float* y);

// By the name of the instruction set, whose file of kernels is compiled into the tests once more
// (elementary_isa.cpp).
void add(const char* isa, Function function);
Function of(const char* isa);

}  // namespace elementary
