// Schema steps that leave a trace each time they are run: a row in the table step_log.
#pragma once

#include <string>

#include "turnstile/migration.h"

namespace turnstile::test {

/// `SELECT count(*), count(DISTINCT step) FROM step_log` gives `count` twice when each ran once.
[[nodiscard]] inline Migrations counted_migrations(int count) {
  Migrations steps;
  for (int version = 1; version <= count; ++version) {
    const std::string number = std::to_string(version);
    std::string sql = version == 1 ? "CREATE TABLE step_log(step INTEGER NOT NULL);" : "";
    sql += "CREATE TABLE made_by_step_" + number + "(id INTEGER PRIMARY KEY, note TEXT);";
    sql += "INSERT INTO step_log VALUES (" + number + ");";
    steps.push_back({version, "count step " + number, sql});
  }
  return steps;
}

}  // namespace turnstile::test
