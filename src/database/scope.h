// Which transactions the calling thread is inside of, so that waiting for oneself is found before
// the wait begins.
//
//   inside a ...   read of the same database    write of the same database
//   read           READ_INSIDE_READ             allowed, unless both need the same connection
//   write          READ_INSIDE_WRITE            WRITE_INSIDE_WRITE
//
// The one permitted nesting gives the only order in which a thread can hold two things: a reader,
// then the turn. Nobody waits for a reader while holding the turn or another reader, so no cycle of
// waiting threads can arise, whatever they do and however many there are.
#pragma once

#include <source_location>

#include "sqlite/call.h"

namespace turnstile::database {

enum class ScopeKind { Read, Write };

/// Marks the calling thread as being inside a transaction of `database` (any address that is the
/// database's own) while it exists.
///
/// Threads: confined.
class Scope {
 public:
  /// Throws MisuseError with both places in the code when the call would wait for its own thread.
  /// `exclusive`: reads and writes of this database keep each other out.
  Scope(const void* database, ScopeKind kind, const Call& call, bool exclusive);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  /// The place in the code of the calling thread's transaction on `database`; null outside of one.
  [[nodiscard]] static const std::source_location* find(const void* database) noexcept;
  /// Throws what the constructor of a write would.
  static void require_may_write(const void* database, const Call& call, bool exclusive);
  /// Throws MisuseError when queueing a write now, and waiting for it, could wait for this thread.
  static void require_may_submit(const void* database, const Call& call, bool exclusive);

 private:
  const void* database_;
  ScopeKind kind_;
  std::source_location where_;
  Scope* outer_;
};

}  // namespace turnstile::database
