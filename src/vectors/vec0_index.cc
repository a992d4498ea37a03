#include "vectors/vec0_index.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "vectors/elements.h"

namespace turnstile::vectors {

namespace {

constexpr std::int64_t kMostOfVec0 = 4096;  // Its own limit for k.

std::string_view vector_parameter(VectorElement element) noexcept {
  switch (element) {
    case VectorElement::Int8:
      return "vec_int8(?)";
    case VectorElement::Bit:
      return "vec_bit(?)";
    default:
      return "?";
  }
}

}  // namespace

/// Threads: scoped.
class Vec0Writer final : public IndexWriter {
 public:
  Vec0Writer(const Vec0Index& index, WriteTx& tx) : index_(index), tx_(tx) {}

  std::int64_t insert(const IndexEntry& entry) override {
    if (next_ == 0) {
      next_ =
          1 + tx_.query<std::int64_t>("SELECT coalesce(max(slot), 0) FROM " + index_.tables_.item)
                  .one();
    }
    index_.insert(tx_, next_, entry);
    return next_++;
  }
  std::int64_t replace(std::int64_t slot, const IndexEntry& entry) override {
    remove(slot);
    index_.insert(tx_, slot, entry);
    return slot;
  }
  void remove(std::int64_t slot) override { tx_.execute(index_.delete_, slot); }
  void finish() override {}

 private:
  const Vec0Index& index_;
  WriteTx& tx_;
  std::int64_t next_ = 0;
};

Vec0Index::Vec0Index(const Tables& tables, const VectorDefinition& definition)
    : tables_(tables), definition_(definition) {
  std::string names = "slot, id, vector";
  std::string parameters = "?, ?, " + std::string(vector_parameter(definition.element));
  for (const VectorColumn& column : tables.columns) {
    names += ", " + sql_name(column.name);
    parameters += ", ?";
  }
  insert_ = "INSERT INTO " + tables.vec0 + "(" + names + ") VALUES (" + parameters + ")";
  select_all_ = "SELECT " + names + " FROM " + tables.vec0;
  delete_ = "DELETE FROM " + tables.vec0 + " WHERE slot = ?";
}

Blob Vec0Index::bytes_for_vec0(std::span<const float> vector) const {
  if (definition_.element != VectorElement::Float32 || definition_.metric != VectorMetric::Cosine)
    return to_bytes(definition_, vector);
  const double norm = norm_of(vector);
  std::vector<float> direction(vector.size());
  std::ranges::transform(vector, direction.begin(),
                         [norm](float value) { return static_cast<float>(value / norm); });
  return to_bytes(definition_, direction);
}

void Vec0Index::insert(WriteTx& tx, std::int64_t slot, const IndexEntry& entry) const {
  Statement statement = tx.prepare(insert_);
  int parameter = 0;
  statement.bind(++parameter, slot);
  statement.bind(++parameter, entry.id);
  statement.bind(++parameter, bytes_for_vec0(entry.vector));
  for (const Value& value : entry.values)
    statement.bind(++parameter, value);
  statement.step();
}

std::unique_ptr<IndexWriter> Vec0Index::writer(WriteTx& tx) const {
  return std::make_unique<Vec0Writer>(*this, tx);
}

bool Vec0Index::is_beyond(double vec0_distance, double bound) const noexcept {
  if (!std::isfinite(vec0_distance)) return false;
  // Sums of as many floats as there are dimensions: the worst that rounding can do to them.
  const double rounding = 2.4e-7 * (definition_.dimension + 8);
  switch (*definition_.metric) {
    case VectorMetric::Cosine:
      return vec0_distance - rounding > bound;
    case VectorMetric::L2:
      return vec0_distance * (1 - rounding) > bound;
    default:
      return vec0_distance > bound;
  }
}

void Vec0Index::find(ReadTx& tx, std::span<const float> query, const Filter& filter,
                     const VectorSearch& search, Refiner& refiner) const {
  const Blob wanted = bytes_for_vec0(query);
  const FilterSql sql = filter.for_vec0();
  Statement nearest =
      tx.prepare("SELECT slot, distance FROM " + tables_.vec0 + " WHERE vector MATCH " +
                 std::string(vector_parameter(definition_.element)) + " AND k = ?" + sql.clause);
  std::unordered_set<std::int64_t> seen;
  constexpr std::int64_t kMargin = 16;
  constexpr std::int64_t kGrowth = 4;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (std::int64_t k = search.limit + kMargin; k <= kMostOfVec0;
       k = k == kMostOfVec0 ? k + 1 : std::min(k * kGrowth, kMostOfVec0)) {
    nearest.bind(1, wanted);
    nearest.bind(2, k);
    sql.bind(nearest, 3);
    std::int64_t found = 0;
    double farthest = 0;
    for (; nearest.step(); ++found) {
      const auto [slot, distance] = nearest.row().as<std::int64_t, std::optional<double>>();
      // vec0 gives NULL for what is not a number, after an overflow.
      farthest = std::max(farthest, distance.value_or(kInfinity));
      if (seen.insert(slot).second) refiner.consider(slot);
    }
    nearest.rewind();
    if (found < k || is_beyond(farthest, refiner.bound())) return;
  }
  // So many are equally far that vec0 cannot tell them apart.
  const FilterSql items = filter.for_items();
  Statement all = tx.prepare("SELECT slot, vector FROM " + tables_.item + " JOIN " + tables_.exact +
                             " USING (slot) WHERE TRUE" + items.clause);
  items.bind(all, 1);
  while (all.step()) {
    const auto [slot, vector] = all.row().as<std::int64_t, BlobView>();
    if (!seen.contains(slot)) refiner.consider(slot, vector);
  }
}

void Vec0Index::count(ReadTx& tx, VectorStats& stats) const {
  const auto [chunks, places] =
      tx.query<std::int64_t, std::int64_t>("SELECT count(*), coalesce(sum(size), 0) FROM " +
                                           tables_.vec0 + "_chunks")
          .one();
  stats.blocks = chunks;
  stats.free_slots = places - stats.items;
}

bool has_vec0(ReadTx& tx) {
  return tx.query<std::int64_t>("SELECT count(*) FROM pragma_module_list WHERE name = 'vec0'")
             .one() > 0;
}

}  // namespace turnstile::vectors
