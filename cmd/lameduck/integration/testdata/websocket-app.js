// A WebSocket app of Node. It talks to every client, and prints the report of each connection when it has ended.
const { WebSocketServer } = require("ws");
const { talk } = require("./talk");

const server = new WebSocketServer({ port: Number(process.argv[2].split(":")[1]), host: "127.0.0.1", perMessageDeflate: { threshold: 0 } });
server.on("connection", (ws) => {
  const report = talk(ws);
  ws.on("error", (err) => report.errors.push(String(err)));
  ws.on("close", (code) => console.log(JSON.stringify({ ...report, code })));
});
