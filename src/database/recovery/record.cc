#include "database/recovery/record.h"

#include <array>
#include <bit>

namespace turnstile::database::recovery {

namespace {

// By serial type, for the types below 12 that are numbers.
constexpr std::array<std::size_t, 10> kNumberSizes{0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
constexpr std::uint64_t kReal = 7;
constexpr std::uint64_t kZero = 8;
constexpr std::uint64_t kOne = 9;
constexpr std::uint64_t kFirstOfBytes = 12;  // Even ones are blobs, odd ones are texts.

std::size_t size_of(std::uint64_t serial_type) {
  if (serial_type >= kFirstOfBytes) return (serial_type - kFirstOfBytes) / 2;
  if (serial_type >= kNumberSizes.size()) throw Damage("a value is of a type that does not exist");
  return kNumberSizes[serial_type];
}

std::int64_t signed_number(Bytes bytes) {
  const bool negative = !bytes.empty() && (bytes[0] & std::byte{0x80}) != std::byte{};
  std::uint64_t number = negative ? ~std::uint64_t{0} : 0;
  for (const std::byte byte : bytes)
    number = number << 8U | std::to_integer<std::uint64_t>(byte);
  return static_cast<std::int64_t>(number);
}

Field make_field(std::uint64_t serial_type, Bytes bytes) {
  Field field;
  if (serial_type >= kFirstOfBytes) {
    field.type = serial_type % 2 == 0 ? ValueType::Blob : ValueType::Text;
    field.bytes = bytes;
  } else if (serial_type == kReal) {
    field.type = ValueType::Real;
    field.real = std::bit_cast<double>(big_endian<std::uint64_t>(bytes, 0));
  } else if (serial_type != 0) {
    field.type = ValueType::Integer;
    field.integer = serial_type == kZero ? 0 : serial_type == kOne ? 1 : signed_number(bytes);
  }
  return field;
}

}  // namespace

std::vector<Field> parse_record(Bytes payload) {
  const Varint header = read_varint(payload, 0);
  if (header.value < header.size || header.value > payload.size())
    throw Damage("the header of a row is longer than the row");
  const Bytes types = payload.first(static_cast<std::size_t>(header.value));
  std::size_t content = types.size();
  std::vector<Field> fields;
  for (std::size_t offset = header.size; offset < types.size();) {
    const Varint serial_type = read_varint(types, offset);
    offset += serial_type.size;
    const std::size_t size = size_of(serial_type.value);
    fields.push_back(make_field(serial_type.value, slice(payload, content, size)));
    content += size;
  }
  return fields;
}

}  // namespace turnstile::database::recovery
