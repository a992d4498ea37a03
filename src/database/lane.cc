#include "turnstile/lane.h"

#include <utility>

#include "database/core.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile {

Lane::Lane(std::shared_ptr<detail::LaneState> state) noexcept : state_(std::move(state)) {}

std::string_view Lane::name() const noexcept {
  return state_->name();
}

Observation Lane::observe(std::vector<std::string> tables, OnChange callback,
                          std::source_location where) const {
  return state_->core().observe(std::move(tables), std::move(callback), where);
}

MigrationReport Lane::migrate(std::string_view component, const Migrations& migrations,
                              const MigrateOptions& options, std::source_location where) const {
  if (component.empty()) {
    Call call;
    call.lane = name();
    call.where = where;
    sqlite::raise_misuse(code("MIGRATION_INVALID"),
                         "a lane runs the steps of a component, and none was named", call);
  }
  return state_->core().migrate(component, migrations, options, where);
}

Observation Lane::start_query(std::unique_ptr<detail::ObservedQuery> query) const {
  return state_->core().observe_query(*state_, std::move(query));
}

void Lane::run_read(const CallOptions& options, detail::FunctionRef<void(ReadTx&)> body,
                    std::source_location where) const {
  state_->core().read(*state_, options, body, where);
}

void Lane::run_write(const CallOptions& options, detail::FunctionRef<void(WriteTx&)> body,
                     std::source_location where) const {
  state_->core().write(*state_, options, body, where);
}

void Lane::enqueue(const CallOptions& options, std::unique_ptr<detail::SubmittedWrite> write,
                   std::source_location where) const {
  state_->core().submit(*state_, options, std::move(write), where);
}

}  // namespace turnstile
