// Both ends of a WebSocket send numbered messages and check those that they receive. Every other
// message is sent in three frames with pauses.
const message = (n) => `${n} `.repeat(1 + ((n * 977) % 9000)); // up to 45 KB: more than a buffer of the relay
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// talk returns the report of a connection, and keeps it up to date.
exports.talk = (ws) => {
  const report = { sent: 0, received: 0, errors: [], extensions: ws.extensions };
  ws.on("message", (data) => {
    if (data.toString() !== message(report.received)) report.errors.push(`message ${report.received} is incomplete`);
    report.received++;
  });
  speak(ws, report);
  return report;
};

async function speak(ws, report) {
  for (let n = 0; ws.readyState === ws.OPEN; n++) {
    const text = message(n);
    if (n % 2) {
      // After a close frame nothing can be sent: an incomplete message does not count.
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
    report.sent++;
    await pause(5);
  }
}
