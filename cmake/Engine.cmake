# The SQLite engine, as target turnstile::sqlite3, and where tests find sqlite-vec.
#
# One engine for the whole program: two copies of SQLite in a process drop each other's file locks
# and have lost committed rows that way (https://sqlite.org/howtocorrupt.html, section 2.2.1).
include(${CMAKE_CURRENT_LIST_DIR}/NpmFetch.cmake)
include(${PROJECT_SOURCE_DIR}/third_party/pins.cmake)

set(TURNSTILE_SQLITE "fetched" CACHE STRING
    "The SQLite to use: fetched (pinned, through npm), system, or a directory with an amalgamation")
set_property(CACHE TURNSTILE_SQLITE PROPERTY STRINGS fetched system)

# Stops unless the version has the fix for the WAL-reset bug: 3.51.3, or a back-port of it.
function(_turnstile_require_fixed_sqlite version origin)
  if(version VERSION_GREATER_EQUAL 3.51.3
     OR (version VERSION_GREATER_EQUAL 3.50.7 AND version VERSION_LESS 3.51)
     OR (version VERSION_GREATER_EQUAL 3.44.6 AND version VERSION_LESS 3.45))
    return()
  endif()
  message(FATAL_ERROR
      "TURNSTILE_SQLITE=${TURNSTILE_SQLITE}: ${origin} is SQLite ${version}, which is refused. "
      "It has the WAL-reset bug (SQLite 3.7.0 to 3.51.2): when two connections write or checkpoint "
      "at the same instant, the database can be damaged, and working like that is what this "
      "library is for. Needed is 3.51.3 or newer; 3.50.7 and 3.44.6 carry the fix too. Use "
      "-DTURNSTILE_SQLITE=fetched, or name a directory with a newer amalgamation.")
endfunction()

# Reads "#define NAME "value"" from a header.
function(_turnstile_read_define header name out)
  file(STRINGS "${header}" line REGEX "^#define ${name} +\"" LIMIT_COUNT 1)
  string(REGEX REPLACE "^[^\"]*\"([^\"]*)\".*$" "\\1" value "${line}")
  set(${out} "${value}" PARENT_SCOPE)
endfunction()

# Compiles the amalgamation in `source_dir` as turnstile_sqlite3.
function(_turnstile_compile_sqlite source_dir)
  add_library(turnstile_sqlite3 STATIC "${source_dir}/sqlite3.c")
  set_target_properties(turnstile_sqlite3 PROPERTIES
      EXPORT_NAME sqlite3
      POSITION_INDEPENDENT_CODE ON
      # The program that the static library is linked into does not export them either: another
      # library's SQLite would be bound to this one, function by function, and mix the two.
      C_VISIBILITY_PRESET hidden
      C_CLANG_TIDY "")
  target_include_directories(turnstile_sqlite3 SYSTEM INTERFACE
      $<BUILD_INTERFACE:${source_dir}>
      $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/turnstile/engine>)
  # SQLite3MultipleCiphers switches AES-NI, AVX and NEON on function by function and asks the
  # processor at run time, so that no -m flag is needed and the result runs on any x86-64.
  target_compile_definitions(turnstile_sqlite3 PRIVATE
      # No mutex on a connection: each is used by one thread at a time, and the gate sees to that.
      SQLITE_THREADSAFE=2
      # Shared cache is where "database table is locked" comes from; it is not even compiled in.
      SQLITE_OMIT_SHARED_CACHE
      SQLITE_DQS=0
      SQLITE_DEFAULT_MEMSTATUS=0
      SQLITE_DEFAULT_WAL_SYNCHRONOUS=1
      SQLITE_LIKE_DOESNT_MATCH_BLOBS
      SQLITE_STRICT_SUBTYPE=1
      SQLITE_USE_ALLOCA
      SQLITE_ENABLE_COLUMN_METADATA
      SQLITE_ENABLE_DBSTAT_VTAB
      SQLITE_ENABLE_FTS5
      SQLITE_ENABLE_MATH_FUNCTIONS
      SQLITE_ENABLE_PREUPDATE_HOOK
      SQLITE_ENABLE_SESSION
      SQLITE_ENABLE_STAT4)
  if(UNIX)
    # What SQLite's own configure script finds on a POSIX system. Without them the engine syncs
    # with fsync, reads with lseek and read, and uses localtime() with its static buffer.
    target_compile_definitions(turnstile_sqlite3 PRIVATE
        HAVE_PREAD=1 HAVE_PWRITE=1 HAVE_GMTIME_R=1 HAVE_LOCALTIME_R=1 HAVE_STRERROR_R=1
        $<$<PLATFORM_ID:Linux>:HAVE_FDATASYNC=1>)
  endif()
  # API armor reports misuse of the C interface instead of crashing; it costs a check a call.
  if(TURNSTILE_ENGINE_ARMOR)
    target_compile_definitions(turnstile_sqlite3 PRIVATE SQLITE_ENABLE_API_ARMOR)
  endif()
  # Its warnings are not ours to mend. -O2 in every configuration: at -O0 the tests take twice as
  # long and find no more. Sanitizer flags reach it through CMAKE_C_FLAGS, on purpose.
  target_compile_options(turnstile_sqlite3 PRIVATE -w -O2)
  find_package(Threads REQUIRED)
  target_link_libraries(turnstile_sqlite3 PUBLIC Threads::Threads ${CMAKE_DL_LIBS})
endfunction()

if(TURNSTILE_SQLITE STREQUAL "system")
  find_package(SQLite3 REQUIRED)
  _turnstile_require_fixed_sqlite("${SQLite3_VERSION}" "the system's library")
  add_library(turnstile_sqlite3 INTERFACE)
  set_target_properties(turnstile_sqlite3 PROPERTIES EXPORT_NAME sqlite3)
  find_package(Threads REQUIRED)
  target_link_libraries(turnstile_sqlite3 INTERFACE
      SQLite::SQLite3 Threads::Threads ${CMAKE_DL_LIBS})
  set(TURNSTILE_ENGINE_VERSION "${SQLite3_VERSION}")
  set(TURNSTILE_ENGINE_SOURCE_ID "")
else()
  if(TURNSTILE_SQLITE STREQUAL "fetched")
    set(_engine_dir "${PROJECT_BINARY_DIR}/third_party/sqlite3")
    turnstile_npm_fetch(
        PACKAGE ${TURNSTILE_PIN_SQLITE_PACKAGE} VERSION ${TURNSTILE_PIN_SQLITE_VERSION}
        INTEGRITY ${TURNSTILE_PIN_SQLITE_INTEGRITY} FILES ${TURNSTILE_PIN_SQLITE_FILES}
        DESTINATION "${_engine_dir}")
  else()
    set(_engine_dir "${TURNSTILE_SQLITE}")
    cmake_path(ABSOLUTE_PATH _engine_dir BASE_DIRECTORY "${PROJECT_SOURCE_DIR}" NORMALIZE)
    foreach(_name sqlite3.c sqlite3.h)
      if(NOT EXISTS "${_engine_dir}/${_name}")
        message(FATAL_ERROR
            "TURNSTILE_SQLITE=${TURNSTILE_SQLITE}: there is no ${_engine_dir}/${_name}. The value "
            "must be 'fetched', 'system', or a directory that holds the amalgamation (sqlite3.c "
            "and sqlite3.h).")
      endif()
    endforeach()
  endif()
  _turnstile_read_define("${_engine_dir}/sqlite3.h" SQLITE_VERSION TURNSTILE_ENGINE_VERSION)
  _turnstile_read_define("${_engine_dir}/sqlite3.h" SQLITE_SOURCE_ID TURNSTILE_ENGINE_SOURCE_ID)
  _turnstile_require_fixed_sqlite("${TURNSTILE_ENGINE_VERSION}" "${_engine_dir}")
  if(TURNSTILE_SQLITE STREQUAL "fetched"
     AND NOT TURNSTILE_ENGINE_SOURCE_ID STREQUAL TURNSTILE_PIN_SQLITE_SOURCE_ID)
    message(FATAL_ERROR
        "The fetched SQLite says it is '${TURNSTILE_ENGINE_SOURCE_ID}', but third_party/pins.cmake "
        "expects '${TURNSTILE_PIN_SQLITE_SOURCE_ID}'. Correct the pin.")
  endif()
  _turnstile_compile_sqlite("${_engine_dir}")
endif()
add_library(turnstile::sqlite3 ALIAS turnstile_sqlite3)
message(STATUS "SQLite ${TURNSTILE_ENGINE_VERSION} (${TURNSTILE_SQLITE})")

# The engine calls libm, and so does vec0.so, which does not name it as a dependency: the program
# that loads vec0.so must have libm already, even where the linker drops unneeded libraries.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  target_link_libraries(turnstile_sqlite3 INTERFACE
      "-Wl,--push-state,--no-as-needed,-lm,--pop-state")
elseif(UNIX)
  target_link_libraries(turnstile_sqlite3 INTERFACE m)
endif()

# sqlite-vec is needed by tests and examples only; programs name their own copy at run time.
if(PROJECT_IS_TOP_LEVEL AND NOT DEFINED CACHE{TURNSTILE_VEC0}
   AND TURNSTILE_SQLITE STREQUAL "fetched")
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    turnstile_npm_fetch(
        PACKAGE ${TURNSTILE_PIN_VEC0_PACKAGE} VERSION ${TURNSTILE_PIN_VEC0_VERSION}
        INTEGRITY ${TURNSTILE_PIN_VEC0_INTEGRITY} FILES ${TURNSTILE_PIN_VEC0_FILES}
        DESTINATION "${PROJECT_BINARY_DIR}/third_party")
    set(TURNSTILE_VEC0 "${PROJECT_BINARY_DIR}/third_party/vec0.so")
  else()
    message(STATUS "sqlite-vec: no pinned build for ${CMAKE_SYSTEM_PROCESSOR}; set TURNSTILE_VEC0 "
                   "to a vec0 library to run the tests that need it")
  endif()
endif()
