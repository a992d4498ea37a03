// Facts about the SQLite that is linked, and about a second one that must not be there.
#pragma once

#include <optional>
#include <string>

namespace turnstile::sqlite {

/// Empty when the linked SQLite may be used, else the reason: it is older than 3.51.3 (and neither
/// 3.50.7 nor 3.44.6) and so has the WAL-reset bug, which loses committed transactions; or it was
/// compiled without something that is needed. https://sqlite.org/wal.html#walresetbug
[[nodiscard]] std::string why_engine_is_unsuitable();

/// The part of it that is about the version, as SQLITE_VERSION_NUMBER: 3051003 is 3.51.3.
[[nodiscard]] std::string why_version_is_unsuitable(int version_number);

/// The file of a second SQLite among the loaded objects, if there is one. A copy of Turnstile has
/// one. One that is hidden in a library that does not export its symbols cannot be seen.
/// https://sqlite.org/howtocorrupt.html#multiple_copies_of_sqlite_linked_into_the_same_application
[[nodiscard]] std::optional<std::string> find_second_engine();

}  // namespace turnstile::sqlite
