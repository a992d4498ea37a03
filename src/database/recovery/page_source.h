// The pages of the damaged database as its last commit left them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "database/recovery/overlay.h"
#include "database/recovery/source_file.h"

namespace turnstile::database::recovery {

/// The values of https://sqlite.org/encoding.html.
enum class Encoding : std::uint8_t { Utf8 = 1, Utf16Little = 2, Utf16Big = 3 };

/// What the first hundred bytes say. https://sqlite.org/fileformat2.html#the_database_header
struct FileHeader {
  bool recognised = false;  // The rest is what was made of it, or the defaults.
  std::uint32_t page_size = 0;
  std::uint32_t reserved = 0;    // Unused bytes at the end of each page.
  std::uint32_t page_count = 0;  // 0: not known.
  PageNumber free_list = 0;
  std::uint32_t free_pages = 0;
  Encoding encoding = Encoding::Utf8;
  bool auto_vacuum = false;
  bool incremental_vacuum = false;
  std::uint32_t user_version = 0;
  std::uint32_t application_id = 0;

  [[nodiscard]] static FileHeader parse(Bytes bytes);
};

/// Reads pages one by one. Threads: confined.
class PageSource {
 public:
  /// `page_size` 0: find it out. Throws StorageError, among them RECOVERY_FAILED when there is
  /// nothing that could be pages.
  PageSource(const std::filesystem::path& path, std::uint32_t page_size, const Call& call);

  [[nodiscard]] const FileHeader& header() const noexcept { return header_; }
  [[nodiscard]] std::uint32_t page_size() const noexcept { return page_size_; }
  /// Bytes of a page that SQLite uses.
  [[nodiscard]] std::uint32_t usable_size() const noexcept { return page_size_ - header_.reserved; }
  [[nodiscard]] std::uint32_t page_count() const noexcept { return page_count_; }
  [[nodiscard]] const SourceFile& file() const noexcept { return file_; }
  [[nodiscard]] const Overlay& log() const noexcept { return log_; }
  [[nodiscard]] const Overlay& journal() const noexcept { return journal_; }

  /// The usable bytes of a page, valid until the next read() into the same buffer. Throws Damage.
  [[nodiscard]] Bytes read(PageNumber number, std::vector<std::byte>& buffer) const;

  /// True for a page that can be in no tree: those with the locks and, with auto_vacuum, those that
  /// say where the others belong.
  [[nodiscard]] bool is_of_the_file_itself(PageNumber number) const noexcept;

 private:
  void find_page_size(std::uint32_t asked, const Call& call);
  [[nodiscard]] bool fits_first_page(std::uint32_t page_size) const;
  /// How many bytes of the file are pages of trees if it has pages of this size.
  [[nodiscard]] std::uint64_t bytes_explained(std::uint32_t page_size) const;
  void read_header();

  SourceFile file_;
  SourceFile log_file_;
  SourceFile journal_file_;
  Overlay log_;
  Overlay journal_;
  FileHeader header_;
  std::uint32_t page_size_ = 0;
  std::uint32_t page_count_ = 0;
};

}  // namespace turnstile::database::recovery
