#include "cron/zone/zone_rules.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <utility>

#include "cron/zone/zone_names.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::detail {

namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

// Further than any offset is from another: the files of the world stay within 26 hours.
constexpr std::chrono::hours kOffsets{48};

/// A file's bytes from front to back. What is not there reads as zero and is remembered.
///
/// Threads: confined.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] std::string_view take(std::size_t count) {
    if (count > rest_.size()) {
      complete_ = false;
      count = rest_.size();
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  /// Big-endian, in two's complement.
  template <class T>
  [[nodiscard]] T integer() {
    std::uint64_t value = 0;
    for (const char byte : take(sizeof(T)))
      value = (value << 8U) | static_cast<unsigned char>(byte);
    return static_cast<T>(value);
  }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
  [[nodiscard]] bool complete() const noexcept { return complete_; }

 private:
  std::string_view rest_;
  bool complete_ = true;
};

/// What each of a file's two blocks begins with (RFC 9636, 3.1).
struct Header {
  char version = 0;
  std::size_t utc_flags = 0;
  std::size_t standard_flags = 0;
  std::size_t leap_seconds = 0;
  std::size_t transitions = 0;
  std::size_t types = 0;
  std::size_t name_bytes = 0;

  [[nodiscard]] static std::optional<Header> read(Bytes& file) {
    constexpr std::size_t kReserved = 15;
    if (file.take(4) != "TZif") return std::nullopt;
    Header header;
    for (const char c : file.take(1))
      header.version = c;
    (void)file.take(kReserved);
    for (std::size_t* count : {&header.utc_flags, &header.standard_flags, &header.leap_seconds,
                               &header.transitions, &header.types, &header.name_bytes})
      *count = file.integer<std::uint32_t>();
    return file.complete() ? std::optional(header) : std::nullopt;
  }

  /// The size of what follows, with times of so many bytes.
  [[nodiscard]] std::size_t block_size(std::size_t time_size) const noexcept {
    return transitions * (time_size + 1) + types * 6 + name_bytes + leap_seconds * (time_size + 4) +
           standard_flags + utc_flags;
  }
};

bool is_zone_name(std::string_view name) noexcept {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '_' || c == '-' || c == '+';
  };
  return !name.empty() && name.front() != '/' && std::all_of(name.begin(), name.end(), allowed);
}

std::string read_zone_file(std::string_view name) {
  constexpr std::streamsize kLargest = 1 << 20;
  std::error_code ignored;
  const auto path = cron::zone_directory() / name;
  if (!std::filesystem::is_regular_file(path, ignored)) return {};
  std::ifstream file(path, std::ios::binary);
  std::string bytes(static_cast<std::size_t>(kLargest), '\0');
  file.read(bytes.data(), kLargest);
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

}  // namespace

std::shared_ptr<const ZoneRules> ZoneRules::load(std::string_view name,
                                                 std::source_location where) {
  if (is_zone_name(name))
    if (auto rules = parse(std::string(name), read_zone_file(name)))
      return std::make_shared<const ZoneRules>(*std::move(rules));

  Call call;
  call.where = where;
  const std::string nearest = cron::nearest_zone(name);
  sqlite::raise_misuse(
      code("CRON_ZONE_UNKNOWN"),
      "there is no time zone '" + std::string(name) + "' in " + cron::zone_directory().string(),
      call, nearest.empty() ? "" : "Did you mean " + nearest + "?");
}

std::optional<ZoneRules> ZoneRules::parse(std::string name, std::string_view file) {
  // The first block is for readers that know times of 32 bits only.
  constexpr std::size_t kOldTime = 4;
  constexpr std::size_t kTime = 8;
  Bytes bytes(file);
  const auto old = Header::read(bytes);
  if (!old || old->version < '2') return std::nullopt;
  (void)bytes.take(old->block_size(kOldTime));
  const auto header = Header::read(bytes);
  if (!header || header->types == 0 || header->leap_seconds != 0 ||
      header->block_size(kTime) > bytes.rest().size())
    return std::nullopt;

  ZoneRules rules;
  rules.name_ = std::move(name);
  for (std::size_t i = 0; i < header->transitions; ++i)
    rules.transitions_.push_back({sys_seconds(seconds(bytes.integer<std::int64_t>())), {}});
  const std::string_view types = bytes.take(header->transitions);
  std::vector<seconds> offsets;
  for (std::size_t i = 0; i < header->types; ++i) {
    offsets.emplace_back(bytes.integer<std::int32_t>());
    (void)bytes.take(2);
  }
  (void)bytes.take(header->name_bytes + header->standard_flags + header->utc_flags);

  rules.first_offset_ = offsets.front();
  for (std::size_t i = 0; i < types.size(); ++i) {
    const auto type = static_cast<std::size_t>(static_cast<unsigned char>(types[i]));
    if (type >= offsets.size()) return std::nullopt;
    rules.transitions_[i].offset = offsets[type];
  }
  for (const seconds offset : offsets)
    if (offset >= kOffsets / 2 || offset <= -kOffsets / 2) return std::nullopt;
  const auto in_order = [](const Transition& a, const Transition& b) { return a.at < b.at; };
  if (!std::is_sorted(rules.transitions_.begin(), rules.transitions_.end(), in_order))
    return std::nullopt;

  std::string_view rule = bytes.rest();
  if (rule.size() < 2 || rule.front() != '\n' || rule.back() != '\n') return std::nullopt;
  rule = rule.substr(1, rule.size() - 2);
  if (rule.empty()) return rules;
  rules.after_last_ = cron::PosixRule::parse(rule);
  return rules.after_last_ ? std::optional(std::move(rules)) : std::nullopt;
}

cron::ZonePeriod ZoneRules::period_at(sys_seconds time) const {
  const auto next =
      std::upper_bound(transitions_.begin(), transitions_.end(), time,
                       [](sys_seconds t, const Transition& entry) { return t < entry.at; });
  const bool is_first = next == transitions_.begin();
  const sys_seconds begin = is_first ? sys_seconds::min() : std::prev(next)->at;
  if (next == transitions_.end() && after_last_) {
    cron::ZonePeriod period = after_last_->period_at(time);
    period.begin = std::max(period.begin, begin);
    return period;
  }
  const sys_seconds end = next == transitions_.end() ? sys_seconds::max() : next->at;
  return {begin, end, is_first ? first_offset_ : std::prev(next)->offset};
}

}  // namespace turnstile::detail

namespace turnstile::cron {

using detail::kOffsets;

ZonePeriod period_at(const detail::ZoneRules* zone, std::chrono::sys_seconds time) {
  if (zone != nullptr) return zone->period_at(time);
  return {std::chrono::sys_seconds::min(), std::chrono::sys_seconds::max(),
          std::chrono::seconds(0)};
}

std::chrono::sys_seconds first_moment(const detail::ZoneRules* zone,
                                      std::chrono::local_seconds local) {
  using std::chrono::sys_seconds;
  const sys_seconds as_utc(local.time_since_epoch());
  for (ZonePeriod period = period_at(zone, as_utc - kOffsets);;
       period = period_at(zone, period.end)) {
    const sys_seconds moment = as_utc - period.offset;
    if (moment < period.end) return std::max(moment, period.begin);
  }
}

std::chrono::local_seconds latest_shown(const detail::ZoneRules* zone,
                                        std::chrono::sys_seconds time) {
  using std::chrono::local_seconds;
  ZonePeriod period = period_at(zone, time);
  local_seconds latest((time + period.offset).time_since_epoch());
  while (period.begin > time - kOffsets) {
    const std::chrono::sys_seconds last_before = period.begin - std::chrono::seconds(1);
    period = period_at(zone, last_before);
    latest = std::max(latest, local_seconds((last_before + period.offset).time_since_epoch()));
  }
  return latest;
}

}  // namespace turnstile::cron
