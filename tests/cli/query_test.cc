#include "cli/cli_test.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class CliQuery : public CliTest {};

TEST_F(CliQuery, PrintsATableWhoseColumnsLineUp) {
  exec("INSERT INTO note VALUES (1, 'short', 1.5, NULL), (200, 'a longer title', NULL, x'00ff')");
  const CliResult result = query("SELECT * FROM note");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out,
            " id  title           score  data\n"
            "---  --------------  -----  -------\n"
            "  1  short             1.5  NULL\n"
            "200  a longer title   NULL  x'00ff'\n");
}

TEST_F(CliQuery, CountsWideAndCombiningCharactersAsATerminalDoes) {
  const CliResult result = query(
      "SELECT '\u65e5\u672c' AS a, 1 AS b UNION ALL SELECT 'e\u0301', 2 UNION ALL SELECT 'abcd', "
      "3");
  EXPECT_EQ(result.out, "a     b\n----  -\n\u65e5\u672c  1\ne\u0301     2\nabcd  3\n");
}

TEST_F(CliQuery, KeepsEveryValueOfATableOnItsLine) {
  const CliResult result = query("SELECT 'a\nb' || char(9) || char(27) AS text, 1 AS n");
  EXPECT_THAT(lines_of(result.out),
              ElementsAre("text        n", "----------  -", "a\\nb\\t\\x1b  1"));
}

TEST_F(CliQuery, ShortensLongTextAndBlobsInTablesOnly) {
  const std::string sql = "SELECT printf('%.*c', 500, 'x') AS t, zeroblob(100) AS b";
  const CliResult table = query(sql);
  EXPECT_THAT(
      lines_of(table.out).at(2),
      StartsWith(std::string(119, 'x') + "\u2026  x'00000000000000000000000000000000\u2026' "
                                         "(100 bytes)"));
  const Json row = Json::parse(query(sql, {"--json"}).out).at(0);
  EXPECT_EQ(row.at("t").get<std::string>().size(), 500U);
  EXPECT_THAT(query(sql, {"--format", "csv"}).out, HasSubstr("x'" + std::string(200, '0') + "'"));
}

TEST_F(CliQuery, LinesUpByTheFirstThousandRows) {
  const CliResult result = query(
      "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1500) "
      "SELECT i, 'x' FROM c");
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 1502U);
  EXPECT_EQ(lines.at(2), "   1  x");
  EXPECT_EQ(lines.at(1501), "1500  x");
}

TEST_F(CliQuery, PrintsTheHeaderWhenThereAreNoRows) {
  EXPECT_EQ(query("SELECT id FROM note").out, "id\n--\n");
  EXPECT_EQ(query("SELECT id FROM note", {"--json"}).out, "[]\n");
  EXPECT_EQ(query("SELECT id FROM note", {"--format", "csv"}).out, "id\r\n");
  EXPECT_EQ(query("SELECT id FROM note", {"--format", "lines"}).out, "");
}

TEST_F(CliQuery, PrintsJsonWithEveryStorageClass) {
  const CliResult result = query(
      "SELECT 9007199254740993 AS i, 1.0 AS r, 0.1 AS s, 'a\"b' AS t, x'00ff10' AS b, NULL AS n",
      {"--json"});
  EXPECT_EQ(result.out,
            R"([{"i":9007199254740993,"r":1.0,"s":0.1,"t":"a\"b","b":{"blob_base64":"AP8Q"},)"
            R"("n":null}])"
            "\n");
}

TEST_F(CliQuery, GivesColumnsOfTheSameNameDifferentKeys) {
  EXPECT_EQ(query("SELECT 1 AS a, 2 AS a, 3 AS a_2, 4 AS a", {"--json"}).out,
            R"([{"a":1,"a_3":2,"a_2":3,"a_4":4}])"
            "\n");
}

TEST_F(CliQuery, ReplacesBytesThatAreNoUtf8) {
  const std::string sql = "SELECT CAST(x'41ff42c3' AS TEXT) AS t";
  const Json rows = Json::parse(query(sql, {"--format", "json"}).out);
  EXPECT_EQ(rows.at(0).at("t"), "A\ufffdB\ufffd");
  EXPECT_EQ(lines_of(query(sql).out).at(2), "A\ufffdB\ufffd");
  EXPECT_EQ(query(sql, {"--format", "csv"}).out,
            "t\r\nA\xff"
            "B\xc3\r\n");
}

TEST_F(CliQuery, WritesCsvAsRfc4180Says) {
  const CliResult result = query(
      "SELECT 1 AS id, 'a,b' AS \"the \"\"name\"\"\", 'say \"x\"' AS q, 'two\nlines' AS l, NULL AS "
      "n, '' AS e, x'0a' AS b, 2.0 AS r",
      {"--format", "csv"});
  EXPECT_EQ(result.out,
            "id,\"the \"\"name\"\"\",q,l,n,e,b,r\r\n"
            "1,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",,\"\",x'0a',2.0\r\n");
}

TEST_F(CliQuery, PrintsOneLineForEachColumn) {
  exec("INSERT INTO note VALUES (1, 'two\nlines', NULL, x'00'), (2, 'b', 2.5, NULL)");
  EXPECT_EQ(query("SELECT id, title, score FROM note", {"--format", "lines"}).out,
            "   id = 1\n"
            "title = two\n"
            "        lines\n"
            "score = NULL\n"
            "\n"
            "   id = 2\n"
            "title = b\n"
            "score = 2.5\n");
}

TEST_F(CliQuery, BindsParametersByNameAndByNumber) {
  const Json row =
      Json::parse(query("SELECT :a AS a, @b AS b, $c AS c, ?4 AS d",
                        {"-p", "a=1", "--param", "@b=two", "-pc=3.5", "-p4=NULL", "--json"})
                      .out)
          .at(0);
  EXPECT_EQ(row, Json::parse(R"({"a": 1, "b": "two", "c": 3.5, "d": null})"));
  EXPECT_EQ(query("SELECT ? || ? AS x", {"-p", "2=b", "-p", "1=a", "--format", "csv"}).out,
            "x\r\nab\r\n");
}

TEST_F(CliQuery, TakesAValueForWhatItIsWrittenLike) {
  const auto type_and_text = [this](const std::string& value) {
    const Json row = Json::parse(
        query("SELECT typeof(:v) || ' ' || quote(:v) AS x", {"-p", "v=" + value, "--json"}).out);
    return row.at(0).at("x").get<std::string>();
  };
  EXPECT_EQ(type_and_text("42"), "integer 42");
  EXPECT_EQ(type_and_text("-9223372036854775808"), "integer -9223372036854775808");
  EXPECT_EQ(type_and_text("9223372036854775808"), "text '9223372036854775808'");
  EXPECT_EQ(type_and_text("007"), "text '007'");
  EXPECT_EQ(type_and_text("+1"), "text '+1'");
  EXPECT_EQ(type_and_text("1.50"), "real 1.5");
  EXPECT_EQ(type_and_text("1e3"), "real 1000.0");
  EXPECT_EQ(type_and_text("1."), "text '1.'");
  EXPECT_EQ(type_and_text("0x10"), "text '0x10'");
  EXPECT_EQ(type_and_text("x'00Ff'"), "blob X'00FF'");
  EXPECT_EQ(type_and_text("x'0'"), "text 'x''0'''");
  EXPECT_EQ(type_and_text("x'0g'"), "text 'x''0g'''");
  EXPECT_EQ(type_and_text("NULL"), "null NULL");
  EXPECT_EQ(type_and_text("null"), "text 'null'");
  EXPECT_EQ(type_and_text("'42'"), "text '42'");
  EXPECT_EQ(type_and_text("'it''s'"), "text 'it''s'");
  EXPECT_EQ(type_and_text("a=b"), "text 'a=b'");
  EXPECT_EQ(type_and_text(""), "text ''");
}

TEST_F(CliQuery, NamesTheParameterThatHasNoValueOrNoUse) {
  const CliResult missing = query("SELECT :first", {});
  EXPECT_EQ(missing.status, 3);
  EXPECT_EQ(missing.err,
            "turnstile: the parameter :first has no value\nhint: Add -p first=VALUE.\n");
  const CliResult unknown = query("SELECT :first", {"-p", "first=1", "-p", "frist=2"});
  EXPECT_EQ(unknown.status, 3);
  EXPECT_THAT(unknown.err, HasSubstr("no parameter frist"));
  EXPECT_THAT(unknown.err, HasSubstr("Did you mean first?"));
  EXPECT_EQ(query("SELECT :a", {"-p", "a=1", "-p", ":a=2"}).status, 3);
  EXPECT_EQ(query("SELECT :a", {"-p", "a"}).status, 3);
}

TEST_F(CliQuery, ShowsWhereTheSqlIsWrong) {
  const CliResult result = query("SELECT id\nFORM note");
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err,
            "turnstile: near \"note\": syntax error at line 2, column 6\n"
            "  FORM note\n"
            "       ^\n"
            "hint: Correct the SQL; nothing was changed.\n");
  const Json error = error_of(query("SELECT id FROM nowhere", {"--json"}));
  EXPECT_EQ(error.at("code"), "SQL_ERROR");
  EXPECT_EQ(error.at("sqlite_code"), 1);
  EXPECT_THAT(error.at("message").get<std::string>(), HasSubstr("no such table: nowhere"));
}

TEST_F(CliQuery, RefusesToWrite) {
  const CliResult result = query("DELETE FROM note");
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.err, HasSubstr("hint: Use `turnstile exec`"));
  const CliResult two = query("SELECT 1; SELECT 2");
  EXPECT_EQ(two.status, 3);
  EXPECT_THAT(two.err, HasSubstr("hint: Give one statement"));
  const CliResult pragma = query("PRAGMA synchronous = OFF");
  EXPECT_EQ(pragma.status, 3);
  EXPECT_THAT(pragma.err, HasSubstr("hint: Leave BEGIN, COMMIT, PRAGMA and ATTACH out"));
}

// exec would take it, and print no mode.
TEST_F(CliQuery, SaysWhereTheJournalModeIsShown) {
  const CliResult result = query(" pragma journal_mode");
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.err, HasSubstr("hint: `turnstile info` shows"));
  EXPECT_THAT(result.err, testing::Not(HasSubstr("turnstile exec")));
}

// The busy handler is the library's own; `info` shows the wait in force.
TEST_F(CliQuery, ShowsABusyTimeoutOfZeroWhereInfoShowsTheWait) {
  EXPECT_EQ(ask("PRAGMA busy_timeout"), 0);
  const CliResult info = run_cli({"info", db_, "--timeout", "7s", "--json"});
  EXPECT_THAT(Json::parse(info.out).at("settings"),
              testing::Contains(Json::parse(
                  R"({"name": "busy_timeout", "asked": "7000 ms", "in_force": "7000 ms"})")));
}

TEST_F(CliQuery, FailsBeforeItPrintsWhereItCan) {
  const CliResult result = query("SELECT abs(-9223372036854775807 - 1)", {"--json"});
  EXPECT_NE(result.status, 0);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(error_of(result).at("message").get<std::string>(), HasSubstr("overflow"));
}

TEST_F(CliQuery, NeitherWaitsForAWriterNorDisturbsIt) {
  exec("INSERT INTO note(title) VALUES ('before')");
  SqliteShell shell(db_);
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE; INSERT INTO note(title) VALUES ('after')"), "");
  const CliResult result = query("SELECT title FROM note", {"--timeout", "0ms", "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "[{\"title\":\"before\"}]\n");
  EXPECT_EQ(shell.run("COMMIT"), "");
  EXPECT_EQ(ask("SELECT count(*) FROM note"), 2);
}

TEST_F(CliQuery, LeavesTheJournalModeOfAForeignFileAlone) {
  const std::string path = directory_.file("foreign.db");
  EXPECT_EQ(SqliteShell(path).run("PRAGMA journal_mode=DELETE; CREATE TABLE t(a)"), "delete\n");
  EXPECT_EQ(run_cli({"query", path, "SELECT count(*) AS n FROM t", "--json"}).out, "[{\"n\":0}]\n");
  EXPECT_EQ(SqliteShell(path).run("PRAGMA journal_mode"), "delete\n");
}

TEST_F(CliQuery, ReadsAFileThatACrashLeftToBeRepaired) {
  const std::string path = directory_.file("hot.db");
  SqliteShell shell(path);
  ASSERT_EQ(shell.run("PRAGMA journal_mode=DELETE; CREATE TABLE t(a); INSERT INTO t VALUES (1)"),
            "delete\n");
  // More than the cache holds, so that uncommitted pages are in the file when the shell dies.
  ASSERT_EQ(shell.run("PRAGMA cache_size=1; BEGIN; "
                      "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c LIMIT 5000) "
                      "INSERT INTO t SELECT hex(randomblob(200)) FROM c"),
            "");
  shell.process().kill();
  const CliResult result = run_cli({"query", path, "SELECT count(*) AS n FROM t", "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "[{\"n\":1}]\n");
}

TEST_F(CliQuery, StopsQuietlyWhenItsReaderGoes) {
  const ProgramResult result = run_in_shell(
      directory_.path().string(),
      "{ turnstile query app.db 'WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) "
      "SELECT i FROM c' --format csv; echo \"status $?\" >&2; } | head -n 2");
  EXPECT_THAT(lines_of(result.output), testing::UnorderedElementsAre("i\r", "1\r", "status 0"));
}

TEST_F(CliQuery, SaysWhenItsOutputCannotBeWritten) {
  const std::string command = "turnstile query :memory: 'SELECT 1'";
  const ProgramResult full = run_in_shell("/", command + " > /dev/full");
  EXPECT_EQ(full.status, 6);
  EXPECT_THAT(full.output, HasSubstr("cannot write standard output: No space left on device"));
  const ProgramResult closed = run_in_shell("/", command + " >&-");
  EXPECT_EQ(closed.status, 6);
}

TEST_F(CliQuery, WorksWithoutAFile) {
  EXPECT_EQ(run_cli({"query", ":memory:", "SELECT 1 + 1 AS two"}).out, "two\n---\n  2\n");
}

TEST_F(CliQuery, UnderstandsFileUris) {
  const std::string uri = "file:" + db_;
  EXPECT_EQ(run_cli({"query", uri + "?mode=ro", "SELECT 1"}).status, 0);
  const CliResult typo = run_cli({"query", uri + "?mod=ro", "SELECT 1"});
  EXPECT_EQ(typo.status, 3);
  EXPECT_THAT(typo.err, HasSubstr("unknown key 'mod'"));
  EXPECT_EQ(run_cli({"exec", uri + "?mode=ro", "DELETE FROM note"}).status, 3);
}

TEST_F(CliQuery, UsesColoursOnATerminalOnly) {
  exec("INSERT INTO note(title) VALUES ('a')");
  const std::string command = "turnstile query app.db 'SELECT * FROM note'";
  const auto on_terminal = [&](const std::string& settings) {
    return run_in_shell(directory_.path().string(),
                        settings + " script -qec \"" + command + "\" /dev/null")
        .output;
  };
  EXPECT_THAT(query("SELECT * FROM note").out, Not(HasSubstr("\x1b[")));
  EXPECT_THAT(on_terminal("TERM=xterm"), HasSubstr("\x1b[1mid"));
  EXPECT_THAT(on_terminal("TERM=xterm NO_COLOR=1"), Not(HasSubstr("\x1b[")));
  EXPECT_THAT(on_terminal("TERM=dumb"), Not(HasSubstr("\x1b[")));
}

}  // namespace
}  // namespace turnstile::test
