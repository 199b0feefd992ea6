// A Node HTTP server: GET is answered with a page, POST with the request's body.
const http = require("http");

const server = http.createServer((req, res) => {
  if (req.method === "POST") {
    req.pipe(res);
  } else {
    res.end("It works.\n");
  }
});
// A busy machine may stop a client for some seconds, and the connection must stay open.
server.keepAliveTimeout = 60000;
server.listen(Number(process.argv[2]), "127.0.0.1");
