#include "torture/report.h"

#include <fmt/core.h>

#include "text.h"

namespace turnstile::cli::torture {

namespace {

std::string milliseconds_of(std::chrono::microseconds duration) {
  return fmt::format("{:.1f} ms", in_milliseconds(duration));
}

}  // namespace

void Report::find(std::string_view id, std::string message) {
  const std::lock_guard lock(mutex_);
  const auto known = std::ranges::find(findings_, id, &Finding::id);
  if (known != findings_.end())
    ++known->count;
  else
    findings_.push_back({std::string(id), std::move(message), 1});
}

void Report::skip(std::string what) {
  const std::lock_guard lock(mutex_);
  skipped_.push_back(std::move(what));
}

bool Report::is_clean() {
  const std::lock_guard lock(mutex_);
  return findings_.empty();
}

std::vector<Finding> Report::findings() {
  const std::lock_guard lock(mutex_);
  return findings_;
}

Json Report::to_json(const Settings& settings, std::string_view kept) {
  const std::lock_guard lock(mutex_);
  const Numbers& n = numbers_;
  Json findings = Json::array();
  for (const Finding& each : findings_)
    findings.push_back({{"id", each.id}, {"message", each.message}, {"count", each.count}});
  return {{"ok", findings_.empty()},
          {"seed", settings.seed},
          {"processes", settings.processes},
          {"threads", settings.threads},
          {"duration_ms", settings.duration.count()},
          {"acknowledged", n.acknowledged},
          {"refused", n.refused},
          {"in_doubt", n.in_doubt},
          {"reads", n.reads},
          {"longest_write_ms", in_milliseconds(n.longest_write)},
          {"longest_read_ms", in_milliseconds(n.longest_read)},
          {"tasks_done", n.tasks_done},
          {"tasks_taken_over", n.tasks_taken_over},
          {"starts", n.starts},
          {"turns", n.turns},
          {"repeated_turns", n.repeated_turns},
          {"kills", n.kills},
          {"stops", n.stops},
          {"full_disks", n.full_disks},
          {"slow_disks", n.slow_disks},
          {"backups", n.backups},
          {"checkpoints", n.checkpoints},
          {"foreign_writes", n.foreign_writes},
          {"skipped", skipped_},
          {"findings", std::move(findings)},
          {"kept", text_or_null(std::string(kept))}};
}

std::string Report::text(const Settings& settings, std::string_view kept) {
  const std::lock_guard lock(mutex_);
  const Numbers& n = numbers_;
  std::string text;
  const auto line = [&text](std::string_view name, const std::string& value) {
    text += fmt::format("{:<14}{}\n", name, value);
  };
  line("writes", fmt::format("{} acknowledged, {} refused by a full disk, {} cut off but whole",
                             n.acknowledged, n.refused, n.in_doubt));
  line("longest wait", milliseconds_of(n.longest_write) + " for a write, " +
                           milliseconds_of(n.longest_read) + " for a read");
  line("reads", fmt::format("{}", n.reads));
  line("tasks", fmt::format("{} done, {} taken over from workers that stood still", n.tasks_done,
                            n.tasks_taken_over));
  line("starts",
       fmt::format("{} of {} processes at once on a fresh file", n.starts, settings.processes));
  line("turns",
       fmt::format("{}, of which {} twice in a row by one process", n.turns, n.repeated_turns));
  line("trouble", fmt::format("{} kills, {} stops, {} full disks, {} slow disks", n.kills, n.stops,
                              n.full_disks, n.slow_disks));
  line("meanwhile", fmt::format("{} backups, {} checkpoints, {} writes by sqlite3", n.backups,
                                n.checkpoints, n.foreign_writes));
  for (const std::string& each : skipped_)
    line("not tried", each);
  for (const Finding& each : findings_) {
    line("FINDING", fmt::format("{}: {}{}", each.id, printable(each.message),
                                each.count > 1 ? fmt::format(" (and {} more)", each.count - 1)
                                               : std::string()));
  }
  line("seed", fmt::format("{}", settings.seed));
  if (!kept.empty()) line("kept", printable(kept));
  line("result", findings_.empty() ? "nothing lost, nothing half done, no lock failure"
                                   : "a promise was broken");
  return text;
}

}  // namespace turnstile::cli::torture
