// What both ends of a WebSocket do in these tests: they send numbered messages to each other, with pauses within every other
// one, which is sent in three frames, and look at those that come.
const message = (n) => `${n} `.repeat(1 + ((n * 977) % 9000)); // up to 45 KB: more than a buffer of the relay's
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// talk returns what has happened on a connection, and keeps it up to date.
exports.talk = (ws) => {
  const said = { sent: 0, received: 0, faults: [], extensions: ws.extensions };
  ws.on("message", (data) => {
    if (data.toString() !== message(said.received)) said.faults.push(`message ${said.received} is not whole`);
    said.received++;
  });
  speak(ws, said);
  return said;
};

async function speak(ws, said) {
  for (let n = 0; ws.readyState === ws.OPEN; n++) {
    const text = message(n);
    if (n % 2) {
      // After a close frame nothing can be sent: a message that had been begun is none.
      const third = Math.ceil(text.length / 3);
      ws.send(text.slice(0, third), { fin: false });
      await pause(10);
      if (ws.readyState !== ws.OPEN) return;
      ws.send(text.slice(third, 2 * third), { fin: false });
      await pause(10);
      if (ws.readyState !== ws.OPEN) return;
      ws.send(text.slice(2 * third), { fin: true });
    } else {
      ws.send(text);
    }
    said.sent++;
    await pause(5);
  }
}
