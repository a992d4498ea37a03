// A statement's text without the values in it.
#pragma once

#include <string>
#include <string_view>

namespace turnstile::diagnose {

/// `sql` on one line, with `?` in the place of strings, blobs and numbers, and without comments:
/// what may be shown to somebody who may not read the database. A text that was cut in the middle
/// of a string is taken to end in it.
[[nodiscard]] std::string sql_label(std::string_view sql);

}  // namespace turnstile::diagnose
