// Members of all types, with all values, come back as they were; what cannot be stored or read is
// refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "support/run_script.h"
#include "support/temp_dir.h"
#include "support/test_seed.h"
#include "support/thrown.h"
#include "turnstile/records.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {

/// A type that the library does not know, stored as text.
struct Colour {
  std::uint8_t red = 0;
  std::uint8_t green = 0;

  bool operator==(const Colour&) const = default;
};

/// A key of a type of its own.
struct ItemId {
  std::int64_t value = 0;

  bool operator==(const ItemId&) const = default;
};

enum class Mood : std::uint8_t { Calm, Wild = 255 };

struct Item {
  ItemId id;
  bool flag = false;
  std::int8_t tiny = 0;
  std::uint32_t wide = 0;
  std::uint64_t widest = 0;
  double real = 0;
  float single = 0;
  std::string text;
  Blob blob;
  std::vector<float> numbers;
  std::optional<std::string> maybe_text;
  std::optional<double> maybe_real;
  Mood mood = Mood::Calm;
  std::chrono::sys_time<std::chrono::microseconds> when{};
  std::chrono::milliseconds span{0};
  Colour colour;
  std::optional<Colour> maybe_colour;
  Value any;

  bool operator==(const Item&) const = default;
};

/// A key that is narrower than SQLite's.
struct Narrow {
  std::int8_t id = 0;
};

}  // namespace turnstile::test

template <>
struct turnstile::Codec<turnstile::test::Colour> {
  using Stored = std::string;
  static Stored encode(const turnstile::test::Colour& colour) {
    return std::to_string(colour.red) + "/" + std::to_string(colour.green);
  }
  static turnstile::test::Colour decode(const Stored& text) {
    const std::size_t slash = text.find('/');
    return {static_cast<std::uint8_t>(std::stoi(text.substr(0, slash))),
            static_cast<std::uint8_t>(std::stoi(text.substr(slash + 1)))};
  }
};

template <>
struct turnstile::Codec<turnstile::test::ItemId> {
  using Stored = std::int64_t;
  static Stored encode(const turnstile::test::ItemId& id) { return id.value; }
  static turnstile::test::ItemId decode(const Stored& value) { return {value}; }
};

template <>
struct turnstile::Describe<turnstile::test::Item> {
  using Item = turnstile::test::Item;
  static constexpr auto table() {
    return turnstile::table(
        "item", column<&Item::id>("id").primary_key(), column<&Item::flag>("flag"),
        column<&Item::tiny>("tiny"), column<&Item::wide>("wide"), column<&Item::widest>("widest"),
        column<&Item::real>("real"), column<&Item::single>("single"), column<&Item::text>("text"),
        column<&Item::blob>("blob"), column<&Item::numbers>("numbers"),
        column<&Item::maybe_text>("maybe_text"), column<&Item::maybe_real>("maybe_real"),
        column<&Item::mood>("mood"), column<&Item::when>("when"), column<&Item::span>("span"),
        column<&Item::colour>("colour").default_to("0/0").unique(),
        column<&Item::maybe_colour>("maybe_colour"), column<&Item::any>("any"));
  }
};

template <>
struct turnstile::Describe<turnstile::test::Narrow> {
  static constexpr auto table() {
    return turnstile::table("narrow", column<&turnstile::test::Narrow::id>("id").primary_key());
  }
};

namespace turnstile::test {
namespace {

using testing::HasSubstr;
using testing::Optional;

/// Values of each type, extremes more often than others. Threads: confined.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  template <class Integer>
  Integer integer() {
    switch (engine_() % 4) {
      case 0:
        return std::numeric_limits<Integer>::min();
      case 1:
        return std::numeric_limits<Integer>::max();
      default:
        return static_cast<Integer>(engine_());
    }
  }
  double real() {
    constexpr double kExtremes[] = {0.0,
                                    -0.0,
                                    0.1,
                                    std::numeric_limits<double>::max(),
                                    5e-324,
                                    -1.0 / 3.0,
                                    std::numeric_limits<double>::infinity()};
    return engine_() % 2 == 0 ? kExtremes[engine_() % std::size(kExtremes)]
                              : std::ldexp(static_cast<double>(engine_()),
                                           static_cast<int>(engine_() % 200) - 100);
  }
  std::string text() {
    static const std::string kPieces[] = {
        "a", "'", "\"", "\\", "%", "\n", "ä", "€", "😀", std::string(1, '\0'), ";", "--"};
    std::string text;
    for (std::size_t n = engine_() % 12; n > 0; --n)
      text += kPieces[engine_() % std::size(kPieces)];
    return text;
  }
  Blob blob() {
    Blob bytes(engine_() % 10);
    for (std::byte& byte : bytes)
      byte = static_cast<std::byte>(engine_());
    return bytes;
  }
  Value any() {
    switch (engine_() % 5) {
      case 0:
        return integer<std::int64_t>();
      case 1:
        return real();
      case 2:
        return text();
      case 3:
        return blob();
      default:
        return {};
    }
  }
  bool coin() { return engine_() % 2 == 0; }

  Item item(std::uint8_t number) {
    Item item{.flag = coin(),
              .tiny = integer<std::int8_t>(),
              .wide = integer<std::uint32_t>(),
              .widest = integer<std::uint64_t>() >> 1U,
              .real = real(),
              .single = static_cast<float>(integer<std::int32_t>()) / 3,
              .text = text(),
              .blob = blob(),
              .mood = coin() ? Mood::Wild : static_cast<Mood>(integer<std::uint8_t>()),
              .when = std::chrono::sys_time<std::chrono::microseconds>(
                  std::chrono::microseconds(integer<std::int64_t>())),
              .span = std::chrono::milliseconds(integer<std::int32_t>()),
              .colour = {number, integer<std::uint8_t>()},
              .any = any()};
    for (std::size_t n = engine_() % 4; n > 0; --n)
      item.numbers.push_back(static_cast<float>(integer<std::int16_t>()) / 7);
    if (coin()) item.maybe_text = text();
    if (coin()) item.maybe_real = real();
    if (coin()) item.maybe_colour = Colour{integer<std::uint8_t>(), 1};
    return item;
  }

 private:
  std::mt19937_64 engine_;
};

class RecordValues : public testing::Test {
 protected:
  TempDir directory_;
  Database database_ = Database::open(directory_.file("a.db"));
  Lane lane_ = database_.lane("values");
  Records<Item> items_{lane_};
};

TEST_F(RecordValues, ComeBackAsTheyWere) {
  Random random(test_seed());
  for (int round = 0; round < 40; ++round) {
    std::vector<Item> items;
    for (int i = 0; i < 50; ++i)
      items.push_back(random.item(static_cast<std::uint8_t>(i)));
    items_.insert_all(items);
    EXPECT_EQ(items_.select().all(), items);
    for (Item& item : items) {
      const Item other = random.item(item.colour.red);
      const ItemId id = item.id;
      item = other;
      item.id = id;
      ASSERT_EQ(items_.update(item), UpdateResult::Updated);
      ASSERT_THAT(items_.get(id), Optional(item));
      Item again = other;
      ASSERT_EQ(items_.upsert<&Item::colour>(again), id);
      ASSERT_EQ(again, item);
    }
    items_.clear();
  }
}

TEST_F(RecordValues, AreFoundByTheirOwnValue) {
  Random random(test_seed());
  std::vector<Item> items;
  for (int i = 0; i < 200; ++i)
    items.push_back(random.item(static_cast<std::uint8_t>(i)));
  items_.insert_all(items);
  const auto finds = [this](const Item& item, const Condition<Item>& condition) {
    return items_.where(condition && field<&Item::id> == item.id).exists();
  };
  for (const Item& item : items) {
    EXPECT_TRUE(finds(item, field<&Item::widest> == item.widest));
    EXPECT_TRUE(finds(item, field<&Item::real> == item.real));
    EXPECT_TRUE(finds(item, field<&Item::text> == item.text));
    EXPECT_TRUE(finds(item, field<&Item::text>.in({item.text})));
    EXPECT_TRUE(finds(item, field<&Item::blob> == item.blob));
    EXPECT_TRUE(finds(item, field<&Item::blob>.in({item.blob})));
    EXPECT_TRUE(finds(item, field<&Item::maybe_text> == item.maybe_text));
    EXPECT_TRUE(finds(item, field<&Item::mood> == item.mood));
    EXPECT_TRUE(finds(item, field<&Item::when> == item.when));
    EXPECT_TRUE(finds(item, field<&Item::when>.in({item.when})));
    EXPECT_TRUE(finds(item, field<&Item::colour> == item.colour));
    EXPECT_TRUE(finds(item, field<&Item::id>.in({item.id})));
  }
}

// ENT-02: content that is empty or a mebibyte long, and binary.
TEST_F(RecordValues, OfAMebibyteComeBackAsTheyWere) {
  constexpr std::size_t kMebibyte = 1U << 20U;
  Item item{.text = std::string(kMebibyte, 'x'), .blob = Blob(kMebibyte, std::byte{0xff})};
  items_.insert(item);
  EXPECT_THAT(items_.get(item.id), Optional(item));
}

TEST_F(RecordValues, OfKeysOfTheProgramsOwnTypeAreGenerated) {
  Item item{.text = "a"};
  EXPECT_EQ(items_.insert(item), ItemId{1});
  EXPECT_EQ(item.id, ItemId{1});
}

TEST_F(RecordValues, ThatSqliteWouldChangeAreRefused) {
  const auto code = [this](const Item& item) {
    return thrown<MisuseError>([&] { items_.insert(item); }).code();
  };
  EXPECT_EQ(code({.real = std::nan("")}), "PARAMETER_INVALID");
  EXPECT_EQ(code({.text = "\xc3"}), "PARAMETER_INVALID");
  EXPECT_EQ(code({.widest = std::numeric_limits<std::uint64_t>::max()}), "PARAMETER_INVALID");
  EXPECT_EQ(items_.select().count(), 0);
}

TEST_F(RecordValues, ThatCannotBeStoredCannotBeComparedWithEither) {
  EXPECT_EQ(thrown<MisuseError>([] {
              static_cast<void>(field<&Item::widest> == std::numeric_limits<std::uint64_t>::max());
            }).code(),
            "PARAMETER_INVALID");
  EXPECT_EQ(thrown<MisuseError>([&] {
              static_cast<void>(items_.where(field<&Item::text> == "\xc3").count());
            }).code(),
            "PARAMETER_INVALID");
}

// What another program has stored, and the member cannot have.
TEST_F(RecordValues, ThatAMemberCannotHaveAreNotRead) {
  const ItemId id = items_.insert({});
  const auto code_after = [&](const std::string& assignment) {
    run_script(lane_, "UPDATE item SET " + assignment);
    return thrown<MisuseError>([&] { static_cast<void>(items_.get(id)); }).code();
  };
  EXPECT_EQ(code_after("flag = 2"), "COLUMN_RANGE");
  EXPECT_EQ(code_after("flag = 1, tiny = 1000"), "COLUMN_RANGE");
  EXPECT_EQ(code_after("tiny = 1, wide = -1"), "COLUMN_RANGE");
  EXPECT_EQ(code_after("wide = 1, numbers = x'010203'"), "COLUMN_RANGE");
}

TEST_F(RecordValues, OfKeysThatOutgrowTheirMemberAreRefused) {
  const Records<Narrow> narrow(lane_);
  narrow.insert({.id = 127});
  EXPECT_EQ(thrown<MisuseError>([&] { narrow.insert(Narrow{}); }).code(), "COLUMN_RANGE");
  std::vector<Narrow> more(2);
  EXPECT_EQ(thrown<MisuseError>([&] { narrow.insert_all(more); }).code(), "COLUMN_RANGE");
  EXPECT_EQ(narrow.select().count(), 1);
}

}  // namespace
}  // namespace turnstile::test
