// A Node HTTP server: GET is answered with a page, POST with the request's body.
const http = require("http");

const server = http.createServer((req, res) => {
  if (req.method === "POST") {
    req.pipe(res);
  } else {
    res.end("It works.\n");
  }
});
// A client that a busy machine stops for some seconds is not to find its connection closed.
server.keepAliveTimeout = 60000;
server.listen(Number(process.argv[2]), "127.0.0.1");
