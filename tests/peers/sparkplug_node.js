// A Sparkplug B edge node (npm sparkplug-client), driven by lines of JSON on stdin:
//   {"do": "nbirth"|"ndata", "payload": {...}}
//   {"do": "dbirth"|"ddata"|"ddeath", "device": "name", "payload": {...}}
//   {"do": "skip"}    count the sequence number on without sending: a lost message
//   {"do": "stop"}    leave in good order
// It says what happens as lines of JSON on stdout: {"event": "connect"|"ncmd"|"sent"|"close"}.
"use strict";
const readline = require("readline");
const { newClient } = require("sparkplug-client");

const [port, groupId, edgeNode] = process.argv.slice(2);
const say = (event, more) => process.stdout.write(JSON.stringify({ event, ...more }) + "\n");

const client = newClient({
  serverUrl: `tcp://127.0.0.1:${port}`,
  username: "",
  password: "",
  groupId,
  edgeNode,
  clientId: `${groupId}-${edgeNode}`,
  publishDeath: true,
  version: "spBv1.0",
});
client.on("connect", () => say("connect"));
client.on("close", () => say("close"));
client.on("error", (error) => say("error", { message: String(error) }));
client.on("ncmd", (payload) =>
  say("ncmd", { metrics: payload.metrics.map(({ name, value }) => ({ name, value })) })
);

const deeds = {
  nbirth: ({ payload, options }) => client.publishNodeBirth(payload, options),
  ndata: ({ payload, options }) => client.publishNodeData(payload, options),
  dbirth: ({ device, payload }) => client.publishDeviceBirth(device, payload),
  ddata: ({ device, payload }) => client.publishDeviceData(device, payload),
  ddeath: ({ device, payload }) => client.publishDeviceDeath(device, payload),
  skip: () => client.incrementSeqNum(),
  stop: () => client.stop(),
};

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const told = JSON.parse(line);
  deeds[told.do](told);
  say("sent", { do: told.do });
});
