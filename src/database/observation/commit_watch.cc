#include "database/observation/commit_watch.h"

#include <exception>
#include <utility>

#include "gate/process_gate.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::database {

namespace {

// How long a process may take from its COMMIT until it says what that touched. It takes some 100
// ns, unless it is not given the processor in between.
constexpr std::chrono::milliseconds kGrace{5};
// How often it is looked whether the gate file and the database are there and in their places.
constexpr std::chrono::seconds kFileCheck{1};

SeenCommit seen(OwnCommit own) {
  const std::uint64_t between = std::uint64_t{own.last - own.first} + 1 - own.count;
  return {.count = own.count + between,
          .others = between,
          .everything = own.everything || between > 0,
          .sets = std::move(own.sets),
          .tables = {}};
}

void add_unknown(std::vector<SeenCommit>& commits) {
  if (!commits.empty() && commits.back().everything &&
      commits.back().others == commits.back().count) {
    ++commits.back().count;
    ++commits.back().others;
    return;
  }
  commits.push_back({.count = 1, .others = 1, .everything = true, .sets = {}, .tables = {}});
}

}  // namespace

CommitWatch::CommitWatch(OwnCommits& own, std::unique_ptr<sqlite::Connection> connection,
                         bool has_log, const std::filesystem::path& database)
    : own_(own),
      connection_(std::move(connection)),
      counter_(std::in_place, *connection_, has_log),
      gate_path_(gate::ProcessGate::path_for(database)) {
  static_cast<void>(connection_->query_integer("PRAGMA schema_version"));
  find_gate();
  const auto mark = counter_->read();
  connection_->set_call(nullptr);
  if (!mark) {
    Error::Details details;
    details.code = code("OBSERVATION_FAILED");
    details.message = "this SQLite does not tell the number of the last commit";
    throw Error(std::move(details));
  }
  last_ = *mark;
}

std::vector<SeenCommit> CommitWatch::look(Clock::time_point now) {
  if (!counter_) return look_at_own();
  if (now - gate_checked_ >= kFileCheck) {
    find_gate();
    require_in_place();
  }
  const auto mark = counter_->read();
  if (!mark) return {};
  if (sqlite::restarted(last_, *mark)) return start_anew(*mark);
  // Asked after the number was read, and before the notes are: an own commit among the numbers is
  // either still announced or noted.
  std::uint32_t up_to = mark->number;
  const auto announced = own_.announced();
  if (announced && !sqlite::is_after(*announced, up_to)) up_to = *announced - 1;
  std::vector<SeenCommit> commits;
  std::vector<OwnCommit> own = own_.take(up_to);
  auto next_own = own.begin();
  std::uint32_t number = last_.number;
  while (sqlite::is_after(up_to, number)) {
    while (next_own != own.end() && !sqlite::is_after(next_own->last, number))
      ++next_own;  // From before the watch began.
    if (next_own != own.end() && !sqlite::is_after(next_own->first, number + 1)) {
      number = next_own->last;
      commits.push_back(seen(std::move(*next_own++)));
    } else if (const auto tables = explanation_of(number + 1)) {
      commits.push_back({.count = 1,
                         .others = 1,
                         .everything = tables->everything(),
                         .sets = {},
                         .tables = *tables});
      ++number;
    } else if (next_own != own.end() || is_overdue(number + 1, now)) {
      add_unknown(commits);
      ++number;
    } else {
      break;
    }
  }
  if (number == up_to) unexplained_.reset();
  last_ = *mark;
  last_.number = number;
  return commits;
}

std::vector<SeenCommit> CommitWatch::look_at_own() {
  std::vector<SeenCommit> commits;
  for (OwnCommit& own : own_.take_all())
    commits.push_back(seen(std::move(own)));
  return commits;
}

// What is noted by now has numbers of the former count.
std::vector<SeenCommit> CommitWatch::start_anew(const sqlite::CommitMark& mark) {
  static_cast<void>(own_.take_all());
  last_ = mark;
  if (gate_) stale_ = gate_->page().commits.keys();
  std::vector<SeenCommit> commits;
  add_unknown(commits);
  return commits;
}

bool CommitWatch::is_overdue(std::uint32_t number, Clock::time_point now) noexcept {
  if (unexplained_ != number) {
    unexplained_ = number;
    unexplained_since_ = now;
  }
  if (now - unexplained_since_ < kGrace) return false;
  // The next one too, if it was seen as long ago; how long that is nobody has noted.
  unexplained_ = number + 1;
  return true;
}

std::optional<gate::CommittedTables> CommitWatch::explanation_of(std::uint32_t number) noexcept {
  return gate_ ? gate_->page().commits.find(number, stale_) : std::nullopt;
}

void CommitWatch::find_gate() {
  gate_checked_ = Clock::now();
  if (gate_ && gate_->is_in_place()) return;
  gate_.reset();
  if (auto found = gate::GateFile::look_at(gate_path_)) gate_.emplace(std::move(*found));
  // With a new file the entries of now may be of commits that are still to be looked at, and do not
  // count all the same: there may be others in it.
  if (gate_) stale_ = gate_->page().commits.keys();
}

// Whoever writes finds out by himself; an observer would be silent for ever.
void CommitWatch::require_in_place() {
  if (is_replaced_ || !connection_->has_moved()) return;
  is_replaced_ = true;
  Error::Details details;
  details.code = code("DB_FILE_REPLACED");
  details.message =
      "'" + connection_->config().path + "' was deleted, or another file has its name";
  throw StorageError(std::move(details));
}

const std::string* CommitWatch::find_table(std::uint32_t hash) {
  const auto known = names_.find(hash);
  if (known != names_.end()) return &known->second;
  if (!connection_) return nullptr;
  try {
    names_.clear();
    auto statement = connection_->prepare("SELECT name FROM sqlite_schema WHERE type = 'table'");
    for (const std::string& name : statement.query<std::string>())
      names_.insert_or_assign(sqlite::hash_of_table(name), name);
  } catch (const std::exception&) {
    // A name that cannot be found out is one of all tables.
    return nullptr;
  }
  const auto found = names_.find(hash);
  return found == names_.end() ? nullptr : &found->second;
}

}  // namespace turnstile::database
