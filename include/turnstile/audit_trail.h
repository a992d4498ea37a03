// What an audit log has written: reading it, following it, verifying it, taking it out of the file.
// turnstile/audit.h writes it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/lane.h"
#include "turnstile/progress.h"

namespace turnstile {

/// BLAKE2b-256 of an event and of all that came before it.
using AuditHash = std::array<std::byte, 32>;

/// The secret that a log's hashes are made with, or none. Without a key the chain shows mistakes
/// and clumsy changes; whoever may write the file can make all hashes anew, which only an
/// AuditAnchor that is kept elsewhere shows. With a key that needs the key. A log has its key, or
/// none, from its first event to its last.
///
/// Threads: immutable.
class AuditKey {
 public:
  AuditKey() noexcept = default;  ///< None.
  /// 16 to 64 random bytes; throws MisuseError (AUDIT_KEY_INVALID) for another number of them.
  explicit AuditKey(std::span<const std::byte> bytes,
                    std::source_location where = std::source_location::current());
  /// The same from hexadecimal digits; throws MisuseError (AUDIT_KEY_INVALID), which does not show
  /// them.
  [[nodiscard]] static AuditKey from_hex(
      std::string_view digits, std::source_location where = std::source_location::current());
  AuditKey(const AuditKey&) noexcept = default;
  AuditKey& operator=(const AuditKey&) noexcept = default;
  /// Wipes the bytes.
  ~AuditKey();

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }   ///< There is no key.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {  ///< Of the key.
    return std::span(bytes_).first(size_);
  }

 private:
  std::array<std::byte, 64> bytes_{};
  std::size_t size_ = 0;
};

/// What happened. Texts are UTF-8 without NUL.
///
/// Threads: immutable.
struct AuditEvent {
  std::string action{};  ///< What was done, 1 to 255 bytes. What begins with `audit.` is the log's.
  std::string actor{};   ///< Who did it, up to 255 bytes; empty: AuditOptions::actor.
  std::string subject{};  ///< To what, up to 1024 bytes.
  /// JSON, up to 1 MiB, nested up to 100 deep; empty: `{}`. Stored without the space between its
  /// tokens, and otherwise as it is.
  std::string detail{};
  std::string trace{};    ///< What it belongs to across programs, up to 255 bytes.
  std::string session{};  ///< What it belongs to in this program, up to 255 bytes.
  /// When it happened, in microseconds, in the years 1700 to 2199; empty: when it was
  /// recorded.
  std::optional<std::chrono::system_clock::time_point> time{};

  [[nodiscard]] bool operator==(const AuditEvent&) const = default;
};

/// An event in the log. Threads: immutable.
struct AuditRecord {
  std::int64_t id = 0;  ///< 1, 2, 3, ... in the order of the commits, without a gap.
  AuditEvent event{};   ///< With all that record() has filled in.
  AuditHash previous_hash{};
  AuditHash hash{};

  [[nodiscard]] bool operator==(const AuditRecord&) const = default;
};

/// Which records AuditTrail::list() gives: those of which all that is set here holds.
///
/// Threads: immutable.
struct AuditQuery {
  std::optional<std::chrono::system_clock::time_point> from{};   ///< Happened then or later.
  std::optional<std::chrono::system_clock::time_point> until{};  ///< Happened before.
  std::string action{};
  std::string actor{};
  std::string subject{};
  std::string trace{};
  std::string session{};
  std::optional<std::int64_t> before{};  ///< For the next page: the id of this page's last record.
  std::size_t limit = 100;
};

/// What a log was at a moment, to be kept where who writes the file cannot change it: another
/// machine, a signed mail, a sheet of paper. AuditTrail::verify() proves with it that all events up
/// to that moment are still there and are what they were.
///
/// Threads: immutable.
struct AuditAnchor {
  std::string log{};    ///< The log's own random name, 32 hexadecimal digits.
  std::int64_t id = 0;  ///< Of the newest event; 0: there was none.
  AuditHash hash{};     ///< Of that event.

  /// One word: `turnstile-audit:LOG:ID:HASH`.
  [[nodiscard]] std::string to_string() const;
  /// Throws MisuseError (AUDIT_ANCHOR_INVALID).
  [[nodiscard]] static AuditAnchor parse(
      std::string_view text, std::source_location where = std::source_location::current());

  [[nodiscard]] bool operator==(const AuditAnchor&) const = default;
};

/// A seal: what is left of events that were pruned, so that the chain can be verified from it on.
///
/// Threads: immutable.
struct AuditSegment {
  std::int64_t id = 0;  ///< 1, 2, 3, ...
  std::int64_t first_id = 0;
  std::int64_t last_id = 0;
  std::int64_t events = 0;  ///< That were removed.
  /// Findings that the removed events had, and that were sealed on demand (see AuditPruneOptions).
  std::int64_t flaws = 0;
  std::chrono::system_clock::time_point first_time{};  ///< Of the first event.
  std::chrono::system_clock::time_point last_time{};   ///< Of the last one.
  std::chrono::system_clock::time_point sealed_at{};
  AuditHash previous_hash{};  ///< What the first event followed.
  AuditHash last_hash{};      ///< Of the last event.
  AuditHash hash{};           ///< Of all this.

  [[nodiscard]] bool operator==(const AuditSegment&) const = default;
};

/// What can be wrong with a log.
enum class AuditFlaw {
  Changed,   ///< A row is not what it was when its hash was made, or was made without the key.
  Unlinked,  ///< A row does not follow the one before it.
  Missing,   ///< Rows are not there any more.
  Inserted,  ///< A row that the log does not know of.
  Break,     ///< A writer found the log damaged, recorded that (`audit.break`) and went on.
  Head,      ///< What the log remembers as its newest event was changed or removed.
  Segment,   ///< A seal was changed, removed, or made over flaws.
  Anchor,    ///< The log does not contain the anchor: it is another one, or was made anew.
};

[[nodiscard]] std::string_view to_string(AuditFlaw flaw) noexcept;  ///< In lower case.

/// Threads: immutable.
struct AuditFinding {
  AuditFlaw flaw = AuditFlaw::Changed;
  std::int64_t first_id = 0;  ///< The event or, with AuditFlaw::Segment, the segment.
  std::int64_t last_id = 0;   ///< The same but for AuditFlaw::Missing.
  std::string message{};      ///< One sentence without a full stop.

  [[nodiscard]] bool operator==(const AuditFinding&) const = default;
};

/// What became of AuditVerifyOptions::anchor.
enum class AuditProof {
  None,          ///< There was no anchor.
  Contained,     ///< The log has that event. Without findings up to it, all is as it was.
  Unknown,       ///< The event was pruned, or comes before an export, so that nothing can be said.
  Contradicted,  ///< See the finding.
};

[[nodiscard]] std::string_view to_string(AuditProof proof) noexcept;  ///< In lower case.

/// Threads: immutable.
struct AuditVerifyOptions {
  std::optional<AuditAnchor> anchor{};
  std::size_t max_findings = 100;  ///< More are counted only.
  ProgressSink progress{};         ///< Phase `verify`, in events.
  std::stop_token stop{};          ///< Ends it with Cancelled.
};

/// What verify() found. Threads: immutable.
struct AuditVerification {
  AuditAnchor head{};  ///< How far it looked. Worth keeping only if ok().
  bool keyed = false;
  std::int64_t events = 0;  ///< That were looked at.
  std::int64_t sealed = 0;  ///< That were pruned before.
  std::int64_t gaps = 0;    ///< Events that say that others were dropped (`audit.gap`).
  std::vector<AuditSegment> segments{};
  std::vector<AuditFinding> findings{};
  std::size_t flaws = 0;  ///< All findings, also those above max_findings.
  AuditProof anchor = AuditProof::None;

  [[nodiscard]] bool ok() const noexcept { return flaws == 0; }  ///< There are no findings.
};

/// Threads: immutable.
struct AuditExportOptions {
  std::int64_t after = 0;               ///< Begin behind this id.
  std::optional<std::int64_t> until{};  ///< End with this id, or else with the newest event.
  ProgressSink progress{};              ///< Phase `export`, in events.
  std::stop_token stop{};               ///< Ends it with Cancelled.
};

/// Threads: immutable.
struct AuditExport {
  std::int64_t events = 0;
  AuditAnchor end{};  ///< The last event that was written, to go on behind.
};

namespace detail {
class AuditFollower;
}  // namespace detail

/// Follows a log: gives every event once, in the order of the ids, whichever process records it.
/// Sleeps while there is none. A jump in the ids means that what lies between was pruned before it
/// could be read. Must not be used inside a closure of the same database.
///
/// Threads: confined; a stop may be requested from any thread.
class AuditTail {
 public:
  explicit AuditTail(std::unique_ptr<detail::AuditFollower> follower) noexcept;
  AuditTail(AuditTail&& other) noexcept;
  AuditTail& operator=(AuditTail&& other) noexcept;
  AuditTail(const AuditTail&) = delete;
  AuditTail& operator=(const AuditTail&) = delete;
  ~AuditTail();

  /// Waits for the next event; nothing once a stop is requested. Throws what Lane::read() does,
  /// and goes on where it was when it is called again.
  [[nodiscard]] std::optional<AuditRecord> next(const std::stop_token& stop = {});
  /// The same; nothing too when none came within `timeout`.
  [[nodiscard]] std::optional<AuditRecord> next_for(std::chrono::milliseconds timeout,
                                                    const std::stop_token& stop = {});

 private:
  std::unique_ptr<detail::AuditFollower> follower_;
};

/// The log of a file, for reading; also where the file is open for reading only. Long work is done
/// in slices, each a short read of its own, so that it does not keep the write-ahead log.
///
/// All calls throw Error (AUDIT_NOT_FOUND) where the file has no log, and what Lane::read() does.
///
/// Threads: shared.
class AuditTrail {
 public:
  /// `key`: for verify(), anchor() and export_to(), which a log with a key needs it for.
  explicit AuditTrail(Lane lane, const AuditKey& key = {});

  /// Newest first.
  [[nodiscard]] std::vector<AuditRecord> list(const AuditQuery& query = {}) const;
  /// Nothing when there is no such event, or not any more.
  [[nodiscard]] std::optional<AuditRecord> get(std::int64_t id) const;
  /// The seals of what was pruned, oldest first.
  [[nodiscard]] std::vector<AuditSegment> segments() const;

  /// The log as it is now. Throws Error (AUDIT_CHAIN_BROKEN) when its head is not what a log with
  /// this key writes.
  [[nodiscard]] AuditAnchor anchor() const;

  /// Looks at every event, seal and link. Damage is a finding, and so is a wrong key; it throws
  /// only what keeps it from looking, and Cancelled. Events that are recorded meanwhile are not
  /// looked at.
  [[nodiscard]] AuditVerification verify(const AuditVerifyOptions& options = {}) const;

  /// Writes the chain as JSON lines, from which verify_audit_export() can tell whether it is whole.
  /// Does not verify what it writes. Throws Error (AUDIT_EXPORT_FAILED) when `out` fails,
  /// AUDIT_CHAIN_BROKEN as anchor(), and Cancelled.
  AuditExport export_to(std::ostream& out, const AuditExportOptions& options = {}) const;

  /// Follows the log behind the id `after`; without one, from now on.
  [[nodiscard]] AuditTail tail(std::optional<std::int64_t> after = {}) const;

 private:
  Lane lane_;
  AuditKey key_;
};

/// AuditTrail::verify() for what export_to() wrote; needs no database. Throws Error
/// (AUDIT_EXPORT_INVALID) for a line that is none of an export, and Cancelled.
[[nodiscard]] AuditVerification verify_audit_export(std::istream& in, const AuditKey& key = {},
                                                    const AuditVerifyOptions& options = {});

}  // namespace turnstile
