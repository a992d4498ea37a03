#include "database/pin_watch.h"

#include <algorithm>
#include <utility>

namespace turnstile::database {

namespace {

constexpr std::string_view kSnapshot = "read snapshot";

}  // namespace

PinWatch::PinWatch(const gate::ReaderPool* readers, FindForeign find_foreign,
                   std::chrono::milliseconds patience)
    : readers_(readers), find_foreign_(std::move(find_foreign)), patience_(patience) {}

std::optional<Holder> PinWatch::look(const sqlite::CheckpointResult& result, std::int64_t log_bytes,
                                     Clock::time_point now) {
  // A checkpoint that did nothing, because another process copies, says nothing of readers.
  if (result.log_frames < 0) return std::nullopt;
  if (result.copied_frames >= result.log_frames) {
    pinned_ = false;
    told_.reset();
    return std::nullopt;
  }
  // Where the copying gets ahead, short reads take turns in holding it up, and none of them pins.
  const bool is_new = !std::exchange(pinned_, true) || result.copied_frames != copied_frames_;
  if (is_new) {
    copied_frames_ = result.copied_frames;
    pinned_since_ = now;
    foreign_ = find_foreign_();
  } else {
    const std::vector<Holder> still = find_foreign_();
    std::erase_if(foreign_, [&](const Holder& holder) {
      return std::ranges::none_of(still, [&](const Holder& h) { return h.pid == holder.pid; });
    });
  }
  std::optional<Holder> holder = find(now);
  if (!holder || !is_news(*holder, log_bytes)) return std::nullopt;
  told_ = holder;
  told_bytes_ = log_bytes;
  return holder;
}

std::optional<Holder> PinWatch::find(Clock::time_point now) {
  // Who began after the log was pinned here is not to blame.
  const auto oldest = readers_ == nullptr ? std::nullopt : readers_->oldest_holder();
  if (oldest && oldest->since <= pinned_since_ && now - oldest->since >= patience_)
    return oldest->as_holder(kSnapshot);
  if (now - pinned_since_ < patience_) return std::nullopt;
  if (!foreign_.empty()) {
    Holder holder = foreign_.front();
    holder.since = std::chrono::time_point_cast<std::chrono::system_clock::duration>(
        std::chrono::system_clock::now() - (now - pinned_since_));
    return holder;
  }
  // Such as a connection of this process that is not the library's.
  Holder unknown;
  unknown.lock = kSnapshot;
  return unknown;
}

bool PinWatch::is_news(const Holder& holder, std::int64_t log_bytes) {
  const bool is_same = told_ && told_->kind == holder.kind && told_->pid == holder.pid &&
                       told_->thread_id == holder.thread_id && told_->where == holder.where;
  return !is_same || log_bytes >= 2 * told_bytes_;
}

Holder PinWatch::find_culprit() const {
  if (readers_ != nullptr)
    if (const auto oldest = readers_->oldest_holder()) return oldest->as_holder(kSnapshot);
  std::vector<Holder> foreign = find_foreign_();
  if (!foreign.empty()) return std::move(foreign.front());
  Holder unknown;
  unknown.lock = kSnapshot;
  return unknown;
}

}  // namespace turnstile::database
