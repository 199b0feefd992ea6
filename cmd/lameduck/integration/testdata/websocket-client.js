// A WebSocket client of Node. It talks on one connection after the other, each until it is closed, and
// prints a report of each. After the end of its standard input it does not reconnect.
const WebSocket = require("ws");
const { talk } = require("./talk");

let ended = false;
process.stdin.on("end", () => (ended = true)).resume();

function connect() {
  const ws = new WebSocket(process.argv[2], { perMessageDeflate: { threshold: 0 } });
  let report = { errors: [] };
  ws.on("open", () => (report = talk(ws)));
  ws.once("message", () => console.log("talking"));
  ws.on("error", (err) => report.errors.push(String(err)));
  ws.on("close", (code) => {
    console.log(JSON.stringify({ ...report, code }));
    if (!ended && report.errors.length === 0) connect();
  });
}

connect();
