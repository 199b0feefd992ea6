// A gRPC client of Node. On one channel it makes unary calls, some at a time, and streams, one after the
// other, until its standard input ends. Then it prints how many there were, and the errors.
const grpc = require("@grpc/grpc-js");

// Without a retry policy, only a call that has not been sent is retried: one that began between the
// arrival of a GOAWAY and its processing.
const client = new grpc.Client(process.argv[2], grpc.credentials.createInsecure());
const same = (b) => b;
const report = { calls: 0, streams: 0, errors: [] };
let ended = false;

function unary(n) {
  return new Promise((done) => {
    const sent = Buffer.from(`call ${n} ` + "x".repeat(n % 5000));
    client.makeUnaryRequest("/test.Echo/Unary", same, same, sent, (err, answer) => {
      report.calls++;
      if (err || !answer.equals(sent)) report.errors.push(`call ${n}: ${err}`);
      done();
    });
  });
}

// A stream has a message every few milliseconds, and lasts for some hundred of them.
function stream(n, messages) {
  return new Promise((done) => {
    const call = client.makeBidiStreamRequest("/test.Echo/Stream", same, same);
    let sent = 0;
    let received = 0;
    call.on("data", (b) => {
      if (b.toString() !== `message ${received}`) report.errors.push(`stream ${n}: message ${received} is ${b}`);
      received++;
    });
    call.on("error", (err) => report.errors.push(`stream ${n}: ${err}`));
    call.on("status", () => {
      if (received !== messages) report.errors.push(`stream ${n}: ${received} messages of ${messages}`);
      report.streams++;
      done();
    });
    const timer = setInterval(() => {
      call.write(Buffer.from(`message ${sent}`));
      if (++sent === messages) {
        clearInterval(timer);
        call.end();
      }
    }, 10);
  });
}

async function again(run) {
  while (!ended && report.errors.length === 0) await run();
}

let calls = 0;
let streams = 0;
const work = [again(() => stream(++streams, 300))];
for (let i = 0; i < 4; i++) work.push(again(() => unary(++calls)));
process.stdin.on("end", () => (ended = true)).resume();
setTimeout(() => console.log("busy"), 100);
Promise.all(work).then(() => {
  console.log(JSON.stringify(report));
  client.close();
});
