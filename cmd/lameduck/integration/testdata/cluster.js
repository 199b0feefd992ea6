// A Node HTTP server with two workers, which share the socket of their parent.
const cluster = require("cluster");
const http = require("http");

if (cluster.isMaster) {
  cluster.fork();
  cluster.fork();
} else {
  const server = http.createServer((req, res) => res.end("It works.\n"));
  server.keepAliveTimeout = 60000;
  server.listen(Number(process.argv[2]));
}
