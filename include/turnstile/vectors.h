// Embeddings beside the data that they belong to: named collections of vectors, and the search for
// those that are nearest to a given one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/lane.h"
#include "turnstile/progress.h"
#include "turnstile/vector_filter.h"

namespace turnstile {

namespace detail {
class VectorCollectionState;
}  // namespace detail

/// What is measured between two vectors; less is nearer.
enum class VectorMetric {
  Cosine,        ///< 1 minus the cosine of their angle: 0 (same direction) to 2. No zero vectors.
  L2,            ///< The length of their difference.
  InnerProduct,  ///< Minus their inner product. Not with VectorStorage::SqliteVec.
  Hamming,       ///< The number of bits that differ: of VectorElement::Bit, and of nothing else.
};

/// What the numbers of a vector are.
enum class VectorElement {
  Float32,  ///< Four bytes each.
  Int8,     ///< Whole numbers from -128 to 127, a byte each.
  Bit,      ///< 0 or 1, eight a byte; the dimension is a multiple of 8.
};

/// How vectors are kept for the search. The results are the same.
enum class VectorStorage {
  Packed,     ///< In blocks of codes in an ordinary table. Fast, and needs no extension.
  SqliteVec,  ///< In a `vec0` table, for other programs that use sqlite-vec. The extension must be
              ///< among Options::extensions.
};

/// What a packed collection of Float32 vectors is searched by at first.
enum class VectorCodes {
  Int8,  ///< A byte a number. What cannot be ruled out by them is compared exactly, so that the
         ///< results are exact.
  Bit,   ///< A bit a number, an eighth of that. The results are near the exact ones: see
         ///< VectorSearch::rerank.
};

enum class VectorColumnType { Text, Integer, Real };  ///< What its values are.

[[nodiscard]] std::string_view to_string(VectorMetric metric) noexcept;  ///< In lower case.
[[nodiscard]] std::string_view to_string(VectorElement element) noexcept;
[[nodiscard]] std::string_view to_string(VectorStorage storage) noexcept;
[[nodiscard]] std::string_view to_string(VectorCodes codes) noexcept;
[[nodiscard]] std::string_view to_string(VectorColumnType type) noexcept;

/// A column that filters can use. Its name is made of ASCII letters, digits and `_`; `id`, `slot`,
/// `vector`, `distance`, `version`, `payload`, `k` and `rowid` are taken.
///
/// Threads: immutable.
struct VectorColumn {
  std::string name;
  VectorColumnType type = VectorColumnType::Text;

  bool operator==(const VectorColumn&) const = default;
};

/// What a collection is; fixed when it is made.
///
/// Threads: immutable.
struct VectorDefinition {
  int dimension = 0;  ///< Numbers in a vector: 1 to 16384, with SqliteVec up to 8192.
  /// The model that the vectors come from. Only compared: vectors of two models cannot be.
  std::string model{};
  std::optional<VectorMetric> metric{};  ///< Cosine when empty; Hamming for bits.
  VectorElement element = VectorElement::Float32;
  VectorStorage storage = VectorStorage::Packed;
  VectorCodes codes = VectorCodes::Int8;
  /// A column by which the vectors lie apart: a search for one value of it reads only those. For
  /// few values with many vectors each, such as tenants.
  std::optional<VectorColumn> partition{};
  std::vector<VectorColumn> columns{};  ///< Up to 16. Every item has a value for each of them.

  bool operator==(const VectorDefinition&) const = default;
};

/// Values by the names of columns, that of the partition too.
using VectorValues = std::map<std::string, Value, std::less<>>;

/// One vector with what belongs to it.
///
/// Threads: confined.
struct VectorItem {
  std::string id;             ///< 1 to 512 bytes of UTF-8, unique in the collection.
  std::vector<float> vector;  ///< For Int8 and Bit collections too: of numbers they can hold.
  VectorValues values{};      ///< One for each column.
  std::string payload{};      ///< Comes back as it is, such as JSON; UTF-8. Not for filters.
  /// An item does not replace one of a higher version.
  std::int64_t version = 0;

  bool operator==(const VectorItem&) const = default;
};

/// What an upsert did. Threads: immutable.
struct VectorUpsert {
  std::int64_t inserted = 0;
  std::int64_t replaced = 0;
  std::int64_t stale = 0;  ///< Passed over, because what is there has a higher version.

  bool operator==(const VectorUpsert&) const = default;
};

/// What is searched for. Threads: immutable.
struct VectorSearch {
  int limit = 5;         ///< The most items to find: 1 to 10000.
  VectorFilter where{};  ///< Others are not looked at, and do not count.
  std::optional<double> max_distance{};
  /// For VectorCodes::Bit: so many times `limit` vectors are compared exactly.
  int rerank = 32;
};

/// An item that was found. Threads: immutable.
struct VectorMatch {
  std::string id;
  double distance = 0;
  VectorValues values{};
  std::string payload{};

  bool operator==(const VectorMatch&) const = default;
};

/// What a collection contains. Threads: immutable.
struct VectorStats {
  std::int64_t items = 0;
  std::int64_t pending = 0;           ///< Marked by mark_pending() and not embedded yet.
  std::int64_t blocks = 0;            ///< Packed: blocks. SqliteVec: chunks.
  std::int64_t free_slots = 0;        ///< Places in them without a vector.
  std::vector<std::string> tables{};  ///< The collection's own tables, by name.
};

/// Threads: immutable.
struct VectorRebuildOptions {
  ProgressSink progress{};
  std::stop_token stop{};  ///< Ends it between two blocks; what was done is kept.
};

/// Threads: immutable.
struct VectorRebuild {
  std::int64_t moved = 0;  ///< Items.
  std::int64_t blocks_before = 0;
  std::int64_t blocks_after = 0;
  bool complete = true;  ///< False: it was stopped.
};

/// A collection that VectorStore has made or opened. Copies are the same collection. Every call
/// throws Error (VECTOR_COLLECTION_UNKNOWN) after it was dropped or redefined, by whomever, and
/// what Lane's calls throw.
///
/// The forms that take a transaction work in it; the others make one of their own. Searches are
/// reads: they wait for no writer, and any number can run at once.
///
/// Threads: shared.
class VectorCollection {
 public:
  explicit VectorCollection(std::shared_ptr<const detail::VectorCollectionState> state) noexcept;

  [[nodiscard]] const std::string& name() const noexcept;             ///< Of the collection.
  [[nodiscard]] const VectorDefinition& definition() const noexcept;  ///< With the metric.
  [[nodiscard]] const Lane& lane() const noexcept;                    ///< The one it was made with.

  /// Inserts items, or replaces those that have the same id, all of them or none; later ones of a
  /// batch win. Throws MisuseError (VECTOR_INVALID), which names the item and what is wrong: the
  /// number of numbers, NaN or infinity, a zero vector under Cosine, numbers that the element type
  /// cannot hold, a column that is missing, unknown or of another type, an id or payload that
  /// cannot be.
  VectorUpsert upsert(std::span<const VectorItem> items,
                      std::source_location where = std::source_location::current()) const;
  VectorUpsert upsert(WriteTx& tx, std::span<const VectorItem> items) const;

  /// Throws MisuseError (VECTOR_INVALID) where upsert() would, for the item's place in a batch.
  void check_item(const VectorItem& item, std::size_t index = 0) const;

  /// Removes the items of these ids, any number of them, and their pending marks. Ids that are not
  /// there do not matter. Returns how many items were.
  std::int64_t remove(std::span<const std::string> ids,
                      std::source_location where = std::source_location::current()) const;
  std::int64_t remove(WriteTx& tx, std::span<const std::string> ids) const;

  /// The item as it was given, bit for bit; nothing when there is none.
  [[nodiscard]] std::optional<VectorItem> get(
      std::string_view id, std::source_location where = std::source_location::current()) const;
  [[nodiscard]] std::optional<VectorItem> get(ReadTx& tx, std::string_view id) const;

  /// The nearest items, nearest first; of items equally far, those with lesser ids. Throws
  /// MisuseError: VECTOR_INVALID for the query, VECTOR_FILTER_INVALID, OPTION_INVALID.
  [[nodiscard]] std::vector<VectorMatch> search(
      std::span<const float> query, const VectorSearch& search = {},
      std::source_location where = std::source_location::current()) const;
  [[nodiscard]] std::vector<VectorMatch> search(ReadTx& tx, std::span<const float> query,
                                                const VectorSearch& search = {}) const;

  /// Notes, in the transaction that writes an item's content, that its vector is to be made. The
  /// mark, which is known by the number that is returned, stays until an EmbeddingBuffer or
  /// upsert() has stored a vector of that version, or remove() or a newer mark takes it away.
  /// Nothing is noted when there is a mark or an item of a higher version.
  std::optional<std::int64_t> mark_pending(WriteTx& tx, std::string_view id,
                                           std::int64_t version = 0) const;

  [[nodiscard]] VectorStats stats(  ///< Counts what it contains.
      std::source_location where = std::source_location::current()) const;

  /// Moves items together into as few blocks as they need, so that the file's pages come free (see
  /// Database::vacuum for giving them back to the system). Works in short transactions on the bulk
  /// lane of the store, between which others write.
  VectorRebuild rebuild(const VectorRebuildOptions& options = {},
                        std::source_location where = std::source_location::current()) const;

  /// Compares all that is stored of the collection with each other: blocks, items, vectors. A
  /// sentence for each fault; empty when there is none. Reads everything.
  [[nodiscard]] std::vector<std::string> check(
      std::source_location where = std::source_location::current()) const;

 private:
  friend class EmbeddingBuffer;

  std::shared_ptr<const detail::VectorCollectionState> state_;
};

/// Settings of a store. Threads: immutable.
struct VectorStoreOptions {
  /// The lane of VectorCollection::rebuild(); the store's own when empty. Give one of
  /// Priority::Bulk.
  std::optional<Lane> bulk{};
  /// The time for stored times. Called from any thread.
  std::function<std::chrono::system_clock::time_point()> now{};
};

/// The collections of a file. They are kept in the tables `vector_collection` and `vector_pending`,
/// made by the first store, and in tables `vector_N_...` of their own. Any number of stores, of any
/// processes, can use a file.
///
/// All calls throw what Lane's calls throw, and Error (VECTOR_EXTENSION_MISSING) for a collection
/// that needs sqlite-vec where the connections have not loaded it.
///
/// Threads: shared.
class VectorStore {
 public:
  /// Runs the schema steps of the component `vectors`, where the file lacks them and may be
  /// written.
  explicit VectorStore(Lane lane, VectorStoreOptions options = {},
                       std::source_location where = std::source_location::current());

  /// Names are 1 to 64 ASCII letters, digits, underscores, hyphens and points. Throws MisuseError:
  /// VECTOR_COLLECTION_INVALID for a name or definition that cannot be, VECTOR_COLLECTION_EXISTS.
  VectorCollection create(std::string_view name, const VectorDefinition& definition,
                          std::source_location where = std::source_location::current()) const;

  /// Throws Error (VECTOR_COLLECTION_UNKNOWN).
  [[nodiscard]] VectorCollection open(
      std::string_view name, std::source_location where = std::source_location::current()) const;

  /// Opens the collection, or makes it when it is not there. Throws Error
  /// (VECTOR_COLLECTION_DIFFERS), naming both sides, when it is there with another definition: see
  /// redefine().
  VectorCollection open_or_create(
      std::string_view name, const VectorDefinition& definition,
      std::source_location where = std::source_location::current()) const;

  /// Begins the collection anew with another definition, such as another model: its vectors are
  /// dropped, and every id is marked as pending, so that an EmbeddingBuffer makes them again.
  VectorCollection redefine(std::string_view name, const VectorDefinition& definition,
                            std::source_location where = std::source_location::current()) const;

  /// Removes the collection and all that is in it. False when there was none.
  bool drop(std::string_view name,
            std::source_location where = std::source_location::current()) const;

  /// The names of all collections, in order.
  [[nodiscard]] std::vector<std::string> names(
      std::source_location where = std::source_location::current()) const;

 private:
  Lane lane_;
  VectorStoreOptions options_;
};

}  // namespace turnstile
