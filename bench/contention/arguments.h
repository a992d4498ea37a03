// What one run of the program is to do.
#pragma once

#include <chrono>
#include <string>

#include "contention/window.h"
#include "turnstile/options.h"

namespace turnstile::bench {

/// Whose way of using SQLite is measured.
enum class Side {
  Naive,      ///< Every thread its own connection, BEGIN IMMEDIATE, a busy timeout of 5 s.
  Raw,        ///< The same; the name for where nobody competes.
  Published,  ///< The usual cure: a pool of four, WAL and a timeout on each of them, plain BEGIN.
  Mutex,      ///< One connection behind one mutex.
  Turnstile,
};

/// Threads: immutable.
struct Arguments {
  std::string scenario;
  Side side = Side::Turnstile;
  int threads = 16;
  int processes = 4;
  Synchronous synchronous = Synchronous::Normal;
  Seconds warm_up{0.25};  ///< Not counted: the log grows to its size, caches fill.
  Seconds seconds{1};
  std::chrono::milliseconds hold{0};  ///< How long a transaction keeps the lock beyond its work.
  int writes_per_second = 0;          ///< Beside the reader.
  int count = 200;                    ///< Starts.
  std::string file;                   ///< Of a member: the file to work on.
  int member = 0;                     ///< Of a member: which of the processes it is.
  std::string peer;                   ///< Of a peer: the program that is measured.
};

/// Reads the command line. Throws CLI::ParseError.
Arguments parse(int argc, char** argv);

/// The way of writing an argument that parse() reads.
std::string name_of(Side side);
std::string name_of(Synchronous synchronous);

}  // namespace turnstile::bench
