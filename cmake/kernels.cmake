# One file of kernels for each instruction set, a line each: sketchrnn_kernel(name [flags]) compiles
# csrc/kernels/name.cpp with the flags. SKETCHRNN_KERNELS lists them for the tests.
#
# Only kernel files get instruction flags, and they include no STL: an inline STL function compiled
# with them could be the one that the linker keeps for the whole program.
include(CheckCXXCompilerFlag)
set(SKETCHRNN_KERNELS "")

function(sketchrnn_kernel name)
  set(flags -O3 -fno-math-errno -fno-trapping-math ${ARGN})
  if(MSVC AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    list(TRANSFORM flags PREPEND "/clang:")
  elseif(MSVC)  # knows two sets of flags, and every intrinsic in each
    list(FILTER flags INCLUDE REGEX "^-mavx(2|512f)$")
    list(TRANSFORM flags REPLACE "^-mavx512f$" "/arch:AVX512")
    list(TRANSFORM flags REPLACE "^-mavx2$" "/arch:AVX2")
  endif()
  if(MINGW AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND ARGN)
    # Windows aligns the stack to 16 bytes, GCC spills wider registers as if they were aligned
    # (GCC bug 54412): the assembler makes those moves unaligned ones.
    list(APPEND flags -Wa,-muse-unaligned-vector-move)
  endif()
  set(source ${PROJECT_SOURCE_DIR}/csrc/kernels/${name}.cpp)
  target_sources(sketchrnn_core PRIVATE ${source})
  set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${flags}")
  set(SKETCHRNN_KERNELS ${SKETCHRNN_KERNELS} ${name} PARENT_SCOPE)
  set(SKETCHRNN_KERNEL_FLAGS_${name} ${flags} PARENT_SCOPE)
endfunction()

option(SKETCHRNN_PORTABLE "The kernels in plain C++; off where another set always runs" ON)
if(SKETCHRNN_PORTABLE)
  sketchrnn_kernel(portable)
else()
  target_compile_definitions(sketchrnn_core PRIVATE SKETCHRNN_NO_PORTABLE)
endif()
if(SKETCHRNN_PROCESSOR STREQUAL "x86_64")
  set(avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # It warns about the deliberately undefined operands in its own AVX-512 header (GCC bug 105593).
    list(APPEND avx512 -Wno-uninitialized -Wno-maybe-uninitialized)
  endif()
  sketchrnn_kernel(avx2 -mavx2 -mfma -mf16c)
  check_cxx_compiler_flag("-mavxvnni" SKETCHRNN_HAS_AVX_VNNI)  # GCC 11, Clang 12
  if(SKETCHRNN_HAS_AVX_VNNI)
    sketchrnn_kernel(avxvnni -mavx2 -mfma -mf16c -mavxvnni)
    target_compile_definitions(sketchrnn_core PRIVATE SKETCHRNN_HAS_AVX_VNNI)
  endif()
  sketchrnn_kernel(avx512 ${avx512})
  sketchrnn_kernel(avx512vnni ${avx512} -mavx512vnni)
  check_cxx_compiler_flag("-mamx-tile -mamx-int8" SKETCHRNN_HAS_AMX)  # GCC 11, Clang 12
  if(SKETCHRNN_HAS_AMX AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
    sketchrnn_kernel(avx512amx ${avx512} -mavx512vnni -mamx-tile -mamx-int8)
    target_compile_definitions(sketchrnn_core PRIVATE SKETCHRNN_HAS_AMX)
  endif()
elseif(SKETCHRNN_PROCESSOR STREQUAL "aarch64" AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "MSVC")
  sketchrnn_kernel(neon)
  set(dot -march=armv8.2-a+dotprod)
  check_cxx_compiler_flag(${dot} SKETCHRNN_KNOWS_MARCH)
  if(NOT SKETCHRNN_KNOWS_MARCH)  # zig has names of its own
    set(dot -mcpu=generic+v8_2a+dotprod)
  endif()
  check_cxx_compiler_flag(${dot} SKETCHRNN_HAS_NEON_DOT)
  check_cxx_compiler_flag(${dot}+i8mm SKETCHRNN_HAS_NEON_I8MM)  # GCC 10, Clang 11
  if(SKETCHRNN_HAS_NEON_DOT)
    sketchrnn_kernel(neondot ${dot})
    target_compile_definitions(sketchrnn_core PRIVATE SKETCHRNN_HAS_NEON_DOT)
  endif()
  if(SKETCHRNN_HAS_NEON_I8MM)
    sketchrnn_kernel(neoni8mm ${dot}+i8mm)
    target_compile_definitions(sketchrnn_core PRIVATE SKETCHRNN_HAS_NEON_I8MM)
  endif()
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "wasm32")
  sketchrnn_kernel(wasm -msimd128)
  # An engine without these instructions refuses the whole module, so there are two.
  option(SKETCHRNN_RELAXED_SIMD "WebAssembly's relaxed SIMD" ON)
  if(SKETCHRNN_RELAXED_SIMD)
    sketchrnn_kernel(wasm_relaxed -msimd128 -mrelaxed-simd)
    target_compile_definitions(sketchrnn_core PRIVATE SKETCHRNN_HAS_RELAXED_SIMD)
  endif()
endif()
