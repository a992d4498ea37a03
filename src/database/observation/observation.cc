#include "turnstile/observation.h"

#include <utility>

#include "database/observation/subscription.h"

namespace turnstile {

Observation::Observation(std::shared_ptr<detail::Subscription> subscription) noexcept
    : subscription_(std::move(subscription)) {}

Observation& Observation::operator=(Observation&& other) noexcept {
  if (this == &other) return *this;
  stop();
  subscription_ = std::move(other.subscription_);
  return *this;
}

Observation::~Observation() {
  stop();
}

void Observation::stop() noexcept {
  if (const auto subscription = std::move(subscription_)) subscription->stop();
}

}  // namespace turnstile
