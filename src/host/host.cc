#include "turnstile/host.h"

#include <algorithm>
#include <semaphore>
#include <utility>

#include "host/host_core.h"

namespace turnstile {

namespace {

[[nodiscard]] Call call_from(std::source_location where) {
  return {.lane = "host", .where = where};
}

}  // namespace

std::string_view to_string(ComponentState state) noexcept {
  switch (state) {
    case ComponentState::Added:
      return "added";
    case ComponentState::Starting:
      return "starting";
    case ComponentState::Running:
      return "running";
    case ComponentState::Disabled:
      return "disabled";
    case ComponentState::Failed:
      return "failed";
    case ComponentState::Stopping:
      return "stopping";
    case ComponentState::Stopped:
      return "stopped";
    case ComponentState::StopFailed:
      return "stop failed";
    case ComponentState::Hung:
      return "hung";
  }
  return "";
}

bool HostStopReport::complete() const noexcept {
  return !database_failure && std::ranges::none_of(components, [](const ComponentStatus& status) {
    return status.state == ComponentState::StopFailed || status.state == ComponentState::Hung;
  });
}

Host::Host(HostOptions options, std::source_location where)
    : core_(std::make_unique<detail::HostCore>(std::move(options), call_from(where))) {}

Host::~Host() = default;

const std::filesystem::path& Host::data_directory() const noexcept {
  return core_->startup().data_directory;
}

const std::filesystem::path& Host::database_path() const noexcept {
  return core_->startup().database_path;
}

Lane Host::lane(std::string_view name, LaneOptions options) const {
  return core_->lane(name, options);
}

const Database& Host::database() const noexcept {
  return core_->database();
}

void Host::add(Component component, std::source_location where) {
  core_->add(std::move(component), call_from(where));
}

void Host::start(std::source_location where) {
  core_->start(call_from(where));
}

void Host::request_stop() noexcept {
  core_->request_stop();
}

std::stop_token Host::stop_token() const noexcept {
  return core_->stop_token();
}

void Host::wait(std::stop_token also) const {
  std::counting_semaphore<2> requested(0);
  const auto tell = [&requested] { requested.release(); };
  const std::stop_callback own(core_->stop_token(), tell);
  const std::stop_callback other(std::move(also), tell);
  requested.acquire();
}

HostStopReport Host::stop(std::source_location where) {
  return core_->stop(call_from(where));
}

HostStatus Host::status() const {
  return core_->status();
}

}  // namespace turnstile
