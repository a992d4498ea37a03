#include "diagnose/doctor/soundness.h"

#include <utility>

namespace turnstile::diagnose {

namespace {

constexpr std::size_t kMostClauses = 20;
// Of what a table and its indexes need there may be more in the schema than this engine has.
constexpr const char* kTables =
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name";

void take(const Content::Answer& answer, Soundness& soundness) {
  for (const Content::Row& row : answer.rows)
    if (row.front() != "ok" && soundness.damage.size() < kMostClauses)
      soundness.damage.push_back(row.front());
  if (answer.damaged) soundness.damage.push_back(answer.problem);
}

bool is_answered(const Content::Answer& answer) noexcept {
  return answer.problem.empty() || answer.damaged;
}

void check_table(const Content& inside, const std::string& table, bool full, Soundness& soundness) {
  const std::string argument = "(" + sql_name(table) + ")";
  Content::Answer answer =
      inside.ask((full ? "PRAGMA integrity_check" : "PRAGMA quick_check") + argument);
  if (!is_answered(answer)) {
    soundness.unchecked.push_back(table + ": " +
                                  (answer.too_long ? "it would take too long" : answer.problem));
    // Without the functions of its indexes, its rows can still be read.
    if (full) answer = inside.ask("PRAGMA quick_check" + argument);
  } else {
    ++soundness.checked;
  }
  if (is_answered(answer)) take(answer, soundness);
}

}  // namespace

Soundness find_soundness(const Content& inside, bool full) {
  Soundness soundness;
  const std::string limit = "(" + std::to_string(kMostClauses) + ")";
  Content::Answer answer =
      inside.ask((full ? "PRAGMA integrity_check" : "PRAGMA quick_check") + limit);
  if (is_answered(answer)) {
    take(answer, soundness);
    return soundness;
  }
  if (!answer.too_long)
    for (const Content::Row& row : inside.ask(kTables).rows)
      check_table(inside, row.front(), full, soundness);
  if (soundness.checked == 0 && !soundness.is_damaged()) soundness.unanswered = std::move(answer);
  return soundness;
}

}  // namespace turnstile::diagnose
