// Commands about profiles as a whole.
#include <fmt/core.h>

#include "context.h"
#include "failure.h"
#include "json.h"
#include "text.h"
#include "vault/commands.h"
#include "vault/common.h"

namespace turnstile::cli {

ExitCode run_vault_create(Context& context) {
  const std::string name = context.arguments.positional("PROFILE");
  CreateProfile options;
  options.kind = kind_of(context.arguments).value_or(ProfileKind::Plain);
  options.id = context.arguments.value("--id").value_or("");
  Workspace workspace = open_workspace(context, true);
  if (options.kind == ProfileKind::Plain) {
    print_profile(context, workspace.create(name, options));
    return ExitCode::Done;
  }
  const Password password =
      ask_new_password(context, fmt::format("new password of '{}'", printable(name)));
  options.password = password.text();
  print_profile(context, workspace.create(name, options));
  return ExitCode::Done;
}

ExitCode run_vault_list(Context& context) {
  const Workspace workspace = open_workspace(context);
  const auto profiles = workspace.profiles();
  if (context.arguments.json()) {
    Json list = Json::array();
    for (const ProfileInfo& profile : profiles)
      list.push_back(to_json(profile));
    context.output.write_json(list);
    return ExitCode::Done;
  }
  Table table(context.output, {"name", "kind", "size", "attachments", "id"});
  for (const ProfileInfo& profile : profiles) {
    table.add({{printable(profile.name)},
               {profile.problem.empty() ? std::string(to_string(profile.kind)) : "damaged"},
               {human_bytes(profile.database_bytes + profile.attachment_bytes), true},
               {std::to_string(profile.attachment_files), true},
               {profile.id}});
  }
  table.finish();
  return ExitCode::Done;
}

namespace {

void print_attachments(Context& context, const VaultSession& session) {
  if (context.arguments.json()) {
    Json list = Json::array();
    for (const Attachment& attachment : session.attachments())
      list.push_back(to_json(attachment));
    context.output.write_json(list);
    return;
  }
  Table table(context.output, {"name", "size", "type", "id"});
  for (const Attachment& attachment : session.attachments()) {
    table.add({{printable(attachment.name)},
               {human_bytes(attachment.size_bytes), true},
               {printable(attachment.type)},
               {attachment.id}});
  }
  table.finish();
}

}  // namespace

ExitCode run_vault_info(Context& context) {
  Workspace workspace = open_workspace(context);
  const ProfileInfo profile = workspace.profile(context.arguments.positional("PROFILE"));
  if (context.arguments.has("--attachments")) {
    print_attachments(context, unlock_profile(context, workspace));
  } else if (context.arguments.json()) {
    context.output.write_json(to_json(profile));
  } else {
    context.output.write(
        fmt::format("name: {}\nid: {}\nkind: {}\ncreated: {}\ndatabase: {}\nattachments: {}, {}\n",
                    printable(profile.name), profile.id, to_string(profile.kind),
                    iso_time(profile.created), human_bytes(profile.database_bytes),
                    profile.attachment_files, human_bytes(profile.attachment_bytes)));
    if (!profile.problem.empty())
      context.output.write(fmt::format("problem: {}\n", printable(profile.problem)));
  }
  return profile.problem.empty() ? ExitCode::Done : ExitCode::Findings;
}

ExitCode run_vault_rename(Context& context) {
  Workspace workspace = open_workspace(context);
  ProfileInfo profile = workspace.profile(context.arguments.positional("PROFILE"));
  const std::string name = context.arguments.positional("NAME");
  workspace.rename(profile.id, name);
  profile.name = name;
  print_change(context, profile);
  return ExitCode::Done;
}

ExitCode run_vault_duplicate(Context& context) {
  Workspace workspace = open_workspace(context);
  const ProfileInfo profile = workspace.profile(context.arguments.positional("PROFILE"));
  const auto password = password_of(context, profile);
  print_profile(context, workspace.duplicate(profile.id, context.arguments.positional("NAME"),
                                             password ? password->text() : ""));
  return ExitCode::Done;
}

ExitCode run_vault_delete(Context& context) {
  Workspace workspace = open_workspace(context);
  const ProfileInfo profile = workspace.profile(context.arguments.positional("PROFILE"));
  require_consent(context, fmt::format("the profile '{}' would be deleted, with {} attachments",
                                       printable(profile.name), profile.attachment_files));
  workspace.remove(profile.id);
  if (context.arguments.json())
    context.output.write_json({{"id", profile.id}, {"name", profile.name}});
  return ExitCode::Done;
}

ExitCode run_vault_verify(Context& context) {
  Workspace workspace = open_workspace(context);
  const ProfileInfo profile = workspace.profile(context.arguments.positional("PROFILE"));
  const auto password =
      context.arguments.has("--shallow") ? std::nullopt : password_of(context, profile);
  const ProfileVerification found = workspace.verify(profile.id, password ? password->text() : "");
  if (context.arguments.json()) {
    context.output.write_json({{"ok", found.ok()},
                               {"problems", found.problems},
                               {"attachments", found.attachments},
                               {"content_checked", found.content_checked}});
  } else {
    for (const std::string& problem : found.problems)
      context.output.write(fmt::format("problem: {}\n", printable(problem)));
    if (found.ok()) {
      context.output.write(fmt::format("ok: {}, {} attachments\n",
                                       found.content_checked ? "content checked" : "form checked",
                                       found.attachments));
    }
  }
  return found.ok() ? ExitCode::Done : ExitCode::Findings;
}

}  // namespace turnstile::cli
