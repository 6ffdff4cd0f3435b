# The Python module for several Pythons at once over one build of the core, for tools/wheels. Their
# headers are enough, so they may be those of another processor's Python:
#   -DSKETCHRNN_MODULES=cp313=/include/python3.13;cp314=…    gives modules/cp313/_core.so
# What a module exports is PyInit__core alone; Python's own symbols are found when it is loaded.
set(PYBIND11_NOPYTHON ON)
find_package(pybind11 CONFIG REQUIRED)
foreach(module IN LISTS SKETCHRNN_MODULES)
  string(REGEX MATCH "^[^=]+" tag "${module}")
  string(REGEX REPLACE "^[^=]+=" "" include "${module}")
  if(NOT EXISTS ${include}/Python.h)
    message(FATAL_ERROR "SKETCHRNN_MODULES: ${tag}: no Python.h in ${include}")
  endif()
  add_library(module_${tag} MODULE ${SKETCHRNN_BINDINGS})
  # Debian's pyconfig.h asks for the processor's own one beside the folder.
  target_include_directories(module_${tag} SYSTEM PRIVATE ${include} ${include}/..)
  target_compile_options(module_${tag} PRIVATE ${SKETCHRNN_OPTIONS})
  target_link_libraries(module_${tag} PRIVATE pybind11::headers sketchrnn_core sketchrnn_device)
  target_link_options(module_${tag} PRIVATE -Wl,--gc-sections -Wl,-s
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/module.map)
  set_target_properties(module_${tag} PROPERTIES PREFIX "" OUTPUT_NAME _core
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/modules/${tag})
endforeach()
