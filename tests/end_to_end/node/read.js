// SPDX-License-Identifier: Apache-2.0
// node read.js HOST PORT USER PASSWORD CA FOLDER: writes each message of the INBOX to FOLDER with imapflow.
'use strict';
const fs = require('fs');
const path = require('path');
const inbox = require(path.join(__dirname, 'inbox.js'));
const folder = process.argv[7];

inbox.run(process.argv.slice(2), {envelope: true, bodyStructure: true}, (message) => {
  fs.writeFileSync(path.join(folder, String(message.uid)), message.source);
});
