#include "audit/export_line.h"

#include <charconv>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "audit/hex.h"
#include "audit/json_text.h"
#include "audit/times.h"

namespace turnstile::audit {

namespace {

constexpr int kFormat = 1;

/// Writes an object on a line. Threads: confined.
class LineWriter {
 public:
  explicit LineWriter(std::string_view type) { text("type", type); }

  LineWriter& raw(std::string_view name, std::string_view json) {
    line_ += line_.empty() ? '{' : ',';
    append_json_string(line_, name);
    line_.append(1, ':').append(json);
    return *this;
  }
  LineWriter& text(std::string_view name, std::string_view value) {
    std::string json;
    append_json_string(json, value);
    return raw(name, json);
  }
  LineWriter& number(std::string_view name, std::int64_t value) {
    return raw(name, std::to_string(value));
  }
  LineWriter& time(std::string_view name, std::chrono::system_clock::time_point value) {
    return text(name, iso_time(value));
  }
  LineWriter& bytes(std::string_view name, std::span<const std::byte> value) {
    return text(name, to_hex(value));
  }
  [[nodiscard]] std::string finish() { return std::move(line_.append("}\n")); }

 private:
  std::string line_;
};

/// Reads the members of an object. One that is missing, or of another type, makes it not ok().
///
/// Threads: confined.
class LineReader {
 public:
  explicit LineReader(std::vector<JsonMember> members) : members_(std::move(members)) {}

  [[nodiscard]] bool ok() const noexcept { return ok_; }

  std::string_view raw(std::string_view name) {
    for (const JsonMember& member : members_)
      if (member.name == name) return member.value;
    ok_ = false;
    return {};
  }
  std::string text(std::string_view name) {
    auto value = read_json_string(raw(name));
    if (!value) ok_ = false;
    return std::move(value).value_or("");
  }
  std::int64_t number(std::string_view name) {
    const std::string_view digits = raw(name);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) ok_ = false;
    return value;
  }
  std::chrono::system_clock::time_point time(std::string_view name) {
    const auto value = parse_iso_time(text(name));
    if (!value) ok_ = false;
    return value.value_or(std::chrono::system_clock::time_point());
  }
  template <class Bytes>
  Bytes bytes(std::string_view name) {
    Bytes value{};
    if (!from_hex(text(name), value)) ok_ = false;
    return value;
  }

 private:
  std::vector<JsonMember> members_;
  bool ok_ = true;
};

ExportStart read_start(LineReader& line) {
  ExportStart start{.log = line.bytes<LogId>("log"), .key = line.bytes<KeyId>("key")};
  start.after = line.number("after");
  if (line.raw("previous_hash") != "null")
    start.previous_hash = line.bytes<AuditHash>("previous_hash");
  return start;
}

AuditSegment read_segment(LineReader& line) {
  AuditSegment segment;
  segment.id = line.number("id");
  segment.first_id = line.number("first_id");
  segment.last_id = line.number("last_id");
  segment.events = line.number("events");
  segment.flaws = line.number("flaws");
  segment.first_time = line.time("first_time");
  segment.last_time = line.time("last_time");
  segment.sealed_at = line.time("sealed_at");
  segment.previous_hash = line.bytes<AuditHash>("previous_hash");
  segment.last_hash = line.bytes<AuditHash>("last_hash");
  segment.hash = line.bytes<AuditHash>("hash");
  return segment;
}

AuditRecord read_event(LineReader& line) {
  AuditRecord record;
  record.id = line.number("id");
  record.event.time = line.time("time");
  record.event.actor = line.text("actor");
  record.event.action = line.text("action");
  record.event.subject = line.text("subject");
  // Other programs may have put space between its tokens.
  static_cast<void>(make_compact(line.raw("detail"), record.event.detail));
  record.event.trace = line.text("trace");
  record.event.session = line.text("session");
  record.previous_hash = line.bytes<AuditHash>("previous_hash");
  record.hash = line.bytes<AuditHash>("hash");
  return record;
}

ExportEnd read_end(LineReader& line) {
  ExportEnd end{.events = line.number("events"), .last_id = line.number("last_id")};
  end.last_hash = line.bytes<AuditHash>("last_hash");
  end.hash = line.bytes<AuditHash>("hash");
  return end;
}

}  // namespace

std::string to_line(const ExportStart& start) {
  LineWriter line("audit");
  line.number("format", kFormat).bytes("log", start.log).bytes("key", start.key);
  line.number("after", start.after);
  start.previous_hash ? line.bytes("previous_hash", *start.previous_hash)
                      : line.raw("previous_hash", "null");
  return line.finish();
}

std::string to_line(const AuditSegment& segment) {
  return LineWriter("segment")
      .number("id", segment.id)
      .number("first_id", segment.first_id)
      .number("last_id", segment.last_id)
      .number("events", segment.events)
      .number("flaws", segment.flaws)
      .time("first_time", segment.first_time)
      .time("last_time", segment.last_time)
      .time("sealed_at", segment.sealed_at)
      .bytes("previous_hash", segment.previous_hash)
      .bytes("last_hash", segment.last_hash)
      .bytes("hash", segment.hash)
      .finish();
}

std::string to_line(const AuditRecord& record) {
  const AuditEvent& event = record.event;
  std::string detail;
  // What somebody has changed to no JSON must not break the line.
  if (make_compact(event.detail, detail)) {
    detail.clear();
    append_json_string(detail, event.detail);
  }
  return LineWriter("event")
      .number("id", record.id)
      .time("time", event.time.value_or(std::chrono::system_clock::time_point()))
      .text("actor", event.actor)
      .text("action", event.action)
      .text("subject", event.subject)
      .raw("detail", detail)
      .text("trace", event.trace)
      .text("session", event.session)
      .bytes("previous_hash", record.previous_hash)
      .bytes("hash", record.hash)
      .finish();
}

std::string to_line(const ExportEnd& end) {
  return LineWriter("end")
      .number("events", end.events)
      .number("last_id", end.last_id)
      .bytes("last_hash", end.last_hash)
      .bytes("hash", end.hash)
      .finish();
}

std::optional<ExportLine> parse_line(std::string_view line) {
  auto members = members_of(line);
  if (!members) return std::nullopt;
  LineReader reader(std::move(*members));
  const std::string type = reader.text("type");
  std::optional<ExportLine> result;
  if (type == "audit" && reader.number("format") == kFormat)
    result = read_start(reader);
  else if (type == "segment")
    result = read_segment(reader);
  else if (type == "event")
    result = read_event(reader);
  else if (type == "end")
    result = read_end(reader);
  if (reader.ok()) return result;
  if (type != "event") return std::nullopt;
  LineReader again(std::move(*members_of(line)));
  const BadEvent bad{again.number("id")};
  return again.ok() ? std::optional<ExportLine>(bad) : std::nullopt;
}

}  // namespace turnstile::audit
