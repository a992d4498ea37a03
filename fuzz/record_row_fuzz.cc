// Whatever values a row has, it is read as a record or refused; and a record comes back from its
// table as it was.
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fuzz_input.h"
#include "turnstile/records.h"
#include "turnstile/turnstile.h"

namespace {

using turnstile::fuzz::Input;
using turnstile::fuzz::require;

enum class Kind : std::uint8_t { None, Some };

// A member of each sort that a column can have.
struct Sample {
  std::int64_t id = 0;
  std::uint8_t small = 0;
  bool flag = false;
  double real = 0;
  std::string text;
  std::optional<std::string> maybe;
  turnstile::Blob bytes;
  std::vector<float> numbers;
  std::chrono::sys_time<std::chrono::microseconds> time{};
  std::chrono::seconds span{};
  Kind kind = Kind::None;
};

}  // namespace

template <>
struct turnstile::Describe<Sample> {
  static constexpr auto table() {
    return turnstile::table("sample", column<&Sample::id>("id").primary_key(),
                            column<&Sample::small>("small"), column<&Sample::flag>("flag"),
                            column<&Sample::real>("real"), column<&Sample::text>("text"),
                            column<&Sample::maybe>("maybe"), column<&Sample::bytes>("bytes"),
                            column<&Sample::numbers>("numbers"), column<&Sample::time>("time"),
                            column<&Sample::span>("span"), column<&Sample::kind>("kind"));
  }
};

namespace {

constexpr int kColumns = 11;

// Elements are compared by their bits: a float that is not a number is stored as it is.
bool same_bits(const std::vector<float>& one, const std::vector<float>& other) {
  return one.size() == other.size() &&
         (one.empty() || std::memcmp(one.data(), other.data(), one.size() * sizeof(float)) == 0);
}

bool same(const Sample& one, const Sample& other) {
  return one.id == other.id && one.small == other.small && one.flag == other.flag &&
         one.real == other.real && one.text == other.text && one.maybe == other.maybe &&
         one.bytes == other.bytes && same_bits(one.numbers, other.numbers) &&
         one.time == other.time && one.span == other.span && one.kind == other.kind;
}

// Of each storage class; a text need not be UTF-8, as in files that others have written.
void bind_one(turnstile::Statement& statement, int index, Input& input) {
  const auto bytes = [](const std::string& text) {
    return std::as_bytes(std::span(text.data(), text.size()));
  };
  switch (input.number<std::uint8_t>() % 5) {
    case 0:
      return statement.bind(index, nullptr);
    case 1:
      return statement.bind(index, input.number<std::int64_t>());
    case 2:
      return statement.bind(index, std::int64_t{input.number<std::int8_t>()});
    case 3:
      return statement.bind(index, std::bit_cast<double>(input.number<std::uint64_t>()));
    default:
      return statement.bind(index, bytes(input.text()));
  }
}

// The values as a row, some of the blobs as texts.
std::string row_of(Input& input) {
  std::string sql = "SELECT ";
  const auto texts = input.number<std::uint16_t>();
  for (int column = 0; column < kColumns; ++column) {
    if (column > 0) sql += ", ";
    const std::string parameter = "?" + std::to_string(column + 1);
    const bool is_text = ((texts >> column) & 1) != 0;
    sql += is_text ? "iif(typeof(" + parameter + ") = 'blob', CAST(" + parameter + " AS TEXT), " +
                         parameter + ")"
                   : parameter;
  }
  return sql;
}

void check(const turnstile::Records<Sample>& samples, turnstile::WriteTx& tx, Input& input) {
  turnstile::Statement statement = tx.prepare(row_of(input));
  for (int column = 1; column <= kColumns; ++column)
    bind_one(statement, column, input);
  require(statement.step(), "a SELECT of values has no row");
  const Sample sample = turnstile::Records<Sample>::read(statement.row());
  statement.rewind();
  const std::int64_t id = samples.upsert(tx, sample);
  const std::optional<Sample> found = samples.get(tx, id);
  require(found.has_value(), "a record that was stored is not there");
  require(sample.id == 0 ? found->id == id : same(sample, *found), "a record comes back changed");
  require(samples.remove(tx, id), "a record that was stored cannot be removed");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const turnstile::Database database = turnstile::Database::open(":memory:");
  static const turnstile::Records<Sample> samples(database.lane("fuzz"));
  Input input(data, size);
  try {
    samples.lane().write([&](turnstile::WriteTx& tx) { check(samples, tx, input); });
  } catch (const turnstile::MisuseError& error) {
    constexpr auto kRefusals =
        std::to_array<std::string_view>({"COLUMN_RANGE", "COLUMN_TYPE", "PARAMETER_INVALID"});
    require(std::ranges::find(kRefusals, error.code()) != kRefusals.end(), error.what());
  }
  return 0;
}
