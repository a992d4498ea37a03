# Debian packages by CPack, one for each part that Install.cmake knows: `./dev package`.
#
#   libturnstile0.1  the shared library; its name has the version of the interface, as its SONAME
#   libturnstile-dev headers, static library, CMake package, pkg-config files
#   turnstile        the command line, manual page, completions
if(NOT TARGET turnstile_shared OR NOT TARGET turnstile_cli OR NOT TURNSTILE_BOTH_KINDS)
  return()
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME turnstile)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_CONTACT "The Turnstile authors <turnstile@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # Each package has one of its own.
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/packages")
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL library development program)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
# Copyright and compressed pages, as Debian wants them in each package.
set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/cmake/debian/finish.cmake")
set(CPACK_TURNSTILE_SOURCE_DIR "${PROJECT_SOURCE_DIR}")

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

get_target_property(_soversion turnstile_shared SOVERSION)
set(_library "libturnstile${_soversion}")
set(_version "${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${_library})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION
    "many subsystems and processes on one SQLite file (library)
A C++20 library that gives out the right to write to one SQLite file, in
the order of arrival, to threads and processes, so that no call fails
because of a lock. SQLite is inside.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libturnstile-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "${_library} (= ${_version}), libsodium-dev, pkg-config")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
    "many subsystems and processes on one SQLite file (development)
Headers, the static library, the CMake package and the pkg-config files
of ${_library}.")

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME turnstile)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS "sqlite3")
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION
    "many subsystems and processes on one SQLite file (command line)
Reads, writes, copies and looks after SQLite files beside the programs
that use them through libturnstile: query, backup, tasks, cron jobs,
audit logs, vaults, a doctor, and who holds which lock.")
include(CPack)
