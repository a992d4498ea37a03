# Fetches pinned npm tarballs at configure time, through a cache outside the tree.
#
# turnstile_npm_fetch() is usable in script mode too (`cmake -P`); tests/install/npm_fetch_test.py
# drives it that way with a fake npm. A tarball gets into the cache by a rename within one file
# system, after its hash was checked, so concurrent configures see a whole file or none.

# Sets `out` to the directory that keeps tarballs between builds.
function(turnstile_cache_directory out)
  if(NOT "$ENV{TURNSTILE_CACHE}" STREQUAL "")
    set(dir "$ENV{TURNSTILE_CACHE}")
  elseif(NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
    set(dir "$ENV{XDG_CACHE_HOME}/turnstile")
  elseif(NOT "$ENV{HOME}" STREQUAL "")
    set(dir "$ENV{HOME}/.cache/turnstile")
  else()
    # No home directory (some CI runners): keep it in the build tree rather than fail.
    set(dir "${CMAKE_CURRENT_BINARY_DIR}/npm-cache")
  endif()
  cmake_path(ABSOLUTE_PATH dir NORMALIZE)
  set(${out} "${dir}" PARENT_SCOPE)
endfunction()

# Sets `out` to the lower-case hex form of an npm integrity string, which is base64. CMake can
# hash to hex only, and keeping both forms in the pins would make two sources of truth.
function(turnstile_integrity_to_hex integrity out)
  if(NOT integrity MATCHES "^sha512-([A-Za-z0-9+/]+)==$")
    message(FATAL_ERROR "The pin '${integrity}' is no npm integrity string (sha512-BASE64==).")
  endif()
  set(base64 "${CMAKE_MATCH_1}AA")  # The padding stands for two zero digits, cut off again below.
  set(alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  string(LENGTH "${base64}" length)
  set(hex "")
  set(at 0)
  while(at LESS length)
    set(bits 1)  # A leading 1 keeps the zeros behind it.
    foreach(offset RANGE 3)
      math(EXPR index "${at} + ${offset}")
      string(SUBSTRING "${base64}" ${index} 1 digit)
      string(FIND "${alphabet}" "${digit}" value)
      math(EXPR bits "${bits} * 64 + ${value}")
    endforeach()
    math(EXPR bits "${bits}" OUTPUT_FORMAT HEXADECIMAL)
    string(REGEX REPLACE "^0x1" "" bits "${bits}")
    string(APPEND hex "${bits}")
    math(EXPR at "${at} + 4")
  endwhile()
  string(SUBSTRING "${hex}" 0 128 hex)
  string(TOLOWER "${hex}" hex)
  set(${out} "${hex}" PARENT_SCOPE)
endfunction()

# Sets `out` to TRUE when `file` exists and has the hash.
function(_turnstile_has_hash file hex out)
  set(${out} FALSE PARENT_SCOPE)
  if(EXISTS "${file}")
    file(SHA512 "${file}" actual)
    if(actual STREQUAL hex)
      set(${out} TRUE PARENT_SCOPE)
    endif()
  endif()
endfunction()

# Downloads a tarball with `npm pack` into the cache, or stops with the reason.
function(_turnstile_npm_download package version hex cache tarball)
  set(manual
      "To do without the download, pass -DTURNSTILE_SQLITE=DIR with a directory that holds \
sqlite3.c and sqlite3.h, or copy the tarball from another machine to\n  ${tarball}")
  # PATH decides alone: with CMake's own system paths, a user could not exclude an npm.
  find_program(TURNSTILE_NPM npm NO_CMAKE_SYSTEM_PATH DOC "The npm that fetches pinned packages")
  if(NOT TURNSTILE_NPM)
    message(FATAL_ERROR
        "There is no npm in PATH, and ${package} ${version} is not in the cache ${cache}. "
        "The build needs npm once, to fetch it. Install it (Debian: apt-get install npm, or "
        "./dev setup) and configure again. ${manual}")
  endif()
  string(RANDOM LENGTH 12 suffix)
  set(scratch "${cache}/.fetch-${suffix}")
  file(MAKE_DIRECTORY "${scratch}")
  message(STATUS "Fetching ${package} ${version} with npm into ${cache}")
  # Two short retries: npm's own default keeps an offline machine waiting for over a minute.
  execute_process(
      COMMAND "${TURNSTILE_NPM}" pack "${package}@${version}" --pack-destination "${scratch}"
              --ignore-scripts --loglevel=error --fetch-retries=2
              --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000
      WORKING_DIRECTORY "${scratch}"
      RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors TIMEOUT 600)
  set(fetched "${scratch}/${package}-${version}.tgz")
  if(NOT status EQUAL 0 OR NOT EXISTS "${fetched}")
    file(REMOVE_RECURSE "${scratch}")
    string(STRIP "${errors}" errors)
    string(SUBSTRING "${errors}" 0 800 errors)  # The rest is npm's own call stack.
    message(FATAL_ERROR
        "npm could not fetch ${package} ${version} (npm's status: ${status}), and it is not in the "
        "cache ${cache}. The build needs the network once. Check that npm reaches its registry "
        "(npm ping, proxy settings), then configure again. ${manual}\nnpm said:\n${errors}")
  endif()
  file(SHA512 "${fetched}" actual)
  if(NOT actual STREQUAL hex)
    file(REMOVE_RECURSE "${scratch}")
    message(FATAL_ERROR
        "What npm fetched as ${package} ${version} is not the pinned package, so it is refused:\n"
        "  SHA-512 expected ${hex}\n"
        "  SHA-512 received ${actual}\n"
        "Either the registry (or a proxy before it) delivers something else, or third_party/"
        "pins.cmake names the wrong integrity. Do not go on before it is known which.")
  endif()
  file(RENAME "${fetched}" "${tarball}")
  file(REMOVE_RECURSE "${scratch}")
endfunction()

# turnstile_npm_fetch(PACKAGE p VERSION v INTEGRITY i FILES f... DESTINATION dir)
#
# Puts the named files or folders of the package, without what they are in, into `dir`. Does nothing
# when they are there already and come from that very tarball.
function(turnstile_npm_fetch)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "PACKAGE;VERSION;INTEGRITY;DESTINATION" "FILES")
  turnstile_integrity_to_hex("${arg_INTEGRITY}" hex)
  turnstile_cache_directory(cache)
  set(tarball "${cache}/${arg_PACKAGE}-${arg_VERSION}.tgz")

  _turnstile_has_hash("${tarball}" ${hex} usable)
  if(NOT usable)
    execute_process(COMMAND "${CMAKE_COMMAND}" -E make_directory "${cache}"
                    RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE errors)
    if(NOT status EQUAL 0)
      message(FATAL_ERROR
          "The cache directory ${cache} cannot be made: ${errors}"
          "Set TURNSTILE_CACHE to a directory that can be written and configure again.")
    endif()
    # The lock only saves a second download; correctness rests on hash and rename. So a file system
    # without locks is no reason to stop.
    file(LOCK "${cache}/lock" GUARD FUNCTION TIMEOUT 600 RESULT_VARIABLE locked)
    _turnstile_has_hash("${tarball}" ${hex} usable)
    if(NOT usable)
      if(EXISTS "${tarball}")
        message(WARNING "${tarball} is damaged (its SHA-512 is not the pinned one); fetching anew.")
        file(REMOVE "${tarball}")
      endif()
      _turnstile_npm_download(${arg_PACKAGE} ${arg_VERSION} ${hex} "${cache}" "${tarball}")
    endif()
  endif()

  set(stamp "${arg_DESTINATION}/.${arg_PACKAGE}")
  set(complete TRUE)
  foreach(member IN LISTS arg_FILES)
    cmake_path(GET member FILENAME name)
    if(NOT EXISTS "${arg_DESTINATION}/${name}")
      set(complete FALSE)
    endif()
  endforeach()
  if(complete AND EXISTS "${stamp}")
    file(READ "${stamp}" content)
    if(content STREQUAL hex)
      return()
    endif()
  endif()
  file(MAKE_DIRECTORY "${arg_DESTINATION}")
  set(unpacked "${arg_DESTINATION}/.unpack")
  file(REMOVE_RECURSE "${unpacked}")
  # TOUCH, because npm dates every file 1985: a changed pin would look older than its objects.
  file(ARCHIVE_EXTRACT INPUT "${tarball}" DESTINATION "${unpacked}" PATTERNS ${arg_FILES} TOUCH)
  foreach(member IN LISTS arg_FILES)
    cmake_path(GET member FILENAME name)
    if(NOT EXISTS "${unpacked}/${member}")
      message(FATAL_ERROR
          "${arg_PACKAGE} ${arg_VERSION} has no file ${member}, which the pins name.")
    endif()
    file(REMOVE_RECURSE "${arg_DESTINATION}/${name}")  # A folder does not take another's place.
    file(RENAME "${unpacked}/${member}" "${arg_DESTINATION}/${name}")
  endforeach()
  file(REMOVE_RECURSE "${unpacked}")
  file(WRITE "${stamp}" "${hex}")
endfunction()
