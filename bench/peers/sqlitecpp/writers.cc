// SQLiteCpp as its README tells users of threads: a Database for each of them, none shared. A write
// is a Transaction that begins IMMEDIATE, which is what avoids failures that no busy timeout
// prevents; statements are kept and their values bound without copies. The pragmas are those of the
// benchmark.
#include <SQLiteCpp/SQLiteCpp.h>

#include "peers/writers.h"

namespace turnstile::bench {
namespace {

/// Threads: confined.
class SqliteCppClient {
 public:
  explicit SqliteCppClient(const std::string& path)
      : database_(path, SQLite::OPEN_READWRITE, kBusyTimeoutMs),
        insert_(database_, std::string(kInsert)),
        count_(database_, std::string(kCount)) {
    database_.exec("PRAGMA synchronous=NORMAL");
    database_.exec("PRAGMA foreign_keys=ON");
  }

  void write(const Record& record, std::int64_t key) {
    SQLite::Transaction transaction(database_, SQLite::TransactionBehavior::IMMEDIATE);
    insert_.tryReset();  // Also after a call that failed.
    insert_.bindNoCopy(1, record.name);
    insert_.bind(2, record.val);
    insert_.bindNoCopy(3, record.payload.data(), static_cast<int>(record.payload.size()));
    insert_.bind(4, record.created);
    insert_.exec();
    count_.tryReset();
    count_.bind(1, key);
    count_.exec();
    transaction.commit();
  }

 private:
  static constexpr int kBusyTimeoutMs = 5000;

  SQLite::Database database_;
  SQLite::Statement insert_;
  SQLite::Statement count_;
};

}  // namespace
}  // namespace turnstile::bench

int main(int argc, char** argv) {
  using namespace turnstile::bench;
  constexpr int kVersion = SQLITECPP_VERSION_NUMBER;  // 3'002'001 is 3.2.1.
  const std::string peer = "SQLiteCpp " + std::to_string(kVersion / 1'000'000) + "." +
                           std::to_string(kVersion / 1000 % 1000) + "." +
                           std::to_string(kVersion % 1000);
  return answer(argc, argv, peer, [](const Task& task) {
    return write_with(task, [&task] { return SqliteCppClient(task.file); });
  });
}
