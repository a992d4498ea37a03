// How a Core is observed. Apart from core.cc, which is about who may go when.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "database/connection_setup.h"
#include "database/core.h"
#include "database/session.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::detail {

namespace {

// How long close() waits for a callback whose reads were interrupted.
constexpr std::chrono::seconds kGrace{1};

/// What the observation of a query calls. Threads: confined to the observer thread.
class QueryRun {
 public:
  QueryRun(Core& core, LaneState& lane, Subscription& subscription,
           std::unique_ptr<ObservedQuery> query)
      : core_(core), lane_(lane), subscription_(subscription), query_(std::move(query)) {}

  void operator()(const Change& /*change*/) const {
    bool is_news = false;
    try {
      const auto body = [&](ReadTx& tx) {
        is_news = query_->run(tx);
        // Anew each time: a view may have been redefined. Only now does the connection know of it.
        subscription_.set_tables(Core::tables_read_by(tx, query_->sql()));
      };
      core_.read(lane_, CallOptions{}, body, std::source_location::current());
    } catch (const Error& error) {
      if (error.code() == code("DB_CLOSED")) return;
      if (error.retry_is_safe()) subscription_.call_again();
      throw;
    }
    // Outside of the read, so that it can write, and read again.
    if (is_news) query_->deliver();
  }

 private:
  Core& core_;
  LaneState& lane_;
  Subscription& subscription_;
  std::shared_ptr<ObservedQuery> query_;  // Shared because a std::function is copyable.
};

}  // namespace

std::shared_ptr<database::Observers> Core::make_observers(const Core& core,
                                                          const database::Opened& opened,
                                                          database::Recorder& recorder) {
  database::Observers::Parts parts;
  parts.in_memory = core.location_.in_memory;
  parts.has_log = core.has_wal_;
  parts.path = core.location_.path;
  parts.log_sink = core.options_.log_sink;
  const sqlite::Connection& model = opened.writer ? *opened.writer : *opened.readers.front();
  parts.connect = [config = model.config(), &options = core.options_](const Call& call) {
    auto connection = std::make_unique<sqlite::Connection>(config, call);
    database::set_up_connection(*connection, options, database::Role::Reader);
    return connection;
  };
  return std::make_shared<database::Observers>(std::move(parts), recorder);
}

Observation Core::observe(std::vector<std::string> tables, OnChange callback,
                          std::source_location where) {
  const Call call = make_call("observe", CallOptions{}, code("READ_TIMEOUT"), where);
  require_open(call);
  auto subscription =
      std::make_shared<Subscription>(observers_, std::move(tables), std::move(callback));
  observers_->add(subscription, call);
  return Observation(std::move(subscription));
}

Observation Core::observe_query(LaneState& lane, std::unique_ptr<ObservedQuery> query) {
  const auto where = std::source_location::current();
  std::vector<std::string> tables;
  const auto body = [&](ReadTx& tx) {
    // Finds what is wrong with it while there is somebody to be told.
    static_cast<void>(tx.prepare(query->sql()));
    tables = tables_read_by(tx, query->sql());
  };
  read(lane, CallOptions{}, body, where);
  const Call call = make_call(lane.name(), CallOptions{}, code("READ_TIMEOUT"), where);
  auto subscription = std::make_shared<Subscription>(observers_, std::move(tables));
  subscription->set_callback(QueryRun(*this, lane, *subscription, std::move(query)));
  subscription->call_again();
  observers_->add(subscription, call);
  return Observation(std::move(subscription));
}

std::vector<std::string> Core::tables_read_by(ReadTx& tx, std::string_view sql) {
  return tx.session_.connection().tables_read_by(sql);
}

void Core::stop_observers(const Call& call) {
  if (observers_->stop(Deadline::after(kGrace))) return;
  Holder holder;
  holder.kind = Holder::Kind::Thread;
  holder.lock = "callback of an observation";
  sqlite::raise_timeout(call, call.timeout_code, std::move(holder));
}

}  // namespace turnstile::detail
