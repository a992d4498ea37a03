#include "demo/tally.h"

#include <algorithm>

namespace turnstile::cli::demo {

void Tally::done(std::int64_t count) {
  const std::lock_guard lock(mutex_);
  operations_ += count;
}

void Tally::failed(std::string_view code, std::string_view message,
                   const std::optional<Diagnosis>& diagnosis) {
  const std::lock_guard lock(mutex_);
  ++operations_;
  ++failed_;
  ++results_[std::string(code)];
  if (std::ranges::find(messages_, message) == messages_.end()) messages_.emplace_back(message);
  name(diagnosis, 1);
}

void Tally::lost(std::int64_t count, std::string_view what,
                 const std::optional<Diagnosis>& diagnosis) {
  if (count <= 0) return;
  const std::lock_guard lock(mutex_);
  failed_ += count;
  results_[std::string(what)] += count;
  name(diagnosis, count);
}

void Tally::name(const std::optional<Diagnosis>& diagnosis, std::int64_t count) {
  if (!diagnosis) return;
  causes_[std::string(diagnosis->cause->id)] += count;
  if (evidence_.empty()) evidence_ = diagnosis->evidence;
}

void Tally::note(std::string text) {
  const std::lock_guard lock(mutex_);
  notes_.push_back(std::move(text));
}

void Tally::add(const Json& other) {
  const std::lock_guard lock(mutex_);
  operations_ += other.at("operations").get<std::int64_t>();
  failed_ += other.at("failed").get<std::int64_t>();
  for (const auto& [code, count] : other.at("results").items())
    results_[code] += count.get<std::int64_t>();
  for (const auto& [cause, count] : other.at("causes").items())
    causes_[cause] += count.get<std::int64_t>();
  for (const Json& message : other.at("messages")) {
    const auto text = message.get<std::string>();
    if (std::ranges::find(messages_, text) == messages_.end()) messages_.push_back(text);
  }
  if (evidence_.empty() && other.at("evidence").is_string())
    evidence_ = other.at("evidence").get<std::string>();
  for (const Json& each : other.at("notes"))
    notes_.push_back(each.get<std::string>());
}

Json Tally::json() const {
  const std::lock_guard lock(mutex_);
  return {{"operations", operations_},
          {"failed", failed_},
          {"results", Json(results_)},
          {"messages", messages_},
          {"causes", Json(causes_)},
          {"evidence", text_or_null(evidence_)},
          {"notes", notes_}};
}

}  // namespace turnstile::cli::demo
