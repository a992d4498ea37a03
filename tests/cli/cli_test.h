// What the tests of the program have in common: a database of their own and looks at its output.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/cli.h"
#include "support/sqlite_shell.h"
#include "support/temp_dir.h"

namespace turnstile::test {

using Json = nlohmann::json;

/// A database with a table `note(id, title, score, data)`, made by the program.
class CliTest : public testing::Test {
 protected:
  CliTest() : db_(directory_.file("app.db")) {
    const CliResult made = run_cli({"init", db_});
    if (made.status != 0) throw std::runtime_error(made.err);
    exec("CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT NOT NULL, score REAL, data BLOB)");
  }

  void exec(const std::string& sql) {
    const CliResult result = run_cli({"exec", db_, sql});
    ASSERT_EQ(result.status, 0) << result.err;
  }

  [[nodiscard]] CliResult query(const std::string& sql, std::vector<std::string> flags = {}) const {
    flags.insert(flags.begin(), {"query", db_, sql});
    return run_cli(flags);
  }

  /// The one value that `sql` gives.
  [[nodiscard]] Json ask(const std::string& sql) const {
    return Json::parse(query(sql, {"--json"}).out).at(0).front();
  }

  TempDir directory_;
  std::string db_;
};

/// The member `error` of what standard error has with --json.
[[nodiscard]] inline Json error_of(const CliResult& result) {
  return Json::parse(result.err).at("error");
}

}  // namespace turnstile::test
