// The record format: a row as it is stored. https://sqlite.org/fileformat2.html#record_format
#pragma once

#include <cstdint>
#include <vector>

#include "database/recovery/bytes.h"
#include "turnstile/value.h"

namespace turnstile::database::recovery {

/// One value of a record. Text is in the encoding of its file.
struct Field {
  ValueType type = ValueType::Null;
  std::int64_t integer = 0;
  double real = 0;
  Bytes bytes{};  // Of a text or blob, within the payload.
};

/// The fields of a payload, which they refer to. Throws Damage.
[[nodiscard]] std::vector<Field> parse_record(Bytes payload);

}  // namespace turnstile::database::recovery
