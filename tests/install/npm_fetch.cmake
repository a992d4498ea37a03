# Drives turnstile_npm_fetch() in script mode, for npm_fetch_test.py.
include("${MODULE}")
if(NOT FILES)
  set(FILES package/deps/thing.c package/LICENSE)
endif()
turnstile_npm_fetch(PACKAGE thing VERSION 1.2.3 INTEGRITY "${INTEGRITY}"
    FILES ${FILES} DESTINATION "${DESTINATION}")
