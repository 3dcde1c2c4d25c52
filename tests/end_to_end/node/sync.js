// SPDX-License-Identifier: Apache-2.0
// node sync.js HOST PORT USER PASSWORD CA: as JSON lines "uid flags sha256" of every message of the INBOX, by imapflow.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const {ImapFlow} = require('imapflow');
const [host, port, user, pass, ca] = process.argv.slice(2);

async function main() {
  const client = new ImapFlow({
    host, port: Number(port), secure: true, auth: {user, pass}, tls: {ca: fs.readFileSync(ca)}, logger: false,
  });
  await client.connect();
  const lock = await client.getMailboxLock('INBOX');
  try {
    for await (const message of client.fetch('1:*', {source: true, uid: true, flags: true})) {
      const flags = [...message.flags].filter((flag) => flag !== '\\Recent').sort();
      const sum = crypto.createHash('sha256').update(message.source).digest('hex');
      console.log(JSON.stringify([message.uid, flags, sum]));
    }
  } finally {
    lock.release();
  }
  await client.logout();
}
main().catch((error) => { console.error(error.message); process.exit(1); });
