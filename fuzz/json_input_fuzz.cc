// JSON that the command line reads. A line for `vec put` is an item that comes back as it was, or
// it is refused; and the audit log's own reader and another one agree on what JSON is.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "audit/json_text.h"
#include "failure.h"
#include "fuzz_input.h"
#include "json.h"
#include "json_input.h"
#include "vec/common.h"
#include "vec/item_line.h"

namespace {

using turnstile::cli::Json;
using turnstile::fuzz::require;

void check_item(std::string_view line) {
  try {
    const turnstile::VectorItem item = turnstile::cli::item_from_line(line, "the line");
    const std::string again = turnstile::cli::to_json(item).dump();
    turnstile::VectorItem found = turnstile::cli::item_from_line(again, "the line");
    // A payload that is JSON comes back as JSON, which can be written in several ways.
    found.payload = item.payload;
    require(found == item, "an item comes back changed: " + again);
  } catch (const turnstile::cli::Failure& failure) {
    require(failure.code() == "USAGE" && !failure.hint().empty(), failure.what());
  }
}

void check_detail(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) return;  // One takes it for space, which JSON leaves open.
  std::string compact;
  const bool is_json = !turnstile::audit::make_compact(text, compact);
  // Nothing that is too large for a double: only one of the two minds.
  const std::optional<Json> other = turnstile::cli::read_json(text);
  require(is_json || !other, "the audit log refuses what is JSON");
  if (!is_json) return;
  std::string again;
  require(!turnstile::audit::make_compact(compact, again) && again == compact,
          "what is compact is made compact anew");
  if (other) require(Json::parse(compact) == *other, "made compact, it is another value");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = turnstile::fuzz::Input(data, size).rest();
  check_item(text);
  check_detail(text);
  return 0;
}
