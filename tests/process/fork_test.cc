// A child of fork() has a copy of everything that is open, and may do no harm with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gate/gate_file.h"
#include "gate/process_gate.h"
#include "sqlite/fork_guard.h"
#include "support/actor.h"
#include "support/child_process.h"
#include "support/forked.h"
#include "support/note_database.h"
#include "support/sqlite_shell.h"
#include "support/starting_gun.h"
#include "support/temp_dir.h"
#include "turnstile/diagnose.h"
#include "turnstile/native.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;

// The code of what `call` throws; `none`.
template <class F>
std::string code_of(F&& call) {
  try {
    call();
  } catch (const MisuseError& error) {
    return std::string(error.code());
  } catch (const std::exception& error) {
    return std::string("another error: ") + error.what();
  }
  return "none";
}

void add_notes(const Lane& lane, const std::string& name, int count) {
  for (int i = 0; i < count; ++i)
    add_note(lane, name + std::to_string(i));
}

class Fork : public testing::Test {
 protected:
  ~Fork() override { EXPECT_EQ(SqliteShell(notes_.file()).run("PRAGMA integrity_check"), "ok\n"); }

  NoteDatabase notes_;
};

TEST(ForkGuard, SeesAForkAndTheForkOfAFork) {
  const sqlite::ForkGuard before;
  EXPECT_FALSE(before.forked());
  const auto look = [&] {
    const sqlite::ForkGuard own;
    const std::string grandchild =
        in_child([&] { return std::to_string(before.forked()) + std::to_string(own.forked()); });
    return std::to_string(before.forked()) + std::to_string(own.forked()) + grandchild;
  };
  EXPECT_EQ(in_child(look), "1011");
  EXPECT_FALSE(before.forked());
}

// CORE-19: the child is refused, and 100 rows of the parent are all there.
TEST_F(Fork, RefusesTheChildAndKeepsAllOfTheParentsRows) {
  const Lane lane = notes_.lane();
  add_notes(lane, "before ", 50);
  Forked child([&](const Forked::Go& go) {
    go.wait();
    std::string codes;
    for (int i = 0; i < 50; ++i)
      codes = code_of([&] { add_note(lane, "child " + std::to_string(i)); });
    codes += " " + code_of([&] { static_cast<void>(count_notes(lane)); });
    codes += " " + code_of([&] { static_cast<void>(lane.submit([](WriteTx&) {})); });
    codes += " " + code_of([&] { static_cast<void>(notes_->lane("another")); });
    codes += " " + code_of([&] { static_cast<void>(notes_->info()); });
    return codes;
  });
  add_notes(lane, "beside ", 25);
  child.go();
  EXPECT_EQ(child.answer(),
            "USED_AFTER_FORK USED_AFTER_FORK USED_AFTER_FORK USED_AFTER_FORK USED_AFTER_FORK");
  add_notes(lane, "after ", 25);
  EXPECT_EQ(count_notes(lane), 100);
  EXPECT_TRUE((*notes_).close().checkpointed);
  EXPECT_EQ(SqliteShell(notes_.file()).run("SELECT count(*) FROM note"), "100\n");
}

TEST_F(Fork, TellsTheChildWhatToDo) {
  const Lane lane = notes_.lane("notes");
  EXPECT_EQ(in_child([&]() -> std::string {
              try {
                add_note(lane, "child");
              } catch (const MisuseError& error) {
                const bool complete = error.lane() == "notes" && !error.hint().empty() &&
                                      error.commit_state() == CommitState::NotCommitted;
                return complete ? std::string(error.message()) : "incomplete";
              }
              return "nothing was thrown";
            }),
            "this process is a child of the one that opened the database, and fork() has copied "
            "its connections but neither their locks nor their threads");
}

// Case 16 of the catalogue of locks: the parent closes, and what the child writes would be lost.
TEST_F(Fork, RefusesTheChildAfterTheParentHasClosed) {
  const Lane lane = notes_.lane();
  Forked child([&](const Forked::Go& go) {
    go.wait();
    return code_of([&] { add_note(lane, "child"); });
  });
  add_note(lane, "parent");
  (*notes_).close();
  child.go();
  EXPECT_EQ(child.answer(), "USED_AFTER_FORK");
  EXPECT_EQ(SqliteShell(notes_.file()).run("SELECT text FROM note"), "parent\n");
}

TEST_F(Fork, LetsTheChildCloseAndDestroyItsCopiesWithoutEffect) {
  Lane lane = notes_.lane();
  // All the threads that there can be, for the child to miss.
  lane.submit([](WriteTx& tx) {
        add_note(tx, "submitted");
        tx.after_commit([] {});
      })
      .get();
  Database second = Database::open(notes_.file(), with_notes());
  add_note(lane, "in the log");
  EXPECT_EQ(in_child([&] {
              const CloseReport report = second.close();
              { const Database gone = std::move(*notes_); }
              { const Lane gone = std::move(lane); }
              return std::to_string(report.was_last_handle) + std::to_string(report.checkpointed);
            }),
            "00");
  EXPECT_TRUE(std::filesystem::exists(notes_.file() + "-wal"));
  add_note(lane, "after");
  EXPECT_EQ(count_notes(lane), 3);
  second.close();
}

TEST_F(Fork, LetsTheChildDestroyTheLastLaneOfAClosedDatabase) {
  std::optional<Lane> lane = notes_.lane();
  add_note(*lane, "parent");
  (*notes_).close();
  EXPECT_EQ(in_child([&] {
              lane.reset();
              return std::string("done");
            }),
            "done");
}

// What a closure does in the child, and what becomes of its transaction.
class ForkInAWrite : public Fork {
 protected:
  // Runs `in_child` in a fork inside a write; the code of what the whole write throws in the child.
  template <class F>
  std::string write_in_child(F&& in_child) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    pid_t child = -1;
    const Lane lane = notes_.lane();
    const std::string outcome = code_of([&] {
      lane.write([&](WriteTx& tx) {
        add_note(tx, "before the fork");
        child = ::fork();
        if (child == 0) {
          ::alarm(static_cast<unsigned>(patience().count() / 1000));
          in_child(tx);
        } else {
          // The child is through with its copy before this one goes on.
          ::close(ends[1]);
          answer_ = read_all(ends[0]);
          add_note(tx, "after the fork");
        }
      });
    });
    if (child == 0) {
      const ssize_t written = ::write(ends[1], outcome.data(), outcome.size());
      ::_exit(written == static_cast<ssize_t>(outcome.size()) ? 0 : 1);
    }
    EXPECT_EQ(outcome, "none");
    ::close(ends[0]);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    return answer_;
  }

  static std::string read_all(int descriptor) {
    std::array<char, 256> answer{};
    const ssize_t length = ::read(descriptor, answer.data(), answer.size());
    return {answer.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
  }

  void expect_the_parents_rows() {
    EXPECT_EQ(SqliteShell(notes_.file()).run("SELECT text FROM note"),
              "before the fork\nafter the fork\n");
    add_note(notes_.lane(), "later");
    EXPECT_EQ(count_notes(notes_.lane()), 3);
  }

  std::string answer_;
};

TEST_F(ForkInAWrite, DoesNotCommitInTheChild) {
  EXPECT_EQ(write_in_child([](WriteTx&) {}), "USED_AFTER_FORK");
  expect_the_parents_rows();
}

TEST_F(ForkInAWrite, DoesNotRollBackInTheChild) {
  EXPECT_EQ(write_in_child([](WriteTx&) { throw std::runtime_error("the child's own"); }),
            "another error: the child's own");
  expect_the_parents_rows();
}

TEST_F(ForkInAWrite, RunsNoStatementInTheChild) {
  EXPECT_EQ(write_in_child([](WriteTx& tx) { add_note(tx, "child"); }), "USED_AFTER_FORK");
  EXPECT_EQ(SqliteShell(notes_.file()).run("SELECT text FROM note"),
            "before the fork\nafter the fork\n");
}

TEST_F(ForkInAWrite, RefusesEveryWayToReachTheConnection) {
  std::vector<std::string> codes;
  EXPECT_EQ(write_in_child([&](WriteTx& tx) {
              codes.push_back(code_of([&] { static_cast<void>(tx.prepare("SELECT 1")); }));
              codes.push_back(code_of([&] { static_cast<void>(count_notes(tx)); }));
              codes.push_back(code_of([&] { static_cast<void>(tx.savepoint()); }));
              codes.push_back(code_of([&] { tx.execute_script("DELETE FROM note"); }));
              codes.push_back(code_of([&] { static_cast<void>(native_handle(tx)); }));
              for (const std::string& code : codes)
                if (code != "USED_AFTER_FORK") throw std::runtime_error(code);
            }),
            "USED_AFTER_FORK");
  expect_the_parents_rows();
}

TEST_F(Fork, InAReadLeavesTheParentsSnapshotAlone) {
  const Lane lane = notes_.lane();
  add_notes(lane, "row ", 3);
  lane.read([&](ReadTx& tx) {
    auto statement = tx.prepare("SELECT id FROM note ORDER BY id");
    ASSERT_TRUE(statement.step());
    EXPECT_EQ(in_child([&] { return code_of([&] { static_cast<void>(statement.step()); }); }),
              "USED_AFTER_FORK");
    ASSERT_TRUE(statement.step());
    ASSERT_TRUE(statement.step());
    EXPECT_FALSE(statement.step());
  });
  add_note(lane, "after");
}

TEST_F(Fork, DoesNotLetTheChildOpenTheSameFile) {
  add_note(notes_.lane(), "parent");
  const auto open = [&] {
    return code_of([&] { static_cast<void>(Database::open(notes_.file(), with_notes())); });
  };
  Forked child([&](const Forked::Go& go) {
    std::string codes = open();
    const std::string link = notes_.directory().file("link.db");
    std::filesystem::create_symlink(notes_.file(), link);
    codes += " " + code_of([&] { static_cast<void>(Database::open(link)); });
    codes += " " + in_child(open);
    go.wait();
    return codes + " " + open();
  });
  (*notes_).close();
  child.go();
  EXPECT_EQ(child.answer(), "USED_AFTER_FORK USED_AFTER_FORK USED_AFTER_FORK USED_AFTER_FORK");
}

TEST_F(Fork, LetsTheChildOpenAnotherFile) {
  const std::string other = notes_.directory().file("other.db");
  EXPECT_EQ(in_child([&] {
              const Database db = Database::open(other, with_notes());
              add_note(db.lane("child"), "child's own");
              return all_notes(db.lane("child")).front();
            }),
            "child's own");
  EXPECT_EQ(SqliteShell(other).run("SELECT text FROM note"), "child's own\n");
}

TEST_F(Fork, LetsParentAndChildOpenAfterIt) {
  const Lane kept = notes_.lane();
  (*notes_).close();
  Forked child([&](const Forked::Go& go) {
    const Database db = Database::open(notes_.file(), with_notes());
    add_note(db.lane("child"), "child");
    go.wait();
    return std::to_string(count_notes(db.lane("child")));
  });
  Database db = Database::open(notes_.file(), with_notes());
  add_note(db.lane("parent"), "parent");
  child.go();
  EXPECT_THAT(child.answer(), testing::AnyOf("1", "2"));
  EXPECT_EQ(count_notes(db.lane("parent")), 2);
}

// flock() belongs to the open file, which a child shares with its parent.
TEST_F(Fork, DoesNotKeepTheGateOfAKilledParent) {
  Database::open(notes_.file(), with_notes()).lane("main").write([](WriteTx& tx) {
    tx.execute("CREATE TABLE work(process INTEGER, n INTEGER)");
  });
  const StartingGun end_of_the_child;
  Actor parent(end_of_the_child.descriptor());
  parent.must("open " + notes_.file());
  parent.must("hold_forked main");
  ASSERT_FALSE(locks(notes_.file()).empty());
  parent.process().kill();
  notes_.lane().write({.timeout = patience(1000ms)}, [](WriteTx& tx) { add_note(tx, "next"); });
  // Nor its slot, which would count it among those who wait for ever.
  const auto gate = gate::GateFile::look_at(gate::ProcessGate::path_for(notes_.file()));
  int alive = 0;
  for (int slot = 0; slot < gate::kGateSlots; ++slot)
    alive += gate->is_alive(slot) ? 1 : 0;
  EXPECT_EQ(alive, 1) << "beside this process's own";
  end_of_the_child.fire(1);
}

TEST_F(Fork, LeavesTheGateToTheParent) {
  gate::ProcessGate own(notes_.directory().file("other.db"));
  gate::ProcessGate second(notes_.directory().file("other.db"));
  const auto claim = gate::Claim::of_this_thread("test", std::source_location::current());
  const Deadline at_once = Deadline::after(0ms);
  auto copy = std::make_unique<gate::ProcessGate>(notes_.directory().file("other.db"));
  ASSERT_EQ(copy->take(claim, at_once), gate::Wait::Granted);
  EXPECT_EQ(in_child([&] {
              std::string codes = code_of([&] { static_cast<void>(copy->take(claim, at_once)); });
              codes += " " + code_of([&] { static_cast<void>(own.take(claim, at_once)); });
              copy->prod();
              codes += copy->view().holder ? " shown" : "";
              copy->give();
              copy.reset();
              return codes;
            }),
            "USED_AFTER_FORK USED_AFTER_FORK");
  EXPECT_EQ(own.take(claim, at_once), gate::Wait::TimedOut);
  copy->give();
  EXPECT_EQ(second.take(claim, at_once), gate::Wait::Granted);
}

// The locks of other threads at the moment of the fork stay locked in the child for ever; what it
// may do, it does without them. (Opening anything is not among that: SQLite and the loader have
// locks too.)
// Not under ThreadSanitizer, whose own locks a child may find taken by threads that it does not
// have (seen: in the allocator of its stacks), so that it hangs in the first `new`.
#ifndef __SANITIZE_THREAD__
TEST_F(Fork, MayComeWhileOtherThreadsOpenWriteAndClose) {
  constexpr int kForks = 100;
  std::atomic<bool> done{false};
  const std::jthread opens([&] {
    while (!done)
      Database::open(notes_.directory().file("other.db"), with_notes()).close();
  });
  const std::jthread writes([&, lane = notes_.lane()] {
    for (int i = 0; !done; ++i)
      add_note(lane, "row " + std::to_string(i));
  });
  const Lane lane = notes_.lane();
  for (int i = 0; i < kForks; ++i) {
    EXPECT_EQ(in_child([&] {
                std::string codes = code_of([&] { add_note(lane, "child"); });
                codes += " " + code_of([&] { static_cast<void>(notes_->lane("another")); });
                { const Database gone = std::move(*notes_); }
                return codes;
              }),
              "USED_AFTER_FORK USED_AFTER_FORK");
  }
  done = true;
}
#endif

}  // namespace
}  // namespace turnstile::test
