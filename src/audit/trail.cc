#include <algorithm>
#include <limits>
#include <utility>

#include "audit/follower.h"
#include "audit/tables.h"
#include "turnstile/audit_trail.h"

namespace turnstile {

namespace {

using std::chrono::steady_clock;

/// A query as SQL: the conditions that there are, and then their values. An index on texts that may
/// be empty is used where the condition says that they are not.
///
/// Threads: scoped.
class ListStatement {
 public:
  explicit ListStatement(const AuditQuery& query) : query_(query) {
    each([this](std::string_view condition, const auto&) {
      sql_.append(" AND ").append(condition);
    });
    sql_ += " ORDER BY id DESC LIMIT ?";
  }

  [[nodiscard]] std::vector<AuditRecord> run(ReadTx& tx) const {
    Statement statement = tx.prepare(sql_);
    int index = 0;
    statement.bind(++index, query_.before.value_or(std::numeric_limits<std::int64_t>::max()));
    each([&](std::string_view, const auto& value) { statement.bind(++index, value); });
    constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max();
    statement.bind(++index, static_cast<std::int64_t>(std::min(query_.limit, kMost)));
    std::vector<AuditRecord> records;
    while (statement.step())
      records.push_back(audit::record_from(statement.row()));
    return records;
  }

 private:
  template <class Use>
  void each(const Use& use) const {
    if (query_.from) use("time >= ?", *query_.from);
    if (query_.until) use("time < ?", *query_.until);
    if (!query_.action.empty()) use("action = ?", query_.action);
    if (!query_.actor.empty()) use("actor = ?", query_.actor);
    if (!query_.subject.empty()) use("subject = ? AND subject <> ''", query_.subject);
    if (!query_.trace.empty()) use("trace = ? AND trace <> ''", query_.trace);
    if (!query_.session.empty()) use("session = ? AND session <> ''", query_.session);
  }

  const AuditQuery& query_;
  std::string sql_ =
      "SELECT " + std::string(audit::kRecordColumns) + " FROM audit_event WHERE id < ?";
};

}  // namespace

AuditTrail::AuditTrail(Lane lane, const AuditKey& key) : lane_(std::move(lane)), key_(key) {}

std::vector<AuditRecord> AuditTrail::list(const AuditQuery& query) const {
  const ListStatement statement(query);
  return lane_.read([&](ReadTx& tx) {
    audit::require_log(tx);
    return statement.run(tx);
  });
}

std::optional<AuditRecord> AuditTrail::get(std::int64_t id) const {
  return lane_.read([id](ReadTx& tx) -> std::optional<AuditRecord> {
    audit::require_log(tx);
    for (const Row row : tx.query(
             "SELECT " + std::string(audit::kRecordColumns) + " FROM audit_event WHERE id = ?", id))
      return audit::record_from(row);
    return std::nullopt;
  });
}

std::vector<AuditSegment> AuditTrail::segments() const {
  return lane_.read([](ReadTx& tx) {
    audit::require_log(tx);
    return audit::read_segments(tx, std::numeric_limits<std::int64_t>::min());
  });
}

AuditAnchor AuditTrail::anchor() const {
  const auto head = lane_.read([](ReadTx& tx) {
    audit::require_log(tx);
    return audit::read_head(tx);
  });
  return audit::anchor_of(audit::require_genuine(head, key_));
}

AuditTail AuditTrail::tail(std::optional<std::int64_t> after) const {
  return AuditTail(std::make_unique<detail::AuditFollower>(lane_, after));
}

// ---- Following ----

AuditTail::AuditTail(std::unique_ptr<detail::AuditFollower> follower) noexcept
    : follower_(std::move(follower)) {}
AuditTail::AuditTail(AuditTail&& other) noexcept = default;
AuditTail& AuditTail::operator=(AuditTail&& other) noexcept = default;
AuditTail::~AuditTail() = default;

std::optional<AuditRecord> AuditTail::next(const std::stop_token& stop) {
  return follower_->next(std::nullopt, stop);
}

std::optional<AuditRecord> AuditTail::next_for(std::chrono::milliseconds timeout,
                                               const std::stop_token& stop) {
  return follower_->next(steady_clock::now() + timeout, stop);
}

}  // namespace turnstile
