// A profile behind a password: its database is one encrypted file, and in memory while it is open.
#include <iostream>
#include <string>

#include "turnstile/turnstile.h"
#include "turnstile/vault.h"

int main() {
  turnstile::WorkspaceOptions options;
  options.database.migrations = {{1, "secrets", "CREATE TABLE secret(text TEXT)"}};
  turnstile::Workspace workspace = turnstile::Workspace::open("profiles", options);
  workspace.create("diary", {.kind = turnstile::ProfileKind::Sealed, .password = "correct horse"});

  turnstile::VaultSession session = workspace.unlock("diary", "correct horse");
  session.lane("diary").write([](turnstile::WriteTx& tx) {
    tx.execute("INSERT INTO secret VALUES ('nothing of this is on the disk as it stands')");
  });
  session.lock();  // Saved, and its keys overwritten.

  session = workspace.unlock("diary", "correct horse");
  std::cout << session.lane("diary").read([](turnstile::ReadTx& tx) {
    return tx.query<std::string>("SELECT text FROM secret").one();
  }) << '\n';
  session.lock();

  try {
    session = workspace.unlock("diary", "battery staple");
  } catch (const turnstile::VaultError& error) {
    std::cout << error.code() << ": " << error.message() << '\n';
  }
  return 0;
}

// Prints:
//   nothing of this is on the disk as it stands
//   INVALID_PASSWORD: no key slot opens with that password
