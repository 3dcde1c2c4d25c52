-- SPDX-License-Identifier: Apache-2.0
-- trace.db, version 1: the story of each message (store/trace_book.h). Events are written in order and go in order, so the
-- smallest id is always the oldest. `detail` has one line for each detail: name, tab, value.
CREATE TABLE event (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, message TEXT NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX event_message ON event (message) WHERE message<>'';
CREATE INDEX event_at ON event (at);

-- What events are found by.
CREATE TABLE word (word TEXT NOT NULL, event INTEGER NOT NULL, PRIMARY KEY (word, event)) WITHOUT ROWID;
CREATE INDEX word_event ON word (event);
