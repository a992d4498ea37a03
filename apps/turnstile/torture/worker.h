// A worker of a torture run: a process of this program that is started with hidden words, writes
// with several threads, and says after each answer what it was. It is told what to do by lines on
// standard input:
//
//   start N PATH   open N fresh files that the others open at this moment too, PATH1, PATH2 and
//                  so on, write into each and close it: `f`
//   open           open the database: `o`
//   turns MS       write transactions of 2 ms, one after the other, for so long: `c`
//   work           write, read and work on tasks until the end of the input
//
// It says, each line with one system call, so that a kill leaves whole lines:
//
//   a THREAD N US           the write was acknowledged, so long after it was called
//   n, u THREAD N KIND ...  it failed: not in the file, or not known; the rest as in `e`
//   q US                    a read was done
//   j TASK                  a task was put in
//   t TASK                  a task was completed; `l`: its end was refused
//   v ...                   a rule did not hold on a snapshot
//   s SEEN TOLD             a thread saw fewer writes of its own than it had been told of
//   e WHAT KIND BEGAN ...   something else failed, which was called at that time of the steady
//                           clock; KIND is lock, timeout, damage, full, storage or other
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace turnstile::cli::torture {

/// The first word of a worker's command line, and of the process that keeps the disk busy.
inline constexpr std::string_view kWorkerWord = "--torture-worker";
inline constexpr std::string_view kDiskWord = "--torture-disk";

/// What follows kWorkerWord.
[[nodiscard]] std::vector<std::string> worker_words(std::string_view db, long run, int threads,
                                                    unsigned long seed, long timeout_ms);

/// True when these are the words of a process that a torture run has started; `status` is its exit
/// status then.
[[nodiscard]] bool run_hidden(const std::vector<std::string>& words, int& status);

}  // namespace turnstile::cli::torture
