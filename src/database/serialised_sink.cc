#include "database/serialised_sink.h"

#include <utility>

namespace turnstile::database {

LogSink serialised(LogSink sink, std::shared_ptr<gate::Mutex> mutex) {
  if (!sink) return {};
  return [sink = std::move(sink), mutex = std::move(mutex)](const LogEvent& event) {
    const gate::MutexLock lock(*mutex);
    sink(event);
  };
}

}  // namespace turnstile::database
