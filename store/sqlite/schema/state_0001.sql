-- SPDX-License-Identifier: Apache-2.0
-- state.db, version 1: what the server learns in passing and may forget. Each block is one book of store/ledger.h.

-- The guard (store/guard_book.h). `names` has one name a line.
CREATE TABLE ban (
  network TEXT PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL, lifted INTEGER NOT NULL, times INTEGER NOT NULL,
  by_admin INTEGER NOT NULL, reason TEXT NOT NULL, note TEXT NOT NULL,
  failures INTEGER NOT NULL, refused INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  imap INTEGER NOT NULL, pop3 INTEGER NOT NULL, submission INTEGER NOT NULL,
  names TEXT NOT NULL, more_names INTEGER NOT NULL, foreign_names INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE tally (
  scope INTEGER NOT NULL, key TEXT NOT NULL, since INTEGER NOT NULL, count INTEGER NOT NULL,
  failures INTEGER NOT NULL, refused INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  imap INTEGER NOT NULL, pop3 INTEGER NOT NULL, submission INTEGER NOT NULL,
  names TEXT NOT NULL, more_names INTEGER NOT NULL, foreign_names INTEGER NOT NULL,
  PRIMARY KEY (scope, key)) WITHOUT ROWID;
CREATE INDEX tally_since ON tally (since);

-- Greylisting (store/grey_book.h). Keys are hashes: of a triple, or of a network that comes back.
CREATE TABLE grey (
  key TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, passes INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX grey_last ON grey (last);

-- What accounts send (store/sending_book.h): counts by pieces of time, whom they have written to (hashes), who may not send.
CREATE TABLE sent (
  account INTEGER NOT NULL, slot INTEGER NOT NULL, messages INTEGER NOT NULL, recipients INTEGER NOT NULL, fresh INTEGER NOT NULL,
  PRIMARY KEY (account, slot)) WITHOUT ROWID;
CREATE INDEX sent_slot ON sent (slot);
CREATE TABLE correspondent (
  account INTEGER NOT NULL, hash INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (account, hash)) WITHOUT ROWID;
CREATE INDEX correspondent_last ON correspondent (last);
CREATE TABLE suspension (
  account INTEGER PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL, reason TEXT NOT NULL);

-- What reports to other domains will say (store/report_book.h): facts by kind, day and domain; and which reports were made.
CREATE TABLE report_fact (
  kind INTEGER NOT NULL, day INTEGER NOT NULL, domain TEXT NOT NULL, facts TEXT NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (kind, day, domain, facts)) WITHOUT ROWID;
CREATE TABLE report_sent (
  kind INTEGER NOT NULL, day INTEGER NOT NULL, domain TEXT NOT NULL, PRIMARY KEY (kind, day, domain)) WITHOUT ROWID;

-- MTA-STS policies of other domains (store/sts_book.h).
CREATE TABLE sts (
  domain TEXT PRIMARY KEY, id TEXT NOT NULL, text TEXT NOT NULL, fetched INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX sts_expires ON sts (expires);
