// Commands that change how a profile is protected.
#include <fmt/core.h>

#include "context.h"
#include "failure.h"
#include "text.h"
#include "vault/commands.h"
#include "vault/common.h"

namespace turnstile::cli {

namespace {

/// Of a profile that must have one; asked for once, to unlock it and to prove it.
struct Unlocked {
  Password password;
  VaultSession session;
};

Unlocked unlock_with_password(Context& context, Workspace& workspace) {
  const ProfileInfo profile = workspace.profile(context.arguments.positional("PROFILE"));
  auto password = password_of(context, profile);
  VaultSession session = workspace.unlock(profile.id, password ? password->text() : "");
  return {password ? *std::move(password) : Password(""), std::move(session)};
}

Password new_password_of(Context& context) {
  return ask_new_password(context, fmt::format("new password of '{}'",
                                               printable(context.arguments.positional("PROFILE"))));
}

// The change is made. It is told when the session has ended, so that a failure to save is one of
// the command; what is told is from before, when nobody else can have the profile.
ExitCode finish(Context& context, const VaultSession& session) {
  const ProfileInfo profile = session.info();
  session.lock();
  print_change(context, profile);
  return ExitCode::Done;
}

}  // namespace

ExitCode run_vault_set_password(Context& context) {
  Workspace workspace = open_workspace(context);
  const ProfileInfo profile = workspace.profile(context.arguments.positional("PROFILE"));
  if (profile.is_protected()) {
    throw usage_failure(fmt::format("the profile '{}' has a password already", profile.name),
                        "Use `turnstile vault change-password`.");
  }
  const VaultSession session = workspace.unlock(profile.id);
  const Password password = new_password_of(context);
  session.set_password(password.text(), kind_of(context.arguments).value_or(ProfileKind::Sealed));
  return finish(context, session);
}

ExitCode run_vault_change_password(Context& context) {
  Workspace workspace = open_workspace(context);
  const Unlocked unlocked = unlock_with_password(context, workspace);
  const Password password = new_password_of(context);
  unlocked.session.change_password(unlocked.password.text(), password.text());
  return finish(context, unlocked.session);
}

ExitCode run_vault_remove_password(Context& context) {
  Workspace workspace = open_workspace(context);
  const Unlocked unlocked = unlock_with_password(context, workspace);
  unlocked.session.remove_password(unlocked.password.text());
  return finish(context, unlocked.session);
}

ExitCode run_vault_rotate_key(Context& context) {
  Workspace workspace = open_workspace(context);
  const Unlocked unlocked = unlock_with_password(context, workspace);
  unlocked.session.rotate_key(unlocked.password.text());
  return finish(context, unlocked.session);
}

ExitCode run_vault_convert(Context& context) {
  Workspace workspace = open_workspace(context);
  const VaultSession session = unlock_profile(context, workspace);
  session.convert(profile_kind_of(context.arguments.positional("KIND")).value());
  return finish(context, session);
}

}  // namespace turnstile::cli
