// Commands about what is in a profile.
#include <fmt/core.h>

#include "context.h"
#include "failure.h"
#include "input.h"
#include "json.h"
#include "sql_runs.h"
#include "text.h"
#include "vault/commands.h"
#include "vault/common.h"

namespace turnstile::cli {

ExitCode run_vault_exec(Context& context) {
  const auto parameters = parse_parameters(context.arguments.values("--param"));
  std::string sql = context.arguments.positional("SQL");
  if (sql == "-") sql = read_standard_input();
  Workspace workspace = open_workspace(context);
  const VaultSession session = unlock_profile(context, workspace);
  const CallOptions options{.durability = durability_of(context.arguments)};
  const ExecuteResult result =
      session.lane("cli").write(options, [&](WriteTx& tx) { return run_sql(tx, sql, parameters); });
  session.lock();  // Here, so that a failure to save is one of the command.
  print_result(context, result);
  return ExitCode::Done;
}

ExitCode run_vault_query(Context& context) {
  Workspace workspace = open_workspace(context);
  const VaultSession session = unlock_profile(context, workspace);
  print_query(context, session.lane("cli"));
  return ExitCode::Done;
}

ExitCode run_vault_attach(Context& context) {
  const Arguments& arguments = context.arguments;
  Workspace workspace = open_workspace(context);
  const VaultSession session = unlock_profile(context, workspace);
  const Attachment attachment = session.attach(arguments.positional("FILE"),
                                               {.name = arguments.value("--name").value_or(""),
                                                .owner = arguments.value("--owner").value_or(""),
                                                .type = arguments.value("--type").value_or("")});
  session.lock();
  if (arguments.json())
    context.output.write_json(to_json(attachment));
  else
    context.output.write(fmt::format("{}\n", attachment.id));
  return ExitCode::Done;
}

ExitCode run_vault_detach(Context& context) {
  const Arguments& arguments = context.arguments;
  const std::string id = arguments.positional("ID");
  const auto target = arguments.value("--to");
  if (arguments.has("--keep") && !target)
    throw usage_failure("--keep leaves nothing to be done", "Say with --to where it is to go.");
  Workspace workspace = open_workspace(context);
  const VaultSession session = unlock_profile(context, workspace);
  const Attachment attachment = session.attachment(id);
  if (target) {
    session.save_attachment(id, *target);
  } else {
    require_consent(context, fmt::format("the attachment '{}' would be deleted for good",
                                         printable(attachment.name)));
  }
  if (!arguments.has("--keep")) session.purge_attachment(id);
  session.lock();
  if (arguments.json()) context.output.write_json(to_json(attachment));
  return ExitCode::Done;
}

ExitCode run_vault_backup(Context& context) {
  const Arguments& arguments = context.arguments;
  Workspace workspace = open_workspace(context);
  BackupProfile options;
  options.overwrite = arguments.has("--overwrite");
  std::optional<Password> password;
  if (arguments.has("--encrypt")) {
    password.emplace(ask_new_password(context, "password of the backup"));
    options.password = password->text();
  }
  const BackupInfo info =
      workspace.backup(arguments.positional("PROFILE"), arguments.positional("DEST"), options);
  if (arguments.json()) {
    context.output.write_json({{"id", info.id},
                               {"name", info.name},
                               {"kind", to_string(info.kind)},
                               {"files", info.files},
                               {"bytes", info.bytes},
                               {"unprotected", info.unprotected}});
  } else {
    context.output.write(fmt::format("{} files, {}\n", info.files, human_bytes(info.bytes)));
  }
  if (info.unprotected) {
    report_warning("BACKUP_UNPROTECTED",
                   "whoever has this backup can read it; --encrypt gives it a password",
                   arguments.json());
  }
  return ExitCode::Done;
}

ExitCode run_vault_restore(Context& context) {
  const Arguments& arguments = context.arguments;
  const BackupInfo info = inspect_backup(arguments.positional("SRC"));
  if (info.unprotected) require_no_password(context, "the backup");
  Workspace workspace = open_workspace(context, true);
  RestoreProfile options;
  options.profile = arguments.value("--replace").value_or("");
  options.name = arguments.value("--name").value_or("");
  options.remove_password = arguments.has("--remove-password");
  if (info.kind == ProfileKind::Plain && !options.profile.empty() && !options.remove_password &&
      workspace.profile(options.profile).is_protected()) {
    throw usage_failure(fmt::format("the profile '{}' has a password, and would have none after "
                                    "this",
                                    options.profile),
                        "Add --remove-password if that is what you want.");
  }
  std::optional<Password> password;
  if (info.kind == ProfileKind::Plain && !info.unprotected) {
    password.emplace(ask_password(context, "password of the backup"));
    options.password = password->text();
  }
  print_profile(context, workspace.restore(arguments.positional("SRC"), options));
  return ExitCode::Done;
}

}  // namespace turnstile::cli
