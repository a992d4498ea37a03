#include "schema.h"

namespace kb {

namespace {

// `chunk_count` is what the document had when it was stored; `kb stats` compares it with the rows.
constexpr const char* kDocuments = R"sql(
CREATE TABLE document(
  id           INTEGER PRIMARY KEY,
  path         TEXT    NOT NULL UNIQUE,
  size_bytes   INTEGER NOT NULL,
  modified     INTEGER NOT NULL,
  text_hash    BLOB    NOT NULL,
  text_bytes   INTEGER NOT NULL,
  truncated    INTEGER NOT NULL CHECK (truncated IN (0, 1)),
  chunk_count  INTEGER NOT NULL,
  indexed_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE chunk(
  id           INTEGER PRIMARY KEY,
  document_id  INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
  position     INTEGER NOT NULL,
  body         TEXT    NOT NULL,
  UNIQUE (document_id, position)
) STRICT;

-- Files that are no documents, remembered so that a re-scan need not open them again.
CREATE TABLE skipped(
  path         TEXT    NOT NULL PRIMARY KEY,
  size_bytes   INTEGER NOT NULL,
  modified     INTEGER NOT NULL,
  reason       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

// The index keeps no copy of the text: it reads it from `chunk` when it makes a snippet. So it must
// be told of each row that comes and goes, with the very text that went. The triggers do that, in
// the same transaction as the change, for every statement that will ever touch the table.
constexpr const char* kFullText = R"sql(
CREATE VIRTUAL TABLE chunk_text USING fts5(
  body, content = 'chunk', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2');

CREATE TRIGGER chunk_added AFTER INSERT ON chunk BEGIN
  INSERT INTO chunk_text(rowid, body) VALUES (new.id, new.body);
END;

CREATE TRIGGER chunk_removed AFTER DELETE ON chunk BEGIN
  INSERT INTO chunk_text(chunk_text, rowid, body) VALUES ('delete', old.id, old.body);
END;

CREATE TRIGGER chunk_is_never_updated BEFORE UPDATE ON chunk BEGIN
  SELECT raise(ABORT, 'a chunk is replaced, never updated');
END;
)sql";

constexpr const char* kAudit = R"sql(
CREATE TABLE audit(
  id       INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  actor    TEXT    NOT NULL,
  action   TEXT    NOT NULL,
  subject  TEXT    NOT NULL
) STRICT;
)sql";

// What is to be looked at. A row leaves in the transaction that stores what was found, so that work
// is neither lost nor done twice, whoever dies.
constexpr const char* kWork = R"sql(
CREATE TABLE work(
  id           INTEGER PRIMARY KEY,
  path         TEXT    NOT NULL UNIQUE,
  owner        INTEGER NOT NULL DEFAULT 0,
  lease_until  INTEGER NOT NULL DEFAULT 0
) STRICT;
)sql";

}  // namespace

turnstile::Migrations schema() {
  return {{1, "documents and chunks", kDocuments},
          {2, "full-text index", kFullText},
          {3, "audit", kAudit},
          {4, "work queue", kWork}};
}

}  // namespace kb
