#include <string>
#include <utility>
#include <vector>

#include "sqlite/error_code.h"
#include "turnstile/vectors.h"
#include "vectors/catalog.h"
#include "vectors/definition.h"
#include "vectors/fail.h"
#include "vectors/pending.h"
#include "vectors/tables.h"

namespace turnstile {

namespace {

using vectors::CatalogEntry;

std::chrono::system_clock::time_point now(const VectorStoreOptions& options) {
  return options.now ? options.now() : std::chrono::system_clock::now();
}

VectorCollection handle(const Lane& lane, const VectorStoreOptions& options, CatalogEntry entry) {
  return VectorCollection(std::make_shared<const detail::VectorCollectionState>(
      detail::VectorCollectionState::Config{.lane = lane,
                                            .bulk = options.bulk.value_or(lane),
                                            .now = options.now,
                                            .number = entry.number,
                                            .name = std::move(entry.name),
                                            .definition = std::move(entry.definition),
                                            .block_size = entry.block_size}));
}

[[noreturn]] void raise_unknown(std::string_view name, std::source_location where) {
  vectors::fail(code("VECTOR_COLLECTION_UNKNOWN"),
                "there is no collection " + vectors::in_quotes(name), {}, where);
}

void require_same(const CatalogEntry& there, const VectorDefinition& wanted,
                  std::source_location where) {
  const std::string difference = vectors::difference(there.definition, wanted);
  if (difference.empty()) return;
  vectors::fail(code("VECTOR_COLLECTION_DIFFERS"),
                "the collection " + vectors::in_quotes(there.name) +
                    " has another definition than is asked for: " + difference,
                "Ask for what is there, or begin it anew with VectorStore::redefine (in the "
                "command line: vec rebuild), which marks all of its items as to be embedded again.",
                where);
}

}  // namespace

VectorStore::VectorStore(Lane lane, VectorStoreOptions options, std::source_location where)
    : lane_(std::move(lane)), options_(std::move(options)) {
  try {
    lane_.migrate(vectors::kComponent, vectors::schema_steps(), {}, where);
  } catch (const MisuseError& error) {
    // What is there can be read all the same.
    if (error.code() != code("DB_READ_ONLY")) throw;
  }
}

VectorCollection VectorStore::create(std::string_view name, const VectorDefinition& definition,
                                     std::source_location where) const {
  vectors::validate_name(name, where);
  const VectorDefinition wanted = vectors::validated(definition, where);
  CatalogEntry entry = lane_.write(
      [&](WriteTx& tx) {
        vectors::require_extension(tx, wanted, where);
        if (vectors::find_collection(tx, name)) {
          vectors::refuse(code("VECTOR_COLLECTION_EXISTS"),
                          "there is a collection " + vectors::in_quotes(name) + " already", {},
                          where);
        }
        return vectors::make_collection(tx, name, wanted, now(options_));
      },
      where);
  return handle(lane_, options_, std::move(entry));
}

VectorCollection VectorStore::open(std::string_view name, std::source_location where) const {
  auto entry = lane_.read(
      [&](ReadTx& tx) {
        auto found = vectors::find_collection(tx, name);
        if (found) vectors::require_extension(tx, found->definition, where);
        return found;
      },
      where);
  if (!entry) raise_unknown(name, where);
  return handle(lane_, options_, *std::move(entry));
}

VectorCollection VectorStore::open_or_create(std::string_view name,
                                             const VectorDefinition& definition,
                                             std::source_location where) const {
  vectors::validate_name(name, where);
  const VectorDefinition wanted = vectors::validated(definition, where);
  const auto look = [&](ReadTx& tx) {
    vectors::require_extension(tx, wanted, where);
    auto found = vectors::find_collection(tx, name);
    if (found) require_same(*found, wanted, where);
    return found;
  };
  auto entry = lane_.read(look, where);
  if (!entry) {
    entry = lane_.write(
        [&](WriteTx& tx) {
          // Somebody may have been quicker.
          auto found = look(tx);
          return found ? found : vectors::make_collection(tx, name, wanted, now(options_));
        },
        where);
  }
  return handle(lane_, options_, *std::move(entry));
}

VectorCollection VectorStore::redefine(std::string_view name, const VectorDefinition& definition,
                                       std::source_location where) const {
  const VectorDefinition wanted = vectors::validated(definition, where);
  CatalogEntry entry = lane_.write(
      [&](WriteTx& tx) {
        const auto former = vectors::find_collection(tx, name);
        if (!former) raise_unknown(name, where);
        vectors::require_extension(tx, former->definition, where);
        vectors::require_extension(tx, wanted, where);
        const vectors::Tables tables(former->number, former->definition);
        tx.execute("UPDATE vector_collection SET name = '' WHERE id = ?", former->number);
        CatalogEntry anew = vectors::make_collection(tx, name, wanted, now(options_));
        // Marks that were there already are of newer versions than the items.
        tx.execute(
            "INSERT INTO vector_pending(collection, id, version, due) "
            "SELECT ?1, id, version, ?2 FROM vector_pending WHERE collection = ?3",
            anew.number, now(options_), former->number);
        tx.execute(
            "INSERT OR IGNORE INTO vector_pending(collection, id, version, due) "
            "SELECT ?1, id, version, ?2 FROM " +
                tables.item,
            anew.number, now(options_));
        vectors::drop_collection(tx, *former);
        return anew;
      },
      where);
  return handle(lane_, options_, std::move(entry));
}

bool VectorStore::drop(std::string_view name, std::source_location where) const {
  return lane_.write(
      [&](WriteTx& tx) {
        const auto entry = vectors::find_collection(tx, name);
        if (!entry) return false;
        vectors::require_extension(tx, entry->definition, where);
        vectors::drop_collection(tx, *entry);
        return true;
      },
      where);
}

std::vector<std::string> VectorStore::names(std::source_location where) const {
  return lane_.read(
      [](ReadTx& tx) {
        const bool any = tx.query<std::int64_t>(
                               "SELECT count(*) FROM sqlite_schema WHERE name = "
                               "'vector_collection'")
                             .one() > 0;
        if (!any) return std::vector<std::string>();
        return tx.query<std::string>("SELECT name FROM vector_collection ORDER BY name").all();
      },
      where);
}

}  // namespace turnstile
