#include "schema.h"

namespace kb {

turnstile::Migrations schema() {
  return {
      {1, "documents and chunks", R"sql(
        CREATE TABLE document(
          id INTEGER PRIMARY KEY,
          path TEXT NOT NULL UNIQUE,
          size_bytes INTEGER NOT NULL,
          modified_ns INTEGER NOT NULL,
          content_hash BLOB NOT NULL,
          chunk_count INTEGER NOT NULL,
          cut_off INTEGER NOT NULL CHECK(cut_off IN (0, 1))
        ) STRICT;
        CREATE TABLE chunk(
          id INTEGER PRIMARY KEY,
          document_id INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
          position INTEGER NOT NULL,
          body TEXT NOT NULL,
          UNIQUE(document_id, position)
        ) STRICT;
        -- Files that are no texts, so that the next scan need not read them again.
        CREATE TABLE passed_over(
          path TEXT PRIMARY KEY,
          size_bytes INTEGER NOT NULL,
          modified_ns INTEGER NOT NULL,
          reason TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
      )sql"},
      {2, "full text", R"sql(
        -- The text stays in chunk; the triggers keep the index in the same transaction.
        CREATE VIRTUAL TABLE chunk_text USING fts5(
          body, content = 'chunk', content_rowid = 'id', tokenize = 'unicode61');
        CREATE TRIGGER chunk_inserted AFTER INSERT ON chunk BEGIN
          INSERT INTO chunk_text(rowid, body) VALUES (new.id, new.body);
        END;
        CREATE TRIGGER chunk_deleted AFTER DELETE ON chunk BEGIN
          INSERT INTO chunk_text(chunk_text, rowid, body) VALUES ('delete', old.id, old.body);
        END;
      )sql"},
      {3, "work, audit and runs", R"sql(
        -- What is still to be done. A worker claims a row until claimed_until; when it dies, the
        -- row becomes free by itself.
        CREATE TABLE work(
          path TEXT PRIMARY KEY,
          worker TEXT NOT NULL DEFAULT '',
          claimed_until INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX work_by_claim ON work(claimed_until);
        CREATE TABLE audit(
          id INTEGER PRIMARY KEY,
          at INTEGER NOT NULL,
          actor TEXT NOT NULL,
          action TEXT NOT NULL CHECK(action IN ('added', 'changed', 'removed')),
          path TEXT NOT NULL
        ) STRICT;
        -- What each process did, in its own words at its end.
        CREATE TABLE run(
          id INTEGER PRIMARY KEY,
          at INTEGER NOT NULL,
          kind TEXT NOT NULL,
          actor TEXT NOT NULL,
          commits INTEGER NOT NULL,
          searches INTEGER NOT NULL,
          hits INTEGER NOT NULL,
          lock_failures INTEGER NOT NULL,
          longest_write_wait_us INTEGER NOT NULL,
          longest_read_wait_us INTEGER NOT NULL
        ) STRICT;
      )sql"},
  };
}

}  // namespace kb
