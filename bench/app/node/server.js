// An ordinary app for Node: the http module's server with its defaults. One of them is
// keepAliveTimeout, which closes a connection that was idle for 5 s. The app does not handle SIGTERM,
// so the signal kills it at once.
//
//   node server.js 127.0.0.1 8080
//
// GET answers "hello"; POST echoes the request body. ?wait=50ms delays the answer.
'use strict';

const http = require('node:http');

const [host, port] = process.argv.slice(2);

const milliseconds = { ms: 1, s: 1000, m: 60000 };

// waitAskedFor returns the query's wait in milliseconds. It returns zero if the query has none, and
// NaN if the value is not a duration.
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
    response.end('wait: must be a duration (for example wait=50ms)\n');
    return;
  }
  setTimeout(() => response.end(request.method === 'POST' ? body : 'hello\n'), wait);
}

http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => answer(request, response, Buffer.concat(chunks)));
}).listen(Number(port), host);
