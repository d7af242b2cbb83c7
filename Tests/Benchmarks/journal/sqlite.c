// A table of messages in SQLite: each batch is inserted in one transaction, and deleted in one when
// it is acknowledged, while BACKLOG newer ones wait.
//   sqlite FILE FULL|NORMAL BATCH COUNT
#include "measure.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sqlite3 *store;

static void check(int code, int wanted) {
  if (code == wanted) return;
  fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(store));
  exit(1);
}

static void perform(const char *text) {
  check(sqlite3_exec(store, text, NULL, NULL, NULL), SQLITE_OK);
}

static void step(sqlite3_stmt *statement) {
  check(sqlite3_step(statement), SQLITE_DONE);
  check(sqlite3_reset(statement), SQLITE_OK);
}

static void add(sqlite3_stmt *insert, long first, long count) {
  perform("BEGIN");
  for (long i = first; i < first + count; i++) {
    sqlite3_bind_int64(insert, 1, i);
    step(insert);
  }
  perform("COMMIT");
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  long batch = atol(argv[3]), count = atol(argv[4]);
  check(sqlite3_open(argv[1], &store), SQLITE_OK);
  perform("PRAGMA journal_mode=WAL");
  char text[64];
  snprintf(text, sizeof text, "PRAGMA synchronous=%s", argv[2]);
  perform(text);
  perform("CREATE TABLE messages(id INTEGER PRIMARY KEY, body BLOB)");
  sqlite3_stmt *insert, *delete;
  const char *adding = "INSERT INTO messages(id, body) VALUES(?, ?)";
  const char *removing = "DELETE FROM messages WHERE id < ?";
  check(sqlite3_prepare_v2(store, adding, -1, &insert, NULL), SQLITE_OK);
  check(sqlite3_prepare_v2(store, removing, -1, &delete, NULL), SQLITE_OK);
  char body[MESSAGE_BYTES];
  memset(body, 'x', sizeof body);
  sqlite3_bind_blob(insert, 2, body, sizeof body, SQLITE_STATIC);
  add(insert, 0, BACKLOG);

  measure_begin();
  for (long done = 0; done < count; done += batch) {
    add(insert, BACKLOG + done, batch);
    sqlite3_bind_int64(delete, 1, done + batch);
    step(delete);
  }
  snprintf(text, sizeof text, "SQLite WAL %s, %ld per transaction", argv[2], batch);
  measure_end(text, count);

  sqlite3_finalize(insert);
  sqlite3_finalize(delete);
  sqlite3_close(store);
}
