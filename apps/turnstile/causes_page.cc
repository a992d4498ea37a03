#include "causes_page.h"

#include <fmt/core.h>

#include <cctype>
#include <string_view>

#include "turnstile/causes.h"

namespace turnstile::cli {

namespace {

constexpr std::string_view kHead =
    R"(# Causes

Why SQLite fails or loses data, for any program that uses it. A result code says what SQLite could
not do, not why. `turnstile explain WORDS` finds the causes behind a code, a message or a line of a
log; `turnstile demo CAUSE` lets one happen, and then does the same work through Turnstile.

This page is made from the table in `src/diagnose/causes/`, with `turnstile explain --markdown`;
tests compare it, and let each cause happen that a program can force.

)";

std::string code_list(std::string_view names, std::string_view none) {
  if (names.empty()) return std::string(none);
  std::string list = "`";
  for (const char c : names)
    list += c == ' ' ? std::string("`, `") : std::string(1, c);
  return list + "`";
}

std::string as_sentence(std::string_view clause) {
  std::string text(clause);
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text + ".";
}

std::string section(const Cause& cause) {
  std::string text = fmt::format("## {}\n\n{}\n\n", cause.id, as_sentence(cause.title));
  text += fmt::format("- **SQLite says:** {}\n",
                      code_list(cause.sqlite_codes, "nothing; data is missing in silence"));
  text += fmt::format("- **Turnstile says:** {}\n",
                      code_list(cause.error_codes, "nothing; it does not come to this"));
  text += fmt::format("- **What happens:** {}\n", cause.meaning);
  text += fmt::format("- **How to find out:** {}\n", cause.signs);
  text += fmt::format("- **Cure:** {}\n", cause.cure);
  text += fmt::format("- **With Turnstile:** {}\n", cause.turnstile);
  text += cause.not_shown.empty() ? fmt::format("- **Shown by:** `turnstile demo {}`\n\n", cause.id)
                                  : fmt::format("- **Not shown:** {}\n\n", cause.not_shown);
  return text;
}

}  // namespace

std::string causes_page() {
  std::string page(kHead);
  page += "| cause | what it is |\n|---|---|\n";
  for (const Cause& cause : causes())
    page += fmt::format("| [{0}](#{0}) | {1} |\n", cause.id, cause.title);
  page += "\n";
  for (const Cause& cause : causes())
    page += section(cause);
  page.pop_back();
  return page;
}

}  // namespace turnstile::cli
