// SQLite's backup interface (https://sqlite.org/c3ref/backup_finish.html).
#pragma once

namespace turnstile::sqlite {

class Connection;

/// Makes the database of `to` a copy of what `from` sees, page by page. Both must be in no
/// transaction. Throws StorageError and what else SQLite says.
void copy_pages(Connection& from, Connection& to);

}  // namespace turnstile::sqlite
