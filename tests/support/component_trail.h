// Components that write down when they are started and stopped.
#pragma once

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "turnstile/host.h"

namespace turnstile::test {

/// Must outlive the hosts whose components it makes.
///
/// Threads: shared.
class ComponentTrail {
 public:
  void add(std::string step) {
    const std::lock_guard lock(mutex_);
    steps_.push_back(std::move(step));
  }
  /// All steps so far, such as `+name` for a start and `-name` for a stop.
  [[nodiscard]] std::vector<std::string> steps() const {
    const std::lock_guard lock(mutex_);
    return steps_;
  }

  [[nodiscard]] Component component(const std::string& name,
                                    ComponentPriority priority = ComponentPriority::Core) {
    Component component{.name = name, .priority = priority};
    component.start = [this, name] { add("+" + name); };
    component.stop = [this, name](std::chrono::milliseconds) { add("-" + name); };
    return component;
  }
  /// Its start throws std::runtime_error(why).
  [[nodiscard]] Component failing(const std::string& name, const std::string& why) {
    Component component = this->component(name);
    component.start = [this, name, why] {
      add("+" + name);
      throw std::runtime_error(why);
    };
    return component;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> steps_;
};

/// The row of a component. Throws std::runtime_error when there is none.
[[nodiscard]] inline ComponentStatus status_of(const std::vector<ComponentStatus>& components,
                                               const std::string& name) {
  const auto found = std::ranges::find(components, name, &ComponentStatus::name);
  if (found == components.end()) throw std::runtime_error("there is no component " + name);
  return *found;
}

}  // namespace turnstile::test
