-- SPDX-License-Identifier: Apache-2.0
-- auth.db, version 2. What each credential may be used for and when it was; the record of logins; networks that accounts log
-- in from; what an account decided about its logins.

ALTER TABLE credential ADD COLUMN protocols TEXT NOT NULL DEFAULT '';
ALTER TABLE credential ADD COLUMN networks TEXT NOT NULL DEFAULT '';
ALTER TABLE credential ADD COLUMN expires INTEGER NOT NULL DEFAULT 0;
ALTER TABLE credential ADD COLUMN last_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE credential ADD COLUMN last_ip TEXT NOT NULL DEFAULT '';
ALTER TABLE credential ADD COLUMN last_protocol TEXT NOT NULL DEFAULT '';

CREATE TABLE policy (account INTEGER PRIMARY KEY, app_passwords_only INTEGER NOT NULL);

-- account 0: attempts with names that stand for nobody.
CREATE TABLE login (
  id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL, at INTEGER NOT NULL, success INTEGER NOT NULL,
  name TEXT NOT NULL, protocol TEXT NOT NULL, ip TEXT NOT NULL, credential INTEGER NOT NULL, label TEXT NOT NULL,
  mechanism TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL);
CREATE INDEX login_account ON login (account, success, id);
CREATE INDEX login_at ON login (at);

CREATE TABLE known_network (
  account INTEGER NOT NULL, network TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY (account, network)) WITHOUT ROWID;

-- Main passwords that the gate would refuse today, found when they were used. A row goes with its credential.
CREATE TABLE weak_password (
  account INTEGER PRIMARY KEY, credential INTEGER NOT NULL, reason TEXT NOT NULL, since INTEGER NOT NULL);
