// SPDX-License-Identifier: Apache-2.0
// What the programs beside this share: a session of imapflow as their words say it, and each message of the INBOX.
'use strict';
const fs = require('fs');
const {ImapFlow} = require('imapflow');

/// words: HOST PORT USER PASSWORD CA; what: the fields to fetch; take: called with each message. imapflow also yields what the server
/// says of its own accord meanwhile, a change of flags by somebody else: without source.
async function eachMessage(words, what, take) {
  const [host, port, user, pass, ca] = words;
  const client = new ImapFlow({
    host, port: Number(port), secure: true, auth: {user, pass}, tls: {ca: fs.readFileSync(ca)}, logger: false,
  });
  await client.connect();
  const lock = await client.getMailboxLock('INBOX');
  try {
    for await (const message of client.fetch('1:*', {source: true, uid: true, flags: true, ...what})) {
      if (message.source) take(message);
    }
  } finally {
    lock.release();
  }
  await client.logout();
}

/// Runs it; a failure is said and ends the program with 1.
function run(words, what, take) {
  eachMessage(words, what, take).catch((error) => { console.error(error.message); process.exit(1); });
}
module.exports = {run};
