#include "database/serialised_sink.h"

#include <exception>
#include <utility>

namespace turnstile::database {

LogSink serialised(LogSink sink, std::shared_ptr<gate::Mutex> mutex) {
  if (!sink) return {};
  return [sink = std::move(sink), mutex = std::move(mutex)](const LogEvent& event) {
    const gate::MutexLock lock(*mutex);
    try {
      sink(event);
    } catch (const std::exception&) {
      // What is told is for people; whoever tells it has other things to do, on threads of his own.
      return;
    }
  };
}

}  // namespace turnstile::database
