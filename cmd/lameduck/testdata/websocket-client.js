// A WebSocket client of Node: it talks over one connection after the other, each until it is closed, and says what has
// happened on each. It makes so many connections.
const WebSocket = require("ws");
const { talk } = require("./talk");

function connect(times) {
  const ws = new WebSocket(process.argv[2], { perMessageDeflate: { threshold: 0 } });
  let said;
  ws.on("open", () => {
    said = talk(ws);
  });
  ws.once("message", () => console.log("talking"));
  ws.on("error", (err) => said || console.log(JSON.stringify({ faults: [String(err)] })));
  ws.on("close", (code) => {
    if (said) console.log(JSON.stringify({ ...said, code }));
    if (times > 1) connect(times - 1);
  });
}

connect(Number(process.argv[3]));
