#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Example: sends an API key from a file that sealring-client replaces: follow.js FILE URL < LINES (one request for each line).
"use strict";
const fs = require("fs");
const https = require("https");
const readline = require("readline");

let mark, text;
function credential(path) { // the key in the file, read again when the file was replaced
    const status = fs.statSync(path, { bigint: true });
    if (mark !== `${status.ino} ${status.mtimeNs}`) {
        text = fs.readFileSync(path, "ascii").trim();
        mark = `${status.ino} ${status.mtimeNs}`;
    }
    return text;
}

function send(path, url, again, done) {
    const key = credential(path);
    https.get(url, { headers: { Authorization: `Bearer ${key}` }, timeout: 10000 }, (response) => {
        response.resume();
        if (response.statusCode === 401 && again && credential(path) !== key)
            send(path, url, false, done); // it was replaced meanwhile
        else
            done(response.statusCode);
    }).on("error", (problem) => done(problem.message));
}

const [path, url] = process.argv.slice(2);
readline.createInterface({ input: process.stdin }).on("line", () => send(path, url, true, console.log));
