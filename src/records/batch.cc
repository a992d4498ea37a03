#include <string>
#include <vector>

#include "turnstile/error.h"
#include "turnstile/records/row_access.h"

namespace turnstile::detail {

namespace {

std::string text_of(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* text = std::get_if<std::string>(&value)) return "'" + *text + "'";
  return "a blob";
}

Error::Details details_of(const Error& error, std::string message) {
  Error::Details details;
  details.code = error.code();
  details.message = std::move(message);
  details.hint = error.hint();
  details.sqlite_code = error.sqlite_code();
  details.system_code = error.system_code();
  details.sql = error.sql();
  details.sql_offset = error.sql_offset();
  details.lane = error.lane();
  details.where = error.where();
  details.commit_state = error.commit_state();
  details.retry_is_safe = error.retry_is_safe();
  return details;
}

}  // namespace

void rethrow_for_element(std::size_t index, const Table& table, const std::vector<Value>& key) {
  std::string element = "element " + std::to_string(index);
  std::string key_text;
  // A key that would have been generated says nothing.
  if (!table.generates_key() || key.front() != Value(std::int64_t{0}))
    for (std::size_t i = 0; i < key.size(); ++i)
      append(key_text,
             std::string(table.columns()[table.key()[i]].spec.name) + " " + text_of(key[i]));
  if (!key_text.empty()) element += " (" + key_text + ")";
  try {
    throw;
  } catch (const ConstraintError& error) {
    throw ConstraintError(details_of(error, element + ": " + std::string(error.message())));
  } catch (const MisuseError& error) {
    throw MisuseError(details_of(error, element + ": " + std::string(error.message())));
  }
}

}  // namespace turnstile::detail
