#include "gate/claim.h"

#include <unistd.h>

#include "gate/file_locks.h"
#include "gate/proc_file.h"

namespace turnstile::gate {

std::int64_t this_thread_id() noexcept {
  // Asking the kernel costs more than the whole rest of an uncontended acquire().
  thread_local const std::int64_t id = ::gettid();
  return id;
}

Claim Claim::of_this_thread(std::string_view lane, std::source_location where,
                            std::chrono::steady_clock::time_point since) {
  return Claim{.lane = lane, .where = where, .thread_id = this_thread_id(), .since = since};
}

Holder Claim::as_holder(std::string_view lock) const {
  Holder holder;
  holder.kind = Holder::Kind::Thread;
  holder.lock = lock;
  holder.lane = lane;
  holder.thread_id = thread_id;
  holder.pid = ::getpid();
  holder.thread = thread_name_of(holder.pid, thread_id);
  holder.program = program_of(holder.pid);
  const auto age = std::chrono::steady_clock::now() - since;
  holder.since = std::chrono::time_point_cast<std::chrono::system_clock::duration>(
      std::chrono::system_clock::now() - age);
  if (where.line() != 0)
    holder.where = std::string(where.file_name()) + ":" + std::to_string(where.line());
  return holder;
}

}  // namespace turnstile::gate
