// An OPC UA server for the tests, on node-opcua: variables of every type, errors on command.
//
//   node opcua_server.js --port 4840 [--variables 20] [--change-ms 0] [--pki FOLDER]
//                        [--namespace-first URI] [--max-nodes-per-read 0]
//
// Anonymous, or plant / secret. None and Basic256Sha256, every client certificate is welcome.
// Commands are lines on stdin; each is answered on stdout by "ok <line>" or "error <reason>":
//   set ns=1;s=x 5 [StatusName] [source time, ISO]    add ns=1;s=x [start value]
//   delete ns=1;s=x                                   burst ns=1;s=x 50   (50 changes at once)
"use strict";
const path = require("node:path");
const readline = require("node:readline");
const { parseArgs } = require("node:util");
const opcua = require("node-opcua-server");
const { DataType, Variant, VariantArrayType } = require("node-opcua-variant");
const { StatusCodes } = require("node-opcua-status-code");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");
const { SecurityPolicy } = require("node-opcua-secure-channel");
const { MessageSecurityMode } = require("node-opcua-types");
const { coerceNodeId } = require("node-opcua-nodeid");

const options = parseArgs({
  options: {
    port: { type: "string", default: "4840" },
    variables: { type: "string", default: "20" },
    "change-ms": { type: "string", default: "0" },
    pki: { type: "string", default: path.join(__dirname, "node_modules", ".pki") },
    "namespace-first": { type: "string", default: "" },
    "max-nodes-per-read": { type: "string", default: "0" },
  },
}).values;
const PLANT = "http://example.org/plant";

async function main() {
  const certificates = new OPCUACertificateManager({
    rootFolder: options.pki,
    automaticallyAcceptUnknownCertificate: true,
  });
  await certificates.initialize();
  const server = new opcua.OPCUAServer({
    port: Number(options.port),
    hostname: "127.0.0.1",
    alternateHostname: ["127.0.0.1", "localhost"],
    serverCertificateManager: certificates,
    userCertificateManager: certificates,
    securityPolicies: [SecurityPolicy.None, SecurityPolicy.Basic256Sha256],
    securityModes: [
      MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt,
    ],
    userManager: { isValidUser: (name, word) => name === "plant" && word === "secret" },
    serverCapabilities: {
      maxSessions: 1000, // tests cut off many, and each stays for a minute
      minSupportedSampleRate: 0, // every change is told, however fast
      operationLimits: { maxNodesPerRead: Number(options["max-nodes-per-read"]) },
    },
  });
  await server.initialize();
  const space = server.engine.addressSpace;
  if (options["namespace-first"]) space.registerNamespace(options["namespace-first"]);
  const plant = space.registerNamespace(PLANT);
  const own = space.getOwnNamespace();
  const folder = own.addFolder("ObjectsFolder", { browseName: "Plant" });
  const numbered = build(space, own, plant, folder);
  await server.start();
  if (Number(options["change-ms"]) > 0) change(numbered, Number(options["change-ms"]));
  listen(space, own, folder);
  console.log("ready");
}

function build(space, own, plant, folder) {
  const add = (id, dataType, value, more = {}) => own.addVariable({
    componentOf: folder, browseName: id, nodeId: `s=${id}`, dataType,
    value: { dataType, value }, minimumSamplingInterval: 0, ...more,
  });
  const array = (id, dataType, arrayType, value) => add(id, dataType, null, {
    valueRank: 1, arrayDimensions: [value.length],
    value: { dataType, arrayType: VariantArrayType.Array, value: new arrayType(value) },
  });
  add("Bool", DataType.Boolean, true);
  add("Int16", DataType.Int16, -7);
  add("UInt32", DataType.UInt32, 4000000000);
  add("Int64", DataType.Int64, null, {
    value: { dataType: DataType.Int64, arrayType: VariantArrayType.Scalar, value: [1, 705032704] },
  });
  add("Float", DataType.Float, 1.5);
  add("Double", DataType.Double, 20.25, { description: "A plain number" });
  add("String", DataType.String, "wrench 扳手");
  add("Localized", DataType.LocalizedText, { locale: "en", text: "running" });
  add("Date", DataType.DateTime, new Date("2024-05-06T07:08:09.010Z"));
  add("Nan", DataType.Double, NaN);
  add("Literal[1]", DataType.Double, 11.5);
  array("Doubles", DataType.Double, Float64Array, [1.25, 2.5, 3.75]);
  array("Ints", DataType.Int32, Int32Array, [10, 20, 30]);
  own.addAnalogDataItem({
    componentOf: folder, browseName: "Pressure", nodeId: "s=Pressure", dataType: "Double",
    definition: "", engineeringUnitsRange: { low: 0, high: 16 },
    engineeringUnits: opcua.standardUnits ? opcua.standardUnits.bar : units().bar,
    value: { dataType: DataType.Double, value: 6.5 },
  });
  plant.addVariable({
    componentOf: folder, browseName: "Elsewhere", nodeId: "s=Elsewhere", dataType: "Double",
    value: { dataType: DataType.Double, value: 42.5 },
  });
  folder.addReference({ referenceType: "Organizes", nodeId: "RootFolder" }); // a cycle
  const many = own.addFolder(folder, { browseName: "Numbered" });
  return Array.from({ length: Number(options.variables) }, (_, i) => own.addVariable({
    componentOf: many, browseName: `V${i}`, nodeId: `s=V${i}`, dataType: "Double",
    minimumSamplingInterval: 0, value: { dataType: DataType.Double, value: i },
  }));
}

const units = () => require("node-opcua-data-access").standardUnits;

function change(variables, everyMs) {
  let turn = 0;
  setInterval(() => {
    turn += 1;
    variables.forEach((variable, i) =>
      variable.setValueFromSource(new Variant({ dataType: DataType.Double, value: i + turn })));
  }, everyMs);
}

function obey(line, space, own, folder) {
  const [verb, id, ...rest] = line.split(" ");
  const node = space.findNode(coerceNodeId(id));
  if (verb === "add") {
    if (node) throw new Error(`${id} is there already`);
    own.addVariable({
      componentOf: folder, browseName: id, nodeId: id, dataType: "Double",
      minimumSamplingInterval: 0,
      value: { dataType: DataType.Double, value: Number(rest[0] ?? 0) },
    });
    return;
  }
  if (!node) throw new Error(`there is no ${id}`);
  if (verb === "delete") return own.deleteNode(node);
  if (verb === "set") {
    const [value, status = "Good", when] = rest;
    const dataType = node.readValue().value.dataType;
    node.setValueFromSource(
      new Variant({ dataType, value: typed(dataType, value) }),
      StatusCodes[status], when ? new Date(when) : new Date());
  } else if (verb === "burst") {
    for (let i = 1; i <= Number(rest[0]); i++) {
      node.setValueFromSource(new Variant({ dataType: DataType.Double, value: i }));
    }
  } else throw new Error(`what is ${verb}?`);
}

function typed(dataType, value) {
  if (dataType === DataType.Boolean) return value === "true";
  return dataType === DataType.String ? value : Number(value);
}

function listen(space, own, folder) {
  const lines = readline.createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    try {
      obey(line, space, own, folder);
      console.log(`ok ${line}`);
    } catch (error) {
      console.log(`error ${error.message}`);
    }
  });
  lines.on("close", () => process.exit(0)); // the test that started us is gone
}

main().catch((error) => { console.error(error); process.exit(1); });
