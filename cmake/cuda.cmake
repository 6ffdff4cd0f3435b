# sketchrnn_device: nets on a GPU, by CUDA where nvcc is found, else by a stub that says so.
set(SKETCHRNN_CUDA AUTO CACHE STRING "CUDA backend of the Python module: AUTO (if nvcc works), ON, OFF")
set_property(CACHE SKETCHRNN_CUDA PROPERTY STRINGS AUTO ON OFF)

set(backend csrc/cuda/stub.cpp)
if(SKETCHRNN_CUDA STREQUAL "AUTO" AND SKETCHRNN_PYTHON)
  include(CheckLanguage)
  check_language(CUDA)
elseif(SKETCHRNN_CUDA STREQUAL "ON")
  # What AUTO has not found in this folder before is looked for again.
  if(NOT CMAKE_CUDA_COMPILER)
    unset(CMAKE_CUDA_COMPILER)
    unset(CMAKE_CUDA_COMPILER CACHE)
  endif()
  set(needs_cuda TRUE)
endif()
if(needs_cuda OR (SKETCHRNN_CUDA STREQUAL "AUTO" AND SKETCHRNN_PYTHON AND CMAKE_CUDA_COMPILER))
  # Ampere and Hopper as machine code, what comes later from PTX. Hopper as 90a: wgmma, which the
  # kernel for clusters is made of, is in no other.
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90a-real 90-virtual)
  endif()
  enable_language(CUDA)
  set(CMAKE_CUDA_STANDARD 17)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)  # loads the driver only when it is first needed
  set(backend csrc/cuda/backend.cu csrc/cuda/devices.cu)
endif()

add_library(sketchrnn_device STATIC csrc/cuda/layout.cpp csrc/cuda/plan.cpp ${backend})
target_link_libraries(sketchrnn_device PUBLIC sketchrnn_core)
# Bit identity, as for the core: -fmad=false is what -ffp-contract=off is on the host.
target_compile_options(sketchrnn_device PRIVATE
  "$<$<COMPILE_LANGUAGE:CXX>:${SKETCHRNN_OPTIONS}>"
  $<$<COMPILE_LANGUAGE:CUDA>:-fmad=false --expt-relaxed-constexpr --threads=2
    -Xcompiler=-Wall,-Wextra,-ffp-contract=off>)
