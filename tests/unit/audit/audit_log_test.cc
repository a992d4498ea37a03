// What an audit log records, and how.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "support/audit_database.h"
#include "support/busy_writer.h"
#include "support/files.h"
#include "support/forked.h"
#include "support/interleaving.h"
#include "support/thrown.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Time = std::chrono::system_clock::time_point;

constexpr Time kNoon{std::chrono::sys_days{std::chrono::year(2026) / 3 / 1} + 12h};

AuditOptions at_noon() {
  AuditOptions options;
  options.now = [] { return kNoon; };
  return options;
}

std::vector<std::string> actions_in(const AuditLog& log) {
  std::vector<std::string> actions;
  for (const AuditRecord& record : log.trail().list({.limit = 10'000}))
    actions.insert(actions.begin(), record.event.action);
  return actions;
}

// AUD-03: the row has all of it, and the time is that of the event.
TEST(AuditLog, KeepsAllOfAnEvent) {
  const AuditDatabase db;
  AuditLog log(db.lane(), at_noon());
  const AuditEvent event{.action = "note.delete",
                         .actor = "ada",
                         .subject = "note/7",
                         .detail = R"({"title":"Zürich","tags":[1,2.50]})",
                         .trace = "4bf92f35",
                         .session = "s-1",
                         .time = kNoon - 48h};
  EXPECT_EQ(log.record_sync(event), 1);
  const auto record = log.trail().get(1).value();
  EXPECT_EQ(record.id, 1);
  EXPECT_EQ(record.event, event);
}

// AUD-03: the indexes that the log is looked up by.
TEST(AuditLog, HasIndexesForSessionActionAndTime) {
  const AuditDatabase db;
  const AuditLog log(db.lane());
  const auto plan = [&](const std::string& condition) {
    return db->lane("plan").read([&](ReadTx& tx) {
      std::string text;
      for (const Row row : tx.query("EXPLAIN QUERY PLAN SELECT * FROM audit_event WHERE " +
                                    condition + " ORDER BY id DESC LIMIT 10"))
        text += row.get<std::string>("detail");
      return text;
    });
  };
  EXPECT_THAT(plan("session = 'x' AND session <> ''"), HasSubstr("audit_event_session"));
  EXPECT_THAT(plan("action = 'x'"), HasSubstr("audit_event_action"));
  EXPECT_THAT(plan("time >= 5 AND time < 6"), HasSubstr("audit_event_time"));
}

TEST(AuditLog, FillsInWhatAnEventLeavesOut) {
  const AuditDatabase db;
  AuditLog log(db.lane(), at_noon());
  log.record_sync({.action = "start"});
  const AuditEvent event = log.trail().get(1).value().event;
  EXPECT_EQ(event.actor, "system");
  EXPECT_EQ(event.detail, "{}");
  EXPECT_EQ(event.time, kNoon);
}

TEST(AuditLog, WritesWhatWasRecordedInItsOrder) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  log.start();
  for (const char* action : {"one", "two", "three"})
    log.record({.action = action});
  ASSERT_TRUE(log.flush());
  EXPECT_THAT(actions_in(log), ElementsAre("one", "two", "three"));
}

TEST(AuditLog, WritesManyEventsInOneTransaction) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  for (int i = 0; i < 200; ++i)
    log.record({.action = "act"});
  log.start();
  ASSERT_TRUE(log.flush());
  EXPECT_EQ(log.stats().groups, 1U);
  EXPECT_EQ(log.stats().written, 200U);
  EXPECT_EQ(db.count(), 200);
}

TEST(AuditLog, LetsEventsShareATransactionThatComeWithinTheLinger) {
  const AuditDatabase db;
  AuditOptions options;
  options.linger = 1h;
  options.group_size = 3;
  AuditLog log(db.lane(), options);
  log.start();
  log.record({.action = "one"});
  log.record({.action = "two"});
  EXPECT_EQ(db.count(), 0);
  AtPoint written("AuditWriter::write_group");
  log.record({.action = "three"});
  written.wait_until_reached();
  ASSERT_TRUE(log.flush());
  EXPECT_EQ(log.stats().groups, 1U);
}

TEST(AuditLog, DoesNotLingerWhenSomebodyFlushes) {
  const AuditDatabase db;
  AuditOptions options;
  options.linger = 1h;
  AuditLog log(db.lane(), options);
  log.start();
  log.record({.action = "one"});
  EXPECT_TRUE(log.flush());
}

TEST(AuditLog, KeepsTheTimeOfTheEventAndNotOfItsWriting) {
  const AuditDatabase db;
  Time now = kNoon;
  AuditOptions options;
  options.now = [&now] { return now; };
  AuditLog log(db.lane(), options);
  log.record({.action = "act"});
  now += 1h;
  log.start();
  ASSERT_TRUE(log.flush());
  EXPECT_EQ(log.trail().get(1).value().event.time, kNoon);
}

// AUD-07: another process sees it as soon as record_sync() has returned.
TEST(AuditLog, RecordsSynchronouslyAfterTheCommit) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  EXPECT_EQ(log.record_sync({.action = "one"}), 1);
  EXPECT_EQ(db.count("action = 'one'"), 1);
  EXPECT_EQ(log.stats().written, 1U);
}

TEST(AuditLog, RecordsInTheTransactionOfTheCaller) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  db.lane().write([&](WriteTx& tx) {
    tx.execute("CREATE TABLE note(text)");
    EXPECT_EQ(log.record(tx, {.action = "one"}), 1);
    EXPECT_EQ(log.record(tx, {.action = "two"}), 2);
    EXPECT_EQ(db.count(), 0);
  });
  EXPECT_THAT(actions_in(log), ElementsAre("one", "two"));
  EXPECT_TRUE(log.trail().verify().ok());
}

TEST(AuditLog, ForgetsAnEventWhoseTransactionIsUndone) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  log.record_sync({.action = "kept"});
  EXPECT_THROW(db.lane().write([&](WriteTx& tx) {
    log.record(tx, {.action = "undone"});
    throw std::runtime_error("no");
  }),
               std::runtime_error);
  log.record_sync({.action = "next"});
  EXPECT_THAT(actions_in(log), ElementsAre("kept", "next"));
  EXPECT_TRUE(log.trail().verify().ok());
}

TEST(AuditLog, ForgetsAnEventWhoseSavepointIsUndone) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  db.lane().write([&](WriteTx& tx) {
    log.record(tx, {.action = "kept"});
    Savepoint part = tx.savepoint();
    log.record(tx, {.action = "undone"});
    part.rollback();
    log.record(tx, {.action = "next"});
  });
  EXPECT_THAT(actions_in(log), ElementsAre("kept", "next"));
  EXPECT_TRUE(log.trail().verify().ok());
}

TEST(AuditLog, KeepsTheChainWholeWhereClosuresAreRehearsed) {
  const AuditDatabase db(Options{.rehearse_closures = true});
  AuditLog log(db.lane());
  log.start();
  log.record({.action = "queued"});
  ASSERT_TRUE(log.flush());
  log.record_sync({.action = "synchronous"});
  db.lane().write([&](WriteTx& tx) { log.record(tx, {.action = "inside"}); });
  EXPECT_THAT(actions_in(log), ElementsAre("queued", "synchronous", "inside"));
  EXPECT_TRUE(log.trail().verify().ok());
}

TEST(AuditLog, MayRecordInsideAClosureAndDoesNotDependOnIt) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  log.start();
  EXPECT_THROW(db.lane().write([&](WriteTx&) {
    log.record({.action = "tried"});
    throw std::runtime_error("no");
  }),
               std::runtime_error);
  ASSERT_TRUE(log.flush());
  EXPECT_THAT(actions_in(log), ElementsAre("tried"));
}

TEST(AuditLog, RefusesToWaitForItselfInsideAClosure) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  log.start();
  db.lane().write([&](WriteTx&) {
    log.record({.action = "act"});
    EXPECT_EQ(thrown<MisuseError>([&] { (void)log.flush(); }).code(), "READ_INSIDE_WRITE");
  });
  EXPECT_TRUE(log.flush());
}

TEST(AuditLog, FlushesInVainBeforeItIsStarted) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  EXPECT_TRUE(log.flush(0ms));
  log.record({.action = "act"});
  EXPECT_FALSE(log.flush(1h));
  log.start();
  EXPECT_TRUE(log.flush());
}

TEST(AuditLog, FlushesInVainWhileSomebodyElseWrites) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  log.start();
  BusyWriter busy(db.lane("busy"));
  log.record({.action = "act"});
  EXPECT_FALSE(log.flush(20ms));
  busy.let_go();
  EXPECT_TRUE(log.flush());
}

TEST(AuditLog, MakesItsTablesOnceAndWritesNothingTheSecondTime) {
  const AuditDatabase db;
  { const AuditLog log(db.lane()); }
  const std::string before = db.raw("SELECT hex(log) || hex(hash) FROM audit_head");
  const auto commits = db->metrics().commit.count;
  { const AuditLog log(db.lane()); }
  EXPECT_EQ(db->metrics().commit.count, commits);
  EXPECT_EQ(db.raw("SELECT hex(log) || hex(hash) FROM audit_head"), before);
  EXPECT_EQ(before.size(), 32U + 64U);
}

TEST(AuditLog, MakesNoCopyOfTheFileForItsFirstTables) {
  AuditDatabase db;
  db.raw("CREATE TABLE note(text); INSERT INTO note VALUES ('x')");
  { const AuditLog log(db.lane()); }
  for (const std::string& name : names_in(db.directory().path()))
    EXPECT_THAT(name, testing::Not(HasSubstr("before")));
}

TEST(AuditLog, WorksInMemory) {
  const Database db = Database::open(":memory:");
  AuditLog log(db.lane("audit"));
  log.start();
  log.record({.action = "one"});
  ASSERT_TRUE(log.flush());
  EXPECT_TRUE(log.trail().verify().ok());
}

TEST(AuditLog, WorksWithOneConnection) {
  const AuditDatabase db(Options{.connections = 1});
  AuditLog log(db.lane());
  log.start();
  log.record({.action = "one"});
  ASSERT_TRUE(log.flush());
  EXPECT_TRUE(log.trail().verify().ok());
}

TEST(AuditLog, WritesNothingWhereTheDatabaseIsReadOnly) {
  AuditDatabase db;
  { const AuditLog log(db.lane()); }
  db->close();
  const Database read_only = Database::open(db.file(), {.mode = OpenMode::ReadOnly});
  AuditLog log(read_only.lane("audit"));
  EXPECT_EQ(thrown<MisuseError>([&] { log.record_sync({.action = "act"}); }).code(),
            "DB_READ_ONLY");
  log.start();
  log.record({.action = "act"});
  EXPECT_FALSE(log.flush(1h));
  EXPECT_EQ(log.stop(1h).unwritten, 1U);
}

TEST(AuditLog, RefusesOptionsThatMakeNoSense) {
  const AuditDatabase db;
  const auto code_of = [&](const std::function<void(AuditOptions&)>& spoil) {
    AuditOptions options;
    spoil(options);
    return std::string(thrown<MisuseError>([&] { const AuditLog log(db.lane(), options); }).code());
  };
  EXPECT_EQ(code_of([](AuditOptions& o) { o.actor = ""; }), "OPTION_INVALID");
  EXPECT_EQ(code_of([](AuditOptions& o) { o.queue_limit = 0; }), "OPTION_INVALID");
  EXPECT_EQ(code_of([](AuditOptions& o) { o.group_size = 0; }), "OPTION_INVALID");
  EXPECT_EQ(code_of([](AuditOptions& o) { o.linger = -1ms; }), "OPTION_INVALID");
}

TEST(AuditLog, DoesNothingInAChildOfAFork) {
  const AuditDatabase db;
  auto log = std::make_unique<AuditLog>(db.lane());
  log->start();
  log->record({.action = "one"});
  const std::string answer = in_child([&] {
    std::string codes;
    const auto add = [&codes](const auto& call) {
      codes += std::string(thrown<MisuseError>(call).code()) + " ";
    };
    add([&] { log->record({.action = "two"}); });
    add([&] { (void)log->flush(); });
    add([&] { log->stop(); });
    log.reset();
    return codes;
  });
  EXPECT_EQ(answer, "USED_AFTER_FORK USED_AFTER_FORK USED_AFTER_FORK ");
  EXPECT_TRUE(log->flush());
  EXPECT_THAT(actions_in(*log), ElementsAre("one"));
}

TEST(AuditLog, IsWrittenByManyThreadsAtOnce) {
  const AuditDatabase db;
  AuditOptions options;
  options.when_full = AuditWhenFull::Wait;
  options.wait = 30s;
  options.queue_limit = 50;
  AuditLog log(db.lane(), options);
  log.start();
  constexpr int kEach = 200;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&log, &db, t] {
        for (int i = 0; i < kEach; ++i) {
          const AuditEvent event{.action = "act " + std::to_string(t),
                                 .subject = std::to_string(i)};
          if (i % 10 == 3)
            log.record_sync(event);
          else if (i % 10 == 6)
            db.lane("own").write([&](WriteTx& tx) { log.record(tx, event); });
          else
            log.record(event);
        }
      });
    }
  }
  ASSERT_TRUE(log.flush(30s));
  EXPECT_EQ(db.count(), 4 * kEach);
  EXPECT_THAT(findings_of(log.trail().verify()), IsEmpty());
}

// ---- What is refused ----

class AuditEventCheck : public testing::Test {
 protected:
  std::string message_for(const AuditEvent& event) {
    const auto error = thrown<MisuseError>([&] { log_.record(event); });
    EXPECT_EQ(error.code(), "AUDIT_EVENT_INVALID");
    return std::string(error.message());
  }

  const AuditDatabase db_;
  AuditLog log_{db_.lane(), [] {
                  AuditOptions options;
                  options.actions = {"login", "logout"};
                  return options;
                }()};
};

TEST_F(AuditEventCheck, RefusesAnEmptyAction) {
  EXPECT_THAT(message_for({}), HasSubstr("action of an audit event is empty"));
}

// AUD-03: only those of the closed set.
TEST_F(AuditEventCheck, RefusesAnActionThatIsNotOneOfTheSet) {
  EXPECT_THAT(message_for({.action = "logoff"}), HasSubstr("'logoff'"));
  log_.record({.action = "login"});
  log_.record({.action = "logout"});
}

TEST_F(AuditEventCheck, RefusesActionsOfTheLogItself) {
  EXPECT_THAT(message_for({.action = "audit.gap"}), HasSubstr("which is the log's own"));
}

TEST_F(AuditEventCheck, RefusesWhatIsNoJson) {
  EXPECT_THAT(message_for({.action = "login", .detail = R"({"a":})"}),
              HasSubstr("is not JSON: at byte 5 there should be a value"));
}

TEST_F(AuditEventCheck, RefusesTextThatIsNotUtf8) {
  EXPECT_THAT(message_for({.action = "login", .subject = "a\xff"}),
              HasSubstr("subject of an audit event is not UTF-8 from byte 1 on"));
}

TEST_F(AuditEventCheck, RefusesNulInText) {
  EXPECT_THAT(message_for({.action = "login", .actor = std::string("a\0b", 3)}), HasSubstr("NUL"));
}

TEST_F(AuditEventCheck, RefusesTextThatIsTooLong) {
  EXPECT_THAT(message_for({.action = "login", .trace = std::string(256, 'x')}),
              HasSubstr("256 bytes; 255 are allowed"));
  EXPECT_THAT(message_for({.action = "login", .detail = std::string((1 << 20) + 1, ' ')}),
              HasSubstr("1048577 bytes"));
}

TEST_F(AuditEventCheck, RefusesATimeThatNobodyCanMean) {
  EXPECT_THAT(message_for({.action = "login", .time = Time::max()}), HasSubstr("1700 to 2199"));
}

TEST_F(AuditEventCheck, RefusesTheSameInATransactionAndLeavesThatAsItWas) {
  db_.lane().write([&](WriteTx& tx) {
    EXPECT_THROW(log_.record(tx, {.action = "bad"}), MisuseError);
    log_.record(tx, {.action = "login"});
  });
  EXPECT_EQ(db_.count(), 1);
}

TEST_F(AuditEventCheck, StoresDetailWithoutTheSpaceBetweenItsTokens) {
  log_.record_sync({.action = "login", .detail = "{ \"a b\" : [ 1.50 ,\n\ttrue ] }"});
  EXPECT_EQ(log_.trail().get(1).value().event.detail, R"({"a b":[1.50,true]})");
}

// ---- Keys ----

TEST(AuditKey, HasSixteenToSixtyFourBytes) {
  EXPECT_EQ(thrown<MisuseError>([] { AuditKey(std::vector<std::byte>(15)); }).code(),
            "AUDIT_KEY_INVALID");
  EXPECT_EQ(thrown<MisuseError>([] { AuditKey(std::vector<std::byte>(65)); }).code(),
            "AUDIT_KEY_INVALID");
  EXPECT_EQ(AuditKey(std::vector<std::byte>(16)).bytes().size(), 16U);
  EXPECT_EQ(AuditKey(std::vector<std::byte>(64)).bytes().size(), 64U);
}

TEST(AuditKey, IsReadFromDigitsAndNotShownByErrors) {
  EXPECT_EQ(AuditKey::from_hex(std::string(64, 'a')).bytes().size(), 32U);
  for (const std::string& bad :
       {std::string(64, 'g'), std::string(33, 'a'), std::string(130, 'a')}) {
    const auto error = thrown<MisuseError>([&] { (void)AuditKey::from_hex(bad); });
    EXPECT_EQ(error.code(), "AUDIT_KEY_INVALID");
    EXPECT_THAT(std::string(error.message()), testing::Not(HasSubstr(bad.substr(0, 8))));
  }
}

TEST(AuditLog, RefusesAnotherKeyThanItWasMadeWith) {
  const AuditDatabase db;
  { const AuditLog log(db.lane(), with_key(audit_key("7"))); }
  const auto message_with = [&](const AuditKey& key) {
    const auto error = thrown<MisuseError>([&] { const AuditLog log(db.lane(), with_key(key)); });
    EXPECT_EQ(error.code(), "AUDIT_KEY_WRONG");
    return std::string(error.message());
  };
  EXPECT_THAT(message_with(audit_key("8")), HasSubstr("with another key"));
  EXPECT_THAT(message_with(AuditKey()), HasSubstr("none is given"));
}

TEST(AuditLog, RefusesAKeyWhenItWasMadeWithout) {
  const AuditDatabase db;
  { const AuditLog log(db.lane()); }
  const auto error =
      thrown<MisuseError>([&] { const AuditLog log(db.lane(), with_key(audit_key())); });
  EXPECT_THAT(std::string(error.message()), HasSubstr("made without a key"));
}

}  // namespace
}  // namespace turnstile::test
