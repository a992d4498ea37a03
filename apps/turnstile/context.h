#pragma once

#include "arguments.h"
#include "interrupts.h"
#include "output.h"

namespace turnstile::cli {

/// What a command is run with. Threads: confined.
struct Context {
  const Arguments& arguments;
  Output& output;
  Interrupts& interrupts;
  const CommandTable& table;
};

}  // namespace turnstile::cli
