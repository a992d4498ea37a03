#include "vault/commands.h"

#include <array>

#include "sql_runs.h"

namespace turnstile::cli {

namespace {

constexpr auto kKinds = std::to_array<std::string_view>({"plain", "sealed", "encrypted"});
constexpr auto kProtectedKinds = std::to_array<std::string_view>({"sealed", "encrypted"});
constexpr auto kFormats = std::to_array<std::string_view>({"table", "json", "csv", "lines"});

constexpr Positional kRoot = {"ROOT", "the folder of the workspace", true, Words::Files};
constexpr Positional kProfile = {"PROFILE", "the profile's name or id"};
constexpr Positional kNewName = {"NAME", "the new name"};
constexpr Flag kPasswordFd = {"--password-fd", "NUMBER",
                              "read the password from this file descriptor"};
constexpr Flag kNewPasswordFd = {"--new-password-fd", "NUMBER",
                                 "read the new password from this file descriptor"};
constexpr Flag kParam = {"--param", "NAME=VALUE", "the value of a parameter", 'p', true};

constexpr auto kRootOnly = std::to_array<Positional>({kRoot});
constexpr auto kOfProfile = std::to_array<Positional>({kRoot, kProfile});
constexpr auto kWithName = std::to_array<Positional>({kRoot, kProfile, kNewName});
constexpr auto kExecPositionals = std::to_array<Positional>(
    {kRoot, kProfile, {"SQL", "statements, or - to read them from standard input"}});
constexpr auto kQueryPositionals =
    std::to_array<Positional>({kRoot, kProfile, {"SQL", "one statement that reads"}});
constexpr auto kWithKind = std::to_array<Positional>(
    {kRoot, kProfile, {"KIND", "sealed or encrypted", true, Words::Choices, kProtectedKinds}});
constexpr auto kWithFile = std::to_array<Positional>(
    {kRoot, kProfile, {"FILE", "the file to attach", true, Words::Files}});
constexpr auto kWithId =
    std::to_array<Positional>({kRoot, kProfile, {"ID", "the attachment's id"}});
constexpr auto kWithDestination =
    std::to_array<Positional>({kRoot, kProfile, {"DEST", "the file to make", true, Words::Files}});
constexpr auto kWithSource =
    std::to_array<Positional>({kRoot, {"SRC", "the backup", true, Words::Files}});

constexpr auto kPasswordFlags = std::to_array<Flag>({kPasswordFd});
constexpr auto kBothPasswords = std::to_array<Flag>({kPasswordFd, kNewPasswordFd});
constexpr auto kCreateFlags = std::to_array<Flag>({
    {"--kind", "KIND", "plain (default), sealed or encrypted", '\0', false, Words::Choices, kKinds},
    {"--id", "ID", "the profile's id; a random one without it"},
    kNewPasswordFd,
});
constexpr auto kSetFlags = std::to_array<Flag>({
    {"--kind", "KIND", "sealed (default) or encrypted", '\0', false, Words::Choices,
     kProtectedKinds},
    kNewPasswordFd,
});
constexpr auto kInfoFlags = std::to_array<Flag>({
    {"--attachments", "", "list the attachments, which needs the password"},
    kPasswordFd,
});
constexpr auto kVerifyFlags = std::to_array<Flag>({
    {"--shallow", "", "look at the form of the files only, without a password"},
    kPasswordFd,
});
constexpr auto kExecFlags = std::to_array<Flag>({kParam, kDurability, kPasswordFd});
constexpr auto kQueryFlags = std::to_array<Flag>({
    kParam,
    {"--format", "FORMAT", "table (default), json, csv or lines", '\0', false, Words::Choices,
     kFormats},
    kPasswordFd,
});
constexpr auto kAttachFlags = std::to_array<Flag>({
    {"--name", "NAME", "another name than that of the file"},
    {"--owner", "TEXT", "what it belongs to"},
    {"--type", "TYPE", "such as image/png"},
    kPasswordFd,
});
constexpr auto kDetachFlags = std::to_array<Flag>({
    {"--to", "FILE", "write it to this file first", '\0', false, Words::Files},
    {"--keep", "", "with --to: leave it in the profile"},
    kPasswordFd,
});
constexpr auto kBackupFlags = std::to_array<Flag>({
    {"--encrypt", "", "give the backup of a plain profile a password"},
    {"--overwrite", "", "replace a file that is there"},
    kNewPasswordFd,
});
constexpr auto kRestoreFlags = std::to_array<Flag>({
    {"--replace", "PROFILE", "put it in the place of this profile"},
    {"--name", "NAME", "another name than that in the backup"},
    {"--remove-password", "", "with --replace: the profile need have no password after it"},
    kPasswordFd,
});

constexpr auto kCreateExamples = std::to_array<Example>({
    {"turnstile vault create ./stick work", "without a password"},
    {"turnstile vault create ./stick bank --kind sealed", "asks for a password"},
});
constexpr auto kListExamples = std::to_array<Example>({
    {"turnstile vault list ./stick", "all profiles"},
});
constexpr auto kInfoExamples = std::to_array<Example>({
    {"turnstile vault info ./stick bank", "what can be seen without the password"},
});
constexpr auto kExecExamples = std::to_array<Example>({
    {"turnstile vault exec ./stick work 'CREATE TABLE note(text)'", "one write transaction"},
});
constexpr auto kQueryExamples = std::to_array<Example>({
    {"turnstile vault query ./stick work 'SELECT * FROM note' --format csv", "one snapshot"},
});
constexpr auto kSetExamples = std::to_array<Example>({
    {"turnstile vault set-password ./stick work", "asks for it twice"},
});
constexpr auto kChangeExamples = std::to_array<Example>({
    {"turnstile vault change-password ./stick bank --password-fd 3 3< old.txt", "from a file"},
});
constexpr auto kRemoveExamples = std::to_array<Example>({
    {"turnstile vault remove-password ./stick bank", "a plain profile from then on"},
});
constexpr auto kRotateExamples = std::to_array<Example>({
    {"turnstile vault rotate-key ./stick bank", "when the key may have become known"},
});
constexpr auto kConvertExamples = std::to_array<Example>({
    {"turnstile vault convert ./stick bank encrypted", "for a database too large for memory"},
});
constexpr auto kRenameExamples = std::to_array<Example>({
    {"turnstile vault rename ./stick work office", "the id stays"},
});
constexpr auto kDuplicateExamples = std::to_array<Example>({
    {"turnstile vault duplicate ./stick work trial", "with its attachments"},
});
constexpr auto kDeleteExamples = std::to_array<Example>({
    {"turnstile vault delete ./stick trial --yes", "for good"},
});
constexpr auto kBackupExamples = std::to_array<Example>({
    {"turnstile vault backup ./stick bank bank.backup", "one file"},
});
constexpr auto kRestoreExamples = std::to_array<Example>({
    {"turnstile vault restore ./other bank.backup", "in another workspace"},
});
constexpr auto kAttachExamples = std::to_array<Example>({
    {"turnstile vault attach ./stick bank scan.png --type image/png", "prints its id"},
});
constexpr auto kDetachExamples = std::to_array<Example>({
    {"turnstile vault detach ./stick bank ID --to scan.png", "out of the vault"},
});
constexpr auto kVerifyExamples = std::to_array<Example>({
    {"turnstile vault verify ./stick bank", "every byte"},
});

constexpr auto kVaultCommands = std::to_array<Command>({
    {"vault create", "make a profile, and the workspace if it is missing",
     "Whatever interrupts it, there is the whole profile or nothing. A sealed profile is one "
     "encrypted file, and its database is in memory while it is unlocked; an encrypted one is a "
     "database file whose pages are encrypted, for what is too large for memory. Prints the id.",
     kOfProfile, kCreateFlags, kCreateExamples, run_vault_create},
    {"vault list", "show the profiles", "", kRootOnly, {}, kListExamples, run_vault_list},
    {"vault info", "show what is known of a profile", "", kOfProfile, kInfoFlags, kInfoExamples,
     run_vault_info},
    {"vault exec", "run SQL in one write transaction", "As `turnstile exec`, in a profile.",
     kExecPositionals, kExecFlags, kExecExamples, run_vault_exec},
    {"vault query", "run a query on one snapshot", "As `turnstile query`, in a profile.",
     kQueryPositionals, kQueryFlags, kQueryExamples, run_vault_query},
    {"vault set-password", "protect a profile that has no password",
     "Its database and all its attachments are encrypted, in one step; nothing plain is left.",
     kOfProfile, kSetFlags, kSetExamples, run_vault_set_password},
    {"vault change-password", "change the password of a profile",
     "Rewrites its keys and nothing else, so that it takes as long for a large profile as for a "
     "small one.",
     kOfProfile, kBothPasswords, kChangeExamples, run_vault_change_password},
    {"vault remove-password", "make a plain profile of a protected one", "", kOfProfile,
     kPasswordFlags, kRemoveExamples, run_vault_remove_password},
    {"vault rotate-key", "encrypt a profile anew with another key",
     "The password stays; recovery keys end.", kOfProfile, kPasswordFlags, kRotateExamples,
     run_vault_rotate_key},
    {"vault convert", "change a profile from sealed to encrypted, or back", "", kWithKind,
     kPasswordFlags, kConvertExamples, run_vault_convert},
    {"vault rename",
     "give a profile another name",
     "",
     kWithName,
     {},
     kRenameExamples,
     run_vault_rename},
    {"vault duplicate", "copy a profile under another name",
     "The copy of a protected profile has the same password and keys of its own. Prints its id.",
     kWithName, kPasswordFlags, kDuplicateExamples, run_vault_duplicate},
    {"vault delete",
     "delete a profile with all that it has",
     "Asks at a terminal, and needs --yes elsewhere.",
     kOfProfile,
     {},
     kDeleteExamples,
     run_vault_delete},
    {"vault backup", "write a profile into one file",
     "The backup of a protected profile has the profile's password. The file must be outside of "
     "the workspace.",
     kWithDestination, kBackupFlags, kBackupExamples, run_vault_backup},
    {"vault restore", "make a profile of a backup, or replace one",
     "All of the backup is checked before anything is changed. Prints the profile's id.",
     kWithSource, kRestoreFlags, kRestoreExamples, run_vault_restore},
    {"vault attach", "add a file to a profile", "Prints the attachment's id.", kWithFile,
     kAttachFlags, kAttachExamples, run_vault_attach},
    {"vault detach", "take an attachment out of a profile",
     "Without --to it is deleted for good, which asks at a terminal, and needs --yes elsewhere. "
     "`turnstile vault info --attachments` shows the ids.",
     kWithId, kDetachFlags, kDetachExamples, run_vault_detach},
    {"vault verify", "look whether a profile is whole",
     "Reads everything. Ends with 2 when something is wrong.", kOfProfile, kVerifyFlags,
     kVerifyExamples, run_vault_verify},
});

constexpr Group kVaultGroup = {
    "vault", "profiles in one folder, some of them behind a password",
    "A password comes from a prompt, from --password-fd or from TURNSTILE_PASSWORD, and never from "
    "a word of the command line; a new one from --new-password-fd or TURNSTILE_NEW_PASSWORD. See "
    "docs/guide/vaults.md.",
    kVaultCommands};

}  // namespace

const Group& vault_group() noexcept;
const Group& vault_group() noexcept {
  return kVaultGroup;
}

}  // namespace turnstile::cli
