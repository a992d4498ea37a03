#include "vault/storage/open_sealed_database.h"

#include <sqlite3.h>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "database/protected_open.h"
#include "gate/sync_point.h"
#include "sqlite/deadline.h"
#include "sqlite/raise.h"
#include "vault/raise.h"
#include "vault/storage/page_cipher.h"
#include "vault/storage/sealed_file.h"
#include "vault/storage/sealed_stream.h"

namespace turnstile::vault {

using gate::MutexLock;

namespace {

// After a save that failed, the next one is tried no sooner.
constexpr std::chrono::milliseconds kRetry{1000};

}  // namespace

int MemoryProtection::apply(sqlite3* handle) noexcept {
  // Room at the end of each page, so that the pages can be encrypted one by one without being
  // written anew. Only a database that is empty takes it.
  int reserved = static_cast<int>(kPageReserved);
  return sqlite3_file_control(handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
}

void MemoryProtection::end() noexcept {
  if (wipes_) store_->wipe();
}

SealedDatabase::Impl::Impl(std::filesystem::path path, const SecretBytes& data_key, Seal seal,
                           SealedOptions options)
    : path_(std::move(path)),
      data_key_(SecretBytes::copy_of(data_key.bytes())),
      seal_(std::move(seal)),
      options_(std::move(options)),
      store_(std::make_shared<MemoryStore>(options_.limit_bytes)),
      protection_(std::make_shared<MemoryProtection>(store_)) {
  seal_.purpose = Purpose::Database;
}

SealedDatabase::Impl::~Impl() {
  stop_saver();
}

void SealedDatabase::Impl::create() {
  seal_.generation = 0;
  open_database();
  // One without tables is empty, and is saved all the same.
  const auto image = snapshot(std::source_location::current());
  const Image empty;
  write(image ? *image : empty, false);
  start_saver();
}

void SealedDatabase::Impl::open() {
  load();
  open_database();
  require_saved(std::source_location::current());
  start_saver();
}

void SealedDatabase::Impl::load() {
  SealedReader reader(path_, data_key_, seal_);
  const SealedHeader& header = reader.header();
  if (header.content_bytes > options_.limit_bytes) {
    raise_vault(code("VAULT_TOO_LARGE"),
                quoted(path_) + " holds a database of " + std::to_string(header.content_bytes) +
                    " bytes, and may hold " + std::to_string(options_.limit_bytes),
                Call{});
  }
  store_->reserve(header.content_bytes);
  std::uint64_t offset = 0;
  for (auto chunk = reader.next(); !chunk.empty(); chunk = reader.next()) {
    store_->write(offset, chunk);
    offset += chunk.size();
  }
  if (offset > 0 && !store_->is_database())
    raise_vault(code("VAULT_CORRUPTED"), quoted(path_) + " holds no database", Call{});
  store_->forget_log();
  seal_.generation = header.generation;
  copied_counter_ = store_->change_counter();
  MutexLock lock(mutex_);
  saved_counter_ = copied_counter_;
  state_.generation = header.generation;
  state_.content_bytes = header.content_bytes;
}

void SealedDatabase::Impl::open_database() {
  Options options = options_.database;
  options.mode = OpenMode::Memory;
  options.immutable = false;
  options.vfs.clear();
  try {
    database_ = detail::ProtectedOpen::open(store_->name(), std::move(options), protection_,
                                            std::source_location::current());
  } catch (const MigrationError& error) {
    if (error.code() != code("DB_SCHEMA_DIFFERS")) throw;
    raise_unusable(error);
  } catch (const StorageError& error) {
    raise_unusable(error);
  }
}

void SealedDatabase::Impl::raise_unusable(const Error& error) const {
  raise_from(code("VAULT_CORRUPTED"), "the database in " + quoted(path_) + " cannot be used",
             error);
}

Database& SealedDatabase::Impl::database() {
  if (database_) return *database_;
  raise_vault(code("VAULT_LOCKED"), "the database in " + quoted(path_) + " is closed", Call{});
}

// ---- Saving ----

void SealedDatabase::Impl::save(std::source_location where,
                                std::optional<std::chrono::milliseconds> timeout) {
  const Ticket wanted = request();
  while (const auto up_to = begin_save(wanted)) {
    std::exception_ptr failure;
    try {
      save_now(where, timeout);
    } catch (...) {
      failure = std::current_exception();
    }
    end_save(*up_to, failure);
  }
  rethrow_failure();
}

SealedDatabase::Impl::Ticket SealedDatabase::Impl::request() {
  MutexLock lock(mutex_);
  return ++requested_;
}

// Whoever finds a save going on waits for its end. It may have begun before the wanted one was
// asked for; then one of those who wait makes the next save for all of them.
std::optional<SealedDatabase::Impl::Ticket> SealedDatabase::Impl::begin_save(Ticket wanted) {
  MutexLock lock(mutex_);
  while (saving_ && done_ < wanted)
    changed_.wait(mutex_);
  if (done_ >= wanted) return std::nullopt;
  saving_ = true;
  // A commit that comes from now on is noted again.
  unsaved_since_.reset();
  return requested_;
}

void SealedDatabase::Impl::end_save(Ticket up_to, const std::exception_ptr& failure) {
  {
    MutexLock lock(mutex_);
    saving_ = false;
    done_ = up_to;
    state_.failure = failure;
    if (failure) unsaved_since_ = Clock::now() + kRetry;
  }
  changed_.notify_all();
}

// That of the last save: one that succeeded since has saved what this call wanted too.
void SealedDatabase::Impl::rethrow_failure() const {
  std::exception_ptr failure;
  {
    MutexLock lock(mutex_);
    failure = state_.failure;
  }
  if (failure) std::rethrow_exception(failure);
}

void SealedDatabase::Impl::save_now(std::source_location where,
                                    std::optional<std::chrono::milliseconds> timeout) {
  if (const auto image = snapshot(where, timeout)) write(*image, true);
}

std::optional<Image> SealedDatabase::Impl::snapshot(
    std::source_location where, std::optional<std::chrono::milliseconds> timeout) {
  // Closed, and not saved yet: nobody writes any more.
  if (!database_) return copy_if_changed();
  std::optional<Image> image;
  database_->lane("save").read(
      CallOptions{.timeout = timeout},
      [&](ReadTx& tx) {
        // Only a statement takes the lock that keeps writers out.
        static_cast<void>(tx.query<std::int64_t>("SELECT count(*) FROM sqlite_schema").one());
        image = copy_if_changed();
      },
      where);
  return image;
}

std::optional<Image> SealedDatabase::Impl::copy_if_changed() {
  const std::uint32_t counter = store_->change_counter();
  {
    MutexLock lock(mutex_);
    if (counter == saved_counter_) return std::nullopt;
  }
  Image image(static_cast<std::size_t>(store_->size()));
  store_->read(0, image.bytes());
  copied_counter_ = counter;
  return image;
}

void SealedDatabase::Impl::write(const Image& image, bool overwrite) {
  gate::sync_point("SealedDatabase:copied");
  Seal next = seal_;
  ++next.generation;
  write_sealed(path_, data_key_, next, image.bytes(), overwrite);
  seal_ = next;
  {
    MutexLock lock(mutex_);
    saved_counter_ = copied_counter_;
    state_.generation = next.generation;
    state_.content_bytes = image.size();
    ++state_.saves;
  }
  if (options_.notes_state) note(next);
}

// Without it, an older file is not noticed that is put back next; nothing else depends on it.
void SealedDatabase::Impl::note(const Seal& saved) noexcept {
  try {
    note_state(path_, data_key_, saved);
  } catch (const std::exception& error) {
    tell(LogEvent::Severity::Warning, "STATE_NOT_NOTED", error.what());
  }
}

void SealedDatabase::Impl::tell(LogEvent::Severity severity, std::string_view code,
                                std::string message) noexcept {
  try {
    if (const LogSink& sink = options_.database.log_sink)
      sink({severity, code, std::move(message)});
  } catch (...) {
    // A sink that throws has nobody to be told to.
    return;
  }
}

SaveState SealedDatabase::Impl::state() const {
  const std::uint32_t counter = store_->change_counter();
  MutexLock lock(mutex_);
  SaveState state = state_;
  state.unsaved = !closes_late_ && !data_key_.empty() && counter != saved_counter_;
  return state;
}

// ---- The schedule ----

void SealedDatabase::Impl::start_saver() {
  if (options_.save_within.count() == 0) return;
  observation_ = database_->observe({}, [this](const Change&) { note_commit(); });
  {
    MutexLock lock(mutex_);
    stopping_ = false;
  }
  saver_ = std::thread([this] { run_saver(); });
}

void SealedDatabase::Impl::stop_saver() noexcept {
  observation_.stop();
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (saver_.joinable()) saver_.join();
}

void SealedDatabase::Impl::note_commit() {
  {
    MutexLock lock(mutex_);
    if (unsaved_since_) return;
    unsaved_since_ = Clock::now();
  }
  changed_.notify_all();
}

void SealedDatabase::Impl::run_saver() noexcept {
  while (wait_until_due()) {
    try {
      save(std::source_location::current());
    } catch (const Error& error) {
      tell(LogEvent::Severity::Error, code("VAULT_NOT_SAVED"), error.what());
    } catch (...) {
      // It is in the state, and is tried again.
      continue;
    }
  }
}

bool SealedDatabase::Impl::wait_until_due() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    if (!unsaved_since_) {
      changed_.wait(mutex_);
      continue;
    }
    const auto due = *unsaved_since_ + options_.save_within;
    if (Clock::now() >= due) return true;
    static_cast<void>(changed_.wait_until(mutex_, due));
  }
  return false;
}

// ---- Ending ----

/// What a closure that does not end keeps from being saved. Whoever ends the database at last drops
/// it, which saves the rest.
class SealedDatabase::Impl::Rest {
 public:
  Rest() = default;
  ~Rest() {
    if (!impl_) return;
    try {
      impl_->save_rest();
    } catch (const std::exception& error) {
      impl_->tell(LogEvent::Severity::Error, code("VAULT_NOT_SAVED"), error.what());
    }
    impl_->forget();
  }
  Rest(const Rest&) = delete;
  Rest& operator=(const Rest&) = delete;

  void take(std::shared_ptr<Impl> impl, std::shared_ptr<const void> kept) noexcept {
    kept_ = std::move(kept);
    impl_ = std::move(impl);
    impl_->closes_late_ = true;
  }

 private:
  std::shared_ptr<const void> kept_;
  std::shared_ptr<Impl> impl_;
};

CloseReport SealedDatabase::Impl::close(const std::shared_ptr<Impl>& self,
                                        std::chrono::milliseconds drain, std::source_location where,
                                        std::shared_ptr<const void> kept) {
  if (self->closes_late_) return self->report_;
  if (self->database_) {
    const Deadline end = Deadline::after(drain);
    self->save_before_closing(drain, where);
    gate::sync_point("SealedDatabase:closing");
    const auto rest = std::make_shared<Rest>();
    try {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end.left());
      self->close_database(std::min(drain, left), rest, where);
    } catch (const Timeout&) {
      rest->take(self, std::move(kept));
      throw;
    }
  }
  try {
    self->save_rest();
  } catch (const Error& error) {
    self->go_on(std::current_exception());
    raise_from(code("VAULT_NOT_SAVED"), quoted(self->path_) + " cannot be saved", error);
  } catch (...) {
    // An image needs as much memory as the database.
    self->go_on(std::current_exception());
    throw;
  }
  self->forget();
  return self->report_;
}

CloseReport SealedDatabase::Impl::discard(std::chrono::milliseconds drain) {
  if (closes_late_) return report_;
  if (database_) {
    try {
      close_database(drain, nullptr, std::source_location::current());
    } catch (const Timeout&) {
      data_key_.wipe();
      protection_->wipe_at_end();
      throw;
    }
  }
  forget();
  return report_;
}

void SealedDatabase::Impl::require_saved(std::source_location where,
                                         std::optional<std::chrono::milliseconds> timeout) {
  try {
    save(where, timeout);
  } catch (const MisuseError&) {
    throw;  // Such as a save inside a closure, which says nothing of the file.
  } catch (const Timeout&) {
    throw;
  } catch (const Error& error) {
    raise_from(code("VAULT_NOT_SAVED"), quoted(path_) + " cannot be saved", error);
  }
}

// While somebody writes there is no copy to be had: what he leaves is saved when the database is
// closed. Everything else is saved beforehand, so that a medium that takes nothing is noticed while
// all goes on.
void SealedDatabase::Impl::save_before_closing(std::chrono::milliseconds most,
                                               std::source_location where) {
  try {
    require_saved(where, std::min(most, options_.database.busy_timeout));
  } catch (const Timeout&) {
    return;
  }
}

void SealedDatabase::Impl::close_database(std::chrono::milliseconds drain,
                                          std::shared_ptr<const void> kept,
                                          std::source_location where) {
  stop_saver();
  try {
    report_ = detail::ProtectedOpen::close(*database_, drain, std::move(kept), where);
    database_.reset();
  } catch (const MisuseError&) {
    // Called inside a closure: it is as open as before.
    start_saver();
    throw;
  } catch (...) {
    database_.reset();
    throw;
  }
}

// What was committed between the last save and the closing. Nobody changes it any more.
void SealedDatabase::Impl::save_rest() {
  if (data_key_.empty()) return;
  if (const auto image = copy_if_changed()) write(*image, true);
}

void SealedDatabase::Impl::go_on(std::exception_ptr failure) noexcept {
  {
    MutexLock lock(mutex_);
    state_.failure = std::move(failure);
    unsaved_since_ = Clock::now() + kRetry;
  }
  try {
    open_database();
    start_saver();
  } catch (const std::exception& error) {
    // The memory has everything still, and the next close() saves it.
    tell(LogEvent::Severity::Error, code("VAULT_NOT_SAVED"), error.what());
  }
}

void SealedDatabase::Impl::forget() noexcept {
  if (data_key_.empty()) return;
  data_key_.wipe();
  store_->wipe();
}

void SealedDatabase::Impl::close_quietly(const std::shared_ptr<Impl>& self) noexcept {
  constexpr std::chrono::milliseconds kDrain{5000};
  const auto attempt = [&](auto&& work) noexcept {
    try {
      work();
    } catch (const Error& error) {
      self->tell(LogEvent::Severity::Error, error.code(), error.what());
    } catch (...) {
      return;
    }
  };
  if (self->closes_late_ || self->data_key_.empty()) return;
  attempt([&] { close(self, kDrain, std::source_location::current(), nullptr); });
  if (!self->closes_late_ && !self->data_key_.empty()) attempt([&] { self->discard(kDrain); });
}

}  // namespace turnstile::vault
