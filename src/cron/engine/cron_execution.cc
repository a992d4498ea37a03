#include "cron/engine/cron_execution.h"

#include <exception>

#include "cron/job/run_table.h"

namespace turnstile::detail {

CronExecution::CronExecution(const CronOptions& options, cron::Started started, CronHandler handler)
    : run_(options, std::move(started.job), std::move(started.record), stop_.get_token()),
      handler_(std::move(handler)),
      timeout_(run_.job().spec.timeout.value_or(options.timeout)),
      deadline_(Steady::now() + timeout_) {}

CronExecution::~CronExecution() {
  if (thread_.joinable()) thread_.join();
}

CronOutcome CronExecution::call_handler() noexcept {
  try {
    return handler_(run_);
  } catch (const std::exception& error) {
    return CronOutcome::failed(error.what());
  } catch (...) {
    return CronOutcome::failed("the handler threw something that is no std::exception");
  }
}

void CronExecution::ask_to_stop(CronStatus status, std::string why) {
  reason_ = Reason{status, std::move(why)};
  stop_.request_stop();
}

void CronExecution::time_out() {
  ask_to_stop(CronStatus::TimedOut,
              "did not end within " + std::to_string(timeout_.count()) + " ms");
}

CronRecord CronExecution::ended_at(cron::TimePoint now, std::size_t text_limit) const {
  const CronOutcome& outcome = outcome_.value();
  CronRecord record = run_.record();
  record.finished = now;
  record.status = outcome.ok ? CronStatus::Done : CronStatus::Failed;
  record.text = outcome.text;
  if (reason_) {
    record.status = reason_->status;
    record.text = reason_->text + (outcome.text.empty() ? "" : ": ") + outcome.text;
  }
  record.text = cron::bounded_text(record.text, text_limit);
  return record;
}

}  // namespace turnstile::detail
