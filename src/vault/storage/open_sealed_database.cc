#include "vault/storage/open_sealed_database.h"

#include <sqlite3.h>

#include <algorithm>
#include <string>
#include <utility>

#include "database/protected_open.h"
#include "gate/sync_point.h"
#include "sqlite/raise.h"
#include "vault/raise.h"
#include "vault/storage/page_cipher.h"
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

void SealedDatabase::Impl::save(std::source_location where) {
  const Ticket wanted = request();
  while (const auto up_to = begin_save(wanted)) {
    std::exception_ptr failure;
    try {
      save_now(where);
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

void SealedDatabase::Impl::save_now(std::source_location where) {
  if (const auto image = snapshot(where)) write(*image, true);
}

std::optional<Image> SealedDatabase::Impl::snapshot(std::source_location where) {
  // Closed, and not saved yet: nobody writes any more.
  if (!database_) return copy_if_changed();
  std::optional<Image> image;
  database_->lane("save").read(
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
  MutexLock lock(mutex_);
  saved_counter_ = copied_counter_;
  state_.generation = next.generation;
  state_.content_bytes = image.size();
  ++state_.saves;
}

SaveState SealedDatabase::Impl::state() const {
  const std::uint32_t counter = store_->change_counter();
  MutexLock lock(mutex_);
  SaveState state = state_;
  state.unsaved = database_.has_value() && counter != saved_counter_;
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
      if (const LogSink& sink = options_.database.log_sink)
        sink({LogEvent::Severity::Error, code("VAULT_NOT_SAVED"), error.what()});
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

CloseReport SealedDatabase::Impl::close(std::chrono::milliseconds drain,
                                        std::source_location where) {
  if (database_) {
    require_saved(where);
    close_database(drain, where);
  }
  save_rest();
  forget();
  return report_;
}

CloseReport SealedDatabase::Impl::discard(std::chrono::milliseconds drain) {
  if (database_) close_database(drain, std::source_location::current());
  forget();
  return report_;
}

void SealedDatabase::Impl::require_saved(std::source_location where) {
  try {
    save(where);
  } catch (const MisuseError&) {
    throw;  // Such as a save inside a closure, which says nothing of the file.
  } catch (const Error& error) {
    raise_from(code("VAULT_NOT_SAVED"), quoted(path_) + " cannot be saved", error);
  }
}

void SealedDatabase::Impl::close_database(std::chrono::milliseconds drain,
                                          std::source_location where) {
  stop_saver();
  try {
    report_ = database_->close(drain, where);
    database_.reset();
  } catch (const MisuseError&) {
    // Called inside a closure: it is as open as before.
    start_saver();
    throw;
  } catch (...) {
    database_.reset();
    data_key_.wipe();
    protection_->wipe_at_end();
    throw;
  }
}

// What was committed between the last save and the closing. Nobody changes it any more.
void SealedDatabase::Impl::save_rest() {
  if (data_key_.empty()) return;
  try {
    if (const auto image = copy_if_changed()) write(*image, true);
  } catch (const Error& error) {
    raise_from(code("VAULT_NOT_SAVED"), quoted(path_) + " cannot be saved", error);
  }
}

void SealedDatabase::Impl::forget() noexcept {
  if (data_key_.empty()) return;
  data_key_.wipe();
  store_->wipe();
}

void SealedDatabase::Impl::close_quietly() noexcept {
  constexpr std::chrono::milliseconds kDrain{5000};
  const auto attempt = [this](auto&& work) noexcept {
    try {
      work();
    } catch (const Error& error) {
      try {
        if (const LogSink& sink = options_.database.log_sink)
          sink({LogEvent::Severity::Error, error.code(), error.what()});
      } catch (...) {
        // A sink that throws has nobody to be told to.
        return;
      }
    } catch (...) {
      return;
    }
  };
  if (data_key_.empty()) return;
  attempt([&] { close(kDrain, std::source_location::current()); });
  if (!data_key_.empty()) attempt([&] { discard(kDrain); });
}

}  // namespace turnstile::vault
