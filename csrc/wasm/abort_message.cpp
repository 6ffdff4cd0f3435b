// What libc++abi says before it aborts, left unsaid: its own would bring printf and a file to print
// to. The core does not abort; the engine reports a trap.
extern "C" [[noreturn]] void abort_message(const char*, ...) { __builtin_trap(); }
