// The reference application, as its users run it: the real program on a small directory.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "support/child_process.h"
#include "support/place_of.h"
#include "support/soon.h"
#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct KbResult {
  int status = 0;
  Json output;
};

class Kb : public ::testing::Test {
 protected:
  Kb() { fs::create_directory(input()); }

  [[nodiscard]] fs::path input() const { return dir_.path() / "input"; }
  [[nodiscard]] std::string db() const { return dir_.file("kb.db"); }

  void put(const std::string& name, std::string_view content) const {
    fs::create_directories((input() / name).parent_path());
    std::ofstream(input() / name, std::ios::binary) << content;
  }

  void put_gz(const std::string& name, std::string_view content) const {
    const gzFile file = ::gzopen((input() / name).c_str(), "wb");
    ::gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
    ::gzclose(file);
  }

  // Many files, so that something can happen while they are read.
  void put_many(int count) const {
    for (int i = 0; i < count; ++i) {
      std::string text = "document number" + std::to_string(i) + "\n\n";
      for (int line = 0; line < 200; ++line)
        text += "Paragraph " + std::to_string(i * line) + " tells of this and that.\n\n";
      put("many/" + std::to_string(i) + ".txt", text);
    }
  }

  [[nodiscard]] std::vector<std::string> command(std::vector<std::string> arguments) const {
    // The command's name first and what may begin with a dash last.
    arguments.insert(arguments.begin() + 1, {"--db", db(), "--json"});
    arguments.insert(arguments.begin(), place_of::kb());
    return arguments;
  }

  [[nodiscard]] std::vector<std::string> index_command(const std::string& lease = "10s") const {
    return command({"index", input().string(), "--once", "--lease", lease});
  }

  [[nodiscard]] KbResult run(std::vector<std::string> arguments) const {
    const ProgramResult result = run_program(command(std::move(arguments)));
    return {result.status, Json::parse(result.output, nullptr, false)};
  }

  Json index() const {
    const ProgramResult result = run_program(index_command());
    EXPECT_EQ(result.status, 0) << result.output;
    return Json::parse(result.output);
  }

  Json stats() const {
    const KbResult result = run({"stats"});
    EXPECT_EQ(result.status, 0) << result.output.dump(2);
    EXPECT_TRUE(result.output.at("consistent")) << result.output.dump(2);
    return result.output;
  }

  [[nodiscard]] int ask(std::string_view sql) const {
    return Database::open(db()).lane("test").read(
        [sql](ReadTx& tx) { return tx.query<int>(sql).one(); });
  }

  [[nodiscard]] std::vector<std::string> found(const std::string& query) const {
    std::vector<std::string> names;
    for (const Json& hit : run({"search", query}).output)
      names.push_back(fs::path(std::string(hit.at("path"))).filename());
    return names;
  }

  // What one of several indexers did; the sum of all is exact.
  static void expect_sum(const std::vector<Json>& reports, std::string_view key, int expected) {
    int sum = 0;
    for (const Json& report : reports) {
      EXPECT_EQ(report.at("lock_failures"), 0);
      sum += report.at(std::string(key)).get<int>();
    }
    EXPECT_EQ(sum, expected) << key;
  }

 private:
  TempDir dir_;
};

using Names = std::vector<std::string>;

TEST_F(Kb, IndexStoresEachTextFileAndSkipsBinaries) {
  put("readme.txt", "The quick brown fox.");
  put("sub/latin1.txt", "caf\xe9 au lait");
  put("empty.txt", "");
  put("program", std::string("\x7f"
                             "ELF\0\0",
                             6));
  const Json report = index();
  EXPECT_EQ(report.at("added"), 3);
  EXPECT_EQ(report.at("skipped"), 1);
  EXPECT_EQ(stats().at("documents"), 3);
  EXPECT_EQ(found("fox"), Names{"readme.txt"});
  EXPECT_EQ(found("café"), Names{"latin1.txt"});
}

TEST_F(Kb, IndexReadsCompressedTexts) {
  put_gz("changes.gz", "A compressed word: xylophone.");
  put_gz("program.gz", std::string("\0\0\0", 3));
  put("broken.gz", "\x1f\x8b\x08 this is no gzip");
  index();
  EXPECT_EQ(stats().at("documents"), 1);
  EXPECT_EQ(stats().at("skipped"), 2);
  EXPECT_EQ(found("xylophone"), Names{"changes.gz"});
}

TEST_F(Kb, TextBeyondTheBoundIsCutAndCounted) {
  put_gz("bomb.gz", std::string(100'000, 'a') + " beyond");
  EXPECT_EQ(run({"index", input().string(), "--once", "--max-text-bytes", "10000"}).status, 0);
  EXPECT_EQ(stats().at("text_bytes"), 10'000);
  EXPECT_EQ(stats().at("truncated"), 1);
  EXPECT_EQ(found("beyond"), Names{});
}

TEST_F(Kb, LinksAreNotFollowed) {
  put("real.txt", "once");
  fs::create_symlink("real.txt", input() / "link.txt");
  fs::create_directory_symlink(".", input() / "loop");
  EXPECT_EQ(index().at("added"), 1);
}

TEST_F(Kb, SecondPassLeavesUnchangedFilesAlone) {
  put("a.txt", "alpha");
  put("b.bin", std::string("\0", 1));
  index();
  const Json again = index();
  EXPECT_EQ(again.at("files"), 2);
  EXPECT_EQ(again.at("queued"), 0);
  EXPECT_EQ(stats().at("added"), 1);
}

TEST_F(Kb, FileWithANewTimeAndTheSameTextIsNotStoredAgain) {
  put("a.txt", "alpha");
  index();
  fs::last_write_time(input() / "a.txt", fs::file_time_type::clock::now() - std::chrono::hours(1));
  const Json again = index();
  EXPECT_EQ(again.at("queued"), 1);
  EXPECT_EQ(again.at("unchanged"), 1);
  EXPECT_EQ(index().at("queued"), 0);
  EXPECT_EQ(stats().at("changed"), 0);
}

TEST_F(Kb, ChangedFileReplacesItsDocument) {
  put("a.txt", "before");
  index();
  put("a.txt", "afterwards");
  EXPECT_EQ(index().at("changed"), 1);
  EXPECT_EQ(found("before"), Names{});
  EXPECT_EQ(found("afterwards"), Names{"a.txt"});
  EXPECT_EQ(stats().at("documents"), 1);
}

TEST_F(Kb, RemovedFileTakesItsDocumentAlong) {
  put("a.txt", "alpha");
  put("b.txt", "beta");
  index();
  fs::remove(input() / "a.txt");
  EXPECT_EQ(index().at("removed"), 1);
  EXPECT_EQ(found("alpha"), Names{});
  const Json statistics = stats();
  EXPECT_EQ(statistics.at("documents"), 1);
  EXPECT_EQ(statistics.at("removed"), 1);
}

TEST_F(Kb, TextThatBecomesBinaryTakesItsDocumentAlong) {
  put("a.txt", "alpha");
  index();
  put("a.txt", std::string("alpha\0beta", 10));
  EXPECT_EQ(index().at("removed"), 1);
  EXPECT_EQ(stats().at("documents"), 0);
}

TEST_F(Kb, DocumentsOfAnotherDirectoryStay) {
  put("one/a.txt", "alpha");
  put("one-more/b.txt", "beta");
  index();
  fs::remove_all(input() / "one-more");
  EXPECT_EQ(run({"index", (input() / "one").string(), "--once"}).status, 0);
  EXPECT_EQ(found("beta"), Names{"b.txt"});
}

TEST_F(Kb, TwoProcessesShareTheWorkAndStoreNothingTwice) {
  constexpr int kFiles = 200;
  put_many(kFiles);
  ChildProcess first(index_command());
  ChildProcess second(index_command());
  const std::vector<Json> reports{Json::parse(first.read_all()), Json::parse(second.read_all())};
  EXPECT_EQ(first.wait(), 0);
  EXPECT_EQ(second.wait(), 0);
  expect_sum(reports, "added", kFiles);
  expect_sum(reports, "changed", 0);
  const Json statistics = stats();
  EXPECT_EQ(statistics.at("documents"), kFiles);
  EXPECT_EQ(statistics.at("added"), kFiles);
  EXPECT_EQ(statistics.at("queued"), 0);
}

// With leases as short as they can be, claims get lost whenever a worker has to wait; only the
// check at the end keeps what it did from being stored twice.
// So short a lease is lost again and again, and a task whose attempts are all lost is given up:
// that is what may be missing, but nothing else.
TEST_F(Kb, LostClaimsAreNotStored) {
  constexpr int kFiles = 100;
  put_many(kFiles);
  ChildProcess first(index_command("10ms"));
  ChildProcess second(index_command("10ms"));
  const std::vector<Json> reports{Json::parse(first.read_all()), Json::parse(second.read_all())};
  const int stored = ask("SELECT count(*) FROM document");
  // A file may have been found once more afterwards, by the other process.
  const int given_up =
      ask("SELECT count(DISTINCT payload) FROM task_item WHERE kind = 'read' AND state = 'failed' "
          "AND payload NOT IN (SELECT path FROM document)");
  EXPECT_EQ(stored + given_up, kFiles);
  expect_sum(reports, "added", stored);
  expect_sum(reports, "changed", 0);
  EXPECT_GT(reports[0].at("claims_lost").get<int>() + reports[1].at("claims_lost").get<int>(), 0);
  const Json statistics = run({"stats"}).output;
  EXPECT_EQ(statistics.at("added"), stored);
  for (const Json& check : statistics.at("checks")) {
    const std::string name = check.at("name");
    if (name == "tasks that were given up" || name == "chunks and vectors") continue;
    EXPECT_TRUE(check.at("passed")) << check.dump();
  }
}

// Waits until an indexer is in the middle of its work, and leaves it there.
void wait_for_documents(const std::string& db, int at_least) {
  const Database database = Database::open(db);
  const Lane lane = database.lane("test");
  ASSERT_TRUE(soon([&] {
    return lane.read([&](ReadTx& tx) {
      return tx.query<bool>("SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'document'")
                 .one() &&
             tx.query<int>("SELECT count(*) FROM document").one() >= at_least;
    });
  }));
}

// Long enough that a worker which lives keeps it, however slow the build.
const std::string kShortLease = std::to_string(200 * TURNSTILE_TEST_SLOWDOWN) + "ms";

TEST_F(Kb, WorkOfAKilledProcessIsDoneByTheNext) {
  constexpr int kFiles = 1000;
  put_many(kFiles);
  ChildProcess victim(index_command(kShortLease));
  wait_for_documents(db(), 5);
  victim.kill();
  EXPECT_LT(stats().at("documents"), kFiles) << "it was done before it was killed";
  const ProgramResult next = run_program(index_command(kShortLease));
  EXPECT_EQ(next.status, 0);
  const Json statistics = stats();
  EXPECT_EQ(statistics.at("documents"), kFiles);
  EXPECT_EQ(statistics.at("added"), kFiles);
  EXPECT_EQ(statistics.at("queued"), 0);
}

TEST_F(Kb, InterruptedIndexKeepsWhatIsDoneAndGoesOnLater) {
  constexpr int kFiles = 1000;
  put_many(kFiles);
  ChildProcess indexer(index_command(kShortLease));
  wait_for_documents(db(), 5);
  indexer.signal(SIGINT);
  EXPECT_EQ(indexer.wait(), 130);
  const Json report = Json::parse(indexer.read_all());
  EXPECT_EQ(stats().at("documents"), report.at("added"));
  EXPECT_EQ(run_program(index_command(kShortLease)).status, 0);
  EXPECT_EQ(stats().at("documents"), kFiles);
}

TEST_F(Kb, SearchesFindEveryStoredWordWhileFilesAreIndexed) {
  put_many(100);
  ChildProcess indexer(index_command());
  ChildProcess load(command({"load", "--threads", "2"}));
  EXPECT_EQ(indexer.wait(), 0);
  load.signal(SIGTERM);
  EXPECT_EQ(load.wait(), 0);
  const Json report = Json::parse(load.read_all());
  EXPECT_EQ(report.at("misses"), 0);
  EXPECT_EQ(report.at("failures"), 0);
  EXPECT_EQ(report.at("lock_failures"), 0);
}

TEST_F(Kb, AnyTextIsAQuery) {
  put("a.txt", "Peter said \"hello\" and left. Größe, 日本 and drop table document.");
  index();
  EXPECT_EQ(found("HELLO peter"), Names{"a.txt"});
  EXPECT_EQ(found("\"and left\""), Names{"a.txt"});
  EXPECT_EQ(found("größe"), Names{"a.txt"});
  EXPECT_EQ(found("日本"), Names{"a.txt"});
  for (const std::string query : {"\"", "\"\"\"", "AND", "OR NOT", "NEAR(a b)", "body:", "*", "a*b",
                                  "^x", "(", "{a} : b", "-", "'; DROP TABLE document; --",
                                  "\xff\xfe", "\xf0\x9f\x98\x80", "+ +", "\\", "nothing \"such"}) {
    const KbResult result = run({"search", "--", query});
    EXPECT_TRUE(result.status == 0 || result.status == 1) << query << ": " << result.status;
    EXPECT_TRUE(result.output.is_array()) << query;
  }
  EXPECT_EQ(stats().at("documents"), 1);
}

TEST_F(Kb, SearchFindsATextOfOtherWordOrderByItsVector) {
  put("a.txt", "Compressed archives of the yearly reports.");
  put("b.txt", "Nothing that concerns it.");
  index();
  // Not all of these words are in the text, so that the words alone do not find it.
  const Json hits = run({"search", "yearly reports of archives compressed twice"}).output;
  ASSERT_EQ(hits.size(), 1U) << hits.dump(2);
  EXPECT_TRUE(hits[0].at("by_meaning"));
  EXPECT_FALSE(hits[0].at("by_words"));
}

TEST_F(Kb, CommandMakesTheVectorsInsteadOfTheStandIn) {
  put("a.txt", "alpha");
  put("b.txt", "beta");
  // Its vectors say nothing but whether there is an `a` at the beginning.
  put("../embedder.py",
      "import json, sys\n"
      "for line in sys.stdin:\n"
      "    texts = json.loads(line)['texts']\n"
      "    vectors = [[1, 0] if text[0] == 'a' else [0, 1] for text in texts]\n"
      "    print(json.dumps({'vectors': vectors}), flush=True)\n");
  const std::string embedder = place_of::python() + " " + (input() / "../embedder.py").string();
  EXPECT_EQ(run({"index", "--embedder", embedder, "--once", input().string()}).status, 0);
  const Json hits = run({"search", "--embedder", embedder, "anything"}).output;
  ASSERT_EQ(hits.size(), 1U) << hits.dump(2);
  EXPECT_EQ(fs::path(std::string(hits[0].at("path"))).filename(), "a.txt");
  EXPECT_TRUE(hits[0].at("by_meaning"));
}

TEST_F(Kb, FileOfAnotherModelIsRefused) {
  put("a.txt", "alpha");
  index();
  const KbResult result = run({"index", "--embedder",
                               "while read line; do "
                               "echo '{\"vectors\": [[1, 2, 3]]}'; done",
                               "--once", input().string()});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(stats().at("vectors"), 1);
}

TEST_F(Kb, ScheduleLooksAgainWhileItIndexes) {
  put("a.txt", "alpha");
  ChildProcess indexer(command({"index", "--every", "1s", input().string()}));
  wait_for_documents(db(), 1);
  put("b.txt", "beta");
  wait_for_documents(db(), 2);
  indexer.signal(SIGTERM);
  EXPECT_EQ(indexer.wait(), 130);
  EXPECT_GE(stats().at("looks"), 1);
}

TEST_F(Kb, SearchWithoutAHitEndsWithOne) {
  put("a.txt", "alpha");
  index();
  const KbResult result = run({"search", "omega"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.output, Json::array());
}

TEST_F(Kb, SearchGivesTheNumberOfResultsAskedFor) {
  put_many(20);
  index();
  EXPECT_EQ(run({"search", "paragraph", "-n", "3"}).output.size(), 3U);
}

TEST_F(Kb, StatsNameEachCheck) {
  put("a.txt", "alpha");
  index();
  const Json statistics = stats();
  EXPECT_EQ(statistics.at("chunks"), 1);
  EXPECT_EQ(statistics.at("text_bytes"), 5);
  EXPECT_EQ(statistics.at("vectors"), 1);
  EXPECT_EQ(statistics.at("checks").size(), 12U);
}

TEST_F(Kb, StatsFindAChunkThatIsMissing) {
  put("a.txt", "alpha");
  index();
  Database::open(db()).lane("test").write([](WriteTx& tx) { tx.execute("DELETE FROM chunk"); });
  const KbResult result = run({"stats"});
  EXPECT_EQ(result.status, 2);
  EXPECT_FALSE(result.output.at("consistent"));
}

TEST_F(Kb, MissingDirectoryAndFileEndWithFour) {
  EXPECT_EQ(run({"index", (input() / "none").string(), "--once"}).status, 4);
  EXPECT_EQ(run_program({place_of::kb(), "stats", "--db", db() + ".none"}).status, 4);
  EXPECT_FALSE(fs::exists(db() + ".none"));
}

TEST_F(Kb, BadUsageEndsWithThree) {
  EXPECT_EQ(run({"index"}).status, 3);
}

}  // namespace
}  // namespace turnstile::test
