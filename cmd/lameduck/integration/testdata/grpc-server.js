// A gRPC server of Node: it answers with what it is sent, one message or a stream of them. When SIGTERM comes it
// says how many calls it has answered.
const grpc = require("@grpc/grpc-js");

const bytes = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };

function same(b) {
  return b;
}

const said = { calls: 0, streams: 0 };
const server = new grpc.Server();
server.addService(
  {
    unary: { path: "/test.Echo/Unary", requestStream: false, responseStream: false, ...bytes },
    stream: { path: "/test.Echo/Stream", requestStream: true, responseStream: true, ...bytes },
  },
  {
    unary: (call, answer) => {
      said.calls++;
      answer(null, call.request);
    },
    stream: (call) => {
      said.streams++;
      call.pipe(call);
    },
  },
);
server.bindAsync(process.argv[2], grpc.ServerCredentials.createInsecure(), (err) => {
  if (err) throw err;
});
process.on("SIGTERM", () => {
  console.log(JSON.stringify(said));
  process.exit();
});
