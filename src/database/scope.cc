#include "database/scope.h"

#include <string>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::database {

namespace {

// The innermost transaction of this thread; they form a list through their outer ones.
thread_local Scope* innermost = nullptr;

std::string place(const std::source_location& where) {
  return std::string(where.file_name()) + ":" + std::to_string(where.line());
}

[[noreturn]] void refuse(std::string_view code, std::string_view what, const Call& call,
                         const std::source_location& outer) {
  sqlite::raise_misuse(code,
                       std::string(what) + " at " + place(call.where) +
                           ", inside the transaction that began at " + place(outer) +
                           ", and would wait for it",
                       call);
}

}  // namespace

Scope::Scope(const void* database, ScopeKind kind, const Call& call, bool exclusive)
    : database_(database), kind_(kind), where_(call.where), outer_(innermost) {
  for (const Scope* scope = innermost; scope != nullptr; scope = scope->outer_) {
    if (scope->database_ != database) continue;
    const bool outer_writes = scope->kind_ == ScopeKind::Write;
    if (kind == ScopeKind::Read) {
      refuse(outer_writes ? code("READ_INSIDE_WRITE") : code("READ_INSIDE_READ"),
             "a read was started", call, scope->where_);
    }
  }
  if (kind == ScopeKind::Write) require_may_write(database, call, exclusive);
  innermost = this;
}

Scope::~Scope() {
  innermost = outer_;
}

const std::source_location* Scope::find(const void* database) noexcept {
  for (const Scope* scope = innermost; scope != nullptr; scope = scope->outer_)
    if (scope->database_ == database) return &scope->where_;
  return nullptr;
}

void Scope::require_may_write(const void* database, const Call& call, bool exclusive) {
  for (const Scope* scope = innermost; scope != nullptr; scope = scope->outer_) {
    if (scope->database_ != database) continue;
    if (scope->kind_ == ScopeKind::Write)
      refuse(code("WRITE_INSIDE_WRITE"), "a write was started", call, scope->where_);
    if (exclusive) refuse(code("WRITE_INSIDE_READ"), "a write was started", call, scope->where_);
  }
}

void Scope::require_may_submit(const void* database, const Call& call, bool exclusive) {
  for (const Scope* scope = innermost; scope != nullptr; scope = scope->outer_) {
    if (scope->database_ != database) continue;
    if (scope->kind_ == ScopeKind::Write)
      refuse(code("SUBMIT_INSIDE_WRITE"), "a write was submitted", call, scope->where_);
    if (exclusive) refuse(code("WRITE_INSIDE_READ"), "a write was submitted", call, scope->where_);
  }
}

}  // namespace turnstile::database
