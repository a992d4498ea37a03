#include "database/recovery/salvage.h"

#include <algorithm>
#include <array>
#include <stop_token>
#include <utility>

#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "sqlite/quote.h"
#include "sqlite/raise.h"

namespace turnstile::database::recovery {

namespace {

constexpr std::string_view kSequence = "sqlite_sequence";

std::string counted(std::uint64_t count, std::string_view singular, std::string_view plural) {
  return std::to_string(count) + " " + std::string(count == 1 ? singular : plural);
}

}  // namespace

Salvage::Salvage(const std::filesystem::path& source, const std::filesystem::path& destination,
                 const RecoveryOptions& options, const Call& call)
    : options_(options),
      call_(call),
      pages_(source, options.page_size_bytes, call),
      destination_(destination, pages_, call),
      survey_(pages_, [this] { tick(); }),
      rows_(pages_, survey_),
      lost_and_found_(destination_) {
  report_.source = source;
  report_.destination = destination;
}

RecoveryReport Salvage::run() {
  {
    const std::stop_callback stop(options_.stop, [this] { destination_.connection().interrupt(); });
    report_source();
    begin_phase("survey", pages_.page_count());
    read_schema();
    make_tables();
    survey_trees();
    fill_tables();
    place_cut_off();
    require_something();
    end_rows();
    make_rest();
    destination_.commit();
    verify();
    tick();
  }
  gate::sync_point("recovery:publish");
  destination_.publish(report_.source);
  finish_report();
  return std::move(report_);
}

void Salvage::begin_phase(std::string_view phase, std::size_t total) {
  // Nobody knows how long SQLite checks.
  progress_ = {phase, 0, total == 0 ? -1 : static_cast<std::int64_t>(total)};
  if (options_.progress) options_.progress(progress_);
}

void Salvage::tick() {
  constexpr std::int64_t kPagesBetweenLooks = 256;
  if (options_.stop.stop_requested()) sqlite::raise_stopped(call_);
  ++progress_.done;
  if (options_.progress && progress_.done % kPagesBetweenLooks == 0) options_.progress(progress_);
}

void Salvage::report_source() {
  report_.page_size_bytes = pages_.page_size();
  report_.pages = pages_.page_count();
  report_.pages_in_log = static_cast<std::uint32_t>(pages_.log().offsets.size());
  report_.pages_rolled_back = static_cast<std::uint32_t>(pages_.journal().offsets.size());
  for (const Overlay* overlay : {&pages_.log(), &pages_.journal()})
    if (!overlay->loss.empty()) report_.losses.push_back(overlay->loss);
  if (const std::uint64_t left_out = pages_.log().uncommitted; left_out != 0) {
    report_.notes.push_back(counted(left_out, "page", "pages") +
                            " of a transaction without a commit were left out");
  }
  if (report_.pages_rolled_back != 0) {
    report_.notes.push_back("a transaction that did not end was rolled back, on " +
                            counted(report_.pages_rolled_back, "page", "pages"));
  }
  const FileHeader& header = pages_.header();
  if (!header.recognised) {
    report_.losses.emplace_back(
        "the header of the file is damaged; user_version, application_id and the text encoding "
        "may be wrong");
  } else if (header.page_count > pages_.page_count()) {
    report_.notes.push_back("the file is cut off: it has " + std::to_string(pages_.page_count()) +
                            " of " + std::to_string(header.page_count) + " pages");
  }
}

// --- What there is -------------------------------------------------------------------------------

void Salvage::read_schema() {
  schema_tree_ = survey_.walk(1, true);
  for (const PageNumber page : schema_tree_.pages)
    add_schema_rows(page);
  if (schema_tree_.damaged.empty()) return;
  // The rest of a large schema may stand on pages that cannot be reached any more.
  for (const CutOff& page :
       survey_.find_cut_off([this](PageNumber number) { return is_schema_page(number); })) {
    add_schema_rows(page.number);
  }
}

void Salvage::add_schema_rows(PageNumber page) {
  bool strange = false;
  rows_.read(page, schema_tree_.damaged,
             [&](std::optional<std::int64_t>, std::span<const Field> fields) {
               if (auto object = SchemaObject::parse(fields, destination_))
                 schema_.push_back(std::move(*object));
               else
                 strange = true;
             });
  if (strange) schema_tree_.damaged.push_back({page, "a row is not about a table or the like"});
}

bool Salvage::is_schema_page(PageNumber number) {
  std::vector<std::byte> buffer;
  const BtreePage page(pages_.read(number, buffer), number);
  if (page.kind() != PageKind::TableLeaf) return false;
  std::size_t objects = 0;
  for (std::size_t i = 0; i < page.cell_count(); ++i) {
    const Cell cell = page.cell(i);
    if (cell.overflow != 0) continue;
    if (!SchemaObject::parse(parse_record(cell.local), destination_)) return false;
    ++objects;
  }
  return objects > 0;
}

void Salvage::make_tables() {
  for (const SchemaObject& object : schema_) {
    if (object.type != "table" || object.is_virtual_table() || object.root == 0) continue;
    Table table;
    table.object = object;
    table.report.name = object.name;
    const bool is_ours = object.name != kSequence && !object.is_statistics();
    if (is_ours) {
      table.why_not = object.can_be_run() ? destination_.try_run(object.sql)
                                          : "its text does not begin with CREATE TABLE";
    }
    tables_.push_back(std::move(table));
  }
  // Now that tables with AUTOINCREMENT have brought sqlite_sequence along.
  for (Table& table : tables_) {
    if (!table.why_not.empty() || table.object.is_statistics()) continue;
    table.writer = std::make_unique<TableWriter>(destination_, table.object.name);
    if (table.writer->exists()) continue;
    table.writer.reset();
    table.why_not = "its text makes a table of another name";
  }
  for (const Table& table : tables_)
    if (!table.writer && table.object.name != kSequence && !table.object.is_statistics())
      report_.lost_objects.push_back({"table", table.object.name, table.why_not});
  // Before the rows, so that they are refused which an undamaged file could not have.
  for (const SchemaObject& object : schema_)
    if (object.is_unique_index()) make(object);
}

bool Salvage::is_table_tree(const Table& table) {
  if (table.writer) return table.writer->shape().has_rowid;
  try {
    std::vector<std::byte> buffer;
    return BtreePage(pages_.read(table.object.root, buffer), table.object.root).is_table();
  } catch (const Damage&) {
    return true;
  }
}

void Salvage::survey_trees() {
  for (Table& table : tables_)
    table.tree = survey_.walk(table.object.root, is_table_tree(table));
  for (const SchemaObject& object : schema_) {
    if (object.type != "index" || object.root == 0) continue;
    const Tree tree = survey_.walk(object.root, false);
    if (tree.damaged.empty()) continue;
    an_index_is_damaged_ = true;
    report_.notes.push_back(counted(tree.damaged.size(), "page", "pages") + " of the index '" +
                            object.name + "' cannot be read; it was made anew from the rows");
  }
  free_list_is_whole_ = survey_.walk_free_list();
  if (!free_list_is_whole_) {
    report_.notes.emplace_back(
        "the list of free pages is damaged; rows that had been deleted may be in lost_and_found");
  }
  cut_off_ = survey_.find_cut_off([](PageNumber) { return true; });
}

// --- Rows ----------------------------------------------------------------------------------------

void Salvage::fill_tables() {
  std::size_t total = cut_off_.size();
  for (const Table& table : tables_)
    total += table.tree.pages.size();
  begin_phase("rows", total);
  // First, so that AUTOINCREMENT only ever raises what the source had there.
  std::stable_partition(tables_.begin(), tables_.end(),
                        [](const Table& table) { return table.object.name == kSequence; });
  for (Table& table : tables_) {
    table.report.damaged_pages = table.tree.damaged;
    for (const PageNumber page : table.tree.pages)
      read_rows(page, table.tree.root, table, table.report.rows);
  }
}

void Salvage::read_rows(PageNumber page, PageNumber root, Table& table, std::uint64_t& inserted) {
  tick();
  if (table.object.is_statistics()) return;
  if (!table.writer && table.object.name == kSequence) return;
  rows_.read(page, table.report.damaged_pages,
             [&](std::optional<std::int64_t> rowid, std::span<const Field> fields) {
               const std::string reason = table.writer
                                              ? table.writer->insert(rowid.value_or(0), fields)
                                              : "the table could not be made: " + table.why_not;
               if (reason.empty()) {
                 ++inserted;
                 return;
               }
               ++table.report.rows_rejected;
               lost_and_found_.add({.table = table.object.name,
                                    .reason = reason,
                                    .root = root,
                                    .page = page,
                                    .rowid = rowid},
                                   fields);
             });
}

// Null unless pages without owner can only be those that this table has lost.
Salvage::Table* Salvage::only_damaged_table() {
  if (!schema_tree_.damaged.empty() || !free_list_is_whole_) return nullptr;
  Table* only = nullptr;
  for (Table& table : tables_) {
    if (table.tree.damaged.empty()) continue;
    if (only != nullptr) return nullptr;
    only = &table;
  }
  return only != nullptr && only->writer ? only : nullptr;
}

void Salvage::place_cut_off() {
  Table* const owner = only_damaged_table();
  const bool owner_is_index = owner != nullptr && !owner->writer->shape().has_rowid;
  const bool any_without_rowid = std::ranges::any_of(tables_, [this](const Table& table) {
    return !table.tree.damaged.empty() && !is_table_tree(table);
  });
  for (const CutOff& page : cut_off_) {
    const bool fits = owner != nullptr && page.is_table != owner_is_index &&
                      !(owner_is_index && an_index_is_damaged_);
    if (fits) {
      std::uint64_t inserted = 0;
      read_rows(page.number, page.root, *owner, inserted);
      owner->report.rows += inserted;
      owner->report.rows_put_back += inserted;
    } else if (page.is_table || any_without_rowid || !schema_tree_.damaged.empty()) {
      // What only an index has is in its table as well, unless nobody knows what it is.
      keep_in_lost_and_found(page);
    }
  }
}

void Salvage::keep_in_lost_and_found(const CutOff& page) {
  tick();
  std::vector<DamagedPage> damaged;
  rows_.read(
      page.number, damaged, [&](std::optional<std::int64_t> rowid, std::span<const Field> fields) {
        lost_and_found_.add({.root = page.root, .page = page.number, .rowid = rowid}, fields);
      });
  for (const DamagedPage& each : damaged) {
    report_.losses.push_back("page " + std::to_string(each.number) +
                             ", of no table: " + each.reason);
  }
}

// Their statements must not outlive the connection.
void Salvage::end_rows() {
  for (Table& table : tables_)
    table.writer.reset();
  lost_and_found_.end();
}

void Salvage::require_something() const {
  const bool has_table =
      std::ranges::any_of(tables_, [](const Table& table) { return table.writer != nullptr; });
  if (has_table || lost_and_found_.rows() != 0 || schema_tree_.damaged.empty()) return;
  sqlite::raise_system(
      code("RECOVERY_FAILED"),
      "there is no row and no table that can be read in '" + report_.source.string() + "'", 0,
      call_);
}

// --- The rest of the schema ----------------------------------------------------------------------

void Salvage::make_rest() {
  begin_phase("indexes", static_cast<std::size_t>(std::ranges::count_if(
                             schema_, [](const SchemaObject& each) { return !each.sql.empty(); })));
  // Triggers last: those of views need their view, and none may fire here.
  for (const std::string_view type : {"index", "view", "trigger"})
    make_of_type(type);
  make_virtual_tables();
}

void Salvage::make_of_type(std::string_view type) {
  for (const SchemaObject& object : schema_) {
    if (object.type != type || object.sql.empty() || object.is_unique_index()) continue;
    tick();
    make(object);
  }
}

void Salvage::make(const SchemaObject& object) {
  const std::string why_not = object.can_be_run()
                                  ? destination_.try_run(object.sql)
                                  : "its text does not begin as one of its kind does";
  if (!why_not.empty()) report_.lost_objects.push_back({object.type, object.name, why_not});
}

void Salvage::make_virtual_tables() {
  for (const SchemaObject& object : schema_)
    if (object.is_virtual_table()) make_virtual_table(object);
}

// CREATE VIRTUAL TABLE would make its shadow tables anew, and its module may not be here. So it
// gets its row of the schema only. Preparing the text proves that SQLite will be able to read it
// there.
void Salvage::make_virtual_table(const SchemaObject& object) {
  tick();
  const auto lose = [&](std::string reason) {
    report_.lost_objects.push_back({"table", object.name, std::move(reason)});
  };
  try {
    static_cast<void>(destination_.prepare(object.sql));
  } catch (const StorageError&) {
    throw;
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& error) {
    return lose(std::string(error.message()));
  }
  const std::array values{object.name, object.sql};
  destination_.change_schema_rows(
      "INSERT INTO sqlite_schema(type, name, tbl_name, rootpage, sql) "
      "VALUES ('table', ?1, ?1, 0, ?2)",
      values);
  if (destination_.why_not_whole(object.name).empty()) return;

  // The full-text modules can make their index from their content.
  const std::string name = sqlite::sql_name(object.name);
  std::string why_not =
      destination_.try_run("INSERT INTO " + name + "(" + name + ") VALUES ('rebuild')");
  if (why_not.empty()) why_not = destination_.why_not_whole(object.name);
  if (why_not.empty()) {
    report_.notes.push_back("the index of the virtual table '" + object.name +
                            "' did not pass its check and was rebuilt");
    return;
  }
  destination_.change_schema_rows(
      "DELETE FROM sqlite_schema WHERE name=?1 AND rootpage=0 AND sql=?2", values);
  lose(why_not + "; the tables behind it are kept");
}

// --- The end -------------------------------------------------------------------------------------

void Salvage::verify() {
  begin_phase("verify", 0);
  if (const std::string finding = destination_.why_not_whole(); !finding.empty()) {
    sqlite::raise_system(code("RECOVERY_FAILED"),
                         "the new file did not pass SQLite's integrity check: " + finding, 0,
                         call_);
  }
  try {
    const std::int64_t orphans =
        destination_.connection().query_integer("SELECT count(*) FROM pragma_foreign_key_check");
    if (orphans > 0) {
      report_.notes.push_back(
          counted(static_cast<std::uint64_t>(orphans), "row refers", "rows refer") +
          " to rows that are not there (PRAGMA foreign_key_check)");
    }
  } catch (const Cancelled&) {
    throw;
  } catch (const Error&) {
    // A reference that can never match is the schema's own, and no loss.
  }
}

void Salvage::finish_report() {
  if (!schema_tree_.damaged.empty()) {
    report_.tables.push_back(
        {.name = "sqlite_schema", .damaged_pages = std::move(schema_tree_.damaged)});
  }
  for (Table& table : tables_) {
    if (table.object.is_statistics()) continue;
    if (table.object.name == kSequence && table.report.complete()) continue;
    report_.tables.push_back(std::move(table.report));
  }
  report_.lost_and_found = lost_and_found_.name();
  report_.rows_lost_and_found = lost_and_found_.rows();
}

}  // namespace turnstile::database::recovery
