// A Modbus/TCP server of npm modbus-serial. usage: node modbus_serial_server.js PORT
// Holding register i holds i (100 and 101 the float 21.5), input register i holds 1000 + i; coil i
// is set where i % 3 == 0, discrete input i where i % 2 == 1. Register 999 is refused (exception
// 2), 998 fails (exception 4), unit 9 is busy (exception 6).
"use strict";
const { ServerTCP } = require("modbus-serial");

const refuse = (code) => Object.assign(new Error("refused"), { modbusErrorCode: code });
const float = Buffer.alloc(4);
float.writeFloatBE(21.5);

const vector = {
    getHoldingRegister(address, unit) {
        if (unit === 9) throw refuse(6);
        if (address === 999) throw refuse(2);
        if (address === 998) throw refuse(4);
        return address === 100 || address === 101 ? float.readUInt16BE((address - 100) * 2) : address;
    },
    getInputRegister: (address) => 1000 + address,
    getCoil: (address) => address % 3 === 0,
    getDiscreteInput: (address) => address % 2 === 1,
    readDeviceIdentification: () => ({
        0x00: "Lianji tests", 0x01: "MB-1", 0x02: "1.0", 0x05: "Model M",
    }),
};
new ServerTCP(vector, { host: "127.0.0.1", port: Number(process.argv[2]), unitID: 255 });
