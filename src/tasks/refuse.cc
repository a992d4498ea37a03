#include "tasks/refuse.h"

#include <utility>

#include "sqlite/error_code.h"

namespace turnstile::tasks {

void refuse_invalid(std::string message, std::source_location where) {
  throw MisuseError({.code = code("TASK_INVALID"), .message = std::move(message), .where = where});
}

void refuse_unknown(TaskId id, std::source_location where) {
  throw Error({.code = code("TASK_NOT_FOUND"),
               .message = "there is no task " + std::to_string(id),
               .where = where});
}

std::string reason_of_dependent(TaskId dependency, bool failed) {
  return "task " + std::to_string(dependency) + ", for which it waited, " +
         (failed ? "failed" : "was cancelled");
}

}  // namespace turnstile::tasks
