# Puts the pinned better-sqlite3 into DESTINATION/package: `cmake -DDESTINATION=DIR -P fetch.cmake`.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/../../../cmake/NpmFetch.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/../../../third_party/pins.cmake")
turnstile_npm_fetch(
    PACKAGE ${TURNSTILE_PIN_BETTER_SQLITE3_PACKAGE}
    VERSION ${TURNSTILE_PIN_BETTER_SQLITE3_VERSION}
    INTEGRITY ${TURNSTILE_PIN_BETTER_SQLITE3_INTEGRITY}
    FILES ${TURNSTILE_PIN_BETTER_SQLITE3_FILES}
    DESTINATION "${DESTINATION}")
