#include "cli/cli_test.h"
#include "support/place_of.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CliVec : public CliTest {
 protected:
  void create(std::vector<std::string> flags = {"--dim", "2", "--column", "lang:text"}) {
    flags.insert(flags.begin(), {"vec", "create", db_, "notes"});
    const CliResult made = run_cli(flags);
    ASSERT_EQ(made.status, 0) << made.err;
  }
  CliResult put(const std::string& lines, const std::vector<std::string>& flags = {}) {
    std::vector<std::string> words{"vec", "put", db_, "notes"};
    words.insert(words.end(), flags.begin(), flags.end());
    return run_cli(words, lines);
  }
  [[nodiscard]] CliResult search(const std::vector<std::string>& flags) const {
    std::vector<std::string> words{"vec", "search", db_, "notes", "--json"};
    words.insert(words.end(), flags.begin(), flags.end());
    return run_cli(words);
  }
  static std::vector<std::string> ids(const CliResult& result) {
    std::vector<std::string> ids;
    for (const Json& match : Json::parse(result.out))
      ids.push_back(match.at("id"));
    return ids;
  }

  const std::string kThree =
      "{\"id\": \"east\", \"vector\": [1, 0], \"lang\": \"en\"}\n"
      "\n"
      "{\"id\": 7, \"vector\": [0, 1], \"lang\": \"de\", \"payload\": {\"n\": [1]}}\n"
      "{\"id\": \"west\", \"vector\": [-1, 0.5], \"lang\": \"de\", \"version\": 3}";
};

TEST_F(CliVec, PutsItemsAndFindsTheNearest) {
  create();
  const CliResult result = put(kThree);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "inserted: 3\nreplaced: 0\nstale: 0\n");
  EXPECT_EQ(Json::parse(put(kThree, {"--json"}).out),
            Json::parse(R"({"inserted": 0, "replaced": 3, "stale": 0})"));
  const CliResult found = search({"--vector", "[1, 0.1]", "-k", "2"});
  EXPECT_THAT(ids(found), ElementsAre("east", "7"));
  EXPECT_THAT(Json::parse(found.out).at(1),
              testing::AllOf(testing::Contains("de"), testing::Contains(Json{{"n", {1}}})));
}

TEST_F(CliVec, PrintsATableForPeople) {
  create();
  put(kThree);
  const CliResult found =
      run_cli({"vec", "search", db_, "notes", "--vector", "[1, 0]", "--limit", "1"});
  EXPECT_EQ(found.out, "id    distance  lang\n----  --------  ----\neast         0  en\n");
}

TEST_F(CliVec, FiltersBeforeItCounts) {
  create();
  put(kThree);
  EXPECT_THAT(ids(search({"--vector", "[1, 0]", "-k", "1", "--where", "lang = 'de'"})),
              ElementsAre("7"));
  EXPECT_THAT(ids(search({"--vector", "[1, 0]", "--max-distance", "1"})), ElementsAre("east", "7"));
  EXPECT_EQ(search({"--vector", "[1, 0]", "--where", "lang = 'fr'"}).status, 1);
  const CliResult refused = search({"--vector", "[1, 0]", "--where", "lang = 'fr' OR 1"});
  EXPECT_EQ(refused.status, 3);
  EXPECT_EQ(error_of(refused).at("code"), "VECTOR_FILTER_INVALID");
}

TEST_F(CliVec, GetsAnItemAsPutTakesIt) {
  create();
  put(kThree);
  const CliResult item = run_cli({"vec", "get", db_, "notes", "west"});
  EXPECT_EQ(item.out, "{\"id\":\"west\",\"vector\":[-1.0,0.5],\"lang\":\"de\",\"version\":3}\n");
  EXPECT_EQ(put(item.out).out, "inserted: 0\nreplaced: 1\nstale: 0\n");
  EXPECT_EQ(run_cli({"vec", "get", db_, "notes", "nobody"}).status, 4);
}

TEST_F(CliVec, DeletesItems) {
  create();
  put(kThree);
  EXPECT_EQ(run_cli({"vec", "delete", db_, "notes", "7", "west"}).out, "deleted: 2\n");
  EXPECT_EQ(run_cli({"vec", "delete", db_, "notes", "7"}).status, 1);
  EXPECT_THAT(ids(search({"--vector", "[1, 0]"})), ElementsAre("east"));
}

TEST_F(CliVec, NamesTheLineThatCannotBeStored) {
  create();
  const auto refusal = [&](const std::string& lines) {
    const CliResult result = put(lines, {"--json"});
    EXPECT_EQ(result.status, 3) << lines;
    return error_of(result).at("message").get<std::string>();
  };
  EXPECT_THAT(refusal(kThree + "\n{\"id\": \"x\", \"vector\": [1], \"lang\": \"de\"}"),
              HasSubstr("line 5: the item 'x' (index 4)"));
  EXPECT_THAT(refusal("{\"id\": \"x\""), HasSubstr("line 1 is not JSON"));
  EXPECT_THAT(refusal("[]"), HasSubstr("line 1 is no object"));
  EXPECT_THAT(refusal("{\"id\": null, \"vector\": []}"), HasSubstr("the id is neither"));
  EXPECT_THAT(refusal("{\"id\": 1, \"vector\": 2}"), HasSubstr("the vector is no array"));
  EXPECT_THAT(refusal("{\"id\": 1, \"vector\": [\"2\"]}"), HasSubstr("no number"));
  EXPECT_THAT(refusal("{\"id\": 1, \"vector\": [1e300, 1]}"), HasSubstr("no float can hold"));
  EXPECT_THAT(refusal("{\"id\": 1, \"vector\": [1, 1], \"lang\": []}"),
              HasSubstr("the member 'lang'"));
  EXPECT_THAT(refusal("{\"id\": 1, \"vector\": [1, 1], \"version\": 18446744073709551615}"),
              HasSubstr("no integer of 64 bits"));
  EXPECT_THAT(refusal("{\"id\": 1, \"vector\": [1, 1]}"), HasSubstr("no value for the column"));
  EXPECT_EQ(search({"--vector", "[1, 0]"}).status, 1) << "nothing was stored";
}

TEST_F(CliVec, TakesJsonOfAHundredLevelsAndNoMore) {
  create();
  const auto line = [](std::size_t levels) {
    // The line itself is one of them.
    return R"({"id": "x", "lang": "de", "vector": [1, 0], "payload": )" +
           std::string(levels - 1, '[') + std::string(levels - 1, ']') + "}\n";
  };
  EXPECT_EQ(put(line(100)).status, 0);
  EXPECT_EQ(put(line(101)).status, 3);
  EXPECT_EQ(put(line(200'000)).status, 3);
}

TEST_F(CliVec, StoresManyLinesInBatches) {
  create({"--dim", "1"});
  std::string lines;
  for (int i = 0; i < 3000; ++i)
    lines += "{\"id\": " + std::to_string(i) + ", \"vector\": [1]}\n";
  EXPECT_EQ(put(lines).out, "inserted: 3000\nreplaced: 0\nstale: 0\n");
}

TEST_F(CliVec, ShowsWhatACollectionIs) {
  create({"--dim", "16", "--type", "bit", "--model", "m", "--column", "n:integer", "--partition",
          "p:text"});
  const Json info = Json::parse(run_cli({"vec", "info", db_, "notes", "--json"}).out);
  EXPECT_EQ(info.at("dimension"), 16);
  EXPECT_EQ(info.at("metric"), "hamming");
  EXPECT_EQ(info.at("storage"), "packed");
  EXPECT_EQ(info.at("partition"), Json({{"name", "p"}, {"type", "text"}}));
  EXPECT_EQ(info.at("columns"), Json::parse(R"([{"name": "n", "type": "integer"}])"));
  EXPECT_EQ(info.at("items"), 0);
  EXPECT_EQ(Json::parse(run_cli({"vec", "info", db_, "--json"}).out).size(), 1U);
  EXPECT_THAT(run_cli({"vec", "info", db_}).out, HasSubstr("16 of bit, hamming"));
}

TEST_F(CliVec, FindsWhatIsWrong) {
  create();
  put(kThree);
  EXPECT_EQ(run_cli({"vec", "info", db_, "notes", "--check"}).status, 0);
  exec("DELETE FROM vector_1_exact");
  const CliResult result = run_cli({"vec", "info", db_, "notes", "--check", "--json"});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(Json::parse(result.out).at("faults").size(), 3U);
}

TEST_F(CliVec, RebuildsACollection) {
  create();
  put(kThree);
  EXPECT_EQ(Json::parse(run_cli({"vec", "rebuild", db_, "notes", "--json"}).out).at("complete"),
            true);
}

// VEC-07: the rebuild path of the command line.
TEST_F(CliVec, BeginsACollectionAnewOnlyWhenItMay) {
  create();
  put(kThree);
  const CliResult asked = run_cli({"vec", "rebuild", db_, "notes", "--dim", "3"});
  EXPECT_EQ(asked.status, 3);
  EXPECT_THAT(asked.err, HasSubstr("drops the 3 vectors of 'notes'"));
  const CliResult done =
      run_cli({"vec", "rebuild", db_, "notes", "--dim", "3", "--model", "m", "--yes", "--json"});
  EXPECT_EQ(done.status, 0) << done.err;
  const Json info = Json::parse(done.out);
  EXPECT_EQ(info.at("dimension"), 3);
  EXPECT_EQ(info.at("columns").size(), 1U) << "what was not said stays as it was";
  EXPECT_EQ(info.at("items"), 0);
  EXPECT_EQ(info.at("pending"), 3);
}

TEST_F(CliVec, ShowsAndAsksForTheFlagsThatMustBeGiven) {
  EXPECT_THAT(run_cli({"help", "vec", "create"}).out,
              HasSubstr("usage: turnstile vec create DB NAME --dim N [--model NAME] "));
  EXPECT_THAT(run_cli({"help", "vec", "search"}).out,
              HasSubstr("usage: turnstile vec search DB NAME --vector JSON [-k COUNT] "));
  EXPECT_THAT(run_cli({"vec", "create", db_, "notes"}).err,
              HasSubstr("vec create needs --dim: numbers in a vector"));
  EXPECT_THAT(run_cli({"vec", "search", db_, "notes"}).err, HasSubstr("vec search needs --vector"));
}

TEST_F(CliVec, RefusesWhatCannotBe) {
  EXPECT_EQ(run_cli({"vec", "create", db_, "notes"}).status, 3);
  EXPECT_EQ(run_cli({"vec", "create", db_, "notes", "--dim", "x"}).status, 3);
  EXPECT_EQ(run_cli({"vec", "create", db_, "notes", "--dim", "2", "--column", "a"}).status, 3);
  EXPECT_EQ(run_cli({"vec", "create", db_, "notes", "--dim", "2", "--metric", "hamming"}).status,
            3);
  EXPECT_EQ(run_cli({"vec", "info", db_, "notes"}).status, 4);
  create();
  const CliResult twice = run_cli({"vec", "create", db_, "notes", "--dim", "2", "--json"});
  EXPECT_EQ(twice.status, 3);
  EXPECT_EQ(error_of(twice).at("code"), "VECTOR_COLLECTION_EXISTS");
  EXPECT_EQ(search({}).status, 3);
  EXPECT_EQ(search({"--vector", "[1"}).status, 3);
  EXPECT_EQ(search({"--vector", "[1, 2, 3]"}).status, 3);
  EXPECT_EQ(search({"--vector", "[1, 2]", "--max-distance", "far"}).status, 3);
  EXPECT_EQ(search({"--vector", "[1, 2]", "-k", "0"}).status, 3);
}

// A search stores nothing, so that nothing of a batch can have been stored.
TEST_F(CliVec, SaysOfAVectorThatIsSearchedForWhatToDo) {
  create();
  const Json error = error_of(search({"--vector", "[1, 2, 3]"}));
  EXPECT_EQ(error.at("code"), "VECTOR_INVALID");
  EXPECT_THAT(error.at("message").get<std::string>(),
              HasSubstr("has 3 numbers, and the collection's have 2"));
  EXPECT_THAT(
      error.at("hint").get<std::string>(),
      testing::AllOf(HasSubstr("like those of the collection"), testing::Not(HasSubstr("stored"))));
}

TEST_F(CliVec, SaysHowToLoadTheExtension) {
  const CliResult result =
      run_cli({"vec", "create", db_, "notes", "--dim", "2", "--storage", "sqlite-vec", "--json"},
              "", {"TURNSTILE_VEC0="});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(error_of(result).at("code"), "VECTOR_EXTENSION_MISSING");
  const auto hint = error_of(result).at("hint").get<std::string>();
  EXPECT_THAT(hint, testing::StartsWith("Name its library in the environment variable "
                                        "TURNSTILE_VEC0"));
  EXPECT_THAT(hint, testing::Not(HasSubstr("Options::"))) << "which is for programs";
}

#ifdef TURNSTILE_TEST_VEC0
TEST_F(CliVec, UsesTheExtensionThatTheEnvironmentNames) {
  const std::vector<std::string> settings{std::string("TURNSTILE_VEC0=") + place_of::vec0()};
  EXPECT_EQ(run_cli({"vec", "create", db_, "notes", "--dim", "2", "--storage", "sqlite-vec"}, "",
                    settings)
                .status,
            0);
  EXPECT_EQ(
      run_cli({"vec", "put", db_, "notes"}, "{\"id\": 1, \"vector\": [1, 0]}\n", settings).status,
      0);
  EXPECT_EQ(run_cli({"vec", "search", db_, "notes", "--vector", "[1, 0]"}, "", settings).status, 0);
  EXPECT_EQ(
      run_cli({"query", db_, "SELECT id FROM vector_1_vec0", "--format", "lines"}, "", settings)
          .status,
      0);
}
#endif

}  // namespace
}  // namespace turnstile::test
