// What a description comes to, and which mistakes in one do not compile.
#include "turnstile/records/description.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "unit/records/library.h"

namespace turnstile::test {

enum class Level : std::int32_t { Low = -1 };

struct Everything {
  std::chrono::sys_time<std::chrono::milliseconds> day;
  std::string name;
  bool flag = false;
  std::optional<double> ratio;
  std::vector<float> numbers;
  Level level{};
  std::chrono::seconds span{0};
  Value any;
  std::string quoted;
  float real = 0;
  std::string_view view;
  const char* pointer = nullptr;
};

}  // namespace turnstile::test

template <>
struct turnstile::Describe<turnstile::test::Everything> {
  using E = turnstile::test::Everything;
  static constexpr auto table() {
    return turnstile::table(
        "everything",                                     //
        column<&E::day>("day").primary_key(),             //
        column<&E::name>("name").primary_key().unique(),  //
        column<&E::flag>("flag").default_to(true),        //
        column<&E::ratio>("ratio").default_to(0.1),       //
        column<&E::numbers>("numbers"),                   //
        column<&E::level>("level").default_to(turnstile::test::Level::Low),
        column<&E::span>("span").default_to(std::chrono::minutes(1)), column<&E::any>("any"),
        column<&E::quoted>("order").default_to("it's").collate("RTRIM").json().check("flag"),
        column<&E::real>("real").default_to(2),  //
        unique_index<&E::flag, &E::ratio>("everything_once"),
        index<&E::level>("everything_low").where("level < 0"), check("flag OR ratio > 0"),
        without_rowid());
  }
};

namespace turnstile::test {
namespace {

using testing::HasSubstr;

TEST(Description, ComesToSql) {
  EXPECT_EQ(RecordSchema::of<Everything>().sql(), R"(CREATE TABLE "everything" (
  "day" INTEGER NOT NULL,
  "name" TEXT NOT NULL,
  "flag" INTEGER NOT NULL DEFAULT 1,
  "ratio" REAL DEFAULT 0.1,
  "numbers" BLOB NOT NULL,
  "level" INTEGER NOT NULL DEFAULT -1,
  "span" INTEGER NOT NULL DEFAULT 60000000,
  "any" ANY,
  "order" TEXT NOT NULL DEFAULT 'it''s' COLLATE "RTRIM" CHECK (json_valid("order") AND (flag)),
  "real" REAL NOT NULL DEFAULT 2.0,
  PRIMARY KEY ("day", "name"),
  CHECK (flag OR ratio > 0)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX "everything_once" ON "everything" ("flag", "ratio");
CREATE INDEX "everything_low" ON "everything" ("level") WHERE level < 0;
CREATE UNIQUE INDEX "everything_name_unique" ON "everything" ("name");
)");
}

TEST(Description, OfReferencesNamesTheKeyOfTheOtherTable) {
  const std::string sql = RecordSchema::of<Note, Tagging>().sql();
  EXPECT_THAT(sql, HasSubstr("\"id\" INTEGER PRIMARY KEY AUTOINCREMENT,"));
  EXPECT_THAT(sql, HasSubstr("\"owner\" TEXT REFERENCES \"person\"(\"login\") ON DELETE CASCADE,"));
  EXPECT_THAT(sql, HasSubstr("\"version\" INTEGER NOT NULL DEFAULT 1,"));
  EXPECT_THAT(sql, HasSubstr("\"tag\" TEXT NOT NULL REFERENCES \"tag\"(\"name\"),"));
}

TEST(Description, IsUnderstoodBySqlite) {
  const TempDir directory;
  const Database database = Database::open(directory.file("a.db"));
  const Lane lane = database.lane("a");
  EXPECT_TRUE((RecordSchema::of<Everything, Person, Note, Tag, Tagging>().ensure(lane)));
  EXPECT_FALSE(RecordSchema::of<Everything>().ensure(lane));
}

// Mistakes. What fails here is a concept or a requires-clause, so that a program with the mistake
// does not compile and a test can ask.

TEST(Description, OfNamesTakesOnlyNames) {
  using detail::is_name;
  static_assert(is_name("note") && is_name("_n0te") && is_name(std::string(64, 'n')));
  static_assert(!is_name("") && !is_name("0note") && !is_name("no te") && !is_name("n\"") &&
                !is_name("nöte") && !is_name("sqlite_note") && !is_name("Turnstile_x") &&
                !is_name(std::string(65, 'n')));
}

// A name or SQL that is computed while the program runs is no argument at all.
template <class Text>
concept IsName = requires(Text text) { column<&Note::title>(text); };
template <class Text>
concept IsSql = requires(Text text) { sql_condition<Note>(text); };

TEST(Condition, OfSqlHasAParameterForEachValueAndNothingElse) {
  using detail::count_parameters;
  static_assert(count_parameters("a > ? AND b IN (?, ?)") == 3);
  static_assert(count_parameters("a = '?' AND \"b?\" = 'it''s ; -- :x'") == 0);
  static_assert(count_parameters("json_extract(meta, '$.a') > ?") == 1);
  static_assert(count_parameters("a = ?1") == -1 && count_parameters("a = :a") == -1);
  static_assert(count_parameters("a = @a") == -1 && count_parameters("a = $a") == -1);
  static_assert(count_parameters("a; DROP TABLE b") == -1 && count_parameters("a -- b") == -1);
  static_assert(count_parameters("(a) OR (b)") == 0 && count_parameters("a) OR (b") == -1);
  static_assert(count_parameters("(a") == -1 && count_parameters("a)") == -1);
  static_assert(count_parameters("a /* b */") == -1 && count_parameters("a = 'open") == -1);
}

TEST(Description, TakesNoTextThatIsMadeAtRunTime) {
  static_assert(!IsName<std::string> && !IsName<std::string_view>);
  static_assert(!IsSql<std::string> && !IsSql<std::string_view>);
}

template <auto Member>
concept CanBeColumn = requires { column<Member>("x"); };
template <auto Member>
concept CanBeKey = requires { column<Member>("x").primary_key(); };
template <auto Member>
concept CanBeVersion = requires { column<Member>("x").version(); };
template <auto Member>
concept CanBeTime = requires { column<Member>("x").created().updated(); };
template <auto Member>
concept CanBeCounter = requires { column<Member>("x").counter(); };
template <auto Member>
concept CanBeJson = requires { column<Member>("x").json(); };

TEST(Description, HasNoColumnsOfTypesThatCannotBeStoredOrOwnNothing) {
  static_assert(CanBeColumn<&Everything::numbers> && CanBeColumn<&Everything::any>);
  static_assert(!CanBeColumn<&Everything::view> && !CanBeColumn<&Everything::pointer>);
}

TEST(Description, HasNoColumnsInARoleThatTheirTypeCannotHave) {
  static_assert(CanBeKey<&Everything::name> && !CanBeKey<&Everything::ratio>);
  static_assert(!CanBeKey<&Everything::real> && !CanBeKey<&Everything::flag>);
  static_assert(CanBeVersion<&Note::version> && !CanBeVersion<&Everything::flag>);
  static_assert(!CanBeVersion<&Note::title> && !CanBeVersion<&Everything::ratio>);
  static_assert(CanBeTime<&Note::created> && !CanBeTime<&Note::version>);
  static_assert(CanBeCounter<&Everything::real> && !CanBeCounter<&Everything::flag>);
  static_assert(CanBeJson<&Note::title> && !CanBeJson<&Note::version>);
}

template <auto Member, class V>
concept CanDefaultTo = requires(V value) { column<Member>("x").default_to(value); };

TEST(Description, HasNoDefaultOfAnotherType) {
  static_assert(CanDefaultTo<&Note::version, int> && CanDefaultTo<&Note::title, const char*>);
  static_assert(CanDefaultTo<&Everything::span, std::chrono::hours>);
  static_assert(!CanDefaultTo<&Note::title, int> && !CanDefaultTo<&Note::version, double>);
  static_assert(!CanDefaultTo<&Everything::flag, int> && !CanDefaultTo<&Everything::level, int>);
  static_assert(!CanDefaultTo<&Everything::numbers, int>);
}

struct Stranger {
  int id = 0;
};

TEST(Description, IsNeededForRecords) {
  static_assert(Described<Note> && !Described<Stranger> && !Described<int>);
}

template <auto Member>
concept CanBeField = requires { field<Member>; };
template <auto Member, class V>
concept CanEqual = requires(V value) { field<Member> == value; };
template <auto Member>
concept CanBeNull = requires { field<Member> == std::nullopt; };
template <auto Member, class V>
concept CanBeSet = requires(V value) { field<Member>.set(value); };
template <auto Member>
concept CanBeLike = requires { field<Member>.like("x"); };
template <auto Member>
concept CanBeIncremented = requires(Records<Note> notes) { notes.template increment<Member>(1); };
template <auto Member>
concept HasChildren = requires(Records<Note> notes) { notes.template get_children<Member>({}); };

TEST(Condition, IsOnlyAboutColumns) {
  static_assert(CanBeField<&Note::title> && !CanBeField<&Note::not_stored>);
  static_assert(!CanBeField<&Stranger::id>);
}

TEST(Condition, ComparesOnlyWhatCanBeCompared) {
  static_assert(CanEqual<&Note::title, const char*> && !CanEqual<&Note::title, int>);
  static_assert(CanEqual<&Note::id, int> && !CanEqual<&Note::id, const char*>);
  static_assert(!CanEqual<&Note::id, double> && !CanEqual<&Note::id, bool>);
  static_assert(CanEqual<&Everything::flag, bool> && !CanEqual<&Everything::flag, int>);
  static_assert(CanEqual<&Note::kind, Kind> && !CanEqual<&Note::kind, int>);
  static_assert(!CanEqual<&Note::created, std::chrono::seconds>);
  static_assert(CanBeNull<&Note::owner> && !CanBeNull<&Note::title>);
  static_assert(CanBeLike<&Note::owner> && !CanBeLike<&Note::id>);
}

TEST(Condition, OfOneTableIsNoneOfAnother) {
  static_assert(
      std::is_invocable_v<decltype(&Records<Note>::where), const Records<Note>&, Condition<Note>>);
  static_assert(
      !std::is_invocable_v<decltype(&Records<Note>::where), const Records<Note>&, Condition<Tag>>);
}

TEST(Records, SetOnlyWhatIsTheProgramsToSet) {
  static_assert(CanBeSet<&Note::title, const char*> && CanBeSet<&Note::reads, int>);
  static_assert(!CanBeSet<&Note::id, int> && !CanBeSet<&Note::version, int>);
  static_assert(!CanBeSet<&Note::created, Time> && !CanBeSet<&Note::updated, Time>);
}

TEST(Records, IncrementOnlyCounters) {
  static_assert(CanBeIncremented<&Note::reads> && !CanBeIncremented<&Note::version>);
  static_assert(!CanBeIncremented<&Everything::real>);
}

TEST(Records, HaveChildrenOnlyByReferences) {
  static_assert(HasChildren<&Note::owner> && !HasChildren<&Note::title>);
}

template <auto... Members>
inline constexpr bool kCanUpsert = detail::is_unique_target<Note, Members...>();

TEST(Records, AreUpsertedOnlyByWhatIsUnique) {
  static_assert(kCanUpsert<> && kCanUpsert<&Note::id> && kCanUpsert<&Note::title>);
  static_assert(!kCanUpsert<&Note::owner> && !kCanUpsert<&Note::id, &Note::title>);
  static_assert(!kCanUpsert<&Tag::name>);
  static_assert(detail::is_unique_target<Everything, &Everything::name, &Everything::day>());
  static_assert(detail::is_unique_target<Everything, &Everything::ratio, &Everything::flag>());
  static_assert(!detail::is_unique_target<Everything, &Everything::level>());
}

template <class R>
concept CanUpdate = requires(Records<R> records, R record) { records.update(record); };

TEST(Records, WithoutAnythingToUpdateHaveNoUpdate) {
  static_assert(CanUpdate<Note> && !CanUpdate<Tag> && !CanUpdate<Tagging>);
}

}  // namespace
}  // namespace turnstile::test
