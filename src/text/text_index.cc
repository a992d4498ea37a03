#include <algorithm>
#include <string>
#include <utility>

#include "sqlite/error_code.h"
#include "text/build.h"
#include "text/check.h"
#include "text/definition.h"
#include "text/search.h"
#include "turnstile/text.h"

namespace turnstile {

namespace {

using detail::TextDefinition;
using State = TextDefinition::State;

/// A first index; afterwards only rebuild() makes one.
Migrations schema_of(const TextDefinition& definition) {
  return {{.version = 1,
           .name = "full-text index",
           .apply = [&definition](WriteTx& tx) { definition.create(tx); },
           .revision = "1"}};
}

/// Makes what the file lacks. Writes nothing, and takes no turn, when there is nothing to do.
void make(const Lane& lane, const TextDefinition& definition, std::source_location where) {
  const auto [state, in_place] = lane.read(
      [&](ReadTx& tx) {
        return std::pair(definition.state(tx), definition.replaced_rows(tx).in_place(tx));
      },
      where);
  if (state == State::Missing || state == State::Other)
    (void)lane.migrate("text." + definition.options().name, schema_of(definition), {}, where);
  if (state == State::Missing || in_place) return;
  // The table has got, or lost, a unique column since the triggers were made.
  lane.write(
      [&](WriteTx& tx) {
        const text::ReplacedRows replaced = definition.replaced_rows(tx);
        if (replaced.in_place(tx)) return;
        replaced.drop(tx);
        replaced.create(tx);
      },
      where);
}

/// One piece of a merge; false when nothing is left to merge
/// (https://sqlite.org/fts5.html#the_merge_command).
bool merge(WriteTx& tx, const std::string& index, std::int64_t pages) {
  const auto changes = [&] { return tx.query<std::int64_t>("SELECT total_changes()").one(); };
  const std::int64_t before = changes();
  tx.execute("INSERT INTO " + index + "(" + index + ", rank) VALUES ('merge', ?)", pages);
  return changes() - before >= 2;
}

}  // namespace

std::string_view to_string(TextSource source) noexcept {
  return source == TextSource::Fts5 ? "fts5" : "like";
}

TextIndex::TextIndex(Lane lane, TextIndexOptions options, std::source_location where)
    : lane_(std::move(lane)) {
  definition_ = lane_.read(
      [&](ReadTx& tx) { return std::make_shared<const TextDefinition>(tx, options); }, where);
  if (!definition_->indexed()) return;
  try {
    make(lane_, *definition_, where);
  } catch (const MisuseError& error) {
    if (error.code() != code("DB_READ_ONLY")) throw;
  }
}

std::string_view TextIndex::name() const noexcept {
  return definition_->options().name;
}

std::vector<TextHit> TextIndex::search(std::string_view query, const TextSearch& options,
                                       std::source_location where) const {
  return lane_.read([&](ReadTx& tx) { return search(tx, query, options); }, where);
}

std::vector<TextHit> TextIndex::search(ReadTx& tx, std::string_view query,
                                       const TextSearch& options) const {
  return text::Search(tx, *definition_, query, options).hits();
}

std::int64_t TextIndex::count(std::string_view query, const TextSearch& options,
                              std::int64_t at_most, std::source_location where) const {
  return lane_.read([&](ReadTx& tx) { return count(tx, query, options, at_most); }, where);
}

std::int64_t TextIndex::count(ReadTx& tx, std::string_view query, const TextSearch& options,
                              std::int64_t at_most) const {
  return text::Search(tx, *definition_, query, options).count(at_most);
}

bool TextIndex::needs_rebuild(std::source_location where) const {
  if (!definition_->indexed()) return false;
  return lane_.read([&](ReadTx& tx) { return definition_->state(tx) != State::Ready; }, where);
}

void TextIndex::rebuild(const TextRebuildOptions& options, std::source_location where) const {
  if (!definition_->indexed()) return;
  const Lane& lane = options.lane ? *options.lane : lane_;
  const CallOptions call{.stop = options.stop};
  lane.write(
      call, [&](WriteTx& tx) { text::begin_build(tx, *definition_); }, where);
  text::BuildSize size = lane.read(
      call, [&](ReadTx& tx) { return text::build_size(tx, *definition_); }, where);
  text::BuildStep step;
  do {
    step = lane.write(
        call, [&](WriteTx& tx) { return text::build_step(tx, *definition_); }, where);
    size.done += step.rows;
    size.total = std::max(size.total, size.done);  // Rows that came meanwhile.
    if (step.finished) size.done = size.total;     // Others may have helped.
    if (options.progress)
      options.progress({.phase = "index", .done = size.done, .total = size.total});
  } while (!step.finished);
}

void TextIndex::drop(std::source_location where) const {
  if (definition_->indexed()) lane_.write([&](WriteTx& tx) { definition_->drop(tx); }, where);
}

std::vector<std::string> TextIndex::check(std::source_location where) const {
  return lane_.read([&](ReadTx& tx) { return text::check_index(tx, *definition_); }, where);
}

void TextIndex::optimize(std::source_location where) const {
  if (!definition_->indexed()) return;
  constexpr std::int64_t kPages = 64;
  // Less than nothing: begins a merge of everything, which the next ones go on with.
  std::int64_t pages = -kPages;
  const auto piece = [&](WriteTx& tx) {
    return definition_->state(tx) == State::Ready && merge(tx, definition_->index(), pages);
  };
  while (lane_.write(piece, where))
    pages = kPages;
}

}  // namespace turnstile
