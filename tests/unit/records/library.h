// The records that most tests of the layer use: people, their notes, and the tags of these.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/temp_dir.h"
#include "turnstile/records.h"
#include "turnstile/records/many_to_many.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {

using Time = std::chrono::sys_time<std::chrono::microseconds>;

struct Person {
  std::string login;
  std::string name;

  bool operator==(const Person&) const = default;
};

enum class Kind { Plain = 1, Draft = 2 };

struct Note {
  std::int64_t id = 0;
  std::string title;
  std::optional<std::string> owner;
  std::string meta = "{}";
  Kind kind = Kind::Plain;
  std::int64_t reads = 0;
  std::int64_t version = 0;
  Time created{};
  Time updated{};
  int not_stored = 0;

  bool operator==(const Note&) const = default;
};

struct Tag {
  std::string name;

  bool operator==(const Tag&) const = default;
};

struct Tagging {
  std::int64_t note = 0;
  std::string tag;

  bool operator==(const Tagging&) const = default;
};

}  // namespace turnstile::test

template <>
struct turnstile::Describe<turnstile::test::Person> {
  using Person = turnstile::test::Person;
  static constexpr auto table() {
    return turnstile::table("person",  //
                            column<&Person::login>("login").primary_key(),
                            column<&Person::name>("name"));
  }
};

template <>
struct turnstile::Describe<turnstile::test::Note> {
  using Note = turnstile::test::Note;
  static constexpr auto table() {
    return turnstile::table(
        "note",  //
        column<&Note::id>("id").never_reused_primary_key(),
        column<&Note::title>("title").unique().collate("NOCASE"),
        column<&Note::owner>("owner").references<turnstile::test::Person>(OnDelete::Cascade),
        column<&Note::meta>("meta").json().default_to("{}"),
        column<&Note::kind>("kind").default_to(turnstile::test::Kind::Plain),
        column<&Note::reads>("reads").counter(), column<&Note::version>("version").version(),
        column<&Note::created>("created").created(), column<&Note::updated>("updated").updated(),
        index<&Note::owner, &Note::updated>("note_by_owner"), check("length(title) <= 100"));
  }
};

template <>
struct turnstile::Describe<turnstile::test::Tag> {
  static constexpr auto table() {
    return turnstile::table("tag", column<&turnstile::test::Tag::name>("name").primary_key(),
                            without_rowid());
  }
};

template <>
struct turnstile::Describe<turnstile::test::Tagging> {
  using Tagging = turnstile::test::Tagging;
  static constexpr auto table() {
    return turnstile::table(
        "tagging",
        column<&Tagging::note>("note").primary_key().references<test::Note>(OnDelete::Cascade),
        column<&Tagging::tag>("tag").primary_key().references<test::Tag>(),
        index<&Tagging::tag>("tagging_by_tag"));
  }
};

namespace turnstile::test {

/// A database with the tables of the library. Threads: as Database.
class Library {
 public:
  explicit Library(Options options = {}, RecordsOptions records = {})
      : database(Database::open(directory.file("library.db"), std::move(options))),
        people(database.lane("people"), records),
        notes(database.lane("notes"), records),
        tags(database.lane("tags"), records),
        tagging(database.lane("tags"), records) {}

  TempDir directory;
  Database database;
  Lane lane = database.lane("test");
  Records<Person> people;
  Records<Note> notes;
  Records<Tag> tags;
  ManyToMany<&Tagging::note, &Tagging::tag> tagging;
};

/// Inserts notes of these titles; their keys.
inline std::vector<std::int64_t> add_notes(const Records<Note>& notes,
                                           const std::vector<std::string>& titles) {
  std::vector<std::int64_t> ids;
  for (const std::string& title : titles)
    ids.push_back(notes.insert({.title = title}));
  return ids;
}

/// Their titles, in the order in which they are.
inline std::vector<std::string> titles_of(const std::vector<Note>& notes) {
  std::vector<std::string> titles;
  for (const Note& note : notes)
    titles.push_back(note.title);
  return titles;
}

/// A time for `RecordsOptions::now`, which a test moves.
class Clock {
 public:
  [[nodiscard]] std::chrono::system_clock::time_point now() const { return now_; }
  void advance(std::chrono::microseconds by) { now_ += by; }

 private:
  std::chrono::system_clock::time_point now_{std::chrono::seconds(1'700'000'000)};
};

}  // namespace turnstile::test
