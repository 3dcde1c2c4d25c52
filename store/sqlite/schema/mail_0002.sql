-- SPDX-License-Identifier: Apache-2.0
-- mail.db, version 2.

-- Domains with limits, aliases and catch-all; accounts with access rules; groups; rights to send as somebody else.
ALTER TABLE domain ADD COLUMN alias_of TEXT NOT NULL DEFAULT '';
ALTER TABLE domain ADD COLUMN catch_all TEXT NOT NULL DEFAULT '';
ALTER TABLE domain ADD COLUMN quota_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE domain ADD COLUMN quota_messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE domain ADD COLUMN account_quota_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE domain ADD COLUMN account_quota_messages INTEGER NOT NULL DEFAULT 0;
-- domain: of the login, so that the sum of a domain's accounts is one index scan.
ALTER TABLE account ADD COLUMN domain TEXT NOT NULL DEFAULT '';
UPDATE account SET domain = substr(login, instr(login, '@') + 1);
CREATE INDEX account_domain ON account (domain);
ALTER TABLE account ADD COLUMN when_disabled INTEGER NOT NULL DEFAULT 1;
ALTER TABLE account ADD COLUMN protocols INTEGER NOT NULL DEFAULT 7;
ALTER TABLE account ADD COLUMN networks TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN hours TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN settings TEXT NOT NULL DEFAULT '';
CREATE TABLE account_group (
  name TEXT PRIMARY KEY, protocols INTEGER NOT NULL, networks TEXT NOT NULL, hours TEXT NOT NULL)
  WITHOUT ROWID;
CREATE TABLE group_member (
  name TEXT NOT NULL, account INTEGER NOT NULL, PRIMARY KEY (name, account)) WITHOUT ROWID;
CREATE INDEX group_member_account ON group_member (account);
CREATE TABLE send_as (account INTEGER NOT NULL, address TEXT NOT NULL, PRIMARY KEY (account, address)) WITHOUT ROWID;
-- The highest warning level that was told; account 0: the domain.
CREATE TABLE quota_notice (
  account INTEGER NOT NULL, domain TEXT NOT NULL, percent INTEGER NOT NULL, PRIMARY KEY (account, domain)) WITHOUT ROWID;

-- The journal of imports: what an account got from elsewhere, by the key that names it at its source (transfer/source.h).
CREATE TABLE imported (account INTEGER NOT NULL, key BLOB NOT NULL, PRIMARY KEY (account, key)) WITHOUT ROWID;

-- Undelete: mailboxes that were removed, by their old id; their keyword rows stay with them until the window is over.
CREATE TABLE removed_mailbox (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL, name TEXT NOT NULL, special_use INTEGER NOT NULL, removed_at INTEGER NOT NULL);
CREATE INDEX removed_mailbox_removed_at ON removed_mailbox (removed_at);
-- Left by MOVE: the message lives on elsewhere, so undelete does not offer it.
ALTER TABLE reap ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;

-- Which store this is, so that a backup folder never mixes two.
INSERT INTO sys VALUES ('store_id', lower(hex(randomblob(16))));

-- Restores under way: one row for each mailbox of a job. state: 0 to do, 1 done. While it grows, the restored mailbox belongs to
-- account 0 and nobody sees it. restored_blob: bodies that the job has brought back, by their id in the backup.
CREATE TABLE restoring (
  job TEXT NOT NULL, source INTEGER NOT NULL, account INTEGER NOT NULL, name TEXT NOT NULL, mode INTEGER NOT NULL,
  mailbox INTEGER NOT NULL DEFAULT 0, next_uid INTEGER NOT NULL DEFAULT 1, last_uid INTEGER NOT NULL DEFAULT 4294967295,
  state INTEGER NOT NULL DEFAULT 0, begun INTEGER NOT NULL, PRIMARY KEY (job, source, mode)) WITHOUT ROWID;
CREATE TABLE restored_blob (
  job TEXT NOT NULL, source INTEGER NOT NULL, blob INTEGER NOT NULL, PRIMARY KEY (job, source)) WITHOUT ROWID;

-- Housekeeping. segment.state 2: retired, no living bodies, the file is removed when no pin is left; verified: when all its
-- bodies were read last. pin: a backup (its name) still mentions the segment's file; until: unix time, the pin ends by itself.
ALTER TABLE segment ADD COLUMN verified INTEGER NOT NULL DEFAULT 0;
CREATE TABLE pin (
  segment INTEGER NOT NULL, holder TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (segment, holder)) WITHOUT ROWID;
-- at: when it vanished, so that old history can be forgotten.
ALTER TABLE vanished ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
UPDATE vanished SET at = CAST(strftime('%s', 'now') AS INTEGER);

-- Large COPY and MOVE under way (store/sqlite/big_copy.h): the copies lie behind the target's uidnext, from first_uid up to
-- next_uid; source rows above after_uid and below end_uid are still to come. open() takes back what it finds here.
CREATE TABLE copying (
  target INTEGER PRIMARY KEY, source INTEGER NOT NULL, moves INTEGER NOT NULL, first_uid INTEGER NOT NULL,
  next_uid INTEGER NOT NULL, after_uid INTEGER NOT NULL, end_uid INTEGER NOT NULL);

-- Groups that get mail: address '' for none; senders 0 anyone, 1 people of this server, 2 members.
ALTER TABLE account_group ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE account_group ADD COLUMN senders INTEGER NOT NULL DEFAULT 0;

-- Ids of blobs are given by the writer from sys.next_blob, and as before never used again: AUTOINCREMENT cost a fifth of the insert.
CREATE TABLE blob_2 (
  id INTEGER PRIMARY KEY, seg INTEGER NOT NULL, off INTEGER NOT NULL, len INTEGER NOT NULL, osize INTEGER NOT NULL,
  codec INTEGER NOT NULL, refs INTEGER NOT NULL, sum INTEGER NOT NULL);
INSERT INTO blob_2 SELECT id, seg, off, len, osize, codec, refs, sum FROM blob;
INSERT INTO sys SELECT 'next_blob', 1 + max(
  coalesce((SELECT seq FROM sqlite_sequence WHERE name='blob'), 0), coalesce((SELECT max(id) FROM blob), 0));
DROP TABLE blob;
ALTER TABLE blob_2 RENAME TO blob;
CREATE INDEX blob_segment ON blob (seg, off);

-- Sharing (store/sharing.h). acl: account 0 and grp '' is everybody; account 0 with a grp its members. seen: what a guest has
-- read where everybody has their own \Seen. metadata: mailbox 0 is the server, account 0 what all see.
ALTER TABLE mailbox ADD COLUMN seen_each INTEGER NOT NULL DEFAULT 0;
-- POP3 gave unique ids of another form to UIDs below this one; a client knows them.
ALTER TABLE mailbox ADD COLUMN old_uidl_below INTEGER NOT NULL DEFAULT 0;
UPDATE mailbox SET old_uidl_below=uidnext;
CREATE TABLE acl (
  mailbox INTEGER NOT NULL, account INTEGER NOT NULL, grp TEXT NOT NULL, rights INTEGER NOT NULL,
  PRIMARY KEY (mailbox, account, grp)) WITHOUT ROWID;
CREATE INDEX acl_account ON acl (account, grp);
CREATE TABLE seen (account INTEGER NOT NULL, mailbox INTEGER NOT NULL, uidset TEXT NOT NULL, PRIMARY KEY (account, mailbox))
  WITHOUT ROWID;
CREATE INDEX seen_mailbox ON seen (mailbox);
CREATE TABLE metadata (
  mailbox INTEGER NOT NULL, account INTEGER NOT NULL, entry TEXT NOT NULL, value BLOB NOT NULL,
  PRIMARY KEY (mailbox, account, entry)) WITHOUT ROWID;
