#include "cron/job/schema.h"

namespace turnstile::cron {

namespace {

// `next_start` is `next_run` plus its jitter. UNIQUE(job, due) is what makes a due time be claimed
// once, even if the clock is set back or a job is told an earlier `next_run` by hand.
constexpr const char* kJobsAndRuns = R"sql(
CREATE TABLE cron_job(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  schedule TEXT NOT NULL,
  kind TEXT NOT NULL,
  payload TEXT NOT NULL,
  zone TEXT NOT NULL,
  timeout INTEGER,
  missed TEXT NOT NULL CHECK (missed IN ('skip', 'once', 'all')),
  missed_limit INTEGER NOT NULL,
  overlap TEXT NOT NULL CHECK (overlap IN ('skip', 'allow', 'queue')),
  jitter INTEGER NOT NULL,
  enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  counted_from INTEGER NOT NULL,
  next_run INTEGER,
  next_start INTEGER,
  last_run INTEGER,
  last_status TEXT,
  skipped INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL
) STRICT;
CREATE INDEX cron_job_next ON cron_job(next_start) WHERE enabled = 1 AND next_start IS NOT NULL;

CREATE TABLE cron_run(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job INTEGER NOT NULL REFERENCES cron_job(id) ON DELETE CASCADE,
  due INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed', 'timed_out',
                                         'interrupted', 'skipped', 'cancelled')),
  due_times INTEGER NOT NULL DEFAULT 1,
  owner TEXT NOT NULL DEFAULT '',
  fence INTEGER NOT NULL DEFAULT 0,
  lease INTEGER,
  cancel INTEGER NOT NULL DEFAULT 0 CHECK (cancel IN (0, 1)),
  started INTEGER,
  finished INTEGER,
  text TEXT NOT NULL DEFAULT '',
  UNIQUE (job, due)
) STRICT;
CREATE INDEX cron_run_status ON cron_run(status, job);
)sql";

}  // namespace

Migrations cron_schema() {
  return {{.version = 1, .name = "jobs and runs", .sql = kJobsAndRuns}};
}

}  // namespace turnstile::cron
