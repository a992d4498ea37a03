#!/usr/bin/env bash
# Two processes index the machine's own documentation into one file while a third one searches; then
# everything is counted and checked. Called by `./dev demo`, which sets TURNSTILE_BUILD.
#   DEMO_DIR  the directory to index (/usr/share/doc)
#   KEEP      a file name: keeps the database there
set -euo pipefail

kb="${TURNSTILE_BUILD:?the build directory}/bin/kb"
directory="${DEMO_DIR:-/usr/share/doc}"
work="$(mktemp -d)"
db="$work/kb.db"
pids=()

# shellcheck disable=SC2317  # Called by the trap.
clean_up() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
  printf '\nThe demo FAILED: %s\n' "$*" >&2
  exit 1
}

started=$SECONDS
find "$directory" -type f | LC_ALL=C sort >"$work/files"
total="$(wc -l <"$work/files")"
[[ "$total" -gt 0 ]] || fail "there is no file below $directory; name another with DEMO_DIR"
printf 'Indexing %s files below %s with two processes of four workers, while two threads search.\n' \
  "$total" "$directory"

# Both start at the same moment on a file that does not exist yet.
"$kb" index "$directory" --db "$db" --workers 4 >"$work/a.log" 2>"$work/a.err" &
a=$!
"$kb" index "$directory" --db "$db" --workers 4 >"$work/b.log" 2>"$work/b.err" &
b=$!
# This one shows the progress of all three.
"$kb" load --db "$db" --threads 2 &
load=$!
pids=("$a" "$b" "$load")

wait "$a" || fail "the first indexer: $(cat "$work/a.err")"
wait "$b" || fail "the second indexer: $(cat "$work/b.err")"
kill -INT "$load"
wait "$load" || fail "the search load ended with an error"
pids=()
indexed=$((SECONDS - started))

printf '\nA second pass, in which nothing has changed:\n  '
"$kb" index "$directory" --db "$db" --workers 4

printf '\nSearch results:\n'
for words in "copyright license" "configuration file" "bug report"; do
  printf '  "%s"\n' "$words"
  "$kb" search "$words" --db "$db" -n 2 | cut -c1-110 | sed 's/^/    /' || true
done

printf '\nReport (%s s for the first pass):\n' "$indexed"
"$kb" stats --db "$db" | tee "$work/stats" | sed 's/^/  /' || fail "the parts do not agree"

# Every file that find saw is a document, or was passed over because it is no text.
"$kb" paths --db "$db" | LC_ALL=C sort >"$work/known"
if ! LC_ALL=C comm -23 "$work/files" "$work/known" >"$work/lost" || [[ -s "$work/lost" ]]; then
  fail "files were lost, the first is $(head -n 1 "$work/lost")"
fi
# What was passed over must be no text in the eyes of somebody else either.
while IFS= read -r path; do
  if [[ "$path" != *.gz ]] && grep -Iq . "$path"; then fail "$path is a text and was left out"; fi
done < <("$kb" paths --passed-over --db "$db")
grep -q '^lock failures: 0$' "$work/stats" || fail "there were lock failures"
grep -q '^integrity check: ok$' "$work/stats" || fail "the integrity check failed"
grep -q '^files waiting  *0$' "$work/stats" || fail "work was left undone"
printf '  all %s files accounted for\n' "$total"
if [[ -n "${KEEP:-}" ]]; then cp "$db" "$KEEP"; fi
