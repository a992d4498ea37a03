// Looking at a database file as a whole: its rows, its integrity, its copy on other pages.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "database/copies/temp_file.h"
#include "sqlite/connection.h"
#include "turnstile/progress.h"

namespace turnstile::database {

/// What a long operation tells, and when it ends early. Threads: confined.
struct Attention {
  const Call& call;
  const ProgressSink& progress;

  void tell(std::string_view phase, std::int64_t done, std::int64_t total) const {
    if (progress) progress({phase, done, total});
  }
  /// Throws Cancelled.
  void require_wanted() const;
};

/// The rows of each table, those behind virtual tables too, by name.
[[nodiscard]] std::vector<TableRows> count_rows(sqlite::Connection& connection,
                                                const Attention& attention);

/// What is wrong with the file itself, a clause each.
[[nodiscard]] std::vector<std::string> find_damage(sqlite::Connection& connection,
                                                   IntegrityCheck check,
                                                   const Attention& attention);
/// Foreign keys that lead nowhere, a clause for each kind. Such a file is whole: what it lacks was
/// never in it.
[[nodiscard]] std::vector<std::string> find_orphans(sqlite::Connection& connection,
                                                    const Attention& attention);

/// What it takes to read a file's pages and its schema. Threads: immutable.
struct Reading {
  std::shared_ptr<sqlite::Protection> protection{};
  std::shared_ptr<const SqlDefinitions> definitions{};
};
[[nodiscard]] Reading reading_of(const sqlite::Connection& connection);
[[nodiscard]] Reading reading_with(const SqlDefinitions& definitions);

/// A connection to a file that nobody writes to, which takes no lock and makes no file.
[[nodiscard]] std::unique_ptr<sqlite::Connection> open_immutable(const std::filesystem::path& path,
                                                                 const Call& call,
                                                                 const Reading& reading = {});

/// A connection to a file in the making, whose death nobody mourns: what makes it last is done at
/// the end, once.
[[nodiscard]] std::unique_ptr<sqlite::Connection> open_scratch(const std::filesystem::path& path,
                                                               const Call& call,
                                                               const Reading& reading = {});

/// Copies what `source`, which is in a read transaction, sees into the empty `copy`, as a file that
/// needs no log and no shared memory to be read; an encrypted one stays encrypted, with the same
/// key. It is not yet on the medium. Throws StorageError, Cancelled.
void copy_pages(sqlite::Connection& source, TempFile& copy, int pages_per_step,
                const Attention& attention);

/// Writes the content of `source` anew, without free pages, into the empty `copy`.
void copy_compactly(sqlite::Connection& source, TempFile& copy, const Attention& attention);

/// Throws StorageError (BACKUP_INVALID) when `copy` is damaged or has not the rows of `tables`.
/// Returns what find_orphans() does.
std::vector<std::string> require_true_copy(const TempFile& copy,
                                           const std::vector<TableRows>& tables,
                                           IntegrityCheck check, const Attention& attention,
                                           const Reading& reading = {});

/// The SHA-256 of what `descriptor` leads to. Throws StorageError, Cancelled.
[[nodiscard]] std::string hash_file(int descriptor, std::int64_t size, const Attention& attention);

/// `1, 2 and 3 more`: some of `problems`, for a message.
[[nodiscard]] std::string list(const std::vector<std::string>& problems);

}  // namespace turnstile::database
