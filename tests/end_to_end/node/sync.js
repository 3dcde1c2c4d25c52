// SPDX-License-Identifier: Apache-2.0
// node sync.js HOST PORT USER PASSWORD CA: as JSON lines "uid flags sha256" of every message of the INBOX, by imapflow.
'use strict';
const crypto = require('crypto');
const path = require('path');
const inbox = require(path.join(__dirname, 'inbox.js'));

inbox.run(process.argv.slice(2), {}, (message) => {
  const flags = [...message.flags].filter((flag) => flag !== '\\Recent').sort();
  const sum = crypto.createHash('sha256').update(message.source).digest('hex');
  console.log(JSON.stringify([message.uid, flags, sum]));
});
