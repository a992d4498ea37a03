// What keeps the content of a database from whoever has only its file.
#pragma once

struct sqlite3;

namespace turnstile::sqlite {

/// Given to every connection of a protected database, before its first statement. Such a connection
/// also keeps in memory what SQLite would put into temporary files.
///
/// Threads: shared.
class Protection {
 public:
  Protection() = default;
  Protection(const Protection&) = delete;
  Protection& operator=(const Protection&) = delete;
  virtual ~Protection() = default;

  /// Hands over the key, if there is one. SQLite's result code.
  [[nodiscard]] virtual int apply(sqlite3* handle) noexcept = 0;
  /// After the last connection is closed: forgets the key. Nothing can be opened with it any more.
  virtual void end() noexcept = 0;
  /// Whether a database that is open with this one can be shared by who comes with `other`.
  [[nodiscard]] virtual bool equals(const Protection& other) const noexcept = 0;
};

}  // namespace turnstile::sqlite
