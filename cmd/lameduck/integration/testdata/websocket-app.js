// A WebSocket app of Node: it talks to everybody, and says what has happened on each connection when it has ended.
const { WebSocketServer } = require("ws");
const { talk } = require("./talk");

const server = new WebSocketServer({ port: Number(process.argv[2].split(":")[1]), host: "127.0.0.1", perMessageDeflate: { threshold: 0 } });
server.on("connection", (ws) => {
  const said = talk(ws);
  ws.on("error", (err) => said.faults.push(String(err)));
  ws.on("close", (code) => console.log(JSON.stringify({ ...said, code })));
});
