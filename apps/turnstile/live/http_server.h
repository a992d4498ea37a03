// A server for a page on this machine: GET, one thread, no connection kept for a second request.
//
// Bounded in everything, so that no client can keep another one out: so many connections, so many
// bytes of a request, and so much time for all of it. When all connections are taken, the one that
// has been there for the longest time makes room.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>

#include "gate/descriptor.h"

namespace turnstile::cli {

/// Threads: immutable.
struct HttpResponse {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

/// Listens on 127.0.0.1 only, and answers only where `Host` is that address, or `localhost`, with
/// its own port: a web site that has its name lead here (DNS rebinding) is refused.
///
/// Threads: confined, but stop().
class HttpServer {
 public:
  static constexpr std::size_t kConnections = 32;
  static constexpr std::size_t kRequestBytes = 8192;
  /// From the connection to the end of the answer.
  static constexpr std::chrono::seconds kTime{10};

  /// The answer for a path, without what is behind a `?`.
  using Handler = std::function<HttpResponse(std::string_view path)>;

  /// Port 0: any that is free. Throws Failure (PORT_UNAVAILABLE).
  HttpServer(std::uint16_t port, Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  /// Serves until stop().
  void run();
  /// From any thread, also before run().
  void stop() noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  enum class Phase { Reading, Writing, Leaving };
  struct Connection {
    gate::Descriptor socket;
    Clock::time_point until;
    Phase phase = Phase::Reading;
    std::string text{};  // What was read, then what is to be written.
    std::size_t written = 0;
  };

  void accept_all();
  /// False when it is over.
  [[nodiscard]] bool serve(Connection& connection);
  [[nodiscard]] bool read(Connection& connection);
  [[nodiscard]] bool write(Connection& connection);
  [[nodiscard]] static bool leave(Connection& connection);
  [[nodiscard]] bool is_own(std::string_view host) const;
  [[nodiscard]] std::string answer(std::string_view request) const;

  /// Until the next try when there is no descriptor for a connection, and none that could be given
  /// up for it.
  static constexpr std::chrono::milliseconds kPause{200};

  const Handler handler_;
  gate::Descriptor listener_;
  gate::Descriptor stop_;
  std::uint16_t port_ = 0;
  std::list<Connection> connections_;  // The oldest first.
  bool is_full_ = false;
};

}  // namespace turnstile::cli
