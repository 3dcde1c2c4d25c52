// SPDX-License-Identifier: Apache-2.0
// node send.js HOST PORT USER PASSWORD CA TO FILE: submits a raw message with nodemailer over STARTTLS.
'use strict';
const fs = require('fs');
const nodemailer = require('nodemailer');
const [host, port, user, pass, ca, to, file] = process.argv.slice(2);
const transport = nodemailer.createTransport({
  host, port: Number(port), secure: false, requireTLS: true, auth: {user, pass}, tls: {ca: fs.readFileSync(ca)},
});
transport.sendMail({envelope: {from: user, to: [to]}, raw: fs.readFileSync(file)})
    .then((info) => { console.log(info.response); transport.close(); })
    .catch((error) => { console.error(error.message); process.exit(1); });
