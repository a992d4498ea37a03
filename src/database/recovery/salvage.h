// The recovery, step by step:
//
//   schema -> tables -> survey -> rows -> indexes, views, triggers, virtual tables -> verify
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "database/recovery/destination.h"
#include "database/recovery/lost_and_found.h"
#include "database/recovery/page_source.h"
#include "database/recovery/row_reader.h"
#include "database/recovery/schema.h"
#include "database/recovery/survey.h"
#include "database/recovery/table_writer.h"
#include "turnstile/recovery.h"

namespace turnstile::database::recovery {

/// Threads: confined; used once.
class Salvage {
 public:
  Salvage(const std::filesystem::path& source, const std::filesystem::path& destination,
          const RecoveryOptions& options, const Call& call);

  /// Throws what recover() does; then nothing is left.
  [[nodiscard]] RecoveryReport run();

 private:
  struct Table {
    SchemaObject object;
    std::unique_ptr<TableWriter> writer;  // Null: it could not be made.
    std::string why_not;
    Tree tree;
    RecoveredTable report;
  };

  void read_schema();
  void add_schema_rows(PageNumber page);
  [[nodiscard]] bool is_schema_page(PageNumber number);
  void make_tables();
  void survey_trees();
  [[nodiscard]] bool is_table_tree(const Table& table);
  void fill_tables();
  void read_rows(PageNumber page, PageNumber root, Table& table, std::uint64_t& inserted);
  void place_cut_off();
  [[nodiscard]] Table* only_damaged_table();
  void keep_in_lost_and_found(const CutOff& page);
  void require_something() const;
  void end_rows();

  void make_rest();
  void make_of_type(std::string_view type);
  void make(const SchemaObject& object);
  void make_virtual_tables();
  void make_virtual_table(const SchemaObject& object);

  void verify();
  void report_source();
  void finish_report();

  void begin_phase(std::string_view phase, std::size_t total);
  void tick();

  const RecoveryOptions& options_;
  const Call& call_;
  PageSource pages_;
  Destination destination_;
  Survey survey_;
  RowReader rows_;
  LostAndFound lost_and_found_;

  std::vector<SchemaObject> schema_;
  Tree schema_tree_;
  std::vector<Table> tables_;
  std::vector<CutOff> cut_off_;
  bool free_list_is_whole_ = false;
  bool an_index_is_damaged_ = false;
  RecoveryReport report_;
  Progress progress_;
};

}  // namespace turnstile::database::recovery
