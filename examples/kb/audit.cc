#include "audit.h"

#include <utility>

#include "file_stamp.h"

namespace kb {

std::string_view to_string(Action action) {
  switch (action) {
    case Action::Added:
      return "added";
    case Action::Changed:
      return "changed";
    case Action::Removed:
      return "removed";
    case Action::ScanStarted:
      return "scan started";
    case Action::ScanEnded:
      return "scan ended";
  }
  return "";
}

void AuditLog::record(turnstile::WriteTx& tx, std::string_view actor, Action action,
                      std::string_view subject) {
  tx.execute("INSERT INTO audit(at, actor, action, subject) VALUES (?, ?, ?, ?)", now(), actor,
             to_string(action), subject);
}

std::future<void> AuditLog::note(std::string actor, Action action, std::string subject) const {
  // The closure runs later and on another thread: it owns what it needs.
  return lane_.submit([actor = std::move(actor), action, subject = std::move(subject)](
                          turnstile::WriteTx& tx) { record(tx, actor, action, subject); });
}

}  // namespace kb
