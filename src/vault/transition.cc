#include "vault/transition.h"

#include <exception>
#include <utility>

#include "database/copies/temp_file.h"
#include "gate/sync_point.h"
#include "vault/files.h"

namespace turnstile::vault {

namespace {

/// Names that are there whatever the record says.
bool is_fixture(const ProfileFolder& folder, std::string_view name) {
  return name == folder.record().filename().native() || name == folder.lock().filename().native() ||
         name == folder.tmp().filename().native();
}

}  // namespace

// What is nobody's follows from the record on the disk alone, not from what a caller believes:
// after a commit whose rename was done and whose sync has failed, only the disk knows.
RecoveredProfile recover_profile(const ProfileFolder& folder, const Call& call) {
  RecoveredProfile found{require_record(folder, call)};
  make_private_folder(folder.tmp(), call);
  // Those of a session's own saver are not left over from anybody: it may be writing one.
  database::remove_abandoned(folder.path());
  for (const std::string& name : names_of(folder.path(), call)) {
    if (is_fixture(folder, name) || found.record.owns(name) || database::is_temp_name(name))
      continue;
    // In one step, so that nothing half removed can stand where a part is looked for.
    move_entry(folder.part(name), folder.tmp() / random_name(), call);
    gate::sync_point("Transition:set_aside");
    ++found.left_over;
  }
  empty_folder(folder.tmp(), call);
  return found;
}

Transition::Transition(const ProfileFolder& folder, const Call& call)
    : folder_(folder), call_(call), now_(recover_profile(folder, call).record), next_(now_) {
  ++next_.generation;
  gate::sync_point("Transition:begun");
}

Transition::~Transition() {
  if (committed_) return;
  try {
    recover_profile(folder_, call_);
  } catch (const std::exception&) {
    // The next one who has the profile alone tries again.
  }
}

std::string Transition::name_of(std::string_view word) const {
  return std::string(word) + '.' + std::to_string(next_.generation);
}

std::filesystem::path Transition::stage_database() {
  next_.database = name_of("database");
  return folder_.part(next_.database);
}

std::filesystem::path Transition::stage_keys() {
  next_.keys = name_of("keys");
  return folder_.part(next_.keys);
}

std::filesystem::path Transition::stage_attachments() {
  next_.attachments = name_of("attachments");
  make_private_folder(folder_.part(next_.attachments), call_);
  return folder_.part(next_.attachments);
}

void Transition::commit() {
  gate::sync_point("Transition:staged");
  for (const std::string& name : names_of(folder_.path(), call_))
    if (next_.owns(name) && !now_.owns(name)) sync_tree(folder_.part(name), call_);
  sync_folder(folder_.path(), call_);
  gate::sync_point("Transition:synced");
  write_record(folder_, next_, call_);
  committed_ = true;
  gate::sync_point("Transition:committed");
  try {
    recover_profile(folder_, call_);
  } catch (const Error& error) {
    left_over_ = error.what();
  }
  gate::sync_point("Transition:done");
}

}  // namespace turnstile::vault
