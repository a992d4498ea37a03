// How the commands open the file, in one place.
#pragma once

#include <memory>

#include "commands.h"
#include "embedder.h"
#include "turnstile/database.h"
#include "turnstile/host.h"

namespace kb {

/// For a process that indexes: the file is made when it is missing.
[[nodiscard]] turnstile::HostOptions host_options(const Common& common);

/// For a command that looks: a mistyped name is not made a file.
[[nodiscard]] turnstile::Database open_existing(const Common& common);
/// The same for one that may be started together with those who make the file.
[[nodiscard]] turnstile::Database open_or_create(const Common& common);

/// The one that the command line names.
[[nodiscard]] std::unique_ptr<Embedder> make_embedder(const Common& common);

}  // namespace kb
