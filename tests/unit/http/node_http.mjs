// What node:http makes of byte streams: one JSON array of chunks a line on stdin (each character is
// a byte), one line of JSON back for each.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Duplex } from "node:stream";

/** What one connection was read as. */
function read(chunks) {
  return new Promise((resolve) => {
    const requests = [];
    let isRefused = false;
    const server = createServer((request, response) => {
      let bytes = 0;
      request.on("data", (data) => bytes += data.length);
      request.on("end", () => {
        const { method, url, rawHeaders } = request;
        requests.push({ method, target: url, headers: joined(rawHeaders), bytes });
        response.end();
      });
      request.on("error", () => {});
    });
    server.on("clientError", (_, socket) => {
      isRefused = true;
      // The ends of the requests before it are on their way.
      setImmediate(() => socket.destroy());
    });
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    socket.on("error", () => {});
    socket.on("close", () => resolve({ requests, isRefused }));
    server.emit("connection", socket);
    for (const chunk of chunks) socket.push(Buffer.from(chunk, "latin1"));
    socket.push(null);
  });
}

function joined(raw) {
  const headers = {};
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at].toLowerCase();
    headers[name] = name in headers ? `${headers[name]}, ${raw[at + 1]}` : raw[at + 1];
  }
  return headers;
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await read(JSON.parse(line))));
}
