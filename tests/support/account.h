// The record that processes of the tests of records work with.
#pragma once

#include <cstdint>
#include <string>

#include "turnstile/records.h"

namespace turnstile::test {

struct Account {
  std::int64_t id = 0;
  std::string name;
  std::int64_t balance = 0;
  std::int64_t uses = 0;
  std::int64_t version = 0;
};

}  // namespace turnstile::test

template <>
struct turnstile::Describe<turnstile::test::Account> {
  using Account = turnstile::test::Account;
  static constexpr auto table() {
    return turnstile::table(
        "account", column<&Account::id>("id").primary_key(),
        column<&Account::name>("name").unique(), column<&Account::balance>("balance"),
        column<&Account::uses>("uses").counter(), column<&Account::version>("version").version());
  }
};
