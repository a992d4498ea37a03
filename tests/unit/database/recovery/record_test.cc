#include "database/recovery/record.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "database/recovery/btree_page.h"
#include "support/thrown.h"

namespace turnstile::database::recovery {
namespace {

using test::thrown;

Bytes bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string_view text(const Field& field) {
  return {reinterpret_cast<const char*>(field.bytes.data()), field.bytes.size()};
}

TEST(RecoveryVarint, HasOneToNineBytes) {
  EXPECT_EQ(read_varint(bytes("\x7f"), 0).value, 0x7FU);
  const Varint two = read_varint(bytes("\x81\x01"), 0);
  EXPECT_EQ(two.value, 0x81U);
  EXPECT_EQ(two.size, 2U);
  const Varint nine = read_varint(bytes("\xff\xff\xff\xff\xff\xff\xff\xff\xff"), 0);
  EXPECT_EQ(nine.value, ~std::uint64_t{0});
  EXPECT_EQ(nine.size, 9U);
}

TEST(RecoveryVarint, IsDamageWhenItIsCutOff) {
  EXPECT_THROW((void)read_varint(bytes("\x81\x81"), 0), Damage);
  EXPECT_THROW((void)read_varint(bytes("\x01"), 1), Damage);
}

TEST(RecoveryRecord, HasEveryTypeOfValue) {
  using namespace std::string_view_literals;
  // Header of 9 bytes: NULL, int8, int16, int32, real, 0, 1, blob of 1, text of 2.
  const auto payload =
      "\x0a\x00\x01\x02\x04\x07\x08\x09\x0e\x11"
      "\xff"
      "\x01\x00"
      "\x80\x00\x00\x00"
      "\x3f\xf8\x00\x00\x00\x00\x00\x00"
      "b"
      "tx"sv;
  const std::vector<Field> fields = parse_record(bytes(payload));
  ASSERT_EQ(fields.size(), 9U);
  EXPECT_EQ(fields[0].type, ValueType::Null);
  EXPECT_EQ(fields[1].integer, -1);
  EXPECT_EQ(fields[2].integer, 256);
  EXPECT_EQ(fields[3].integer, -2147483648LL);
  EXPECT_EQ(fields[4].real, 1.5);
  EXPECT_EQ(fields[5].integer, 0);
  EXPECT_EQ(fields[6].integer, 1);
  EXPECT_EQ(fields[7].type, ValueType::Blob);
  EXPECT_EQ(fields[8].type, ValueType::Text);
  EXPECT_EQ(text(fields[8]), "tx");
}

TEST(RecoveryRecord, IsDamageWhenItsContentIsCutOff) {
  const auto damage = thrown<Damage>([] { (void)parse_record(bytes("\x02\x11t")); });
  EXPECT_STREQ(damage.what(), "a value reaches past its end");
}

TEST(RecoveryRecord, IsDamageWithATypeThatDoesNotExist) {
  EXPECT_THROW((void)parse_record(bytes("\x02\x0a")), Damage);
}

TEST(RecoveryRecord, IsDamageWhenItsHeaderIsLongerThanItself) {
  EXPECT_THROW((void)parse_record(bytes("\x7f\x01")), Damage);
  EXPECT_THROW((void)parse_record(bytes("")), Damage);
}

TEST(RecoveryRecord, IsDamageWithALengthBeyondAllMemory) {
  EXPECT_THROW((void)parse_record(bytes("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff")), Damage);
}

TEST(RecoveryPage, IsDamageWhenItHasNoKnownType) {
  const std::string zero(512, '\0');
  EXPECT_THROW(BtreePage(bytes(zero), 2), Damage);
}

TEST(RecoveryPage, IsDamageWhenItClaimsMoreCellsThanItCanHave) {
  std::string page(512, '\0');
  page[0] = 13;
  page[3] = 1;  // 256 cells.
  EXPECT_THROW(BtreePage(bytes(page), 2), Damage);
}

TEST(RecoveryPage, KeepsGoodCellsBesideADamagedOne) {
  std::string page(512, '\0');
  page[0] = 13;
  page[4] = 2;
  page[8] = 1;  // The first cell is at 504, the second at 65280.
  page[9] = static_cast<char>(0xf8);
  page[10] = static_cast<char>(0xff);
  page.replace(504, 4, "\x02\x07\x02\x09", 4);  // 2 bytes of payload, rowid 7.
  const BtreePage parsed(bytes(page), 2);
  EXPECT_EQ(parsed.cell(0).rowid, 7);
  EXPECT_EQ(parsed.cell(0).local.size(), 2U);
  EXPECT_THROW((void)parsed.cell(1), Damage);
}

}  // namespace
}  // namespace turnstile::database::recovery
