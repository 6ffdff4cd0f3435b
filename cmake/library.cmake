# The C library: libsketchrnn, shared and static, with its header, CMake package and pkg-config file.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

foreach(kind shared static)
  string(TOUPPER ${kind} kind_upper)
  add_library(sketchrnn_${kind} ${kind_upper} ${SKETCHRNN_C_API} $<TARGET_OBJECTS:sketchrnn_core>)
  target_include_directories(sketchrnn_${kind}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/csrc/include>
           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE csrc)
  target_compile_options(sketchrnn_${kind} PRIVATE ${SKETCHRNN_OPTIONS})
  set_target_properties(sketchrnn_${kind} PROPERTIES OUTPUT_NAME sketchrnn EXPORT_NAME ${kind})
  add_library(sketchrnn::${kind} ALIAS sketchrnn_${kind})
endforeach()
target_compile_definitions(sketchrnn_shared PRIVATE SKETCHRNN_BUILDING_DLL)
if(MSVC)  # the shared library's import library has this name already
  set_target_properties(sketchrnn_static PROPERTIES OUTPUT_NAME sketchrnn_static)
endif()
if(MINGW)  # the DLL asks for none of the compiler's own
  target_link_options(sketchrnn_shared PRIVATE -static)
endif()
if(SKETCHRNN_THREADS)
  target_link_libraries(sketchrnn_shared PRIVATE Threads::Threads)
  target_link_libraries(sketchrnn_static PUBLIC Threads::Threads)
else()
  target_compile_definitions(sketchrnn_shared PRIVATE SKETCHRNN_NO_THREADS)
  target_compile_definitions(sketchrnn_static PRIVATE SKETCHRNN_NO_THREADS)
endif()
# The binary interface, as the header says under Versions.
set_target_properties(sketchrnn_shared PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
if(UNIX AND NOT APPLE)
  # Templates of the C++ library are visible whatever our flags say: only the C functions may be.
  set(version_script ${PROJECT_SOURCE_DIR}/cmake/sketchrnn.map)
  target_link_options(sketchrnn_shared PRIVATE
    -Wl,--version-script=${version_script} -Wl,--no-undefined -Wl,--gc-sections)
  set_target_properties(sketchrnn_shared PROPERTIES LINK_DEPENDS ${version_script})
endif()

install(TARGETS sketchrnn_shared sketchrnn_static EXPORT sketchrnn
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES csrc/include/sketchrnn/sketchrnn.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sketchrnn)

# What a static library leaves to the program's linker.
if(APPLE)
  set(sketchrnn_cxx_runtime c++)
else()
  set(sketchrnn_cxx_runtime stdc++ m)
endif()
list(TRANSFORM sketchrnn_cxx_runtime PREPEND "-l" OUTPUT_VARIABLE runtime_flags)
list(JOIN runtime_flags " " runtime_flags)
set(sketchrnn_pc_private "${runtime_flags} ${CMAKE_THREAD_LIBS_INIT}")
# The installed tree may be moved: the prefix is found from where the file is.
file(RELATIVE_PATH sketchrnn_pc_prefix
  ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/sketchrnn)
install(EXPORT sketchrnn NAMESPACE sketchrnn:: FILE sketchrnn-targets.cmake
  DESTINATION ${package_dir})
configure_package_config_file(cmake/sketchrnn-config.cmake.in sketchrnn-config.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(sketchrnn-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/sketchrnn-config.cmake
  ${PROJECT_BINARY_DIR}/sketchrnn-config-version.cmake DESTINATION ${package_dir})

configure_file(cmake/sketchrnn.pc.in sketchrnn.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/sketchrnn.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
