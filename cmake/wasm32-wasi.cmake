# WebAssembly by Debian's clang-19 (packages: tools/wasm), programs run by Node as WASI commands:
#   cmake -DCMAKE_TOOLCHAIN_FILE=cmake/wasm32-wasi.cmake -DSKETCHRNN_UNWINDING=FOLDER …
# FOLDER has the sources libcxxabi/ and libunwind/ of LLVM 19: Debian's library has no exceptions.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_AR llvm-ar-19)
set(CMAKE_RANLIB llvm-ranlib-19)
set(CMAKE_NM llvm-nm-19)
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_CXX_COMPILER_TARGET wasm32-wasi)
set(CMAKE_C_FLAGS_INIT "-fwasm-exceptions")
set(CMAKE_CXX_FLAGS_INIT "-fwasm-exceptions")
# Without -O at the link, or clang runs whatever wasm-opt it finds.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-fwasm-exceptions")
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
# Node 24 or newer, which has relaxed SIMD (tools/node24).
set(CMAKE_CROSSCOMPILING_EMULATOR node;--no-warnings;${CMAKE_CURRENT_LIST_DIR}/../tests/web/wasi.mjs)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
