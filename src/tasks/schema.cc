#include "tasks/schema.h"

namespace turnstile::tasks {

namespace {

// A step that has been run anywhere is not changed any more, but followed by another one.
//
// task_item is indexed once for claiming, counting and listing: a claim is a descent into
// task_by_state, whatever lies in the queue. `ready` means pending, due and not blocked, so that
// tasks that wait for their time or for others are not passed over one by one.
constexpr const char* kTables = R"sql(
CREATE TABLE task_item(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  queue TEXT NOT NULL,
  kind TEXT NOT NULL,
  payload ANY,
  state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'done', 'failed', 'cancelled')),
  ready INTEGER NOT NULL CHECK (ready = 0 OR (ready = 1 AND state = 'pending' AND blockers = 0)),
  blockers INTEGER NOT NULL CHECK (blockers >= 0),
  not_before INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  key TEXT,
  attempt INTEGER NOT NULL DEFAULT 0,
  tries_left INTEGER NOT NULL CHECK (tries_left >= 0),
  max_attempts INTEGER NOT NULL,
  backoff_first INTEGER NOT NULL,
  backoff_factor REAL NOT NULL,
  backoff_max INTEGER NOT NULL,
  backoff_jitter REAL NOT NULL,
  timeout INTEGER NOT NULL,
  retention INTEGER,
  runs_if_dependency_fails INTEGER NOT NULL,
  origin TEXT NOT NULL,
  trace TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  expires_at INTEGER,
  result ANY,
  error TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX task_by_state ON task_item(state, ready, queue, kind, priority DESC, id);
CREATE INDEX task_due ON task_item(not_before)
  WHERE state = 'pending' AND ready = 0 AND blockers = 0;
CREATE UNIQUE INDEX task_live_key ON task_item(queue, key)
  WHERE key IS NOT NULL AND state IN ('pending', 'running');
CREATE INDEX task_finished ON task_item(state, finished_at)
  WHERE finished_at IS NOT NULL AND retention IS NULL;
CREATE INDEX task_expiry ON task_item(expires_at) WHERE expires_at IS NOT NULL;

CREATE TRIGGER task_transition BEFORE UPDATE OF state ON task_item
WHEN OLD.state IS NOT NEW.state AND NOT (
  OLD.state = 'pending' AND NEW.state IN ('running', 'cancelled')
  OR OLD.state = 'running' AND NEW.state IN ('pending', 'done', 'failed', 'cancelled')
  OR OLD.state = 'failed' AND NEW.state = 'pending')
BEGIN
  SELECT RAISE(ABORT, 'a task cannot change its state in this way');
END;

CREATE TABLE task_attempt(
  task INTEGER NOT NULL,
  number INTEGER NOT NULL,
  worker TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  held_until INTEGER,
  ended_at INTEGER,
  outcome TEXT CHECK (outcome IN ('done', 'failed', 'timed_out', 'interrupted', 'cancelled')),
  error TEXT NOT NULL DEFAULT '',
  progress REAL,
  progress_text TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (task, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_held ON task_attempt(held_until) WHERE held_until IS NOT NULL;

CREATE TABLE task_dependency(
  task INTEGER NOT NULL,
  depends_on INTEGER NOT NULL,
  settled INTEGER NOT NULL,
  PRIMARY KEY (task, depends_on)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_dependent ON task_dependency(depends_on) WHERE settled = 0;

CREATE TABLE task_queue(
  name TEXT PRIMARY KEY,
  max_running INTEGER,
  paused INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

}  // namespace

const Migrations& schema() {
  static const Migrations steps{{.version = 1, .name = "tasks", .sql = kTables}};
  return steps;
}

}  // namespace turnstile::tasks
