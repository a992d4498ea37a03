#!/usr/bin/env node
// better-sqlite3 in worker threads, its documentation's way to more than one thread: each worker
// has a connection, in WAL mode and with synchronous=NORMAL as its page on performance advises. A
// write is a transaction of transaction().immediate(); statements are prepared once. An application
// would hand each write to a worker as a message; here a worker writes by itself, which is faster.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const path = require('path');
const Database = require('./package');

const NATIVE = path.join(__dirname, 'package', 'build', 'Release', 'better_sqlite3.node');
const now = () => Number(process.hrtime.bigint()); // The same clock for all threads.

// The rows of bench/support/table.h.
function makeRecords() {
  return Array.from({ length: 1024 }, (_, i) => ({
    name: `record number ${1000000 + i}`,
    val: i * 1000,
    payload: Buffer.alloc(64, i & 255),
    created: 1700000000000000 + i,
  }));
}

// Random keys, by xorshift of 32 bits: JavaScript has no quick integers of 64.
function makeKeys(seed) {
  let state = Math.imul(0x9E3779B9, seed + 1);
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % 10000 + 1;
  };
}

function open(task) {
  const db = new Database(task.file, { timeout: 5000, nativeBinding: NATIVE });
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.pragma('foreign_keys = ON');
  // Numbered parameters are bound by name there, others by position.
  const [insert, count] = [task.insert, task.count].map(
    (sql) => db.prepare(sql.replace(/\?\d/g, '?')));
  const write = db.transaction((record, key) => {
    insert.run(record.name, record.val, record.payload, record.created);
    count.run(key);
  });
  return { db, write: write.immediate };
}

// What one worker gets; see bench/contention/tally.h.
function work({ task, index }) {
  const { db, write } = open(task);
  const records = makeRecords();
  const nextKey = makeKeys(index);
  parentPort.once('message', ({ begin, end }) => {
    const tally = { acknowledged: 0, counted: 0, waits: [], errors: 0, first_error: '' };
    let written = index;
    for (let from = now(); from < end; from = now()) {
      try {
        write(records[written++ % records.length], nextKey());
      } catch (error) {
        if (tally.errors++ === 0) tally.first_error = error.message;
        continue;
      }
      const to = now();
      tally.acknowledged++;
      if (to >= begin && to < end) tally.counted++;
      if (to >= begin) tally.waits.push(to - from);
    }
    db.close();
    parentPort.postMessage(tally);
  });
  parentPort.postMessage('ready');
}

async function main(task) {
  const next = (worker) => new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const workers = Array.from({ length: task.threads },
    (_, index) => new Worker(__filename, { workerData: { task, index } }));
  await Promise.all(workers.map(next));
  const begin = now() + task.warm_up * 1e9;
  const tallies = workers.map(next);
  for (const worker of workers) worker.postMessage({ begin, end: begin + task.seconds * 1e9 });
  const memory = new Database(':memory:', { nativeBinding: NATIVE });
  console.log(JSON.stringify({
    peer: `better-sqlite3 ${require('./package/package.json').version} (Node ${process.version})`,
    sqlite: memory.prepare('SELECT sqlite_version()').pluck().get(),
    tallies: await Promise.all(tallies),
  }));
}

if (isMainThread) main(JSON.parse(process.argv[2]));
else work(workerData);
