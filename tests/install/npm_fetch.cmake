# Drives turnstile_npm_fetch() in script mode, for npm_fetch_test.py.
include("${MODULE}")
turnstile_npm_fetch(PACKAGE thing VERSION 1.2.3 INTEGRITY "${INTEGRITY}"
    FILES package/deps/thing.c package/LICENSE DESTINATION "${DESTINATION}")
