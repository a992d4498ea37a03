#include "torture/ledger.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <optional>
#include <system_error>

namespace turnstile::cli::torture {

namespace {

constexpr char kEnqueued = 'j';
constexpr char kTask = 't';

[[noreturn]] void ledger_failed(const std::filesystem::path& file, int system_code) {
  throw std::system_error(system_code, std::generic_category(), "cannot write " + file.string());
}

// The numbers behind the letter of a line, if they are so many, all of them possible, and all that
// there is.
template <std::size_t Count>
std::optional<std::array<std::int64_t, Count>> numbers_of(std::string_view line) {
  std::array<std::int64_t, Count> numbers{};
  line.remove_prefix(1);
  for (std::int64_t& number : numbers) {
    if (!line.starts_with(' ')) return {};
    const char* const end = line.data() + line.size();
    const auto [rest, error] = std::from_chars(line.data() + 1, end, number);
    if (error != std::errc() || number < 0) return {};
    line = std::string_view(rest, static_cast<std::size_t>(end - rest));
  }
  if (!line.empty()) return {};
  return numbers;
}

// False when it makes no sense.
bool take_line(std::string_view line, Ledger::Content& content) {
  const char kind = line.empty() ? '\0' : line.front();
  if (kind == kTask || kind == kEnqueued) {
    const auto task = numbers_of<1>(line);
    if (task) (kind == kTask ? content.tasks : content.enqueued).push_back(task->front());
    return task.has_value();
  }
  constexpr std::array kAnswers{Answer::Done, Answer::Refused, Answer::Unknown};
  const auto answer = static_cast<Answer>(kind);
  if (std::ranges::find(kAnswers, answer) == kAnswers.end()) return false;
  const auto numbers = numbers_of<3>(line);
  if (!numbers || numbers->back() == 0) return false;
  const auto [run, thread, n] = *numbers;
  return content.answers[{run, thread}].emplace(n, answer).second;
}

}  // namespace

Ledger::Ledger(std::filesystem::path directory, int workers) : directory_(std::move(directory)) {
  for (int worker = 0; worker <= workers; ++worker) {
    const std::filesystem::path file = file_of(descriptors_.size());
    descriptors_.push_back(
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (descriptors_.back() < 0) ledger_failed(file, errno);
  }
}

Ledger::~Ledger() {
  for (const int descriptor : descriptors_)
    ::close(descriptor);
}

std::filesystem::path Ledger::file_of(std::size_t worker) const {
  return directory_ / fmt::format("ledger-{}", worker);
}

void Ledger::append(int worker, Answer answer, std::int64_t run, std::int64_t thread,
                    std::int64_t n) {
  write_line(static_cast<std::size_t>(worker),
             fmt::format("{} {} {} {}\n", static_cast<char>(answer), run, thread, n));
}

void Ledger::append_foreign(Answer answer, std::int64_t row) {
  write_line(descriptors_.size() - 1,
             fmt::format("{} {} 0 {}\n", static_cast<char>(answer), kForeignRun, row));
}

void Ledger::append_enqueued(int worker, std::int64_t task) {
  write_line(static_cast<std::size_t>(worker), fmt::format("{} {}\n", kEnqueued, task));
}

void Ledger::append_task(int worker, std::int64_t task) {
  write_line(static_cast<std::size_t>(worker), fmt::format("{} {}\n", kTask, task));
}

// What a full disk has taken of a line would run into the next one.
void Ledger::write_line(std::size_t worker, std::string_view line) {
  const int descriptor = descriptors_.at(worker);
  ssize_t written = 0;
  do {
    written = ::write(descriptor, line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(line.size())) return;
  const int system_code = written < 0 ? errno : ENOSPC;
  is_complete_ = false;
  struct stat status {};
  if (written > 0 && ::fstat(descriptor, &status) == 0) {
    while (::ftruncate(descriptor, status.st_size - written) != 0 && errno == EINTR) {
    }
  }
  ledger_failed(file_of(worker), system_code);
}

Ledger::Content Ledger::read() const {
  Content content;
  content.is_complete = is_complete_;
  for (std::size_t worker = 0; worker < descriptors_.size(); ++worker) {
    std::ifstream file(file_of(worker), std::ios::binary);
    std::int64_t number = 0;
    for (std::string line; std::getline(file, line);) {
      ++number;
      // The newline is what shows that the line is all there.
      if (!file.eof() && take_line(line, content)) continue;
      content.is_complete = false;
      content.bad_lines.push_back(
          fmt::format("line {} of ledger-{} makes no sense", number, worker));
    }
  }
  return content;
}

}  // namespace turnstile::cli::torture
