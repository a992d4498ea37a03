#include "torture/ledger.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>

namespace turnstile::cli::torture {

namespace {

constexpr char kTask = 't';

[[noreturn]] void ledger_failed(const std::filesystem::path& file) {
  throw std::system_error(errno, std::generic_category(), "cannot write " + file.string());
}

}  // namespace

Ledger::Ledger(std::filesystem::path directory, int workers) : directory_(std::move(directory)) {
  for (int worker = 0; worker < workers; ++worker) {
    const std::filesystem::path file = file_of(descriptors_.size());
    descriptors_.push_back(
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (descriptors_.back() < 0) ledger_failed(file);
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
  write_line(worker, fmt::format("{} {} {} {}\n", static_cast<char>(answer), run, thread, n));
}

void Ledger::append_task(int worker, std::int64_t task) {
  write_line(worker, fmt::format("{} {}\n", kTask, task));
}

void Ledger::write_line(int worker, std::string_view line) {
  const auto index = static_cast<std::size_t>(worker);
  ssize_t written = 0;
  do {
    written = ::write(descriptors_.at(index), line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(line.size())) ledger_failed(file_of(index));
}

Ledger::Content Ledger::read() const {
  Content content;
  for (std::size_t worker = 0; worker < descriptors_.size(); ++worker) {
    std::ifstream file(file_of(worker));
    char kind = 0;
    while (file >> kind) {
      if (kind == kTask) {
        file >> content.tasks.emplace_back();
        continue;
      }
      std::int64_t run = 0;
      std::int64_t thread = 0;
      std::size_t n = 0;
      file >> run >> thread >> n;
      std::vector<Answer>& answers = content.answers[{run, thread}];
      if (answers.size() < n) answers.resize(n);
      answers.at(n - 1) = static_cast<Answer>(kind);
    }
  }
  return content;
}

}  // namespace turnstile::cli::torture
