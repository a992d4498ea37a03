# Everything that the build downloads, in one place: package, version, integrity, the files used.
#
# The integrity string is npm's own form (`npm view NAME@VERSION dist.integrity`): "sha512-" and the
# base64 of the tarball's SHA-512. It is checked each time a tarball is used, from the cache too.
# To move to another version: change these values, run `./dev test`, then THIRD_PARTY.md.

# SQLite3MultipleCiphers 2.4.0: SQLite with page-level encryption, as one amalgamation.
set(TURNSTILE_PIN_SQLITE_PACKAGE better-sqlite3-multiple-ciphers)
set(TURNSTILE_PIN_SQLITE_VERSION 13.0.3)
set(TURNSTILE_PIN_SQLITE_INTEGRITY
    "sha512-UYabM82r1J84TLWc/SszoHs6XopWpl/2HCg3Nui1JUaFXg/VLswzkPowYiRhK/4CftI8dgtikwyZQecMldrGxQ==")
set(TURNSTILE_PIN_SQLITE_FILES
    package/deps/sqlite3/sqlite3.c
    package/deps/sqlite3/sqlite3.h
    package/deps/sqlite3/sqlite3ext.h
    package/LICENSE)
# What sqlite3_sourceid() of that amalgamation returns; a test asks the linked engine.
set(TURNSTILE_PIN_SQLITE_SOURCE_ID
    "2026-07-24 19:02:57 bf7c7f30031888f4e796e429ab3978879485813aaca6f641c7b33e4e09459bcc")

# sqlite-vec, prebuilt for Linux on x86-64: a loadable extension, never linked.
set(TURNSTILE_PIN_VEC0_PACKAGE sqlite-vec-linux-x64)
set(TURNSTILE_PIN_VEC0_VERSION 0.1.9)
set(TURNSTILE_PIN_VEC0_INTEGRITY
    "sha512-w3tCH8xK2finW8fQJ/m8uqKodXUZ9KAuAar2UIhz4BHILfpE0WM/MTGCRfa7RjYbrYim5Luk3guvMOGI7T7JQA==")
set(TURNSTILE_PIN_VEC0_FILES package/vec0.so)

# better-sqlite3, which `./dev bench --peers` measures; built from its sources, with its own SQLite.
set(TURNSTILE_PIN_BETTER_SQLITE3_PACKAGE better-sqlite3)
set(TURNSTILE_PIN_BETTER_SQLITE3_VERSION 12.11.1)
set(TURNSTILE_PIN_BETTER_SQLITE3_INTEGRITY
    "sha512-dq9AtApgg5PGFtBzPFSBl3HZQjHok5gaQCM6zh2Yk0aSmDCs1CbnVI8/HgASQkNKsWFpseIO9beg5xxpYhbIfA==")
set(TURNSTILE_PIN_BETTER_SQLITE3_FILES package)
