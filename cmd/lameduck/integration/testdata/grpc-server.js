// A gRPC server of Node. It echoes one message or a stream of them. On SIGTERM it prints how many calls
// it has answered.
const grpc = require("@grpc/grpc-js");

const bytes = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };

function same(b) {
  return b;
}

const report = { calls: 0, streams: 0 };
const server = new grpc.Server();
server.addService(
  {
    unary: { path: "/test.Echo/Unary", requestStream: false, responseStream: false, ...bytes },
    stream: { path: "/test.Echo/Stream", requestStream: true, responseStream: true, ...bytes },
  },
  {
    unary: (call, answer) => {
      report.calls++;
      answer(null, call.request);
    },
    stream: (call) => {
      report.streams++;
      call.pipe(call);
    },
  },
);
server.bindAsync(process.argv[2], grpc.ServerCredentials.createInsecure(), (err) => {
  if (err) throw err;
});
process.on("SIGTERM", () => {
  console.log(JSON.stringify(report));
  process.exit();
});
