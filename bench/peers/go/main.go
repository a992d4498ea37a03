// A pair of database/sql pools as PocketBase has it, the pattern that Go programs copy: one
// connection for writes, so that writers queue in Go and never meet SQLite's lock, and a pool of
// many for reads. Here nobody reads, so that the second pool would have no connection and is left
// out. The pragmas are PocketBase's, set by a ConnectHook as in its variant for this driver.
// PocketBase prepares its statements for each write; here they are kept, which is faster.
package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
)

const pragmas = `
PRAGMA busy_timeout = 10000;
PRAGMA journal_mode = WAL;
PRAGMA journal_size_limit = 200000000;
PRAGMA synchronous = NORMAL;
PRAGMA foreign_keys = ON;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -32000;`

var driver = "of unknown version" // Set by the linker; the driver does not say it.

type task struct {
	File    string  `json:"file"`
	Threads int     `json:"threads"`
	WarmUp  float64 `json:"warm_up"`
	Seconds float64 `json:"seconds"`
	Insert  string  `json:"insert"`
	Count   string  `json:"count"`
}

type record struct {
	name    string
	val     int64
	payload []byte
	created int64
}

// What one goroutine got; see bench/contention/tally.h.
type tally struct {
	Acknowledged int64   `json:"acknowledged"`
	Counted      int64   `json:"counted"`
	Waits        []int64 `json:"waits"` // Nanoseconds.
	Errors       int64   `json:"errors"`
	FirstError   string  `json:"first_error"`
}

func (t *tally) attempt(begin, end time.Time, call func() error) {
	from := time.Now()
	if err := call(); err != nil {
		if t.Errors == 0 {
			t.FirstError = err.Error()
		}
		t.Errors++
		return
	}
	to := time.Now()
	t.Acknowledged++
	if to.Before(begin) {
		return
	}
	if to.Before(end) {
		t.Counted++
	}
	t.Waits = append(t.Waits, int64(to.Sub(from)))
}

// The writing half of the pair.
type writer struct {
	pool          *sql.DB
	insert, count *sql.Stmt
}

func (w *writer) write(r *record, key int64) error {
	tx, err := w.pool.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // After a commit it does nothing.
	if _, err = tx.Stmt(w.insert).Exec(r.name, r.val, r.payload, r.created); err != nil {
		return err
	}
	if _, err = tx.Stmt(w.count).Exec(key); err != nil {
		return err
	}
	return tx.Commit()
}

func open(t *task) *writer {
	sql.Register("pocketbase", &sqlite3.SQLiteDriver{
		ConnectHook: func(connection *sqlite3.SQLiteConn) error {
			_, err := connection.Exec(pragmas, nil)
			return err
		},
	})
	pool := must(sql.Open("pocketbase", t.File))
	pool.SetMaxOpenConns(1)
	pool.SetMaxIdleConns(1)
	return &writer{pool, must(pool.Prepare(t.Insert)), must(pool.Prepare(t.Count))}
}

// The rows and the keys of bench/support/table.h.
func makeRecords() []record {
	records := make([]record, 1024)
	for i := range records {
		records[i] = record{fmt.Sprintf("record number %d", 1000000+i), int64(i) * 1000,
			bytes.Repeat([]byte{byte(i)}, 64), 1700000000000000 + int64(i)}
	}
	return records
}

type keys uint64

func (k *keys) next() int64 {
	*k ^= *k << 13
	*k ^= *k >> 7
	*k ^= *k << 17
	return int64(*k%10000) + 1
}

func run(t *task, w *writer) []tally {
	records := makeRecords()
	tallies := make([]tally, t.Threads)
	begin := time.Now().Add(time.Duration(t.WarmUp * 1e9))
	end := begin.Add(time.Duration(t.Seconds * 1e9))
	var group sync.WaitGroup
	for i := range tallies {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			own := tally{Waits: make([]int64, 0, 1<<16)}
			key := keys(0x9E3779B97F4A7C15 * uint64(i+1))
			for written := i; time.Now().Before(end); written++ {
				own.attempt(begin, end, func() error {
					return w.write(&records[written%len(records)], key.next())
				})
			}
			tallies[i] = own
		}(i)
	}
	group.Wait()
	return tallies
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "go:", err)
		os.Exit(1)
	}
	return value
}

func main() {
	var t task
	must(0, json.Unmarshal([]byte(os.Args[1]), &t))
	w := open(&t)
	tallies := run(&t, w)
	must(0, w.insert.Close())
	must(0, w.count.Close())
	must(0, w.pool.Close())
	sqlite, _, _ := sqlite3.Version()
	fmt.Println(string(must(json.Marshal(map[string]any{
		"peer":    "mattn/go-sqlite3 " + driver + " (" + runtime.Version() + ")",
		"sqlite":  sqlite,
		"tallies": tallies,
	}))))
}
