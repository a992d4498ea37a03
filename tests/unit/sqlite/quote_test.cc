#include "sqlite/quote.h"

#include <gtest/gtest.h>

#include <string>

namespace turnstile::sqlite {
namespace {

TEST(Quote, WritesAQuoteInANameTwice) {
  EXPECT_EQ(sql_name("note"), R"("note")");
  EXPECT_EQ(sql_name(R"(a"b'c)"), R"("a""b'c")");
  EXPECT_EQ(sql_name(""), R"("")");
}

TEST(Quote, WritesAQuoteInATextTwice) {
  EXPECT_EQ(sql_text(R"(it's "so")"), R"('it''s "so"')");
}

// A `%` would begin an escape, a `?` the parameters, a `#` a fragment.
TEST(Quote, EscapesInAUriWhatIsNoPartOfAPathThere) {
  EXPECT_EQ(file_uri("/x/100% a?b#c.db"), "file:/x/100%25 a%3Fb%23c.db");
}

TEST(Quote, LeavesAPathAsItIs) {
  EXPECT_EQ(quoted("/x/it's"), "'/x/it's'");
}

}  // namespace
}  // namespace turnstile::sqlite
