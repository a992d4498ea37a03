#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

Findings check_file_system(const Patient& patient) {
  if (!patient.file_system) return {skip("nothing is known of the file system")};
  const FileSystemState& state = *patient.file_system;
  Findings findings;
  if (state.is_network) {
    const bool has_log = patient.content.header && patient.content.header->has_log();
    Finding network;
    network.status = has_log ? CheckStatus::Fail : CheckStatus::Warn;
    network.title = "the file is on " + state.name + ", a network file system";
    network.cause = "network-file-system";
    network.cure =
        "Move it to a disk of this machine. Locks that do not hold between machines end in a "
        "damaged file, and a write-ahead log needs memory that machines do not share.";
    findings.push_back(std::move(network));
  }
  if (state.is_fuse) {
    Finding fuse;
    fuse.status = CheckStatus::Warn;
    fuse.title = "the file is on a file system that a program provides (FUSE)";
    fuse.cause = "network-file-system";
    fuse.cure =
        "Move it to a disk of this machine, unless that program is known to keep locks and shared "
        "memory as the kernel does; what stands for a remote place mostly does not.";
    findings.push_back(std::move(fuse));
  }
  if (state.is_read_only) {
    Finding read_only;
    read_only.status = CheckStatus::Warn;
    read_only.title = "the file system is mounted read-only";
    read_only.cause = "read-only-directory";
    read_only.cure =
        "Mount it for writing, or open the file as immutable if nobody else can change it.";
    findings.push_back(std::move(read_only));
  }
  if (findings.empty())
    findings.push_back(pass(state.name.empty() ? "no file system that is known to be unfit"
                                               : "the file is on " + state.name));
  return findings;
}

}  // namespace turnstile::diagnose
