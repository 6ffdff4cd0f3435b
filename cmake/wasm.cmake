# The core as a WebAssembly module (web/), and what clang's libraries for it lack.
enable_language(C)
set(SKETCHRNN_UNWINDING "" CACHE PATH "LLVM's sources libcxxabi and libunwind")
if(NOT EXISTS ${SKETCHRNN_UNWINDING}/libunwind/src/Unwind-wasm.c)
  message(FATAL_ERROR "SKETCHRNN_UNWINDING: expected a folder with libcxxabi and libunwind (tools/wasm)")
endif()
# Exceptions: the library that comes with clang was built without them.
set(unwinding ${SKETCHRNN_UNWINDING}/libunwind/src/Unwind-wasm.c)
foreach(source cxa_default_handlers cxa_exception cxa_exception_storage cxa_personality)
  list(APPEND unwinding ${SKETCHRNN_UNWINDING}/libcxxabi/src/${source}.cpp)
endforeach()
add_library(sketchrnn_unwinding STATIC ${unwinding} csrc/wasm/abort_message.cpp)
target_include_directories(sketchrnn_unwinding PRIVATE
  ${SKETCHRNN_UNWINDING}/libcxxabi/include ${SKETCHRNN_UNWINDING}/libcxxabi/src
  ${SKETCHRNN_UNWINDING}/libcxx/src ${SKETCHRNN_UNWINDING}/libunwind/include ${SKETCHRNN_UNWINDING}/libunwind/src)
target_compile_definitions(sketchrnn_unwinding PRIVATE
  _LIBCXXABI_HAS_NO_THREADS _LIBUNWIND_HIDE_SYMBOLS _LIBUNWIND_HAS_NO_THREADS
  _LIBCPP_BUILDING_LIBRARY _LIBCXXABI_BUILDING_LIBRARY LIBCXXABI_SILENT_TERMINATE NDEBUG)
target_compile_features(sketchrnn_unwinding PRIVATE cxx_std_20)
set_target_properties(sketchrnn_unwinding PROPERTIES CXX_STANDARD 20)
target_link_libraries(sketchrnn_core PUBLIC sketchrnn_unwinding)

# A reactor: no main(); it exports the header's functions but those that open files, and memory.
file(READ csrc/include/sketchrnn/sketchrnn.h header)
string(REGEX MATCHALL "\nSKETCHRNN_API [^(;]*\\(" exported "${header}")
list(TRANSFORM exported REPLACE ".*(sketchrnn_[a-z_]+)\\($" "\\1")
list(REMOVE_ITEM exported sketchrnn_net_open)
list(APPEND exported malloc free)
list(TRANSFORM exported PREPEND "-Wl,--export=")
add_executable(sketchrnn_web ${SKETCHRNN_C_API})
target_link_libraries(sketchrnn_web PRIVATE sketchrnn_core)
target_compile_options(sketchrnn_web PRIVATE -Wall -Wextra -Wshadow -ffp-contract=off)
target_link_options(sketchrnn_web PRIVATE -mexec-model=reactor -Wl,--gc-sections,--strip-all
  -Wl,-z,stack-size=262144 ${exported})
