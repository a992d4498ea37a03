#include <fmt/core.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>

#include "command.h"
#include "context.h"
#include "failure.h"
#include "json.h"
#include "live/http_server.h"
#include "live/live_json.h"
#include "live/page.h"
#include "number.h"
#include "text.h"
#include "turnstile/error.h"
#include "turnstile/options.h"

namespace turnstile::cli {

namespace {

using std::chrono::steady_clock;

constexpr std::uint16_t kPort = 8040;
// Several who look at the page are shown the same look, so that the rates are those of a second.
constexpr std::chrono::milliseconds kFresh{900};

/// A text that is made anew when it is older than kFresh. Threads: confined.
class Recent {
 public:
  template <class Make>
  const std::string& get(const Make& make) {
    if (!at_ || steady_clock::now() - *at_ >= kFresh) {
      text_ = make();
      at_ = steady_clock::now();
    }
    return text_;
  }

 private:
  std::optional<steady_clock::time_point> at_;
  std::string text_;
};

/// What the server is asked for. Threads: confined.
class Site {
 public:
  explicit Site(std::string path) : path_(std::move(path)), source_(path_) {}

  HttpResponse answer(std::string_view path) {
    try {
      if (path == "/")
        return {.type = "text/html; charset=utf-8", .body = std::string(live_page())};
      if (path == "/live.json")
        return {.type = "application/json",
                .body = live_.get([this] { return dump(live_to_json(source_.look())) + "\n"; })};
      if (path == "/metrics") {
        return {.type = "application/openmetrics-text; version=1.0.0; charset=utf-8",
                .body = metrics_.get(
                    [this] { return to_open_metrics(processes(path_), locks(path_)); })};
      }
    } catch (const Error& error) {
      // The file may be there again at the next look.
      return {
          .status = 503,
          .type = "application/json",
          .body = dump({{"error", {{"code", error.code()}, {"message", error.message()}}}}) + "\n"};
    } catch (const std::exception& error) {
      return {.status = 503, .body = std::string(error.what()) + "\n"};
    }
    return {.status = 404, .body = "there is /, /live.json and /metrics\n"};
  }

 private:
  const std::string path_;
  LiveSource source_;
  Recent live_;
  Recent metrics_;
};

std::uint16_t port_of(const Arguments& arguments) {
  const std::string text = arguments.value("--port").value_or(std::to_string(kPort));
  const auto port = parse_number<std::uint16_t>(text);
  if (!port) {
    throw usage_failure(fmt::format("'{}' is no port", printable(text)),
                        "Take a number from 1 to 65535, or 0 for any that is free.");
  }
  return *port;
}

}  // namespace

ExitCode run_serve(Context& context) {
  const Arguments& arguments = context.arguments;
  const std::string db = arguments.positional("DB");
  const std::uint16_t port = port_of(arguments);
  Site site(db.starts_with("file:") ? Options::from_uri(db).path : db);
  HttpServer server(port, [&site](std::string_view path) { return site.answer(path); });
  const Interrupts::StopAction stop(context.interrupts, [&server] { server.stop(); });
  const std::string url = fmt::format("http://127.0.0.1:{}/", server.port());
  if (arguments.json())
    context.output.write(dump({{"url", url}}) + "\n");
  else
    context.output.write(url + "\n");
  context.output.flush();
  fmt::print(stderr, "turnstile: serving; Ctrl-C ends it\n");
  server.run();
  return ExitCode::Interrupted;
}

}  // namespace turnstile::cli
