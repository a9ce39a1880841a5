// SPDX-License-Identifier: Apache-2.0
// Verifies the webhook that receiver.py has written to a file with the library of the Standard Webhooks project: for each of the keys.
const fs = require("fs");
const { Webhook } = require("standardwebhooks");

const { headers, body } = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
for (let number = 1; number <= headers["webhook-signature"].split(" ").length; number++) {
    const secret = "whsec_" + Buffer.alloc(32, number).toString("base64");
    new Webhook(secret).verify(body, headers);
    try {
        new Webhook(secret).verify(body + " ", headers);
    } catch {
        continue;
    }
    throw new Error("another body was accepted");
}
