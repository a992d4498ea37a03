#include "indexer.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <chrono>
#include <thread>
#include <vector>

#include "chunker.h"
#include "text_file.h"

namespace kb {

namespace {

// Claimed at once by a worker: few, so that the work is spread over all of them to the end.
constexpr int kClaimSize = 8;

// Not against forgery, only to see that a file which was touched has not changed.
std::vector<std::byte> hash_of(const std::string& text) {
  XXH128_canonical_t hash;
  XXH128_canonicalFromHash(&hash, XXH3_128bits(text.data(), text.size()));
  const auto bytes = std::as_bytes(std::span(hash.digest));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

Indexer::Progress Indexer::progress() const noexcept {
  return {scanned_, queued_, processed_, lock_failures_.value()};
}

void Indexer::run(int workers, const std::stop_token& stop) {
  const std::vector<FileState> files = scan_files(root_);
  scanned_ = static_cast<std::int64_t>(files.size());
  queued_ = store_.plan(root_, files);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < workers; ++i)
      threads.emplace_back([this, i, &stop] { work(actor_ + "/" + std::to_string(i), stop); });
  }
  if (failure_) std::rethrow_exception(failure_);
}

void Indexer::work(const std::string& worker, const std::stop_token& stop) {
  try {
    while (!stop.stop_requested() && work_once(worker, stop)) {
    }
  } catch (const turnstile::Error& error) {
    lock_failures_.count(error);
    const std::scoped_lock lock(failure_mutex_);
    if (!failure_) failure_ = std::current_exception();
  } catch (...) {
    const std::scoped_lock lock(failure_mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
}

// False when there is nothing left, here or with another process.
bool Indexer::work_once(const std::string& worker, const std::stop_token& stop) {
  const std::vector<std::string> paths = store_.claim(worker, kClaimSize);
  if (paths.empty()) {
    // What is left belongs to others; if one of them dies, its claims come free.
    if (store_.pending() == 0) return false;
    constexpr std::chrono::milliseconds kPause{50};
    std::this_thread::sleep_for(kPause);
  }
  for (const std::string& path : paths) {
    if (stop.stop_requested()) break;
    process(worker, path);
    ++processed_;
  }
  return true;
}

// Reading, inflating and cutting take longer than storing, and happen while others write.
void Indexer::process(const std::string& worker, const std::string& path) {
  const FileState file = look_at(path);
  if (file.size_bytes < 0) return store_.remove(worker, path);
  const FileContent content = read_text_file(path);
  if (!content.reason.empty()) return store_.pass_over(worker, file, content.reason);
  store_.save(worker,
              {file, hash_of(content.text), split_into_chunks(content.text), content.is_cut_off});
}

}  // namespace kb
