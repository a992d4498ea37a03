#include "vault/profile_record.h"

#include <limits>

#include "vault/files.h"
#include "vault/raise.h"
#include "vault/text_record.h"
#include "vault/timestamp.h"

namespace turnstile::vault {

namespace {

constexpr std::string_view kRecordFormat = "turnstile-profile 1";

/// `WORD.` and a number of at most `generation`: the next generation's is free.
bool is_part(std::string_view name, std::string_view word, std::int64_t generation) {
  if (!name.starts_with(word) || name.size() < word.size() + 2 || name[word.size()] != '.')
    return false;
  const auto number = parse_count(name.substr(word.size() + 1));
  return number && *number <= generation;
}

}  // namespace

bool ProfileRecord::owns(std::string_view entry) const noexcept {
  constexpr std::string_view kBeside = "-.";
  if (entry == database || entry == attachments || (!keys.empty() && entry == keys)) return true;
  return entry.starts_with(database) && kBeside.find(entry[database.size()]) != kBeside.npos;
}

std::string ProfileRecord::to_text() const {
  TextRecord text{std::string(kRecordFormat)};
  text.add("id", id);
  text.add("name", name);
  text.add("kind", to_string(kind));
  text.add("created_us", std::to_string(created_us));
  text.add("generation", std::to_string(generation));
  text.add("database", database);
  if (!keys.empty()) text.add("keys", keys);
  text.add("attachments", attachments);
  return text.to_text();
}

std::optional<ProfileRecord> ProfileRecord::from_text(std::string_view text) {
  const auto lines = TextRecord::parse(text);
  if (!lines || lines->format() != kRecordFormat) return std::nullopt;
  const auto kind = profile_kind_of(lines->find("kind").value_or(""));
  const auto created = parse_timestamp(lines->find("created_us").value_or(""));
  const auto generation = parse_count(lines->find("generation").value_or(""));
  constexpr std::int64_t kNoNext = std::numeric_limits<std::int64_t>::max();
  if (!kind || !created || !generation || *generation == kNoNext) return std::nullopt;
  ProfileRecord record{lines->find("id").value_or(""),
                       lines->find("name").value_or(""),
                       *kind,
                       *created,
                       *generation,
                       lines->find("database").value_or(""),
                       lines->find("keys").value_or(""),
                       lines->find("attachments").value_or("")};
  const bool fits =
      is_profile_id(record.id) && !record.name.empty() &&
      is_part(record.database, "database", *generation) &&
      is_part(record.attachments, "attachments", *generation) &&
      (record.is_protected() ? is_part(record.keys, "keys", *generation) : record.keys.empty());
  return fits ? std::optional(std::move(record)) : std::nullopt;
}

std::optional<ProfileRecord> read_record(const ProfileFolder& folder, const Call& call) {
  const auto text = read_small_file(folder.record(), call);
  if (!text) return std::nullopt;
  auto record = ProfileRecord::from_text(*text);
  if (!record || record->id != folder.path().filename().string()) {
    raise_vault(
        code("PROFILE_DAMAGED"),
        "the record " + quoted(folder.record()) +
            (record ? " is of another profile, '" + record->id + "'" : " is not what was written"),
        call);
  }
  return record;
}

ProfileRecord require_record(const ProfileFolder& folder, const Call& call) {
  if (auto record = read_record(folder, call)) return *std::move(record);
  raise_vault(code("PROFILE_NOT_FOUND"),
              "there is no profile '" + folder.path().filename().string() + "'", call);
}

void write_record(const ProfileFolder& folder, const ProfileRecord& record, const Call& call) {
  write_file_atomic(folder.record(), record.to_text(), call);
}

}  // namespace turnstile::vault
