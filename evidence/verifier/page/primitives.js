// Hashes, signatures, signed notes, the archive's layout and Merkle proofs: primitives.py once more, for a browser.
"use strict";

class Broken extends Error {
  constructor(where, what) { super(`${where}: ${what}`); this.where = where; this.what = what; }
}

const utf8 = new TextEncoder(), text = new TextDecoder("utf-8");
const bytesOf = (string) => utf8.encode(string);
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
}

function same(left, right) {
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at++) if (left[at] !== right[at]) return false;
  return true;
}

function indexOf(bytes, part, from = 0) {
  outer: for (let at = bytes.indexOf(part[0], from); at >= 0; at = bytes.indexOf(part[0], at + 1)) {
    for (let k = 1; k < part.length; k++) if (bytes[at + k] !== part[k]) continue outer;
    return at;
  }
  return -1;
}

function lastIndexOf(bytes, part) {
  for (let at = bytes.length - part.length; at >= 0; at--) if (same(bytes.subarray(at, at + part.length), part)) return at;
  return -1;
}

function* linesOf(bytes) {
  let from = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) { yield bytes.subarray(from, at); from = at + 1; }
  yield bytes.subarray(from);
}

// ------------------------------------------------------------ SHA-256 (FIPS 180-4): here for many short texts, else WebCrypto
const K = new Uint32Array(64), START = new Uint32Array(8);
(function constants() {
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
  const fraction = (root, p) => {  // exact by whole numbers: the first 32 bits of the fractional part of a root
    const wide = BigInt(p) << BigInt(32 * root);
    let low = 0n, high = 1n << 40n;
    while (high - low > 1n) { const mid = (low + high) / 2n; if (mid ** BigInt(root) <= wide) low = mid; else high = mid; }
    return Number(low & 0xffffffffn);
  };
  primes.forEach((p, at) => { K[at] = fraction(3, p); if (at < 8) START[at] = fraction(2, p); });
})();
const W = new Int32Array(64), H = new Int32Array(8), TAIL = new Uint8Array(128), TAIL_VIEW = new DataView(TAIL.buffer);

function blocks(view, from, end) {
  for (let at = from; at < end; at += 64) {
    for (let t = 0; t < 16; t++) {
      const p = at + 4 * t;
      W[t] = (view[p] << 24) | (view[p + 1] << 16) | (view[p + 2] << 8) | view[p + 3];
    }
    for (let t = 16; t < 64; t++) {
      const x = W[t - 15], y = W[t - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      W[t] = (W[t - 16] + s0 + W[t - 7] + s1) | 0;
    }
    let a = H[0], b = H[1], c = H[2], d = H[3], e = H[4], f = H[5], g = H[6], h = H[7];
    for (let t = 0; t < 64; t++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const one = (h + s1 + ((e & f) ^ (~e & g)) + K[t] + W[t]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
    }
    H[0] += a; H[1] += b; H[2] += c; H[3] += d; H[4] += e; H[5] += f; H[6] += g; H[7] += h;
  }
}

function sha256(bytes) {
  H.set(START);
  const whole = bytes.length - (bytes.length % 64), rest = bytes.length - whole;
  blocks(bytes, 0, whole);
  const end = rest < 56 ? 64 : 128;
  TAIL.fill(0);
  TAIL.set(bytes.subarray(whole));
  TAIL[rest] = 0x80;
  TAIL_VIEW.setUint32(end - 8, Math.floor(bytes.length / 0x20000000));
  TAIL_VIEW.setUint32(end - 4, (bytes.length * 8) >>> 0);
  blocks(TAIL, 0, end);
  const digest = new Uint8Array(32), view = new DataView(digest.buffer);
  for (let at = 0; at < 8; at++) view.setInt32(4 * at, H[at]);
  return digest;
}

async function digestOf(bytes) {
  if (bytes.length < 4096) return hex(sha256(bytes));
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

const shortDigest = async (bytes) => (await digestOf(bytes)).slice(0, 12);

// ------------------------------------------------------------ Ed25519 (RFC 8032 5.1.7): WebCrypto, whole numbers where it knows none
const P = 2n ** 255n - 19n, L = 2n ** 252n + 27742317777372353535851937790883648493n;
const mod = (n) => ((n % P) + P) % P;
function power(base, exponent) {
  let result = 1n;
  for (base = mod(base); exponent; exponent >>= 1n, base = base * base % P) if (exponent & 1n) result = result * base % P;
  return result;
}
const D = mod(-121665n * power(121666n, P - 2n)), I = power(2n, (P - 1n) / 4n);
const little = (bytes) => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

function recover(y, sign) {
  if (y >= P) return null;
  const xx = mod((y * y - 1n) * power(D * y * y + 1n, P - 2n));
  let x = power(xx, (P + 3n) / 8n);
  if (mod(x * x - xx)) x = mod(x * I);
  if (mod(x * x - xx) || (!x && sign)) return null;
  if ((x & 1n) !== sign) x = P - x;
  return [x, y, 1n, mod(x * y)];
}

function add(p, q) {
  const a = mod((p[1] - p[0]) * (q[1] - q[0])), b = mod((p[1] + p[0]) * (q[1] + q[0]));
  const c = mod(2n * p[3] * q[3] * D), d = mod(2n * p[2] * q[2]);
  const e = b - a, f = d - c, g = d + c, h = b + a;
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function multiply(scalar, point) {
  let total = [0n, 1n, 1n, 0n];
  for (; scalar; scalar >>= 1n, point = add(point, point)) if (scalar & 1n) total = add(total, point);
  return total;
}

function decodePoint(bytes) {
  const number = little(bytes);
  return recover(number & ((1n << 255n) - 1n), number >> 255n);
}

async function ed25519Slowly(key, message, signature) {
  const point = decodePoint(key), r = decodePoint(signature.subarray(0, 32)), s = little(signature.subarray(32));
  if (!point || !r || s >= L) return false;
  const hash = await crypto.subtle.digest("SHA-512", join(signature.subarray(0, 32), key, message));
  const h = little(new Uint8Array(hash)) % L;
  const left = multiply(s, recover(4n * power(5n, P - 2n) % P, 0n)), right = add(r, multiply(h, point));
  return !mod(left[0] * right[2] - right[0] * left[2]) && !mod(left[1] * right[2] - right[1] * left[2]);
}

async function ed25519Verifies(key, message, signature) {
  if (key.length !== 32 || signature.length !== 64 || little(signature.subarray(32)) >= L || !decodePoint(key)) return false;
  try {
    const known = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, known, signature, message);
  } catch (fault) {
    return ed25519Slowly(key, message, signature);
  }
}

// ------------------------------------------------------------ signed notes (C2SP signed-note)
function unbase64(packed, where = "base64") {
  let plain;
  try { plain = atob(packed); } catch (fault) { throw new Broken(where, "it holds characters that are no base64."); }
  if (/[^A-Za-z0-9+/=]/.test(packed) || packed.length % 4) throw new Broken(where, "it holds characters that are no base64.");
  if (btoa(plain) !== packed) throw new Broken(where, "its base64 has stray bits.");
  const bytes = new Uint8Array(plain.length);
  for (let at = 0; at < plain.length; at++) bytes[at] = plain.charCodeAt(at);
  return bytes;
}

function parseKey(line, kind = 1) {
  const parts = line.trim().split("+"), [name, id] = parts, packed = parts.slice(2).join("+");
  let body;
  try { body = unbase64(packed); } catch (fault) { body = null; }
  if (parts.length < 3 || !body) throw new Broken("verifier key", "it is not of the form name+id+base64.");
  const digest = sha256(join(bytesOf(name + "\n"), body)).subarray(0, 4);
  if (body.length !== 33 || body[0] !== kind || hex(digest) !== id) throw new Broken("verifier key", "its id does not match its key.");
  return { name, id: digest, key: body.subarray(1) };
}

const fingerprint = (line) => hex(sha256(parseKey(line).key)).match(/.{4}/g).join(" ");
const DASH = "\u2014 ";

function* signaturesIn(note, name, where) {
  const cut = lastIndexOf(note, bytesOf("\n\n"));
  for (const line of linesOf(note.subarray(cut + 2))) {
    const prefix = bytesOf(DASH + name + " ");
    if (same(line.subarray(0, prefix.length), prefix)) yield { line, packed: unbase64(text.decode(line.subarray(prefix.length)), where) };
  }
}

async function openNote(note, key, where, alone = true) {
  const known = parseKey(key), cut = lastIndexOf(note, bytesOf("\n\n"));
  if (cut < 0 || note[note.length - 1] !== 10) throw new Broken(where, "it is not a signed note.");
  const body = note.subarray(0, cut + 1);
  for (const { line, packed } of signaturesIn(note, known.name, where)) {
    if (same(packed.subarray(0, 4), known.id) && await ed25519Verifies(known.key, body, packed.subarray(4))) {
      if (alone && !same(note.subarray(cut + 2), join(line, bytesOf("\n")))) throw new Broken(where, "it carries lines beside the one signature.");
      return text.decode(body).split("\n").slice(0, -1);
    }
  }
  throw new Broken(where, `the signature is not valid for its text and the key ${known.name}.`);
}

// ------------------------------------------------------------ the bag and the archive: one layout, so that no byte is free
const folderOf = (id) => "evidence-pack-" + id.slice(0, 8);
const sorted = (files) => [...files].sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));

async function sums(files) {
  const lines = [];
  for (const [name, data] of sorted(files)) lines.push(`${await digestOf(data)}  ${name}\n`);
  return bytesOf(lines.join(""));
}

async function bag(files, manifest) {
  const payload = new Map([...files].map(([name, data]) => ["data/" + name, data]));
  const size = [...payload.values()].reduce((sum, data) => sum + data.length, 0);
  const about = `Bagging-Date: ${manifest.pack.issued_at.slice(0, 10)}\nExternal-Identifier: ${manifest.pack.id}\nPayload-Oxum: ${size}.${payload.size}\n`;
  const tags = new Map([
    ["bagit.txt", bytesOf("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")],
    ["bag-info.txt", bytesOf(about)],
    ["manifest-sha256.txt", await sums(payload)],
  ]);
  tags.set("tagmanifest-sha256.txt", await sums(tags));
  const folder = folderOf(manifest.pack.id) + "/";
  return new Map([...payload, ...tags].map(([name, data]) => [folder + name, data]));
}

function unbag(files) {
  const folder = ([...files.keys()].sort()[0] || "").split("/")[0] + "/", names = [...files.keys()];
  if (!names.every((name) => name.startsWith(folder)) || !names.some((name) => name.startsWith(folder + "data/"))) {
    throw new Broken("archive", "it is no bag in one folder: an older pack needs the verify.py of its release.");
  }
  const payload = new Map();
  for (const [name, data] of files) if (name.startsWith(folder + "data/")) payload.set(name.slice(folder.length + 5), data);
  return payload;
}

const CRC = Int32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});
function crc32(bytes) {
  let crc = -1;
  for (let at = 0; at < bytes.length; at++) crc = CRC[(crc ^ bytes[at]) & 255] ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}

const packed = (...fields) => {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [size]) => sum + size, 0)));
  let at = 0;
  for (const [size, value] of fields) { if (size === 2) view.setUint16(at, value, true); else view.setUint32(at, value, true); at += size; }
  return new Uint8Array(view.buffer);
};

function* archive(files, crcs) {
  const directory = [];
  let at = 0;
  for (const [name, data] of sorted(files)) {
    const crc = crcs ? crcs.get(name) : crc32(data), size = data.length;
    const common = packed([2, 20], [2, 0], [2, 0], [2, 0], [2, 0x21], [4, crc], [4, size], [4, size], [2, name.length], [2, 0]);
    directory.push(bytesOf("PK\x01\x02"), packed([2, 0x0314]), common, packed([2, 0], [2, 0], [2, 0], [4, (0o100644 << 16) >>> 0], [4, at]), bytesOf(name));
    const head = join(bytesOf("PK\x03\x04"), common, bytesOf(name));
    yield head;
    yield data;
    at += head.length + size;
  }
  const index = join(...directory);
  yield index;
  yield join(bytesOf("PK\x05\x06"), packed([2, 0], [2, 0], [2, files.size], [2, files.size], [4, index.length], [4, at], [2, 0]));
}

function compareLayout(expected, data) {
  let at = 0;
  const differs = (byte) => [["archive", `its structure differs from the one layout at byte ${byte}.`]];
  for (const part of expected) {
    for (let k = 0; k < part.length; k++) if (at + k >= data.length || data[at + k] !== part[k]) return differs(at + k);
    at += part.length;
  }
  return at === data.length ? [] : differs(at);
}

const safe = (name) => Boolean(name) && !/[\\:\0]/.test(name) && name.split("/").every((part) => !["", ".", ".."].includes(part));

function unpack(data) {
  const files = new Map(), crcs = new Map(), faults = [], view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const starts = (at, last) => data[at] === 80 && data[at + 1] === 75 && data[at + 2] === last[0] && data[at + 3] === last[1];
  let at = 0, last = "the start";
  while (starts(at, [3, 4]) && at + 30 <= data.length) {
    const size = view.getUint32(at + 18, true), nameSize = view.getUint16(at + 26, true);
    const name = Array.from(data.subarray(at + 30, at + 30 + nameSize), (byte) => (byte < 128 ? String.fromCharCode(byte) : "\ufffd")).join("");
    const start = at + 30 + nameSize + view.getUint16(at + 28, true);
    if (start + size > data.length) break;
    if (!safe(name)) throw new Broken("archive", `it names the file '${name}', which could be written outside of a folder.`);
    if (files.has(name)) throw new Broken("archive", `it holds '${name}' twice.`);
    files.set(name, data.subarray(start, start + size));
    crcs.set(name, view.getUint32(at + 14, true));
    last = name;
    at = start + size;
  }
  if (!starts(at, [1, 2])) faults.push(["archive", `its structure is damaged after ${last} (byte ${at}).`]);
  if ([...files.keys()].some((name) => name.includes("\ufffd"))) faults.push(["archive", "a file name is damaged."]);
  else if (!faults.length) faults.push(...compareLayout(archive(files, crcs), data));
  return { files, faults };
}

// ------------------------------------------------------------ Merkle proofs (RFC 9162 2.1.3.2), sealed entries
const NODE = new Uint8Array(65);
NODE[0] = 1;
function nodeHash(left, right) { NODE.set(left, 1); NODE.set(right, 33); return sha256(NODE); }

function rootOf(leaf, index, size, path) {
  let node = index, last = size - 1, result = leaf;  // below 2^53, where halves of numbers are exact
  for (const sibling of path) {
    if (!last) throw new Broken("proof", "it is too long.");
    if (node % 2 || node === last) {
      result = nodeHash(sibling, result);
      while (!(node % 2) && node) { node /= 2; last = Math.floor(last / 2); }
    } else result = nodeHash(result, sibling);
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  if (last) throw new Broken("proof", "it is too short.");
  return result;
}

function entryOf(row, where) {
  const salts = row.salts ? unbase64(row.salts, where) : new Uint8Array(0), groups = [];
  ["subj", "raw"].forEach((name, at) => {
    if (row[name] === null || row[name] === undefined) {
      groups.push(row[name + "_commitment"] ? unbase64(row[name + "_commitment"], where) : new Uint8Array(32));
    } else {
      const salt = salts.subarray(16 * at, 16 * at + 16);
      groups.push(sha256(join(bytesOf(`countersign/v1/${name}\0`), salt, unbase64(row[name], where))));
    }
  });
  return join(Uint8Array.of(1, row.kind), ...groups, unbase64(row.core, where));
}
