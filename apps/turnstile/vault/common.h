// What the commands of the group share.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "context.h"
#include "turnstile/vault.h"
#include "vault/passwords.h"

namespace turnstile::cli {

/// ROOT of the command line. Only with `create` it is made when it is missing.
[[nodiscard]] Workspace open_workspace(const Context& context, bool create = false);

/// Throws Failure (PASSWORD_UNEXPECTED) when a password was given: whoever gives one believes that
/// `what` is protected.
void require_no_password(const Context& context, std::string_view what);
/// The password of PROFILE, asked for if it has one.
[[nodiscard]] std::optional<Password> password_of(Context& context, const ProfileInfo& profile);
/// Returns when --yes was given, or the question `what. Go on?` was answered with yes at a
/// terminal. Throws Failure (USAGE) otherwise.
void require_consent(const Context& context, const std::string& what);
/// PROFILE of the command line, unlocked.
[[nodiscard]] VaultSession unlock_profile(Context& context, Workspace& workspace);

[[nodiscard]] nlohmann::ordered_json to_json(const ProfileInfo& profile);
[[nodiscard]] nlohmann::ordered_json to_json(const Attachment& attachment);

/// Prints the profile: its id, or all of it as JSON.
void print_profile(Context& context, const ProfileInfo& profile);
/// Of a command that has changed it and says nothing to people: prints all of it with --json.
void print_change(Context& context, const ProfileInfo& profile);

/// --kind; plain, sealed or encrypted.
[[nodiscard]] std::optional<ProfileKind> kind_of(const Arguments& arguments);

}  // namespace turnstile::cli
