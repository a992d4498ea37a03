#include "turnstile/vault_session.h"

#include <utility>

#include "database/copies/temp_file.h"
#include "sqlite/raise.h"
#include "vault/attachment_store.h"
#include "vault/files.h"
#include "vault/raise.h"
#include "vault/session_core.h"
#include "vault/workspace_core.h"

namespace turnstile {

using vault::Contents;
using vault::SessionCore;
using vault::Transition;

std::string_view to_string(ProfileKind kind) noexcept {
  switch (kind) {
    case ProfileKind::Plain:
      return "plain";
    case ProfileKind::Sealed:
      return "sealed";
    case ProfileKind::Encrypted:
      return "encrypted";
  }
  return {};
}

std::optional<ProfileKind> profile_kind_of(std::string_view text) noexcept {
  for (const ProfileKind kind : {ProfileKind::Plain, ProfileKind::Sealed, ProfileKind::Encrypted})
    if (to_string(kind) == text) return kind;
  return std::nullopt;
}

namespace {

using Secret = vault::PasswordTries::Secret;

/// The slots of a protected profile, after its password, or what else leads to it, was proven.
vault::KeySlots proven_slots(const SessionCore& core, const Contents& contents,
                             std::string_view text, Secret secret, const Call& call) {
  vault::KeySlots slots = vault::read_key_slots(contents.folder, contents.record, call);
  static_cast<void>(core.tries().unlock(slots, text, secret, call));
  return slots;
}

void require_protected(const vault::ProfileRecord& record, const Call& call) {
  if (record.is_protected()) return;
  sqlite::raise_misuse(code("PROFILE_NOT_PROTECTED"),
                       "the profile '" + record.name + "' has no password", call);
}

/// Writes all parts anew that the change leaves behind.
void write_parts(Transition& transition, const Contents& now, const vault::ProfileKeys* keys,
                 bool attachments, const WorkspaceOptions& options, const Call& call) {
  transition.stage_database();
  if (attachments) transition.stage_attachments();
  const Contents next{transition.folder(), transition.next(), keys};
  vault::write_database(now, next, static_cast<std::uint64_t>(options.sealed_limit_bytes));
  if (attachments) vault::write_attachments(now, next, call);
}

}  // namespace

VaultSession::VaultSession(std::shared_ptr<SessionCore> core) noexcept : core_(std::move(core)) {}

const std::string& VaultSession::id() const noexcept {
  return core_->id();
}

bool VaultSession::is_locked() const noexcept {
  return core_->is_locked();
}

ProfileInfo VaultSession::info() const {
  const Call call = core_->make_call(std::source_location::current());
  const SessionCore::Use use(*core_, call);
  const Contents contents = use.contents();
  ProfileInfo info = vault::describe(contents.folder, contents.record, call);
  info.unlocked = true;
  return info;
}

Lane VaultSession::lane(std::string_view name, LaneOptions options,
                        std::source_location where) const {
  const SessionCore::Use use(*core_, core_->make_call(where));
  return use.open().database().lane(name, options);
}

DatabaseInfo VaultSession::database_info() const {
  const SessionCore::Use use(*core_, core_->make_call(std::source_location::current()));
  return use.open().database().info();
}

void VaultSession::touch() const {
  const SessionCore::Use use(*core_, core_->make_call(std::source_location::current()));
}

void VaultSession::save(std::source_location where) const {
  core_->save(core_->make_call(where));
}

SavedState VaultSession::saved_state() const {
  const SessionCore::Use use(*core_, core_->make_call(std::source_location::current()));
  return use.open().saved_state();
}

void VaultSession::lock(const LockOptions& options, std::source_location where) const {
  core_->lock(options, core_->make_call(where));
}

void VaultSession::set_password(std::string_view password, ProfileKind kind,
                                std::source_location where) const {
  const Call call = core_->make_call(where);
  const auto require = [&](const vault::ProfileRecord& record) {
    if (record.is_protected()) {
      sqlite::raise_misuse(code("PROFILE_ALREADY_PROTECTED"),
                           "the profile '" + record.name + "' has a password already", call);
    }
    vault::require_password(password, call);
    if (kind == ProfileKind::Plain)
      sqlite::raise_misuse(code("OPTION_INVALID"), "a plain profile has no password", call);
  };
  core_->transform(
      require,
      [&](Transition& transition, const Contents& now) {
        transition.next().kind = kind;
        std::optional keys(
            vault::make_keys(transition.stage_keys(), password, core_->options().key_cost, call));
        write_parts(transition, now, &*keys, true, core_->options(), call);
        return keys;
      },
      call);
}

void VaultSession::change_password(std::string_view password, std::string_view new_password,
                                   std::source_location where) const {
  const Call call = core_->make_call(where);
  core_->rewrite(
      [&](Transition& transition, const Contents& now) {
        require_protected(now.record, call);
        vault::require_password(new_password, call);
        vault::KeySlots slots = proven_slots(*core_, now, password, Secret::Either, call);
        slots.set_password(now.keys->data_key, vault::bytes_of(new_password),
                           vault::parameters_of(core_->options().key_cost));
        vault::write_key_slots(transition.stage_keys(), slots, call);
      },
      call);
}

void VaultSession::remove_password(std::string_view password, std::source_location where) const {
  const Call call = core_->make_call(where);
  const auto require = [&](const vault::ProfileRecord& record) { require_protected(record, call); };
  core_->transform(
      require,
      [&](Transition& transition, const Contents& now) {
        static_cast<void>(proven_slots(*core_, now, password, Secret::Either, call));
        transition.next().kind = ProfileKind::Plain;
        transition.next().keys.clear();
        write_parts(transition, now, nullptr, true, core_->options(), call);
        return std::optional<vault::ProfileKeys>();
      },
      call);
}

void VaultSession::convert(ProfileKind kind, std::source_location where) const {
  const Call call = core_->make_call(where);
  const auto require = [&](const vault::ProfileRecord& record) {
    require_protected(record, call);
    if (kind != ProfileKind::Plain) return;
    sqlite::raise_misuse(code("PROFILE_NOT_PROTECTED"),
                         "a protected profile becomes a plain one by removing its password", call);
  };
  core_->transform(
      require,
      [&](Transition& transition, const Contents& now) {
        if (kind != now.record.kind) {
          transition.next().kind = kind;
          write_parts(transition, now, now.keys, false, core_->options(), call);
        }
        return std::optional<vault::ProfileKeys>();
      },
      call);
}

void VaultSession::rotate_key(std::string_view password, std::source_location where) const {
  const Call call = core_->make_call(where);
  const auto require = [&](const vault::ProfileRecord& record) { require_protected(record, call); };
  core_->transform(
      require,
      [&](Transition& transition, const Contents& now) {
        static_cast<void>(proven_slots(*core_, now, password, Secret::Password, call));
        std::optional keys(
            vault::make_keys(transition.stage_keys(), password, core_->options().key_cost, call));
        write_parts(transition, now, &*keys, true, core_->options(), call);
        return keys;
      },
      call);
}

std::string VaultSession::add_recovery_key(std::source_location where) const {
  const Call call = core_->make_call(where);
  std::string text;
  core_->rewrite(
      [&](Transition& transition, const Contents& now) {
        require_protected(now.record, call);
        vault::KeySlots slots = vault::read_key_slots(now.folder, now.record, call);
        const vault::SecretBytes recovery = slots.add_recovery(now.keys->data_key);
        vault::write_key_slots(transition.stage_keys(), slots, call);
        text.assign(reinterpret_cast<const char*>(recovery.bytes().data()), recovery.size());
      },
      call);
  return text;
}

void VaultSession::remove_recovery_keys(std::source_location where) const {
  const Call call = core_->make_call(where);
  core_->rewrite(
      [&](Transition& transition, const Contents& now) {
        require_protected(now.record, call);
        vault::KeySlots slots = vault::read_key_slots(now.folder, now.record, call);
        for (const vault::KeySlots::Slot& slot : slots.slots())
          if (slot.kind == vault::KeySlots::Kind::Recovery)
            slots.remove(now.keys->data_key, slot.number);
        vault::write_key_slots(transition.stage_keys(), slots, call);
      },
      call);
}

namespace {

/// Calls `act` with the attachments of a session.
template <class Act>
auto with_attachments(SessionCore& core, std::source_location where, const Act& act) {
  const Call call = core.make_call(where);
  const SessionCore::Use use(core, call);
  vault::AttachmentStore store(use.contents(), use.open().database(), core.options(), call);
  return act(store);
}

}  // namespace

Attachment VaultSession::attach(const std::filesystem::path& file, const AttachOptions& options,
                                std::source_location where) const {
  return with_attachments(*core_, where,
                          [&](auto& store) { return store.add_file(file, options); });
}

Attachment VaultSession::attach_bytes(std::span<const std::byte> bytes,
                                      const AttachOptions& options,
                                      std::source_location where) const {
  return with_attachments(*core_, where,
                          [&](auto& store) { return store.add_bytes(bytes, options); });
}

std::vector<Attachment> VaultSession::attachments(std::string_view owner, bool removed) const {
  return with_attachments(*core_, std::source_location::current(),
                          [&](auto& store) { return store.list(owner, removed); });
}

Attachment VaultSession::attachment(std::string_view id, std::source_location where) const {
  return with_attachments(*core_, where, [&](auto& store) { return store.get(id); });
}

std::vector<std::byte> VaultSession::read_attachment(std::string_view id,
                                                     std::source_location where) const {
  return with_attachments(*core_, where, [&](auto& store) { return store.read(id); });
}

void VaultSession::save_attachment(std::string_view id, const std::filesystem::path& destination,
                                   std::source_location where) const {
  const auto target = vault::require_outside(core_->layout(), destination, core_->make_call(where));
  with_attachments(*core_, where, [&](auto& store) { store.write_to(id, target); });
}

void VaultSession::remove_attachment(std::string_view id, std::source_location where) const {
  with_attachments(*core_, where, [&](auto& store) { store.set_removed(id, true); });
}

void VaultSession::recover_attachment(std::string_view id, std::source_location where) const {
  with_attachments(*core_, where, [&](auto& store) { store.set_removed(id, false); });
}

void VaultSession::purge_attachment(std::string_view id, std::source_location where) const {
  with_attachments(*core_, where, [&](auto& store) { store.purge(id); });
}

SweepReport VaultSession::sweep_attachments(std::source_location where) const {
  const Call call = core_->make_call(where);
  SweepReport report;
  core_->alone(
      [&](const Contents& contents, vault::OpenDatabase& open) {
        vault::AttachmentStore store(contents, open.database(), core_->options(), call);
        report = store.sweep();
      },
      call);
  return report;
}

void VaultSession::export_database(const std::filesystem::path& destination,
                                   std::source_location where) const {
  const Call call = core_->make_call(where);
  const auto target = vault::require_outside(core_->layout(), destination, call);
  {
    const SessionCore::Use use(*core_, call);
    if (use.contents().record.kind != ProfileKind::Encrypted) {
      // In the clear, since a sealed database is plain in memory.
      static_cast<void>(use.open().database().backup(target.string(), {.manifest = false}, where));
      return;
    }
  }
  core_->while_closed(
      [&](const Contents& contents) {
        vault::StoredDatabase source = vault::stored_database(contents);
        vault::StoredDatabase plain;
        plain.path = target;
        vault::convert_database(source, plain,
                                static_cast<std::uint64_t>(core_->options().sealed_limit_bytes));
      },
      call);
}

std::optional<std::string> VaultSession::setting(std::string_view name) const {
  const SessionCore::Use use(*core_, core_->make_call(std::source_location::current()));
  return use.open().database().lane(vault::kVaultLane).read([&](ReadTx& tx) {
    return tx.query<std::string>("SELECT value FROM vault_setting WHERE name = ?", name).first();
  });
}

void VaultSession::set_setting(std::string_view name, std::optional<std::string_view> value) const {
  const SessionCore::Use use(*core_, core_->make_call(std::source_location::current()));
  use.open().database().lane(vault::kVaultLane).write([&](WriteTx& tx) {
    if (value) {
      tx.execute(
          "INSERT INTO vault_setting VALUES (?, ?) ON CONFLICT DO UPDATE SET"
          " value = excluded.value",
          name, *value);
    } else {
      tx.execute("DELETE FROM vault_setting WHERE name = ?", name);
    }
  });
}

}  // namespace turnstile
