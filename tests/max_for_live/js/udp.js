"use strict";
// Max's udpsend and udpreceive over real sockets: OSC with int, 32-bit float and text; doubles arrive as 0; a port that
// is in use receives nothing, without an error.

const dgram = require("node:dgram");

const padded = (bytes) => Buffer.concat([bytes, Buffer.alloc(4 - bytes.length % 4)]);
const text = (words) => padded(Buffer.from(words, "utf8"));

function encode([address, ...atoms]) {
  let types = ",";
  const values = atoms.map((atom) => {
    if (typeof atom === "string") { types += "s"; return text(atom); }
    const value = Buffer.alloc(4);
    if (Number.isInteger(atom)) { types += "i"; value.writeInt32BE(atom); } else { types += "f"; value.writeFloatBE(atom); }
    return value;
  });
  return Buffer.concat([text(address), text(types), ...values]);
}

function decode(data) {
  let at = 0;
  const word = () => {
    const end = data.indexOf(0, at);
    const found = data.toString("utf8", at, end);
    at = end + 4 - (end % 4);
    return found;
  };
  const address = word();
  const atoms = [...word().slice(1)].map((type) => {
    if (type === "s") return word();
    at += type === "d" || type === "h" ? 8 : 4;
    if (type === "i") return data.readInt32BE(at - 4);
    return type === "f" ? data.readFloatBE(at - 4) : 0;
  });
  return [address, ...atoms];
}

function udp() {
  const sender = dgram.createSocket("udp4");
  const open = new Set([sender]);
  return {
    send(port, atoms) { sender.send(encode(atoms), port, "127.0.0.1"); },
    listen(port, receive) {
      const receiver = dgram.createSocket("udp4");
      receiver.on("error", () => {});
      receiver.on("message", (data) => receive(decode(data)));
      receiver.bind(port, "127.0.0.1");
      open.add(receiver);
      return () => { open.delete(receiver); receiver.close(); };
    },
    close() { open.forEach((socket) => socket.close()); },
  };
}

module.exports = { decode, encode, udp };
