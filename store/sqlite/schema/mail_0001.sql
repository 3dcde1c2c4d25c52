-- SPDX-License-Identifier: Apache-2.0
-- mail.db, version 1: everything but bodies, credentials and search text (docs/store.md).
-- Ids of account, mailbox, blob, segment and queue are AUTOINCREMENT: never used again.

CREATE TABLE sys (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
INSERT INTO sys VALUES ('uidvalidity', 0), ('watermark_segment', 0), ('watermark_offset', 0);

CREATE TABLE domain (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE account (
  id INTEGER PRIMARY KEY AUTOINCREMENT, login TEXT NOT NULL UNIQUE, name TEXT NOT NULL, enabled INTEGER NOT NULL,
  quota_bytes INTEGER NOT NULL, quota_messages INTEGER NOT NULL,
  used_bytes INTEGER NOT NULL DEFAULT 0, used_messages INTEGER NOT NULL DEFAULT 0);
CREATE TABLE address (
  address TEXT NOT NULL, account INTEGER NOT NULL, forward TEXT NOT NULL,
  PRIMARY KEY (address, account, forward)) WITHOUT ROWID;
CREATE INDEX address_account ON address (account);

CREATE TABLE mailbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL, name TEXT NOT NULL, special_use INTEGER NOT NULL,
  uidvalidity INTEGER NOT NULL, uidnext INTEGER NOT NULL DEFAULT 1, highest INTEGER NOT NULL DEFAULT 1,
  recent_uid INTEGER NOT NULL DEFAULT 0, vanished_floor INTEGER NOT NULL DEFAULT 0,
  messages INTEGER NOT NULL DEFAULT 0, unseen INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  UNIQUE (account, name));
CREATE TABLE subscription (account INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (account, name)) WITHOUT ROWID;
CREATE TABLE keyword (mailbox INTEGER NOT NULL, bit INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (mailbox, bit)) WITHOUT ROWID;

-- id = mailbox << 32 | uid. The narrow table is what snapshots read; msgmeta has the same key.
CREATE TABLE message (
  id INTEGER PRIMARY KEY, modseq INTEGER NOT NULL, flags INTEGER NOT NULL, idate INTEGER NOT NULL, saved INTEGER NOT NULL,
  size INTEGER NOT NULL, psize INTEGER NOT NULL, blob INTEGER NOT NULL);
CREATE TABLE msgmeta (id INTEGER PRIMARY KEY, envelope BLOB, bodystructure BLOB, parts BLOB, prefix BLOB);
CREATE TABLE vanished (
  mailbox INTEGER NOT NULL, modseq INTEGER NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL,
  PRIMARY KEY (mailbox, modseq, lo)) WITHOUT ROWID;
-- Expunged: msgmeta row and blob reference stay until the undelete window is over.
CREATE TABLE reap (
  id INTEGER PRIMARY KEY, blob INTEGER NOT NULL, expunged_at INTEGER NOT NULL, modseq INTEGER NOT NULL, flags INTEGER NOT NULL,
  idate INTEGER NOT NULL, size INTEGER NOT NULL, psize INTEGER NOT NULL);
CREATE INDEX reap_expunged_at ON reap (expunged_at);

-- kind: 0 many records, 1 one record; state: 0 active, 1 sealed. bytes: of the sealed file; dead: of bodies nobody refers to.
CREATE TABLE segment (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, state INTEGER NOT NULL, bytes INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0);
CREATE TABLE blob (
  id INTEGER PRIMARY KEY AUTOINCREMENT, seg INTEGER NOT NULL, off INTEGER NOT NULL, len INTEGER NOT NULL, osize INTEGER NOT NULL,
  codec INTEGER NOT NULL, refs INTEGER NOT NULL, sum INTEGER NOT NULL);
CREATE INDEX blob_segment ON blob (seg, off);

CREATE TABLE queue (
  id INTEGER PRIMARY KEY AUTOINCREMENT, blob INTEGER NOT NULL, sender TEXT NOT NULL, account INTEGER NOT NULL,
  bounce INTEGER NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL, body_type INTEGER NOT NULL,
  smtputf8 INTEGER NOT NULL, require_tls INTEGER NOT NULL, ret INTEGER NOT NULL, envid TEXT NOT NULL, prefix BLOB NOT NULL,
  size INTEGER NOT NULL);
-- state: 0 waiting, 1 held, 2 done. due_at = next_at, or the end of the lease while claimed.
CREATE TABLE queue_rcpt (
  id INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL, address TEXT NOT NULL, notify INTEGER NOT NULL, orcpt TEXT NOT NULL,
  domain TEXT NOT NULL, state INTEGER NOT NULL, attempts INTEGER NOT NULL, next_at INTEGER NOT NULL, due_at INTEGER NOT NULL,
  delay_told INTEGER NOT NULL, reply TEXT NOT NULL);
CREATE INDEX queue_rcpt_queue ON queue_rcpt (queue);
CREATE INDEX queue_rcpt_due ON queue_rcpt (due_at, domain) WHERE state = 0;
