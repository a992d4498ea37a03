#include "vault/storage/sealed_database.h"

#include <utility>

#include "sqlite/fork_guard.h"
#include "vault/storage/open_sealed_database.h"

namespace turnstile::vault {

SealedDatabase::SealedDatabase(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
SealedDatabase::SealedDatabase(SealedDatabase&& other) noexcept = default;

SealedDatabase& SealedDatabase::operator=(SealedDatabase&& other) noexcept {
  if (this != &other) {
    SealedDatabase old(std::move(impl_));
    impl_ = std::move(other.impl_);
  }
  return *this;
}

SealedDatabase::~SealedDatabase() {
  if (!impl_) return;
  // The child's copy of everything is the parent's, and its thread is not there.
  if (impl_->forked())
    static_cast<void>(std::make_unique<std::shared_ptr<Impl>>(std::move(impl_)).release());
  else
    Impl::close_quietly(impl_);
}

SealedDatabase SealedDatabase::create(const std::filesystem::path& path,
                                      const SecretBytes& data_key, Seal seal,
                                      SealedOptions options) {
  auto impl = std::make_shared<Impl>(path, data_key, std::move(seal), std::move(options));
  impl->create();
  return SealedDatabase(std::move(impl));
}

SealedDatabase SealedDatabase::open(const std::filesystem::path& path, const SecretBytes& data_key,
                                    Seal seal, SealedOptions options) {
  auto impl = std::make_shared<Impl>(path, data_key, std::move(seal), std::move(options));
  impl->open();
  return SealedDatabase(std::move(impl));
}

Database& SealedDatabase::database() {
  return impl_->database();
}

void SealedDatabase::save(std::source_location where) {
  impl_->save(where);
}

SaveState SealedDatabase::state() const {
  return impl_->state();
}

CloseReport SealedDatabase::close(std::chrono::milliseconds drain, std::source_location where,
                                  std::shared_ptr<const void> kept) {
  return Impl::close(impl_, drain, where, std::move(kept));
}

CloseReport SealedDatabase::discard(std::chrono::milliseconds drain) {
  return impl_->discard(drain);
}

}  // namespace turnstile::vault
