// A WebSocket client of Node: it talks over one connection after the other, each until it is closed, and says what has happened
// on each. The one that it has when its standard input ends is the last.
const WebSocket = require("ws");
const { talk } = require("./talk");

let ended = false;
process.stdin.on("end", () => (ended = true)).resume();

function connect() {
  const ws = new WebSocket(process.argv[2], { perMessageDeflate: { threshold: 0 } });
  let said = { faults: [] };
  ws.on("open", () => (said = talk(ws)));
  ws.once("message", () => console.log("talking"));
  ws.on("error", (err) => said.faults.push(String(err)));
  ws.on("close", (code) => {
    console.log(JSON.stringify({ ...said, code }));
    if (!ended && said.faults.length === 0) connect();
  });
}

connect();
