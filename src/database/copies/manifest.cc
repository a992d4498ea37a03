#include "database/copies/manifest.h"

#include <tuple>
#include <utility>

#include "database/copies/file_error.h"
#include "database/copies/temp_file.h"
#include "gate/write_all.h"
#include "sqlite/connection.h"
#include "sqlite/quote.h"

namespace turnstile::database {

namespace {

// JSON is what the engine reads and writes anyway.
sqlite::Connection json_engine(const Call& call) {
  sqlite::Connection::Config config;
  config.path = ":memory:";
  config.create = true;
  return sqlite::Connection(std::move(config), call);
}

}  // namespace

std::string Manifest::to_json() const {
  const Call call;
  sqlite::Connection engine = json_engine(call);
  engine.execute("CREATE TABLE entry(name TEXT, count INTEGER)");
  Statement insert = engine.prepare("INSERT INTO entry VALUES (?, ?)");
  for (const TableRows& table : tables)
    insert.execute(table.table, table.rows);
  return engine
             .prepare(
                 "SELECT json_object('format', 1, 'file', ?, 'created', ?, 'bytes', ?,"
                 " 'sha256', ?, 'schema_version', ?,"
                 " 'tables', json((SELECT json_group_object(name, count) FROM entry)))")
             .query<std::string>(file, created, bytes, sha256, schema_version)
             .one() +
         '\n';
}

std::optional<Manifest> Manifest::from_json(const std::string& text) {
  const Call call;
  sqlite::Connection engine = json_engine(call);
  try {
    Manifest manifest;
    std::tie(manifest.file, manifest.created, manifest.bytes, manifest.sha256,
             manifest.schema_version) =
        engine
            .prepare(
                "SELECT j ->> '$.file', j ->> '$.created', j ->> '$.bytes',"
                " j ->> '$.sha256', j ->> '$.schema_version' FROM (SELECT ? AS j)"
                " WHERE j ->> '$.format' = 1")
            .query<std::string, std::string, std::int64_t, std::string, std::int64_t>(text)
            .one();
    for (const auto& [name, rows] :
         engine.prepare("SELECT key, value FROM json_each(?, '$.tables') ORDER BY key")
             .query<std::string, std::int64_t>(text)
             .all()) {
      manifest.tables.push_back({name, rows});
    }
    return manifest;
  } catch (const Error&) {
    // No JSON, or a member is missing or of another type.
    return std::nullopt;
  }
}

std::filesystem::path manifest_path(const std::filesystem::path& file) {
  return file.native() + ".manifest";
}

void write_manifest(const std::filesystem::path& file, const Manifest& manifest, const Call& call) {
  const std::filesystem::path path = manifest_path(file);
  TempFile temp(path, call);
  const std::string text = manifest.to_json();
  const int cause = gate::write_all(temp.descriptor(), text);
  if (cause != 0) raise_file_error(cause, "cannot write " + sqlite::quoted(path), call);
  temp.imitate(file);
  temp.sync();
  temp.publish(true);
}

}  // namespace turnstile::database
