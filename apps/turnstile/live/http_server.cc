#include "live/http_server.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "failure.h"

namespace turnstile::cli {

namespace {

constexpr int kBacklog = 16;

[[noreturn]] void fail(std::uint16_t port, int cause) {
  throw Failure(
      ExitCode::Storage, "PORT_UNAVAILABLE",
      fmt::format("cannot listen on port {} of 127.0.0.1: {}", port, std::strerror(cause)),
      "Take another one with --port, or --port 0 for any that is free.");
}

// A head and a body. Nothing of it may be kept, framed, or be taken for another type.
std::string to_text(const HttpResponse& response, bool with_body) {
  const std::string_view reason = response.status == 200   ? "OK"
                                  : response.status == 400 ? "Bad Request"
                                  : response.status == 403 ? "Forbidden"
                                  : response.status == 404 ? "Not Found"
                                  : response.status == 405 ? "Method Not Allowed"
                                  : response.status == 431 ? "Request Header Fields Too Large"
                                                           : "Service Unavailable";
  std::string text = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n"
      "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"
      "Referrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: "
      "same-origin\r\nContent-Security-Policy: default-src 'none'; "
      "style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
      "img-src data:\r\n{}\r\n",
      response.status, reason, response.type, response.body.size(),
      response.status == 405 ? "Allow: GET, HEAD\r\n" : "");
  if (with_body) text += response.body;
  return text;
}

HttpResponse refusal(int status, std::string_view why) {
  return {.status = status, .body = std::string(why) + "\n"};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  return text.substr(0, text.find_last_not_of(kBlank) + 1);
}

std::string in_lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

// The value of the only field of this name; empty when there is none, or two.
std::optional<std::string> field_of(std::string_view fields, std::string_view name) {
  std::optional<std::string> value;
  while (!fields.empty()) {
    const std::size_t end = std::min(fields.find("\r\n"), fields.size());
    const std::string_view line = fields.substr(0, end);
    fields.remove_prefix(std::min(end + 2, fields.size()));
    const std::size_t colon = line.find(':');
    if (colon == line.npos || in_lower_case(line.substr(0, colon)) != name) continue;
    if (value) return std::nullopt;
    value = in_lower_case(trimmed(line.substr(colon + 1)));
  }
  return value;
}

}  // namespace

HttpServer::HttpServer(std::uint16_t port, Handler handler)
    : handler_(std::move(handler)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
      stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!listener_.is_open() || !stop_.is_open()) fail(port, errno);
  // The port of a server that has just ended can be had at once.
  const int on = 1;
  static_cast<void>(::setsockopt(listener_.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.number(), any, size) != 0 || ::listen(listener_.number(), kBacklog) != 0 ||
      ::getsockname(listener_.number(), any, &size) != 0)
    fail(port, errno);
  port_ = ntohs(address.sin_port);
}

HttpServer::~HttpServer() = default;

void HttpServer::stop() noexcept {
  // It cannot fail: the counter is far from full.
  static_cast<void>(::eventfd_write(stop_.number(), 1));
}

void HttpServer::run() {
  for (;;) {
    // Who is not asked about is passed over by poll().
    const int listener = is_full_ ? -1 : listener_.number();
    std::vector<pollfd> wanted{{stop_.number(), POLLIN, 0}, {listener, POLLIN, 0}};
    Clock::time_point until = is_full_ ? Clock::now() + kPause : Clock::time_point::max();
    is_full_ = false;
    for (const Connection& connection : connections_) {
      wanted.push_back({connection.socket.number(),
                        static_cast<short>(connection.phase == Phase::Writing ? POLLOUT : POLLIN),
                        0});
      until = std::min(until, connection.until);
    }
    int timeout = -1;
    if (until != Clock::time_point::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
      timeout = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
    }
    if (::poll(wanted.data(), wanted.size(), timeout) < 0) {
      if (errno == EINTR) continue;
      fail(port_, errno);
    }
    if (wanted[0].revents != 0) return;
    const Clock::time_point now = Clock::now();
    std::size_t at = 2;
    for (auto it = connections_.begin(); it != connections_.end(); ++at) {
      const bool is_over = now >= it->until || (wanted[at].revents != 0 && !serve(*it));
      it = is_over ? connections_.erase(it) : std::next(it);
    }
    if (wanted[1].revents != 0) accept_all();
  }
}

void HttpServer::accept_all() {
  for (;;) {
    gate::Descriptor socket(
        ::accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.is_open()) {
      // No descriptor is left: those that are taken come free in time, the oldest one now.
      if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        if (connections_.empty())
          is_full_ = true;
        else
          connections_.pop_front();
      }
      return;
    }
    if (connections_.size() >= kConnections) connections_.pop_front();
    connections_.push_back({.socket = std::move(socket), .until = Clock::now() + kTime});
  }
}

bool HttpServer::serve(Connection& connection) {
  switch (connection.phase) {
    case Phase::Reading:
      return read(connection);
    case Phase::Writing:
      return write(connection);
    case Phase::Leaving:
      break;
  }
  return leave(connection);
}

bool HttpServer::read(Connection& connection) {
  std::array<char, 2048> block{};
  const ssize_t count = ::recv(connection.socket.number(), block.data(), block.size(), 0);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0) return false;
  connection.text.append(block.data(), static_cast<std::size_t>(count));
  const std::size_t end = connection.text.find("\r\n\r\n");
  const bool is_too_long = std::min(end, connection.text.size()) > kRequestBytes;
  if (end == std::string::npos && !is_too_long) return true;
  connection.text = is_too_long ? to_text(refusal(431, "the request is too long"), true)
                                : answer(std::string_view(connection.text).substr(0, end));
  connection.phase = Phase::Writing;
  return write(connection);
}

bool HttpServer::write(Connection& connection) {
  const std::string_view rest = std::string_view(connection.text).substr(connection.written);
  const ssize_t count = ::send(connection.socket.number(), rest.data(), rest.size(), MSG_NOSIGNAL);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  connection.written += static_cast<std::size_t>(count);
  if (connection.written < connection.text.size()) return true;
  // What the client still sends is read to its end: to close before that would take the answer from
  // it.
  ::shutdown(connection.socket.number(), SHUT_WR);
  connection.phase = Phase::Leaving;
  return true;
}

bool HttpServer::leave(Connection& connection) {
  std::array<char, 2048> block{};
  const ssize_t count = ::recv(connection.socket.number(), block.data(), block.size(), 0);
  return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

// A browser leaves the port out where it is that of the scheme.
bool HttpServer::is_own(std::string_view host) const {
  constexpr std::uint16_t kHttp = 80;
  const std::string port = port_ == kHttp ? std::string() : fmt::format(":{}", port_);
  return host == "127.0.0.1" + port || host == "localhost" + port;
}

std::string HttpServer::answer(std::string_view request) const {
  const std::size_t end = std::min(request.find("\r\n"), request.size());
  const std::string_view line = request.substr(0, end);
  const std::string_view fields = request.substr(std::min(end + 2, request.size()));
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == line.npos || first == last || !line.substr(last + 1).starts_with("HTTP/1."))
    return to_text(refusal(400, "this is no HTTP request"), true);
  const std::string_view method = line.substr(0, first);
  std::string_view target = line.substr(first + 1, last - first - 1);
  const bool is_head = method == "HEAD";
  const std::optional<std::string> host = field_of(fields, "host");
  // What a page of another site loads (https://www.w3.org/TR/fetch-metadata/).
  const bool is_of_another = field_of(fields, "sec-fetch-site") == "cross-site" &&
                             field_of(fields, "sec-fetch-mode") != "navigate";
  if (!host || !is_own(*host) || is_of_another)
    return to_text(refusal(403, "this page is for http://127.0.0.1 and http://localhost only"),
                   !is_head);
  if (method != "GET" && !is_head) return to_text(refusal(405, "only GET is served"), true);
  // The form with the server's name before the path,
  // https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
  constexpr std::string_view kScheme = "http://";
  if (target.starts_with(kScheme)) {
    target.remove_prefix(kScheme.size());
    const std::size_t path = std::min(target.find('/'), target.size());
    if (!is_own(in_lower_case(target.substr(0, path))))
      return to_text(refusal(403, "this is no server for others"), !is_head);
    target.remove_prefix(path);
    if (target.empty()) target = "/";
  }
  return to_text(handler_(target.substr(0, target.find('?'))), !is_head);
}

}  // namespace turnstile::cli
