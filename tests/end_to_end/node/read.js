// SPDX-License-Identifier: Apache-2.0
// node read.js HOST PORT USER PASSWORD CA FOLDER: writes each message of the INBOX to FOLDER with imapflow.
'use strict';
const fs = require('fs');
const path = require('path');
const {ImapFlow} = require('imapflow');
const [host, port, user, pass, ca, folder] = process.argv.slice(2);

async function main() {
  const client = new ImapFlow({
    host, port: Number(port), secure: true, auth: {user, pass}, tls: {ca: fs.readFileSync(ca)}, logger: false,
  });
  await client.connect();
  const lock = await client.getMailboxLock('INBOX');
  try {
    for await (const message of client.fetch('1:*', {source: true, uid: true, envelope: true, bodyStructure: true, flags: true})) {
      fs.writeFileSync(path.join(folder, String(message.uid)), message.source);
    }
  } finally {
    lock.release();
  }
  await client.logout();
}
main().catch((error) => { console.error(error.message); process.exit(1); });
