// Names, texts and paths as SQL, SQLite's URIs and sentences have them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace turnstile::sqlite {

/// The name of a table or column, between double quotes, whatever is in it.
[[nodiscard]] std::string sql_name(std::string_view name);
/// A text, between single quotes.
[[nodiscard]] std::string sql_text(std::string_view text);

/// `file:/x/y`, to which parameters may be appended. https://sqlite.org/uri.html#the_uri_path
[[nodiscard]] std::string file_uri(const std::filesystem::path& path);

/// `'/x/y'`, for a sentence.
[[nodiscard]] std::string quoted(const std::filesystem::path& path);

}  // namespace turnstile::sqlite
