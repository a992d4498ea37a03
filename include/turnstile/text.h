// Full-text search over an application's table: an FTS5 index (https://sqlite.org/fts5.html) that
// changes in the same transaction as the rows, whoever changes them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/lane.h"
#include "turnstile/progress.h"
#include "turnstile/value.h"

namespace turnstile {

namespace detail {
class TextDefinition;
}  // namespace detail

/// What counts as a word of a text.
enum class TextTokenizer {
  Unicode,  ///< Runs of letters and digits; case and diacritics make no difference.
  Porter,   ///< The same, and English words by their stem: `running` finds `runs`.
  Trigram,  ///< Every three characters, so that any part of a word is found that has three or more.
};

/// How a search was answered.
enum class TextSource {
  Fts5,  ///< From the index, ranked by BM25.
  Like,  ///< By reading all rows; see TextIndex::search().
};

/// `fts5` or `like`.
[[nodiscard]] std::string_view to_string(TextSource source) noexcept;

/// A column that is searched. Threads: immutable.
struct TextColumn {
  std::string name{};
  double weight = 1.0;  ///< Of a match in it, relative to the other columns; 0 or more.
};

/// What an index is made of. Threads: immutable.
struct TextIndexOptions {
  /// 1 to 40 of a-z, 0-9 and '_', a letter first: the FTS5 table's name. Those of the triggers and
  /// of what else belongs to it begin with it and a '_'.
  std::string name{};

  /// The table whose rows are indexed, by its INTEGER PRIMARY KEY, and its columns with the text.
  std::string table{};
  std::vector<TextColumn> columns{};

  /// Further columns of the table, by which searches may be restricted. Not part of the index.
  std::vector<std::string> filters{};

  TextTokenizer tokenizer = TextTokenizer::Unicode;

  /// Lengths in characters of beginnings of words, 1 to 999 and at most 31 of them, for which
  /// `word*` is looked up instead of being gathered from all words that begin so.
  std::vector<int> prefix{};

  /// Make no index and read all rows in each search, as where the engine has no FTS5.
  bool scan_only = false;
};

/// Restricts a search to rows by what a column of TextIndexOptions::filters has. Of what is given
/// all must hold, and something must be given. Threads: immutable.
struct TextFilter {
  std::string column{};
  std::vector<Value> any_of{};  ///< One of these; std::monostate is NULL.
  std::optional<Value> at_least{};
  std::optional<Value> at_most{};
};

/// The piece of a text that shows why it was found. Threads: immutable.
struct TextSnippet {
  std::string column{};        ///< Empty: the one in which most was found.
  std::string before = "[";    ///< Put before what was found,
  std::string after = "]";     ///< and after it.
  std::string ellipsis = "…";  ///< Where text was left out.
  int words = 16;              ///< 1 to 64; 0: all of the column, which has to be named then.
};

/// A row that was found. Threads: immutable.
struct TextHit {
  std::int64_t key = 0;   ///< The row's primary key.
  double score = 0;       ///< Higher is better. Compares within one search only.
  std::string snippet{};  ///< Empty unless it was asked for.
  TextSource source = TextSource::Fts5;
};

/// How to search. Threads: immutable.
struct TextSearch {
  std::size_t limit = 10;  ///< The most hits, 1 to 1000.
  std::vector<TextFilter> filters{};

  /// Whether OR and NOT, in capitals and between words, are operators: `a b OR c NOT d` is
  /// `(a and b) or (c and not d)`. One that lacks a side is a word.
  bool operators = false;

  std::optional<TextSnippet> snippet{};

  /// The last hit of the page before: gives those that follow it. Scores depend on all rows, so
  /// that a commit between two pages, or the end of a rebuild(), may let a hit be missed, or be
  /// given twice.
  std::optional<TextHit> after{};
};

/// How to make an index anew. Threads: immutable.
struct TextRebuildOptions {
  /// The lane whose turns it takes, such as one of Priority::Bulk; without, the index's own.
  std::optional<Lane> lane{};
  /// Ends it with Cancelled; another rebuild() goes on where this one was.
  std::stop_token stop{};
  /// Told of the phase `index`, in rows, between two transactions.
  ProgressSink progress{};
};

/// A full-text index over a table, kept by triggers: every statement of every program that changes
/// rows, also by REPLACE, UPSERT or a foreign key, changes the index in the same transaction.
///
/// The index is made when it is first asked for, by a schema step of the component `text.NAME`. For
/// a table that has no rows it is ready then. For one that has, and when a program asks for it with
/// other columns or another tokenizer than the file's, needs_rebuild() says so and rebuild() builds
/// it; a start never does. The words are stored with a copy of the text, because an index that
/// takes the text to remove from the table itself is spoilt by REPLACE.
///
/// Copies are the same index. All calls throw what Lane's calls throw.
///
/// Threads: shared.
class TextIndex {
 public:
  /// Throws MisuseError (TEXT_INDEX_INVALID) for options that do not fit the table: it is missing,
  /// or has no INTEGER PRIMARY KEY (rowids of its own may change with VACUUM), or not these
  /// columns. On a read-only database nothing is made.
  TextIndex(Lane lane, TextIndexOptions options,
            std::source_location where = std::source_location::current());

  [[nodiscard]] std::string_view name() const noexcept;  ///< Of the index.

  /// The rows that match, the best first; of those that are equal the one with the lesser key.
  ///
  /// Any text is a query. Its words must all be there, in any order; `"several words"` must be
  /// there as they stand; `word*` and `"several wor"*` match beginnings. Everything else is data: a
  /// word with punctuation inside, such as foo-bar, matches its parts in a row, and what has
  /// neither letter nor digit matches everything (with nothing else: nothing). Bytes that are no
  /// UTF-8 count as blanks. With the trigram tokenizer a word of fewer than three characters
  /// matches everything.
  ///
  /// Without FTS5, with TextIndexOptions::scan_only and while needs_rebuild(), all rows are read
  /// and compared with each word as it stands, punctuation included, anywhere in the text; only
  /// ASCII letters match in both cases. The score is how often the words occur, times the weights.
  ///
  /// Throws MisuseError: OPTION_INVALID, TEXT_FILTER_UNKNOWN.
  [[nodiscard]] std::vector<TextHit> search(
      std::string_view query, const TextSearch& options = {},
      std::source_location where = std::source_location::current()) const;
  /// The same inside a transaction, which sees its own changes. (A WriteTx is a ReadTx.)
  [[nodiscard]] std::vector<TextHit> search(ReadTx& tx, std::string_view query,
                                            const TextSearch& options = {}) const;

  /// How many rows match; counts no further than `at_most`. Of `options` only what selects rows
  /// counts: filters and operators.
  [[nodiscard]] std::int64_t count(
      std::string_view query, const TextSearch& options = {}, std::int64_t at_most = 1000,
      std::source_location where = std::source_location::current()) const;
  [[nodiscard]] std::int64_t count(ReadTx& tx, std::string_view query,
                                   const TextSearch& options = {},
                                   std::int64_t at_most = 1000) const;

  /// Whether the file's index is not, or not wholly, the one that the options describe. Searches
  /// read all rows until rebuild() has been called. False where no index is to be made.
  [[nodiscard]] bool needs_rebuild(
      std::source_location where = std::source_location::current()) const;

  /// Makes the index anew, in transactions of at most 1000 rows and about 256 KiB of text, between
  /// which others have their turn; changes meanwhile are indexed as they happen. One that did not
  /// get to its end is gone on with. Several processes may call it at once. Throws MisuseError
  /// (TEXT_INDEX_CHANGED) when a program with other options begins to rebuild it meanwhile.
  void rebuild(const TextRebuildOptions& options = {},
               std::source_location where = std::source_location::current()) const;

  /// Takes the index out of the file, for good unless rebuild() is called: who asks for it again
  /// finds that it needs one.
  void drop(std::source_location where = std::source_location::current()) const;

  /// What is wrong with the index, a sentence each: its own structure (FTS5's integrity check), and
  /// whether it has each row of the table, as it is, and no other. Reads all of both.
  [[nodiscard]] std::vector<std::string> check(
      std::source_location where = std::source_location::current()) const;

  /// Merges the index's parts, so that searches read less; in small transactions.
  void optimize(std::source_location where = std::source_location::current()) const;

 private:
  Lane lane_;
  std::shared_ptr<const detail::TextDefinition> definition_;
};

}  // namespace turnstile
