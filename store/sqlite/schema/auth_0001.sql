-- SPDX-License-Identifier: Apache-2.0
-- auth.db, version 1: sealed verifiers by account id. The store has no key to them (security.md §4.6).

CREATE TABLE credential (
  id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL, kind TEXT NOT NULL, label TEXT NOT NULL, sealed BLOB NOT NULL,
  created INTEGER NOT NULL);
CREATE INDEX credential_account ON credential (account);
CREATE TABLE old_password (id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL, sealed BLOB NOT NULL);
CREATE INDEX old_password_account ON old_password (account);
