#include <array>

#include "diagnose/causes/table.h"

namespace turnstile::diagnose {

namespace {

constexpr auto kFileCauses = std::to_array<Cause>({
    {.id = "replaced-file",
     .title = "the file was deleted or replaced while it was open",
     .sqlite_codes = "SQLITE_READONLY_DBMOVED SQLITE_IOERR SQLITE_CORRUPT",
     .error_codes = "DB_FILE_REPLACED",
     .meaning = "A connection keeps the file that it opened, whatever the name leads to now. In "
                "WAL mode its inserts go on without a failure, into a file without a name, and are "
                "lost when it is closed.",
     .signs = "`ls -l /proc/PID/fd` shows the database as deleted, or another inode than the name "
              "has.",
     .cure = "Stop all programs before a database is replaced, and take its -wal and -shm away "
             "with it. Better: restore with the backup interface into the open file.",
     .turnstile = "Noticed before the next write, which is refused; turnstile::restore makes sure "
                  "that nobody has the file open.",
     .not_shown = ""},
    {.id = "copied-without-log",
     .title = "the file was copied without its log",
     .sqlite_codes = "SQLITE_CORRUPT",
     .error_codes = "",
     .meaning = "What was committed last is in the -wal file. A copy of the database file alone "
                "lacks it, or is damaged when a checkpoint ran during the copy.",
     .signs = "The copy has fewer rows than the original, or none, and there was a -wal beside the "
              "original.",
     .cure = "Copy with the backup interface, VACUUM INTO or `sqlite3 DB .backup`, never with cp "
             "while a program runs.",
     .turnstile = "Database::backup, `turnstile backup`: one moment, checked.",
     .not_shown = ""},
    {.id = "leftover-log",
     .title = "a log of another file lies beside the database",
     .sqlite_codes = "SQLITE_CORRUPT SQLITE_NOTADB",
     .error_codes = "DB_LOG_LEFT",
     .meaning = "A database was put in the place of another one, whose -wal or -journal stayed. "
                "SQLite takes it for the log of the new file and writes its pages into it.",
     .signs = "The integrity check fails right after a restore; the -wal is older than the file.",
     .cure = "Delete -wal, -shm and -journal together with the database that they belong to, "
             "before another one gets its name.",
     .turnstile = "turnstile::restore exchanges file and log in one step.",
     .not_shown = ""},
    {.id = "hard-link",
     .title = "the file has two names",
     .sqlite_codes = "SQLITE_CORRUPT SQLITE_IOERR_SHORT_READ",
     .error_codes = "DB_HARD_LINK",
     .meaning = "The log is named after the database. Programs that open it by two hard links, or "
                "by a name from before a rename, have two logs for one file, and do not see each "
                "other's rows.",
     .signs = "`stat` shows more than one link, or there are -wal files under two names.",
     .cure = "Use one name. A symbolic link is harmless, SQLite follows it.",
     .turnstile = "A second name in the same process is refused.",
     .not_shown = ""},
    {.id = "immutable-with-log",
     .title = "a file was opened as immutable that has a log",
     .sqlite_codes = "SQLITE_CORRUPT",
     .error_codes = "DB_LOG_LEFT",
     .meaning = "With immutable=1 SQLite looks at no log and takes no locks. What is in the log is "
                "missing, without a failure, and changes by others look like damage.",
     .signs = "The connection string has immutable=1, and there is a -wal that is not empty.",
     .cure = "Use immutable=1 only for files on media that nobody can write, after a checkpoint.",
     .turnstile = "Refused where a log has content.",
     .not_shown = ""},
    {.id = "truncated-file",
     .title = "somebody cut the file short",
     .sqlite_codes = "SQLITE_CORRUPT SQLITE_IOERR_SHORT_READ SQLITE_NOTADB",
     .error_codes = "DB_CORRUPT DB_IO",
     .meaning = "A tool truncated the file, or a copy did not finish. With mmap_size the program "
                "does not get a result code but the signal SIGBUS.",
     .signs = "The file is shorter than page_count times page_size.",
     .cure = "Restore a backup, or save what is there with `.recover`. Leave mmap_size at 0.",
     .turnstile = "Memory maps are off; `turnstile recover` saves what can be read.",
     .not_shown = ""},
    {.id = "damaged-file",
     .title = "pages of the file are damaged",
     .sqlite_codes = "SQLITE_CORRUPT SQLITE_CORRUPT_INDEX SQLITE_CORRUPT_SEQUENCE "
                     "SQLITE_CORRUPT_VTAB SQLITE_IOERR_CORRUPTFS SQLITE_IOERR_DATA",
     .error_codes = "DB_CORRUPT",
     .meaning = "A page is not what SQLite wrote: a bad medium, a program that wrote into the "
                "file, or one of the causes here that lose locks.",
     .signs = "`PRAGMA integrity_check` names pages and indexes. The causes nearby are worth a "
              "look: two-engines, forked-connection, descriptor-closed, leftover-log.",
     .cure = "Restore a backup. An index alone can be rebuilt with REINDEX; `.recover` saves the "
             "rows that are still there.",
     .turnstile = "`turnstile verify` finds it, `turnstile recover` saves what can be read.",
     .not_shown = ""},
    {.id = "not-a-database",
     .title = "the file is no database, or it is encrypted",
     .sqlite_codes = "SQLITE_NOTADB",
     .error_codes = "DB_NOT_A_DATABASE",
     .meaning = "The file does not begin as a SQLite database does: another file of that name, an "
                "encrypted database, or a wrong key.",
     .signs = "`head -c 16 FILE` does not print `SQLite format 3`.",
     .cure = "Check the path. An encrypted file needs its key before the first statement.",
     .turnstile = "Found at open, before anything is written.",
     .not_shown = ""},
    {.id = "missing-directory",
     .title = "the path does not lead to a file that can be opened",
     .sqlite_codes = "SQLITE_CANTOPEN SQLITE_CANTOPEN_ISDIR SQLITE_CANTOPEN_FULLPATH "
                     "SQLITE_CANTOPEN_SYMLINK SQLITE_CANTOPEN_CONVPATH SQLITE_CANTOPEN_NOTEMPDIR",
     .error_codes = "DB_NO_DIRECTORY DB_NOT_FOUND DB_IS_DIRECTORY DB_OPEN_FAILED",
     .meaning = "SQLite makes files, but no directories. A relative path leads elsewhere when the "
                "program is started from another directory.",
     .signs = "The directory of the path does not exist, or the path is a directory itself.",
     .cure = "Make the directory first, and use absolute paths.",
     .turnstile = "Says which part is missing; Options::create_directories makes it.",
     .not_shown = ""},
    {.id = "read-only-directory",
     .title = "the user may not write to the file or its directory",
     .sqlite_codes = "SQLITE_READONLY SQLITE_READONLY_DIRECTORY SQLITE_READONLY_CANTINIT "
                     "SQLITE_CANTOPEN SQLITE_PERM",
     .error_codes = "DB_PERMISSION DB_READ_ONLY",
     .meaning = "SQLite makes its log and index beside the database, for readers too. Where it may "
                "not make files in the directory, a database in WAL mode cannot even be read.",
     .signs = "`ls -ld` of the directory shows no write permission for the user of the program.",
     .cure = "Give the user write access to the directory. For media that can never be written: "
             "close all, checkpoint, and open with immutable=1.",
     .turnstile = "Says which permission is missing; Options::immutable reads such a medium.",
     .not_shown = ""},
    {.id = "missing-shm",
     .title = "there is a log, but its index is missing and cannot be made",
     .sqlite_codes = "SQLITE_CANTOPEN SQLITE_CANTOPEN_DIRTYWAL SQLITE_READONLY_CANTINIT "
                     "SQLITE_READONLY_CANTLOCK SQLITE_READONLY_RECOVERY",
     .error_codes = "DB_PERMISSION DB_READ_ONLY DB_LOG_LEFT",
     .meaning = "A database was copied with its -wal to a place that cannot be written, or a "
                "program crashed there. The log has to be read, for which the -shm file would "
                "have to be made.",
     .signs = "There is a -wal with content, no -shm, and no write permission in the directory.",
     .cure = "Open it once where the directory can be written, and close it: the log is copied "
             "into the file. Never delete a -wal with content.",
     .turnstile = "Refused with what to do, so that no row is missing in silence.",
     .not_shown = ""},
    {.id = "disk-full",
     .title = "the file system or the quota is full",
     .sqlite_codes = "SQLITE_FULL SQLITE_IOERR_WRITE SQLITE_IOERR_SHMSIZE",
     .error_codes = "DB_DISK_FULL",
     .meaning = "There is no room for the next page. SQLite rolls the transaction back by itself, "
                "so that a COMMIT that follows fails with another message. In WAL mode deleting "
                "rows needs room, too.",
     .signs = "`df` shows no space. Often it is the -wal that took it; see long-reader.",
     .cure = "Free space, then checkpoint. Look at sqlite3_get_autocommit() after the failure. "
             "Keep a spare file that can be deleted in need.",
     .turnstile = "Nothing of the transaction is kept, the code is always DB_DISK_FULL, and work "
                  "goes on when there is room.",
     .not_shown = ""},
    {.id = "network-file-system",
     .title = "the file is on a network or shared file system",
     .sqlite_codes = "SQLITE_PROTOCOL SQLITE_IOERR_LOCK SQLITE_IOERR_SHMMAP SQLITE_IOERR_SHMLOCK "
                     "SQLITE_BUSY SQLITE_CORRUPT",
     .error_codes = "DB_WAL_UNAVAILABLE GATE_UNAVAILABLE",
     .meaning = "A write-ahead log needs memory that all processes share, so that it works on one "
                "machine only. Locks over NFS or SMB may be missing or wrong, and the file is "
                "damaged then.",
     .signs = "`stat -f -c %T DB` shows nfs, smb2, cifs, 9p or fuse.",
     .cure = "Keep the file on a local disk, and let one program serve the others.",
     .turnstile = "Where WAL mode cannot be had, opening says so instead of going on without.",
     .not_shown = "A network file system cannot be made by a program for itself."},
    {.id = "io-error",
     .title = "the system could not read or write",
     .sqlite_codes = "SQLITE_IOERR SQLITE_IOERR_READ SQLITE_IOERR_WRITE SQLITE_IOERR_FSYNC "
                     "SQLITE_IOERR_DIR_FSYNC SQLITE_IOERR_TRUNCATE SQLITE_IOERR_FSTAT "
                     "SQLITE_IOERR_DELETE SQLITE_IOERR_NOMEM SQLITE_IOERR_ACCESS "
                     "SQLITE_IOERR_CLOSE SQLITE_IOERR_SHMOPEN SQLITE_IOERR_SEEK",
     .error_codes = "DB_IO",
     .meaning = "A system call failed for another reason than space. After a failed sync nobody "
                "knows what is on the medium.",
     .signs = "The kernel's log (dmesg) names the device; sqlite3_system_errno() has the reason.",
     .cure = "Look after the medium, check the file with integrity_check, and restore a backup if "
             "it fails.",
     .turnstile = "The message has the system's reason; a commit without an answer is reported as "
                  "CommitState::Unknown, and never repeated by itself.",
     .not_shown = "A fault of a medium cannot be made by a program for itself."},
});

}  // namespace

std::span<const Cause> file_causes() noexcept {
  return kFileCauses;
}

}  // namespace turnstile::diagnose
