// The examples of docs/guide/records.md; guide_test.cc compares them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/run_script.h"
#include "support/temp_dir.h"
#include "turnstile/records.h"
#include "turnstile/records/many_to_many.h"
#include "turnstile/turnstile.h"

namespace turnstile::test::guide {

struct Person {
  std::string login;
  std::string name;
};

struct Note {
  std::int64_t id = 0;
  std::string title;
  std::optional<std::string> owner;
  std::string meta = "{}";
  std::int64_t reads = 0;
  std::int64_t version = 0;
  std::chrono::sys_time<std::chrono::microseconds> created{}, updated{};
};

struct Tag {
  std::string name;
};

struct Tagging {
  std::int64_t note = 0;
  std::string tag;
};

}  // namespace turnstile::test::guide

using turnstile::test::guide::Note;
using turnstile::test::guide::Person;
using turnstile::test::guide::Tag;
using turnstile::test::guide::Tagging;

template <>
struct turnstile::Describe<Person> {
  static constexpr auto table() {
    return turnstile::table("person",  //
                            column<&Person::login>("login").primary_key(),
                            column<&Person::name>("name"));
  }
};

template <>
struct turnstile::Describe<Note> {
  static constexpr auto table() {
    return turnstile::table(
        "note",  //
        column<&Note::id>("id").primary_key(), column<&Note::title>("title").unique(),
        column<&Note::owner>("owner").references<Person>(OnDelete::Cascade),
        column<&Note::meta>("meta").json().default_to("{}"),
        column<&Note::reads>("reads").counter(), column<&Note::version>("version").version(),
        column<&Note::created>("created").created(), column<&Note::updated>("updated").updated(),
        index<&Note::owner, &Note::updated>("note_by_owner"), check("length(title) <= 200"));
  }
};

template <>
struct turnstile::Describe<Tag> {
  static constexpr auto table() {
    return turnstile::table("tag", column<&Tag::name>("name").primary_key());
  }
};

template <>
struct turnstile::Describe<Tagging> {
  static constexpr auto table() {
    return turnstile::table("tagging",
                            column<&Tagging::note>("note").primary_key().references<Note>(),
                            column<&Tagging::tag>("tag").primary_key().references<Tag>());
  }
};

namespace turnstile::test::guide {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<Note> read_notes() {
  return {{.title = "On looms", .owner = "ada", .meta = R"({"pages": 300})"},
          {.title = "On cards", .owner = "bob"}};
}

std::vector<std::string> titles_of(const std::vector<Note>& notes) {
  std::vector<std::string> titles;
  for (const Note& note : notes)
    titles.push_back(note.title);
  return titles;
}

class GuideToRecords : public testing::Test {
 protected:
  TempDir directory_;
  const Database database_ = Database::open(directory_.file("app.db"));
  const Lane lane = database_.lane("notes");
};

TEST_F(GuideToRecords, ShowsOneRecord) {
  turnstile::Records<Person> people(lane);
  turnstile::Records<Note> notes(lane);

  people.insert({"ada", "Ada Lovelace"});
  Note note{.title = "On engines", .owner = "ada"};
  std::int64_t id = notes.insert(note);  // and note.id, note.version, note.created are set

  note.title = "On analytical engines";
  if (notes.update(note) == turnstile::UpdateResult::Stale) note = notes.get(id).value();

  notes.upsert<&Note::title>({.title = "On looms", .owner = "ada"});
  notes.increment<&Note::reads>(id);
  std::optional<Note> found = notes.get(id);
  bool removed = notes.remove(id);

  EXPECT_EQ(found->title, "On analytical engines");
  EXPECT_EQ(found->reads, 1);
  EXPECT_EQ(note.version, 2);
  EXPECT_TRUE(removed);
  EXPECT_THAT(titles_of(notes.select().all()), ElementsAre("On looms"));
}

TEST_F(GuideToRecords, ShowsATransaction) {
  turnstile::Records<Person> people(lane);
  turnstile::Records<Note> notes(lane);
  run_script(lane, "CREATE TABLE draft(owner TEXT)");
  people.insert({"ada", "Ada Lovelace"});
  notes.insert({.title = "On engines", .owner = "ada"});
  lane.write([&](turnstile::WriteTx& tx) {
    people.insert(tx, {"bob", "Bob"});
    notes.update_where(tx, field<&Note::owner> == "ada", {field<&Note::owner>.set("bob")});
    tx.execute("DELETE FROM draft WHERE owner = ?", "ada");
  });
  EXPECT_EQ(notes.select().first()->owner, "bob");
}

TEST_F(GuideToRecords, ShowsManyRecords) {
  turnstile::Records<Person> people(lane);
  turnstile::Records<Note> notes(lane);
  people.insert_all(std::vector<Person>{{"ada", "Ada"}, {"bob", "Bob"}});

  std::vector<Note> batch = read_notes();
  notes.insert_all(batch);

  const std::vector<std::int64_t> ids{batch[1].id};
  using turnstile::field;

  auto of_ada = notes.where(field<&Note::owner> == "ada" && field<&Note::title>.like("On %"));
  std::vector<Note> newest = of_ada.order_by(field<&Note::updated>.descending()).limit(10).all();
  std::int64_t count = of_ada.count();
  bool any = notes.where(field<&Note::owner> == std::nullopt).exists();
  std::vector<Note> chosen = notes.where(field<&Note::id>.in(ids)).all();

  EXPECT_THAT(titles_of(newest), ElementsAre("On looms"));
  EXPECT_EQ(count, 1);
  EXPECT_FALSE(any);
  EXPECT_THAT(titles_of(chosen), ElementsAre("On cards"));

  auto large =
      notes.where(turnstile::sql_condition<Note>("json_extract(meta, '$.pages') > ?", 100));
  EXPECT_THAT(titles_of(large.all()), ElementsAre("On looms"));

  std::vector<std::string> shown;
  const auto show = [&](const std::vector<Note>& page) { shown = titles_of(page); };
  auto pages = notes.select().order_by(field<&Note::title>).limit(20);
  for (std::vector<Note> page = pages.all(); !page.empty(); page = pages.after(page.back()).all())
    show(page);
  EXPECT_THAT(shown, ElementsAre("On cards", "On looms"));

  std::vector<std::vector<Note>> by_owner = notes.get_children<&Note::owner>({"ada", "bob"});

  turnstile::Records<Tag> tags(lane);
  turnstile::ManyToMany<&Tagging::note, &Tagging::tag> tagging(lane);
  tags.insert({"history"});
  tagging.add(batch[0].id, "history");
  std::vector<Tag> tags_of_note = tagging.rights_of(batch[0].id);
  std::vector<Note> notes_of_tag = tagging.lefts_of("history");

  EXPECT_THAT(titles_of(by_owner.at(1)), ElementsAre("On cards"));
  EXPECT_EQ(tags_of_note.at(0).name, "history");
  EXPECT_THAT(titles_of(notes_of_tag), ElementsAre("On looms"));
}

TEST_F(GuideToRecords, ShowsAPlan) {
  std::vector<std::string> reported;
  std::string saved;
  const auto report = [&](std::string what) { reported.push_back(std::move(what)); };
  const auto save = [&](const std::string&, const std::string& sql) { saved = sql; };
  turnstile::RecordSchema schema = turnstile::RecordSchema::of<Person, Note>();
  turnstile::RecordSchemaPlan plan = schema.plan(lane);
  for (const turnstile::SchemaDifference& each : plan.conflicts)
    report(each.describe());
  if (!plan.sql.empty()) save("0002_notes.sql", plan.sql);
  EXPECT_THAT(reported, IsEmpty());
  run_script(lane, saved);
  turnstile::Records<Note> checked(lane, {.tables = turnstile::RecordTables::Require});
  EXPECT_EQ(checked.select().count(), 0);
}

}  // namespace
}  // namespace turnstile::test::guide
