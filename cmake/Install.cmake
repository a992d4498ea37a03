# What `cmake --install` installs: library, engine, public headers, CMake package, pkg-config file.
include(CMakePackageConfigHelpers)

set(TURNSTILE_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/turnstile")
get_target_property(_library_type turnstile TYPE)

set(_targets turnstile)
if(NOT _library_type STREQUAL "SHARED_LIBRARY")
  list(APPEND _targets turnstile_sqlite3)
endif()
install(TARGETS ${_targets} EXPORT turnstileTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT turnstileTargets NAMESPACE turnstile:: DESTINATION ${TURNSTILE_CMAKE_DIR})
if(NOT TURNSTILE_SQLITE STREQUAL "system")
  # native.h names sqlite3*. The header goes to a folder of its own, so that it never hides the
  # one of a system's SQLite from anybody who does not use Turnstile.
  install(FILES "${_engine_dir}/sqlite3.h" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/turnstile/engine)
endif()
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/THIRD_PARTY.md"
    DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/turnstileConfig.cmake.in"
    "${PROJECT_BINARY_DIR}/turnstileConfig.cmake"
    INSTALL_DESTINATION ${TURNSTILE_CMAKE_DIR}
    NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/turnstileConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/turnstileConfig.cmake"
              "${PROJECT_BINARY_DIR}/turnstileConfigVersion.cmake"
    DESTINATION ${TURNSTILE_CMAKE_DIR})

# The .pc file finds the prefix from where it lies, so that the installed tree can be moved. How
# many levels that is depends on the library folder: lib, or lib/x86_64-linux-gnu.
set(_pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(TURNSTILE_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
  set(TURNSTILE_PC_LIBDIR "${CMAKE_INSTALL_FULL_LIBDIR}")
  set(TURNSTILE_PC_INCLUDEDIR "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
else()
  cmake_path(SET _root "/")
  cmake_path(APPEND _root "${_pc_dir}" OUTPUT_VARIABLE _from)
  cmake_path(RELATIVE_PATH _root BASE_DIRECTORY "${_from}" OUTPUT_VARIABLE _up)
  string(REGEX REPLACE "/$" "" _up "${_up}")
  set(TURNSTILE_PC_PREFIX "\${pcfiledir}/${_up}")
  set(TURNSTILE_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(TURNSTILE_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
set(TURNSTILE_PC_CFLAGS "-I\${includedir}")
set(TURNSTILE_PC_LIBS "-L\${libdir} -lturnstile")
set(TURNSTILE_PC_REQUIRES "libsodium")
if(TURNSTILE_SQLITE STREQUAL "system")
  string(APPEND TURNSTILE_PC_REQUIRES ", sqlite3")
else()
  string(APPEND TURNSTILE_PC_CFLAGS " -I\${includedir}/turnstile/engine")
  if(NOT _library_type STREQUAL "SHARED_LIBRARY")
    string(APPEND TURNSTILE_PC_LIBS " -lturnstile_sqlite3")
  endif()
endif()
# In Libs and not in Libs.private: with a static library every program needs them, and pkg-config
# shows private ones only to those who ask for static linking of everything.
string(APPEND TURNSTILE_PC_LIBS " -Wl,--push-state,--no-as-needed,-lm,--pop-state -ldl -pthread")
configure_file("${PROJECT_SOURCE_DIR}/cmake/turnstile.pc.in" "${PROJECT_BINARY_DIR}/turnstile.pc"
    @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/turnstile.pc" DESTINATION ${_pc_dir})
