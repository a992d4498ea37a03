#include "vault/common.h"

#include <fmt/core.h>
#include <unistd.h>

#include <iostream>

#include "failure.h"
#include "json.h"
#include "text.h"

namespace turnstile::cli {

Workspace open_workspace(const Context& context, bool create) {
  WorkspaceOptions options;
  options.create = create;
  options.database.busy_timeout = context.arguments.timeout();
  options.database.connections = 2;
  options.throttle = std::chrono::milliseconds(0);  // Each run has one try.
  options.log_sink = [json = context.arguments.json()](const LogEvent& event) {
    if (event.severity != LogEvent::Severity::Info) report_warning(event.code, event.message, json);
  };
  return Workspace::open(context.arguments.positional("ROOT"), std::move(options));
}

void require_no_password(const Context& context, std::string_view what) {
  if (!is_password_given(context)) return;
  throw Failure(ExitCode::Usage, "PASSWORD_UNEXPECTED",
                fmt::format("a password was given, and {} has none", what),
                "Leave it out; if there was one before, look who has changed the files.");
}

std::optional<Password> password_of(Context& context, const ProfileInfo& profile) {
  if (!profile.is_protected()) {
    require_no_password(context, fmt::format("the profile '{}'", printable(profile.name)));
    return std::nullopt;
  }
  return ask_password(context, fmt::format("password of '{}'", printable(profile.name)));
}

void require_consent(const Context& context, const std::string& what) {
  if (context.arguments.has("--yes")) return;
  if (::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1) {
    fmt::print(stderr, "{}. Go on? Type yes: ", what);
    std::string answer;
    std::getline(std::cin, answer);
    if (answer == "yes") return;
  }
  throw usage_failure(what, "Add --yes if that is what you want.");
}

VaultSession unlock_profile(Context& context, Workspace& workspace) {
  const ProfileInfo profile = workspace.profile(context.arguments.positional("PROFILE"));
  const auto password = password_of(context, profile);
  return workspace.unlock(profile.id, password ? password->text() : "");
}

Json to_json(const ProfileInfo& profile) {
  return {{"id", profile.id},
          {"name", profile.name},
          {"kind", to_string(profile.kind)},
          {"created", iso_time(profile.created)},
          {"database_bytes", profile.database_bytes},
          {"attachments", profile.attachment_files},
          {"attachments_bytes", profile.attachment_bytes},
          {"recovery_keys", profile.recovery_keys},
          {"problem", text_or_null(profile.problem)}};
}

Json to_json(const Attachment& attachment) {
  return {{"id", attachment.id},
          {"name", attachment.name},
          {"owner", text_or_null(attachment.owner)},
          {"type", text_or_null(attachment.type)},
          {"size_bytes", attachment.size_bytes},
          {"sha256", attachment.sha256},
          {"created", iso_time(attachment.created)},
          {"removed", attachment.removed ? Json(iso_time(*attachment.removed)) : Json()}};
}

void print_profile(Context& context, const ProfileInfo& profile) {
  if (context.arguments.json())
    context.output.write_json(to_json(profile));
  else
    context.output.write(fmt::format("{}\n", profile.id));
}

void print_change(Context& context, const ProfileInfo& profile) {
  if (context.arguments.json()) context.output.write_json(to_json(profile));
}

std::optional<ProfileKind> kind_of(const Arguments& arguments) {
  const auto text = arguments.value("--kind");
  return text ? profile_kind_of(*text) : std::nullopt;
}

}  // namespace turnstile::cli
