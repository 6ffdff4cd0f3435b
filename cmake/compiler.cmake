# What each kind of compiler is told, and which processor it compiles for.
#
# SKETCHRNN_EXACT: no fusing of a multiplication with an addition by itself, on which bit identity
# rests. SKETCHRNN_OPTIONS: that and warnings.
if(MSVC AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  if(MSVC_VERSION LESS 1930)
    message(FATAL_ERROR "MSVC: expected Visual Studio 2022 or newer: before it /fp:precise fuses")
  endif()
  set(SKETCHRNN_EXACT /fp:precise)
  set(SKETCHRNN_OPTIONS /W3 /utf-8 ${SKETCHRNN_EXACT})
  add_compile_definitions(_CRT_SECURE_NO_WARNINGS NOMINMAX)
elseif(MSVC)  # clang-cl
  set(SKETCHRNN_EXACT /clang:-ffp-contract=off)
  set(SKETCHRNN_OPTIONS /W3 ${SKETCHRNN_EXACT})
  add_compile_definitions(_CRT_SECURE_NO_WARNINGS NOMINMAX)
else()
  set(SKETCHRNN_EXACT -ffp-contract=off)
  set(SKETCHRNN_OPTIONS -Wall -Wextra -Wshadow ${SKETCHRNN_EXACT})
endif()

list(LENGTH CMAKE_OSX_ARCHITECTURES architectures)
if(architectures GREATER 1)
  message(FATAL_ERROR "CMAKE_OSX_ARCHITECTURES: expected one architecture, found \
${CMAKE_OSX_ARCHITECTURES}. The kernels' flags differ: build each, then join the two by lipo.")
elseif(architectures EQUAL 1)
  set(SKETCHRNN_PROCESSOR ${CMAKE_OSX_ARCHITECTURES})
elseif(CMAKE_CXX_COMPILER_ARCHITECTURE_ID)  # MSVC and clang-cl name what they compile for
  set(SKETCHRNN_PROCESSOR ${CMAKE_CXX_COMPILER_ARCHITECTURE_ID})
else()
  set(SKETCHRNN_PROCESSOR ${CMAKE_SYSTEM_PROCESSOR})
endif()
if(CMAKE_SIZEOF_VOID_P EQUAL 8 AND SKETCHRNN_PROCESSOR MATCHES "^(x86_64|AMD64|amd64|x64)$")
  set(SKETCHRNN_PROCESSOR x86_64)
elseif(CMAKE_SIZEOF_VOID_P EQUAL 8 AND SKETCHRNN_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
  set(SKETCHRNN_PROCESSOR aarch64)
elseif(SKETCHRNN_PROCESSOR MATCHES "^(i.86|x86_64|AMD64|X86)$")
  set(SKETCHRNN_PROCESSOR i386)
endif()
