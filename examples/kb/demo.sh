#!/usr/bin/env bash
# The main job, on real files: two processes with four workers each index a directory into one
# SQLite file, with records, words, vectors, audit, tasks and a schedule, while a third one searches
# it, and a report says what came of it. `./dev demo` builds and runs it.
#
#   TURNSTILE_BUILD   the build directory (needed)
#   DEMO_DIR          the directory to index (/usr/share/doc)
#   KEEP=1            keep the database and say where it is
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source_dir="${DEMO_DIR:-/usr/share/doc}"
kb="${TURNSTILE_BUILD:?names the build directory; or run ./dev demo}/bin/kb"

# So much is done in well under three minutes on two processors; of a larger directory, a part.
max_files=20000
max_bytes=$((300 * 1000 * 1000))

work="$(mktemp -d "${TMPDIR:-/tmp}/turnstile-demo-XXXXXX")"
db="$work/kb.db"
children=()
problems=()

say() { printf '%s\n' "$*"; }
reconcile() { python3 -B "$here/reconcile.py" "$@"; }
# The value of a key in one JSON object in a file.
value() {
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"
}

clean_up() {
  local child
  for child in "${children[@]}"; do
    kill -TERM "$child" 2>/dev/null || true
  done
  wait 2>/dev/null || true
  if [[ "${KEEP:-}" == 1 ]]; then
    say "The database stays in $db"
  else
    rm -rf "$work"
  fi
}
trap clean_up EXIT
trap 'say ""; say "Interrupted"; exit 130' INT TERM HUP

# Names what is indexed in `input`: the directory itself, or a copy of its first part.
choose_input() {
  local files bytes
  [[ -d "$source_dir" ]] || {
    say "demo: there is no directory $source_dir; name one with DEMO_DIR" >&2
    exit 4
  }
  read -r files bytes < <(reconcile count "$source_dir")
  input="$source_dir"
  extent="all of its $files files, $((bytes / 1000000)) MB on the disk"
  if ((files > max_files || bytes > max_bytes)); then
    input="$work/input"
    mkdir "$input"
    reconcile choose "$source_dir" "$work/list" "$max_files" "$max_bytes"
    tar --create --null --files-from "$work/list" --absolute-names 2>/dev/null |
      tar --extract --directory "$input" --strip-components 1 2>/dev/null || true
    extent="a part, because it has $files files and $((bytes / 1000000)) MB"
  fi
}

start_programs() {
  local name
  for name in first second; do
    "$kb" index "$input" --db "$db" --workers 4 --every 5s --once --json \
      >"$work/$name.json" 2>"$work/$name.log" &
    children+=($!)
  done
  "$kb" load --db "$db" --threads 2 --json >"$work/load.json" 2>"$work/load.log" &
  children+=($!)
}

latest() { tail -n 1 "$work/$1.log" 2>/dev/null || true; }

# Until both indexers have ended. On a terminal three lines are rewritten, elsewhere they are
# printed now and then.
show_progress() {
  local lines=0 name pause=1
  [[ -t 1 ]] || pause=5
  while kill -0 "${children[0]}" 2>/dev/null || kill -0 "${children[1]}" 2>/dev/null; do
    if [[ -t 1 ]] && ((lines > 0)); then
      printf '\033[%dA' "$lines"
    fi
    lines=0
    for name in first second load; do
      printf '  %-7s %s' "$name" "$(latest "$name")"
      if [[ -t 1 ]]; then printf '\033[K'; fi
      printf '\n'
      lines=$((lines + 1))
    done
    # A little at a time, so that the end is noticed soon.
    for ((i = 0; i < pause * 5; ++i)); do
      kill -0 "${children[0]}" 2>/dev/null || kill -0 "${children[1]}" 2>/dev/null || break
      sleep 0.2
    done
  done
}

# Waits for a program and complains when it failed.
expect_success() {
  local child="$1" name="$2" status=0
  wait "$child" || status=$?
  if [[ $status -ne 0 ]]; then
    problems+=("$name ended with status $status: $(latest "$name")")
  fi
}

search() {
  say ""
  say "kb search '$1'"
  "$kb" search "$1" --db "$db" -n 2 2>&1 | sed 's/^/  /' || true
}

second_pass() {
  local begin=$SECONDS
  "$kb" index "$input" --db "$db" --workers 4 --once --json >"$work/again.json" \
    2>"$work/again.log" || problems+=("the second pass failed: $(latest again)")
  say "second pass        $(value "$work/again.json" queued) of $(value "$work/again.json" files)" \
    "files looked at again, the others skipped as unchanged ($((SECONDS - begin)) s)"
  [[ "$(value "$work/again.json" added)" == 0 && "$(value "$work/again.json" changed)" == 0 ]] ||
    problems+=("the second pass stored unchanged files again")
}

closing_report() {
  local first="$work/first.json" second="$work/second.json" load="$work/load.json"
  local lock_failures=0 name count
  for name in first second load; do
    count="$(value "$work/$name.json" lock_failures)" || count=1
    lock_failures=$((lock_failures + count))
  done
  say ""
  say "input              $source_dir: $extent"
  say "indexing           $1 s, 2 processes with 4 workers each:" \
    "$(value "$first" added) + $(value "$second" added) documents," \
    "$(value "$first" vectors) + $(value "$second" vectors) vectors"
  "$kb" stats --db "$db" >"$work/stats.txt" || problems+=("a check of the database failed")
  sed 's/^/  /' "$work/stats.txt"
  say "searches           $(value "$load" searches) with $(value "$load" hits) hits;" \
    "$(value "$load" misses) misses, $(value "$load" failures) failures," \
    "longest $(value "$load" longest_wait_ms) ms"
  say "commits            $(($(value "$first" commits) + $(value "$second" commits)))"
  say "longest wait       $(value "$first" longest_wait_ms) and" \
    "$(value "$second" longest_wait_ms) ms for the writer's turn"
  say "lock failures: $lock_failures"
  [[ $lock_failures -eq 0 ]] || problems+=("there were $lock_failures lock failures")
  local figures
  figures="$(reconcile compare "$input" "$db")" || problems+=("documents and files do not agree")
  say "reconciled         $figures"
  second_pass
}

choose_input
say "Indexing $source_dir ($extent) into $db"
begin=$SECONDS
start_programs
show_progress
expect_success "${children[0]}" first
expect_success "${children[1]}" second
seconds=$((SECONDS - begin))
kill -TERM "${children[2]}" || true  # It may have failed already, which is told below.
expect_success "${children[2]}" load
children=()

if [[ ${#problems[@]} -eq 0 ]]; then
  closing_report "$seconds"
  search "license"
  search "\"configuration file\""
  search "database"
fi
say ""
if [[ ${#problems[@]} -gt 0 ]]; then
  printf 'FAILED: %s\n' "${problems[@]}" >&2
  exit 1
fi
say "All in order, $((SECONDS - begin)) s in all"
