# What `cmake --install` installs, in three parts that are a Debian package each (Package.cmake):
# the shared library; the development files; the command line.
include(CMakePackageConfigHelpers)

set(TURNSTILE_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/turnstile")

# The libraries, each kind with targets of its own: a program takes one (turnstileConfig.cmake).
set(_kinds "")
if(TARGET turnstile_shared)
  list(APPEND _kinds Shared)
  set(_targets_Shared turnstile_shared)
endif()
if(NOT BUILD_SHARED_LIBS OR TURNSTILE_BOTH_KINDS)
  list(APPEND _kinds Static)
  set(_targets_Static turnstile turnstile_sqlite3)
endif()
foreach(_kind IN LISTS _kinds)
  install(TARGETS ${_targets_${_kind}} EXPORT turnstile${_kind}Targets
      ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
      LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
          COMPONENT library NAMELINK_COMPONENT development
      FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
  install(EXPORT turnstile${_kind}Targets NAMESPACE turnstile::
      DESTINATION ${TURNSTILE_CMAKE_DIR} COMPONENT development)
endforeach()
if(Static IN_LIST _kinds)
  # As CMake does for programs and shared libraries.
  install(CODE "if(CMAKE_INSTALL_DO_STRIP)
  file(GLOB archives
      \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/libturnstile*.a\")
  execute_process(COMMAND \"${CMAKE_STRIP}\" --strip-debug \${archives}
      COMMAND_ERROR_IS_FATAL ANY)
endif()" COMPONENT development)
endif()
if(NOT TURNSTILE_SQLITE STREQUAL "system" AND Static IN_LIST _kinds)
  # native.h names sqlite3*. The header goes to a folder of its own, so that it never hides the
  # one of a system's SQLite from anybody who does not use Turnstile.
  install(FILES "${_engine_dir}/sqlite3.h" COMPONENT development
      DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/turnstile/engine)
endif()
foreach(_part IN ITEMS library development)
  install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/THIRD_PARTY.md"
      DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT ${_part})
endforeach()

# The CMake package.
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
    DESTINATION ${TURNSTILE_CMAKE_DIR} COMPONENT development)

# The .pc files find the prefix from where they lie, so that the installed tree can be moved. How
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

# _turnstile_install_pc(NAME [libraries]): turnstile.pc is for the shared library, if there is one,
# and turnstile-static.pc is for the static one beside it.
function(_turnstile_install_pc name kind)
  set(TURNSTILE_PC_CFLAGS "-I\${includedir}")
  set(TURNSTILE_PC_REQUIRES "libsodium")
  if(TURNSTILE_SQLITE STREQUAL "system")
    string(APPEND TURNSTILE_PC_REQUIRES ", sqlite3")
  elseif(kind STREQUAL "Static")
    string(APPEND TURNSTILE_PC_CFLAGS " -I\${includedir}/turnstile/engine")
  endif()
  set(TURNSTILE_PC_LIBS "-L\${libdir} -lturnstile -pthread")
  set(private "-Wl,--push-state,--no-as-needed,-lm,--pop-state -ldl")
  if(kind STREQUAL "Shared")
    set(TURNSTILE_PC_REQUIRES_KIND ".private")
    if(NOT TURNSTILE_SQLITE STREQUAL "system" AND Static IN_LIST _kinds)
      string(PREPEND private "-lturnstile_sqlite3 ")
    endif()
    set(TURNSTILE_PC_LIBS_PRIVATE "${private}")
  else()
    # In Libs and not in Libs.private: every program needs them, and pkg-config shows private ones
    # only to those who ask for static linking of everything. By their files, because -lturnstile
    # is the shared library where both are.
    set(TURNSTILE_PC_LIBS "\${libdir}/libturnstile.a")
    if(NOT TURNSTILE_SQLITE STREQUAL "system")
      string(APPEND TURNSTILE_PC_LIBS " \${libdir}/libturnstile_sqlite3.a")
    endif()
    string(APPEND TURNSTILE_PC_LIBS " ${private} -pthread")
  endif()
  configure_file("${PROJECT_SOURCE_DIR}/cmake/turnstile.pc.in" "${PROJECT_BINARY_DIR}/${name}.pc"
      @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${name}.pc" DESTINATION ${_pc_dir} COMPONENT development)
endfunction()
list(GET _kinds 0 _first_kind)
_turnstile_install_pc(turnstile ${_first_kind})
if(TURNSTILE_BOTH_KINDS)
  _turnstile_install_pc(turnstile-static Static)
endif()

# The command line, its manual page and its completions.
if(TARGET turnstile_cli)
  set(TURNSTILE_BASH_DIR "${CMAKE_INSTALL_DATADIR}/bash-completion/completions"
      CACHE STRING "Where the completion for bash goes")
  set(TURNSTILE_ZSH_DIR "${CMAKE_INSTALL_DATADIR}/zsh/site-functions"
      CACHE STRING "Where the completion for zsh goes")
  set(TURNSTILE_FISH_DIR "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d"
      CACHE STRING "Where the completion for fish goes")
  install(TARGETS turnstile_cli EXPORT turnstileCliTargets
      RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
  install(EXPORT turnstileCliTargets NAMESPACE turnstile::
      DESTINATION ${TURNSTILE_CMAKE_DIR} COMPONENT program)
  install(FILES "${PROJECT_SOURCE_DIR}/docs/reference/turnstile.1"
      DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
  if(TURNSTILE_COMPLETIONS)
    install(FILES "${TURNSTILE_COMPLETIONS}/bash" RENAME turnstile
        DESTINATION ${TURNSTILE_BASH_DIR} COMPONENT program)
    install(FILES "${TURNSTILE_COMPLETIONS}/zsh" RENAME _turnstile
        DESTINATION ${TURNSTILE_ZSH_DIR} COMPONENT program)
    install(FILES "${TURNSTILE_COMPLETIONS}/fish" RENAME turnstile.fish
        DESTINATION ${TURNSTILE_FISH_DIR} COMPONENT program)
  endif()
endif()
