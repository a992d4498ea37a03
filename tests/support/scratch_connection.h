// A connection to a file of its own, for tests of what stands below the Database.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "sqlite/call.h"
#include "sqlite/connection.h"
#include "support/temp_dir.h"

namespace turnstile::test {

/// Threads: confined.
class ScratchConnection {
 public:
  explicit ScratchConnection(std::string_view schema = {}, std::size_t cache_size = 128)
      : ScratchConnection(SqlDefinitions{}, schema, cache_size) {}
  explicit ScratchConnection(SqlDefinitions definitions, std::string_view schema = {},
                             std::size_t cache_size = 128)
      : definitions_(std::make_shared<const SqlDefinitions>(std::move(definitions))),
        connection_(config(cache_size), call_) {
    // Nothing here is about power failures, and syncing would be most of the tests' time.
    connection_.execute("PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL");
    connection_.execute(std::string(schema));
  }

  [[nodiscard]] sqlite::Connection::Config config(std::size_t cache_size = 128) const {
    sqlite::Connection::Config config;
    config.path = file();
    config.create = true;
    config.statement_cache_size = cache_size;
    config.definitions = definitions_;
    return config;
  }
  [[nodiscard]] std::string file() const { return directory_.file("scratch.db"); }
  [[nodiscard]] Call& call() noexcept { return call_; }
  [[nodiscard]] sqlite::Connection& operator*() noexcept { return connection_; }
  [[nodiscard]] sqlite::Connection* operator->() noexcept { return &connection_; }

 private:
  const std::shared_ptr<const SqlDefinitions> definitions_;
  TempDir directory_;
  Call call_;
  sqlite::Connection connection_;
};

}  // namespace turnstile::test
