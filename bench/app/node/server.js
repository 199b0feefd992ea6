// The app that nobody changed, as people write it for Node: its own http server with its own defaults, among them
// keepAliveTimeout, which closes a connection that has lain idle for 5 s. SIGTERM ends it at once, since nothing here
// listens for it.
//
//   node server.js 127.0.0.1 8080
//
// GET answers "hello"; POST answers with the body that it was sent. ?wait=50ms delays the answer.
'use strict';

const http = require('node:http');

const [host, port] = process.argv.slice(2);

const milliseconds = { ms: 1, s: 1000, m: 60000 };

// waitAskedFor returns the query's wait in milliseconds, zero where there is none, and NaN where it is no duration.
function waitAskedFor(url) {
  const asked = new URL(url, 'http://app').searchParams.get('wait');
  if (!asked) return 0;
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(asked) ?? [];
  return amount * milliseconds[unit];
}

function answer(request, response, body) {
  const wait = waitAskedFor(request.url);
  if (Number.isNaN(wait)) {
    response.statusCode = 400;
    response.end('wait is no duration: write it like wait=50ms\n');
    return;
  }
  setTimeout(() => response.end(request.method === 'POST' ? body : 'hello\n'), wait);
}

http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => answer(request, response, Buffer.concat(chunks)));
}).listen(Number(port), host);
