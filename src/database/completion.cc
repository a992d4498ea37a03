#include "database/completion.h"

#include <exception>
#include <string>
#include <utility>

#include "sqlite/error_code.h"

namespace turnstile::database {

void run_after_commit(const Actions& actions, const Call& call) {
  std::exception_ptr first;
  for (const auto& action : actions) {
    try {
      action();
    } catch (...) {
      if (!first) first = std::current_exception();
    }
  }
  if (!first) return;
  Error::Details details;
  details.code = code("AFTER_COMMIT_FAILED");
  details.lane = call.lane;
  details.where = call.where;
  details.commit_state = CommitState::Committed;
  details.message = "an action after the commit threw";
  try {
    std::rethrow_exception(first);
  } catch (const std::exception& error) {
    details.message += std::string(": ") + error.what();
    std::throw_with_nested(Error(std::move(details)));
  } catch (...) {
    std::throw_with_nested(Error(std::move(details)));
  }
}

void tell(SubmittedJob& job) noexcept {
  try {
    run_after_commit(job.after_commit, job.call());
  } catch (...) {
    if (!job.error) job.error = std::current_exception();
  }
  if (job.error)
    job.write().failed(std::exchange(job.error, nullptr));
  else
    job.write().committed();
}

bool tell_runs_program(const SubmittedJob& job) noexcept {
  return !job.after_commit.empty() || job.write().runs_callbacks();
}

}  // namespace turnstile::database
