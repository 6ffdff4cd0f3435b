# Cross compilers, a line of the table below for each target:
#   cmake -DCMAKE_TOOLCHAIN_FILE=cmake/cross.cmake -DSKETCHRNN_TARGET=aarch64-linux-gnu …
# CMakePresets.json has a preset of each name. Programs are run by the emulator named last ("run":
# as they are; "none": not here).
#
# "zig" is zig c++ (PyPI: ziglang) with libc++ and the C library of the target: a program stays free
# of any C++ library of the system, and of a glibc newer than the target names.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SKETCHRNN_TARGET)
set(table
  # target                     system   processor  compiler                          emulator
  "aarch64-linux-gnu           Linux    aarch64    aarch64-linux-gnu-g++             qemu-aarch64,-L,/usr/aarch64-linux-gnu"
  "arm-linux-gnueabihf         Linux    armv7l     arm-linux-gnueabihf-g++           qemu-arm,-L,/usr/arm-linux-gnueabihf"
  "riscv64-linux-gnu           Linux    riscv64    riscv64-linux-gnu-g++             qemu-riscv64,-L,/usr/riscv64-linux-gnu"
  "x86_64-w64-mingw32          Windows  x86_64     x86_64-w64-mingw32-g++-posix      wine"
  "x86_64-linux-gnu.2.28       Linux    x86_64     zig                               run"
  "aarch64-linux-gnu.2.28      Linux    aarch64    zig                               qemu-aarch64,-L,/usr/aarch64-linux-gnu"
  "x86_64-linux-musl           Linux    x86_64     zig                               run"
  "aarch64-linux-musl          Linux    aarch64    zig                               qemu-aarch64"
  "x86_64-macos.11.0           Darwin   x86_64     zig                               none"
  "aarch64-macos.11.0          Darwin   arm64      zig                               none")

string(REPLACE "." "\\." pattern "${SKETCHRNN_TARGET}")
set(found ${table})
list(FILTER found INCLUDE REGEX "^${pattern} ")
if(NOT found)
  list(TRANSFORM table REPLACE " .*" "")
  list(JOIN table ", " table)
  message(FATAL_ERROR "SKETCHRNN_TARGET: expected one of ${table}, found \"${SKETCHRNN_TARGET}\"")
endif()
string(REGEX REPLACE " +" ";" found "${found}")
list(GET found 1 CMAKE_SYSTEM_NAME)
list(GET found 2 CMAKE_SYSTEM_PROCESSOR)
list(GET found 3 compiler)
list(GET found 4 emulator)
string(REPLACE "," ";" emulator "${emulator}")
if(NOT emulator MATCHES "^(run|none)$")
  set(CMAKE_CROSSCOMPILING_EMULATOR ${emulator})
endif()

if(compiler STREQUAL "zig")
  find_program(SKETCHRNN_ZIG NAMES zig python-zig REQUIRED)
  set(CMAKE_C_COMPILER ${SKETCHRNN_ZIG} cc -target ${SKETCHRNN_TARGET})
  set(CMAKE_CXX_COMPILER ${SKETCHRNN_ZIG} c++ -target ${SKETCHRNN_TARGET})
  # What zig adds by itself to unoptimised code.
  set(CMAKE_C_FLAGS_INIT -fno-sanitize=undefined)
  set(CMAKE_CXX_FLAGS_INIT -fno-sanitize=undefined)
  # Archives are a subcommand of it too.
  set(CMAKE_AR ${SKETCHRNN_ZIG} CACHE FILEPATH "")
  set(CMAKE_RANLIB ${SKETCHRNN_ZIG} CACHE FILEPATH "")
  foreach(language C CXX)
    set(CMAKE_${language}_ARCHIVE_CREATE "<CMAKE_AR> ar qc <TARGET> <OBJECTS>")
    set(CMAKE_${language}_ARCHIVE_APPEND "<CMAKE_AR> ar q <TARGET> <OBJECTS>")
    set(CMAKE_${language}_ARCHIVE_FINISH "<CMAKE_RANLIB> ranlib <TARGET>")
  endforeach()
else()
  string(REPLACE "g++" "gcc" CMAKE_C_COMPILER ${compiler})
  set(CMAKE_CXX_COMPILER ${compiler})
  if(CMAKE_SYSTEM_NAME STREQUAL "Windows")
    set(CMAKE_EXE_LINKER_FLAGS_INIT -static)  # no DLL of the compiler's own beside each program
  endif()
endif()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
