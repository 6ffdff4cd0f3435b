// What compilers and processors are called by those that disagree on it: GCC and Clang on one side,
// MSVC on the other. Systems are asked for by their own macros where they differ.
#pragma once

#if defined(__x86_64__) || defined(_M_X64)
#define SKETCHRNN_X86_64 1
#elif defined(__aarch64__)  // not _M_ARM64: the NEON kernels have not been tried with MSVC
#define SKETCHRNN_ARM_64 1
#endif

// Keeps the compiler from reading a value that is in a register from memory again. `kind` is the
// constraint of GCC's asm for such a register. Only speed depends on it.
#if defined(__GNUC__)
#define SKETCHRNN_KEEP_IN_REGISTER(kind, value) asm("" : "+" kind(value))
#else
#define SKETCHRNN_KEEP_IN_REGISTER(kind, value) (void)(value)
#endif
