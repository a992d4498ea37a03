// The database of one command. That of a Session is closed from outside by Ctrl-C.
#pragma once

#include <mutex>
#include <optional>
#include <utility>

#include "context.h"
#include "turnstile/database.h"

namespace turnstile::cli {

// For a command that is not to be stopped in the middle: without a Session, a signal ends the
// process at once, and what was not committed is undone.

/// Opens DB of the command line for what a command changes in it.
[[nodiscard]] Database open_for_writing(const Context& context, Options options);

/// Opens DB for reading only, so that the command never waits for a writer and changes nothing.
/// Only a file that a crash has left to be repaired first is opened for writing.
[[nodiscard]] Database open_for_reading(const Context& context, int connections = 0);

/// Threads: confined, but for the stop action that it sets.
class Session {
 public:
  [[nodiscard]] static Session for_writing(Context& context, Options options) {
    return Session(context, open_for_writing(context, std::move(options)));
  }
  [[nodiscard]] static Session for_reading(Context& context, int connections = 0) {
    return Session(context, open_for_reading(context, connections));
  }

  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] const Lane& lane() const noexcept { return lane_; }
  [[nodiscard]] DatabaseInfo info();
  [[nodiscard]] Metrics metrics();

 private:
  Session(Context& context, Database database);
  void close_at_once() noexcept;
  /// Throws Cancelled when a signal has closed it.
  [[nodiscard]] Database& open_database();

  std::mutex mutex_;  // A Database may be used by many threads, but closed by one only.
  std::optional<Database> database_;
  Lane lane_;
  Interrupts::StopAction stop_action_;  // The last, so that it ends first.
};

}  // namespace turnstile::cli
