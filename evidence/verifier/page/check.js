// Checks an evidence pack as verify.py does, and says the same sentences: check.py, witnessed.py, passkeys.py, tokens.py, complete.py.
"use strict";

const SCHEMA = "countersign-pack/3", SIGNED = ["manifest.json", "manifest.sig"], ANNEX = "proofs/annex.txt";
const CHECKPOINT = "proofs/checkpoint.txt", COSIGNED = "proofs/cosigned.txt";
const COMPLETE = {
  alerts_raised: ["alert.raise"], decisions: ["item.decide", "item.decide_in_bulk", "item.undo_bulk"],
  dispositions: ["log_item.dispose"],
  erasures: ["erasure.confirm", "erasure.repeat"], log_sign_offs: ["log_review.sign"], removals: ["retention.prune"],
  sign_offs: ["campaign.sign"], snapshots: ["snapshot.import"],
};
const SIGNED_TABLES = [["sign_offs", "decisions", "decision", "sign_off", ""], ["log_sign_offs", "dispositions", "disposition", "log_sign_off", "log-"]];
const SIGN_OFF = "sign-off/", SIGN_NOTE = SIGN_OFF + "note.sig", SIGNATURES_OF = SIGN_OFF + "signatures.json", ROLES = ["preparer", "approver"];
const HOUR = 3600e6, MINUTE = 60e6;  // microseconds

function printed(value) {
  if (value === null || value === undefined) return "";
  const escaped = Array.from(String(value), (char) => {
    if (char === " " || !/[\p{C}\p{Z}]/u.test(char)) return char;
    return "\\u" + char.codePointAt(0).toString(16).padStart(4, "0");
  }).join("");
  return /^[=+\-@]/.test(escaped) ? "'" + escaped : escaped;
}
// Which characters print depends on the version of Unicode: compared with all but ASCII spelled out.
const spelled = (cell) => Array.from(cell, (char) => (char > "~" ? "\\u" + char.codePointAt(0).toString(16).padStart(4, "0") : char)).join("");
const equal = (value, cell) => printed(value) === cell || spelled(printed(value)) === spelled(cell ?? "");

function readCsv(bytes) {
  const rows = text.decode(bytes).split("\n").slice(0, -1).map((line) => {
    const cells = [];
    for (let at = 0; at <= line.length; at++) {
      let cell = "";
      if (line[at] === '"') {
        for (at++; at < line.length; at++) {
          if (line[at] !== '"') cell += line[at];
          else if (line[at + 1] === '"') { cell += '"'; at++; } else break;
        }
        at++;
      } else {
        const end = line.indexOf(",", at);
        cell = line.slice(at, end < 0 ? line.length : end);
        at += cell.length;
      }
      cells.push(cell);
    }
    return cells;
  });
  const names = rows.shift() || [];
  return rows.map((cells) => Object.fromEntries(names.map((name, at) => [name, cells[at]])));
}

function micros(moment) {
  const found = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)$/.exec(moment);
  if (!found) throw new TypeError(`${moment} is no time`);
  return Date.parse(found[1] + found[3]) * 1000 + Number((found[2] || "").padEnd(6, "0"));
}
const spellTime = (us) => new Date(us / 1000).toISOString().slice(0, 19).replace("T", " ") + " UTC";

class Pack {
  constructor(data) {
    const { files, faults } = unpack(data);
    this.data = data;
    this.archived = files;
    this.faults = faults;
    this.files = unbag(files);
    this.counts = { files: 0, rows: 0, pages: 0, entries: 0, cells: 0, statements: 0 };
    this.manifest = this.index = {};
    this.entries = new Map();
    this.sealed = "";
    this.proofs = [];
    this.lines = [];
  }

  fault(where, what) {
    if (!this.faults.some((known) => known[0] === where && known[1] === what)) this.faults.push([where, what]);
  }

  async check(key, ledgerKey, witnesses = []) {
    const steps = [() => this.checkManifest(key), () => this.checkFiles(), () => this.checkSignOff(key), () => this.checkStatements(),
      () => this.checkLedger(ledgerKey), () => this.checkAnnex(), () => this.checkHolders(witnesses)];
    for (const step of steps) {
      try {
        if (await step() === false) break;
      } catch (fault) {
        if (fault instanceof Broken) this.fault(fault.where, fault.what);
        else this.fault("pack", `a part has another shape than ${SCHEMA} says (${fault.name}: ${fault.message}).`);
      }
    }
    if (!this.faults.length) await this.checkBag();
    if (!this.faults.length) this.faults.push(...compareLayout(archive(this.archived), this.data));
    return this.faults;
  }

  async checkBag() {
    const expected = await bag(this.files, this.manifest), folder = folderOf(this.manifest.pack.id) + "/";
    for (const name of [...new Set([...this.archived.keys(), ...expected.keys()])].sort()) {
      const plain = name.startsWith(folder) ? name.slice(folder.length) : name;
      if (!this.archived.has(name)) this.fault(plain, "it is missing.");
      else if (!expected.has(name)) this.fault(plain, "it does not belong to the bag.");
      else if (!same(this.archived.get(name), expected.get(name))) this.fault(plain, "it is not what the files of the pack give.");
    }
  }

  async checkManifest(key) {
    for (const name of SIGNED) if (!this.files.has(name)) { this.fault(name, "it is missing."); return false; }
    const raw = this.files.get("manifest.json"), note = this.files.get("manifest.sig"), digest = await digestOf(raw);
    const signedDigest = text.decode(note).split("\n")[2] || "";
    let own, lines;
    try {
      this.manifest = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(raw));
      own = this.manifest.signer.key;
    } catch (fault) {
      this.fault("manifest.json", "the signed list of files was changed: it cannot be read any more.");
      return false;
    }
    try {
      lines = await openNote(note, key || own, "manifest.sig");
    } catch (fault) {
      if (!(fault instanceof Broken)) throw fault;
      if (digest !== signedDigest) this.fault("manifest.json", "its SHA-256 is not the one in manifest.sig.");
      this.fault("manifest.sig", "signature: " + fault.what);
      return false;
    }
    this.sealed = lines.length === 4 ? lines[3].split(" ").slice(1).join(" ") : "";
    if (lines.length !== 4 || lines[2] !== digest || lines[3] !== "report.pdf " + this.sealed) {
      this.fault("manifest.json", "the signed list of files was changed: its SHA-256 is not the signed one.");
      return false;
    }
    if (this.manifest.schema !== SCHEMA || lines[1] !== this.manifest.pack.id) {
      this.fault("manifest.json", "it belongs to another pack or format.");
      return false;
    }
    return true;
  }

  async checkFiles() {
    const listed = new Map(this.manifest.files.map((row) => [row.path, row]));
    for (const name of [...this.files.keys()].sort()) {
      if (!listed.has(name) && !SIGNED.includes(name) && !name.startsWith(SIGN_OFF)) this.fault(name, "the signed manifest does not list this file.");
    }
    const rawIndex = this.files.get("index.json");
    if (rawIndex && await digestOf(rawIndex) === (listed.get("index.json") || {}).sha256) this.index = JSON.parse(text.decode(rawIndex));
    for (const [name, row] of listed) {
      const data = this.files.get(name);
      if (!data) this.fault(name, "it is missing.");
      else if (!await this.isWhole(name, data, row)) await this.nameDamage(name, data);
      else {
        this.counts.files += 1;
        this.counts.rows += row.rows || 0;
        this.counts.pages += row.pages || 0;
      }
    }
  }

  async isWhole(name, data, row) {
    if (name === "report.pdf") {
      if (await digestOf(data) !== this.sealed) return false;
      data = data.subarray(0, row.bytes);
    }
    return data.length === row.bytes && await digestOf(data) === row.sha256;
  }

  async nameDamage(name, data) {
    const found = name.endsWith(".pdf") ? await this.damagedPages(name, data) : await this.damagedLines(name, data);
    for (const part of found.slice(0, 20)) this.fault(`${name}, ${part}`, "it differs from what was signed.");
    if (!found.length) this.fault(name, "it differs from what was signed.");
    if (found.length > 20) this.fault(name, `${found.length - 20} more parts differ.`);
  }

  async damagedPages(file, data) {
    const named = [], sealed = file === "report.pdf" && this.index.pdf;
    for (const [start, end, digest, name] of (file === "report.pdf" ? this.index.pdf : (this.index.volumes || {})[file]) || []) {
      if (await shortDigest(data.subarray(start, end)) !== digest && !named.includes(name)) named.push(name);
    }
    return named.length || !sealed ? named : ["its seal (the signature that a PDF reader shows)"];
  }

  async damagedLines(name, data) {
    const digests = (this.index.lines || {})[name];
    if (!digests) return [];
    const lines = [...linesOf(data)], word = name.startsWith("proofs/") ? "entry" : "row", named = [];
    for (let at = 0; at < Math.max(lines.length, digests.length); at++) {
      if (at >= digests.length) named.push(`${word} ${at} (added)`);
      else if (at >= lines.length) named.push(`${word} ${at} (missing)`);
      else if (await shortDigest(lines[at]) !== digests[at]) {
        named.push(word === "row" && at === 0 ? "the column names" : `${word} ${at}` + this.label(lines[at]));
      }
    }
    return named;
  }

  label(line) {
    try {
      const row = JSON.parse(text.decode(line));
      return Number.isInteger(row.index) && "label" in row ? ` (ledger index ${row.index}, ${row.label})` : "";
    } catch (fault) { return ""; }
  }

  table(name) { return readCsv(this.files.get(`tables/${name}.csv`)); }
  has(name) { return this.files.has(`tables/${name}.csv`); }

  async checkSignOff(key) {
    const files = new Map([...this.files].filter(([name]) => name.startsWith(SIGN_OFF))), pack = this.manifest.pack, people = pack.people || 0;
    if (!files.size) {
      if (people) this.lines.push("sign-off: DRAFT: nobody signed this pack off; it is not issued");
      return;
    }
    const digest = await digestOf(this.files.get("manifest.json"));
    if (!files.has(SIGN_NOTE) || !files.has(SIGNATURES_OF)) throw new Broken(SIGN_OFF, "its signed note or its list of signatures is missing.");
    const lines = await openNote(files.get(SIGN_NOTE), key || this.manifest.signer.key, SIGN_NOTE);
    if (lines[1] !== pack.id || lines[2] !== digest) throw new Broken(SIGN_NOTE, "it signs another pack off.");
    const listed = new Map(lines.slice(3).map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]));
    for (const name of [...new Set([...files.keys(), ...listed.keys()])].sort()) {
      if (name === SIGN_NOTE) continue;
      if (!listed.has(name)) this.fault(name, "the signed note of the sign-off does not list this file.");
      else if (!files.has(name)) this.fault(name, "it is missing.");
      else if (await digestOf(files.get(name)) !== listed.get(name)) this.fault(name, "it differs from what was signed.");
    }
    const rows = JSON.parse(text.decode(files.get(SIGNATURES_OF))), asked = ROLES.slice(0, people);
    for (const row of rows) await this.checkSigner(row, files, digest);
    if (rows.map((row) => row.role).sort().join() !== [...asked].sort().join()) {
      throw new Broken(SIGNATURES_OF, `it does not hold the signatures that are asked for: ${asked.join(", ")}.`);
    }
    if (new Set(rows.map((row) => row.account)).size !== rows.length) throw new Broken(SIGNATURES_OF, "one person signed in two roles.");
    if (people === 1) this.lines.push(`sign-off: one person only, because: ${pack.alone_reason}`);
  }

  async checkSigner(row, files, digest) {
    const name = `${SIGN_OFF}${row.role}.json`, raw = files.get(name) || new Uint8Array(0);
    if (await digestOf(raw) !== row.digest) throw new Broken(name, `its SHA-256 is not the one in ${SIGNATURES_OF}.`);
    const said = JSON.parse(text.decode(raw));
    if (said.pack.manifest_sha256 !== digest) throw new Broken(name, "it was signed over another manifest.");
    if (said.role !== row.role || said.signer.account !== row.account || said.meaning !== row.meaning) {
      throw new Broken(name, "it was signed in another role, by another person or with another meaning.");
    }
    let how = "by a proof that the portal alone saw: not checked here";
    if (row.level in LEVELS) {
      const what = row.level === "passkey" ? "passkey" : "provider", answer = files.get(`${SIGN_OFF}${row.role}-${what}.json`) || new Uint8Array(0);
      if (await digestOf(answer) !== row.assertion_sha256) throw new Broken(name, `the ${what}'s answer to it is not the one in ${SIGNATURES_OF}.`);
      const kind = (await LEVELS[row.level](JSON.parse(text.decode(answer)), raw, name)).replace(BY_PROVIDER, "");
      how = kind ? `${what} checked here (${kind})` : "passkey of an algorithm not known here: NOT checked";
    }
    this.lines.push(`sign-off: ${row.role}: ${row.printed_name} (${row.account}, ${row.capacity}), ${row.signed_at}, ${how}`);
  }

  async checkStatements() {
    for (const tables of SIGNED_TABLES) if (this.has(tables[0]) && this.has(tables[1])) await this.checkSigned(...tables);
  }

  async checkSigned(table, deeds, deed, id, prefix) {
    const decided = new Map(this.table(deeds).map((row) => [row[deed], row]));
    let number = 0;
    for (const row of this.table(table)) {
      number += 1;
      const file = prefix + row[id], name = `statements/${file}.json`, said = this.files.get(name) || new Uint8Array(0);
      if (await digestOf(said) !== row.digest) {
        this.fault(`tables/${table}.csv, row ${number}`, `its digest is not that of ${name}.`);
        continue;
      }
      for (const line of JSON.parse(text.decode(said)).decisions) {
        const shown = decided.get(String(line.decision));
        for (const column of ["outcome", "reason"]) {
          if (shown && !equal(line[column], shown[column])) {
            this.fault(`tables/${deeds}.csv, ${deed} ${line.decision}`, `its ${column} is not the one that ${name} signs.`);
          }
        }
      }
      this.counts.statements += 1;
      await this.checkProof(row, said, file, table);
    }
  }

  async checkProof(row, statement, file, table) {
    const name = `signatures/${file}.json`;
    if (!(row.level in LEVELS)) { this.proofs.push("portal"); return; }
    const raw = this.files.get(name) || new Uint8Array(0);
    if (await digestOf(raw) !== row.assertion) throw new Broken(name, "its SHA-256 is not the one in tables/" + table + ".csv.");
    this.proofs.push(await LEVELS[row.level](JSON.parse(text.decode(raw)), statement, name) || name);
  }

  async checkLedger(key) {
    const ledger = this.manifest.ledger;
    if (!ledger) return;
    await this.checkChain(key, ledger.key, ledger.chain || []);
    const lines = await openNote(this.files.get(CHECKPOINT), ledger.key, CHECKPOINT, false);
    if (lines[0] !== ledger.origin || lines[1] !== String(ledger.size) || lines[2] !== ledger.root) {
      throw new Broken(CHECKPOINT, "it is not the checkpoint that the manifest names.");
    }
    const root = unbase64(ledger.root), entries = [...linesOf(this.files.get("proofs/entries.jsonl") || new Uint8Array(0))].slice(0, -1);
    for (let at = 0; at < entries.length; at++) {
      this.checkEntry(at, entries[at], ledger.size, root);
      if (at % 2000 === 1999) await told(`${at + 1} of ${entries.length} entries`);
    }
    for (const table of Object.keys(this.manifest.bindings || {}).sort()) this.checkCells(table, this.manifest.bindings[table]);
  }

  async checkChain(given, key, chain) {
    let at = given || (chain.length ? chain[0].old : key), number = 0;
    if (at !== key && !chain.some((link) => link.old === at)) throw new Broken("ledger key", "the given key is none of the keys that signed this ledger.");
    for (const link of chain) {
      number += 1;
      const where = `manifest.json, change ${number} of the ledger's key`, note = bytesOf(link.note);
      const lines = await openNote(note, link.old, where, false);
      await openNote(note, link.new, where, false);
      if (lines[0] !== link.new.split("+")[0]) throw new Broken(where, "its checkpoint belongs to another log.");
      if (at === link.old) at = link.new;
    }
    if (at !== key) throw new Broken("ledger key", "its changes do not lead to the key that signed the checkpoint.");
  }

  checkEntry(number, line, size, root) {
    let where = `proofs/entries.jsonl, entry ${number}`, row, holds;
    try {
      row = JSON.parse(text.decode(line));
      where += ` (ledger index ${row.index}, ${row.label})`;
      const leaf = sha256(join(Uint8Array.of(0), entryOf(row, where)));
      const path = row.proof.map((item) => unbase64(item, where));
      holds = row.index >= 0 && row.index < size && same(rootOf(leaf, row.index, size, path), root);
    } catch (fault) {
      this.fault(where, fault instanceof Broken ? fault.what : "it cannot be read.");
      return;
    }
    if (!holds) { this.fault(where, "its sealed bytes are not in the ledger at this place."); return; }
    this.entries.set(row.index, row);
    this.counts.entries += 1;
  }

  checkCells(table, binding) {
    let number = 0;
    for (const row of this.table(table)) {
      number += 1;
      const where = `tables/${table}.csv, row ${number}`, index = row[binding.index];
      if (!index) continue;
      const sealed = this.entries.get(Number(index));
      if (!sealed) { this.fault(where, `no proved ledger entry ${index} stands behind it.`); continue; }
      const read = {};
      for (const [column, path] of Object.entries(binding.cells)) {
        let value = read[path[0]] ??= JSON.parse(text.decode(unbase64(sealed[path[0]])));
        for (const part of path.slice(1)) value = value && typeof value === "object" && !Array.isArray(value) ? value[part] : null;
        if (!equal(value, row[column])) this.fault(where, `its ${column} is not the one that the ledger sealed.`);
        this.counts.cells += 1;
      }
    }
  }

  async checkAnnex() {
    if (!this.manifest.ledger) return;
    const about = this.manifest.annex, period = this.manifest.period;
    if (!about) { this.lines.push("complete: NOT shown; this pack has no completeness annex, and what was left out says why"); return; }
    const seen = await new Annex(this.manifest, about).read(this.files.get(ANNEX));
    const start = micros(period.start), end = micros(period.end);
    if (about.first && !(seen.firstAt <= start - HOUR)) {
      this.fault(ANNEX, "it begins inside of the period: entries before its first one were left out.");
    }
    for (const [table, verbs] of Object.entries(COMPLETE)) {
      if (!this.has(table)) continue;
      const rows = this.table(table), named = new Map();
      for (const row of rows) named.set(row.ledger_index, (named.get(row.ledger_index) || 0) + 1);
      const deeds = seen.deeds.filter((deed) => verbs.includes(deed.verb) && start + MINUTE <= deed.at && deed.at < end);
      for (const deed of deeds) this.compareDeed(table, deed, named.get(String(deed.index)) || 0);
      this.lines.push(`complete: ${table}: every one of ${deeds.length} ledger entries of the period has its rows`);
    }
    this.lines.push(`complete: ${seen.events} events in ${seen.deliveries} deliveries and ${seen.deeds.length} deeds since entry ${about.first}`);
  }

  compareDeed(table, deed, named) {
    const where = `tables/${table}.csv`, said = `ledger entry ${deed.index} (${deed.verb}, ${spellTime(deed.at)})`;
    if (!named) { this.fault(where, said + " belongs into it, and no row names it: a row was withheld."); return; }
    const sealed = this.entries.get(deed.index);
    const items = sealed ? JSON.parse(text.decode(unbase64(sealed.subj))).detail.items || [0] : [0];
    if (named !== items.length) this.fault(where, `${said} is about ${items.length} items, and ${named} rows name it.`);
  }

  async checkHolders(given) {
    const ledger = this.manifest.ledger, tier = this.manifest.tier;
    if (!ledger) {
      if (tier !== "T0") this.fault("manifest.json", `it claims ${tier} without a checkpoint.`);
      return;
    }
    const note = this.files.get(CHECKPOINT), cosigned = this.files.get(COSIGNED) || new Uint8Array(0), held = ledger.held || [];
    if (this.files.has(COSIGNED) && !same(cosigned.subarray(0, note.length), note)) {
      this.fault(COSIGNED, "it does not begin with the checkpoint that the pack proves.");
    }
    this.lines.push(`tier: the issuer claims ${tier}; T1, a valid signature over the checkpoint, was checked here`);
    for (const row of held) await this.checkHolder(row, note, cosigned, given);
    for (const key of given) {
      try {
        const at = await cosignedAt(cosigned, key, COSIGNED);
        this.lines.push(`held: cosigned by ${parseKey(key, 4).name} at ${spellTime(at * 1e6)}: checked with the key that you gave`);
      } catch (fault) {
        if (!(fault instanceof Broken)) throw fault;
        this.fault(fault.where, fault.what);
      }
    }
    const kinds = held.map((row) => row.kind);
    if ((tier === "T4" && !kinds.includes("witness")) || (["T3", "T4"].includes(tier) && !kinds.length)) {
      this.fault("manifest.json", `it claims ${tier}, but names nobody whose holding carries that.`);
    }
  }

  async checkHolder(row, note, cosigned, given) {
    if (row.size !== this.manifest.ledger.size) {
      this.fault("manifest.json", `${row.name} is said to hold another checkpoint than this pack's.`);
    } else if (row.kind === "witness") {
      let at;
      try { at = await cosignedAt(cosigned, row.key, COSIGNED); } catch (fault) {
        if (!(fault instanceof Broken)) throw fault;
        this.fault(fault.where, fault.what);
        return;
      }
      if (!given.includes(row.key)) this.lines.push(`held: cosigned by ${row.name} at ${spellTime(at * 1e6)}: valid under the key in the pack; give the witness's key to check whose it is`);
    } else if (row.kind === "tsa") {
      if (indexOf(this.files.get(row.file) || new Uint8Array(0), sha256(note)) < 0) this.fault(row.file, "this time stamp is not over the pack's checkpoint.");
      this.lines.push(`held: time stamp of ${row.name}, ${row.since}: NOT checked here; verify.py prints the command of openssl`);
    } else this.lines.push(`held: by ${row.name} (${row.kind}) since ${row.since}: NOT checked here; ask for its checkpoint of ${row.size} entries`);
  }
}

async function cosignedAt(note, key, where) {
  const known = parseKey(key, 4), body = note.subarray(0, lastIndexOf(note, bytesOf("\n\n")) + 1);
  for (const { packed: found } of signaturesIn(note, known.name, where)) {
    if (same(found.subarray(0, 4), known.id) && found.length === 76) {
      const at = Number(new DataView(found.buffer).getBigUint64(4));
      if (await ed25519Verifies(known.key, join(bytesOf(`cosignature/v1\ntime ${at}\n`), body), found.subarray(12))) return at;
      throw new Broken(where, `the cosignature of ${known.name} is not valid.`);
    }
  }
  throw new Broken(where, `the witness ${known.name} did not cosign this checkpoint.`);
}

class Annex {
  constructor(manifest, about) {
    this.ledger = manifest.ledger;
    this.about = about;
    this.at = about.first;
    this.stack = [];
    this.deeds = [];
    this.events = this.deliveries = 0;
    this.firstAt = null;
  }

  push(height, node) {
    while (this.stack.length && this.stack[this.stack.length - 1][0] === height) { node = nodeHash(this.stack.pop()[1], node); height += 1; }
    this.stack.push([height, node]);
  }

  static heights(first, end) {
    const found = [];
    while (first < end) {
      let height = Math.floor(Math.log2(end - first));
      while (2 ** height > end - first) height -= 1;
      while (first % 2 ** height) height -= 1;
      found.push(height);
      first += 2 ** height;
    }
    return found;
  }

  async read(data) {
    const edge = this.about.edge.map((item) => unbase64(item, ANNEX)), heights = Annex.heights(0, this.at);
    if (edge.length !== heights.length) throw new Broken("manifest.json", "the annex has another edge than its first entry asks for.");
    heights.forEach((height, at) => this.push(height, edge[at]));
    const lines = [...linesOf(data)].slice(0, -1);
    let waiting = 0;
    for (let number = 0; number < lines.length; number++) {
      try { waiting = this.take(lines[number], waiting); } catch (fault) {
        if (fault instanceof Broken) throw fault;
        throw new Broken(`${ANNEX}, line ${number}`, "it cannot be read.");
      }
      if (number % 5000 === 4999) await told(`${number + 1} of ${lines.length} lines of the annex`);
    }
    let root = null;
    for (const [, node] of this.stack.reverse()) root = root ? nodeHash(node, root) : node;
    if (waiting || this.at !== this.ledger.size || !root || !same(root, unbase64(this.ledger.root))) {
      throw new Broken(ANNEX, "its entries are not those of the ledger under the pack's checkpoint.");
    }
    return this;
  }

  take(line, waiting) {
    const fields = [];
    let from = 2;
    if (line[1] !== 32) throw new TypeError("no field");
    if (line[0] === 82) {
      const [count, ...hashes] = text.decode(line).split(" ").slice(1), heights = Annex.heights(this.at, this.at + Number(count));
      if (waiting || !heights.length || heights.length !== hashes.length) throw new TypeError(count);
      heights.forEach((height, at) => this.push(height, unbase64(hashes[at], ANNEX)));
      this.at += Number(count);
      return Number(count);
    }
    for (let k = 0; k < 3; k++) { const end = line.indexOf(32, from); fields.push(text.decode(line.subarray(from, end))); from = end + 1; }
    const groups = fields.slice(1).map((item) => (item === "-" ? new Uint8Array(32) : unbase64(item, ANNEX))), core = line.subarray(from);
    if (line[0] !== 76 || groups.some((item) => item.length !== 32)) throw new TypeError("no leaf");
    this.push(0, sha256(join(Uint8Array.of(0, 1, Number(fields[0])), ...groups, core)));
    this.note(Number(fields[0]), JSON.parse(text.decode(core)), waiting);
    this.at += 1;
    return 0;
  }

  note(kind, said, waiting) {
    if ((kind === 2 ? said.stored : 0) !== waiting) throw new TypeError("no manifest");
    const at = micros(kind === 2 ? said.received_at : said.at);
    this.firstAt ??= at;
    if (kind === 2) { this.events += waiting; this.deliveries += 1; } else this.deeds.push({ index: this.at, verb: said.verb, at });
  }
}

// ------------------------------------------------------------ passkeys (WebAuthn Level 2, 7.2)
const urlBase64 = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function rawOfDer(der) {
  const numbers = [];
  if (der.length < 8 || der[0] !== 0x30 || der[1] !== der.length - 2 || der[1] > 127) return null;
  let at = 2;
  while (at + 2 <= der.length && der[at] === 2 && der[at + 1] > 0 && der[at + 1] <= der.length - at - 2) {
    let number = der.subarray(at + 2, at + 2 + der[at + 1]);
    at += 2 + der[at + 1];
    if (number[0] & 0x80) return null;
    while (number.length > 1 && !number[0]) number = number.subarray(1);
    if (number.length > 32) return null;
    numbers.push(join(new Uint8Array(32 - number.length), number));
  }
  return at === der.length && numbers.length === 2 ? join(...numbers) : null;
}

const SIGNATURES = {
  "-7": { name: "ES256", verify: async (key, message, signature) => {
    const raw = rawOfDer(signature), jwk = { kty: "EC", crv: "P-256", x: urlBase64(key.x), y: urlBase64(key.y) };
    const known = await crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
    return raw !== null && crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, known, raw, message);
  } },
  "-8": { name: "Ed25519", verify: (key, message, signature) => ed25519Verifies(key.x, message, signature) },
  "-257": { name: "RS256", verify: async (key, message, signature) => {
    if (key.n.length < 256 || signature.length !== key.n.length) return false;
    const jwk = { kty: "RSA", n: urlBase64(key.n), e: urlBase64(key.e) }, how = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    return crypto.subtle.verify(how, await crypto.subtle.importKey("jwk", jwk, how, false, ["verify"]), signature, message);
  } },
};

async function checkAssertion(kept, statement, where) {
  const data = unbase64(kept.authenticator_data, where), client = unbase64(kept.client_data, where), said = JSON.parse(text.decode(client));
  const wrong = [
    [said.type !== "webauthn.get", "it is no log-in or signature of a passkey."],
    [said.challenge !== urlBase64(sha256(statement)), "the passkey signed another statement."],
    [said.origin !== kept.origin, "it was given to another site than it says."],
    [data.length < 37, "its authenticator data is too short."],
    [!same(data.subarray(0, 32), sha256(bytesOf(kept.relying_party))), "its passkey belongs to another site."],
    [data.length > 32 && (data[32] & 5) !== 5, "the passkey did not check who holds it."],
    [data.length >= 37 && new DataView(data.buffer).getUint32(33) !== kept.sign_count, "its count of uses is another."],
  ].find(([is]) => is);
  if (wrong) throw new Broken(where, wrong[1]);
  const key = {}, how = SIGNATURES[String(kept.public_key.algorithm)];
  for (const [name, part] of Object.entries(kept.public_key)) if (typeof part === "string") key[name] = unbase64(part, where);
  let holds = false;
  try {
    holds = how && await how.verify(key, join(data, sha256(client)), unbase64(kept.signature, where));
  } catch (fault) { if (fault instanceof Broken) throw fault; }
  if (how && !holds) throw new Broken(where, "the signature is not valid for the statement and the passkey's key.");
  return how ? how.name : "";
}

// ------------------------------------------------------------ identity providers (OpenID Connect Core 2, RFC 7515)
const BY_PROVIDER = "provider ";
const TOKENS = {
  ES256: [{ name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }, (key) => ({ kty: "EC", crv: "P-256", x: key.x, y: key.y })],
  RS256: [{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, (key) => (key.n.length < 342 ? null : { kty: "RSA", n: key.n, e: key.e })],
};
const urlUnbase64 = (told, where) => unbase64(told.replace(/-/g, "+").replace(/_/g, "/") + "=".repeat((4 - (told.length % 4)) % 4), where);

async function checkToken(kept, statement, where) {
  const parts = kept.id_token.split(".");
  if (parts.length !== 3) throw new Broken(where, "it holds no signed token.");
  const [head, said] = parts.slice(0, 2).map((part) => JSON.parse(text.decode(urlUnbase64(part, where))));
  if (said.nonce !== await digestOf(statement)) throw new Broken(where, "the identity provider was asked about another statement.");
  const signature = urlUnbase64(parts[2], where), [how, jwk] = TOKENS[head.alg] || [];
  let holds = false;
  try {
    const key = how && await crypto.subtle.importKey("jwk", jwk(kept.public_key), how, false, ["verify"]);
    holds = key && await crypto.subtle.verify(how, key, signature, bytesOf(parts.slice(0, 2).join(".")));
  } catch { /* no key to use: it does not hold */ }
  if (!holds) throw new Broken(where, "the token's signature is not valid under the identity provider's key.");
  return `${BY_PROVIDER}${head.alg}`;
}

const LEVELS = { passkey: checkAssertion, provider: checkToken };

// ------------------------------------------------------------ the page
const part = (id) => document.getElementById(id);
const told = (sentence) => { part("state").textContent = sentence; return new Promise((next) => setTimeout(next)); };

function show(title, good, lines) {
  part("result").hidden = false;
  part("result").className = good ? "good" : "bad";
  part("title").textContent = title;
  part("lines").replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
  part("state").textContent = "Done.";
}

async function verify(file) {
  part("result").hidden = true;
  await told(`Reading ${file.name} ...`);
  const key = part("key").value.trim(), witnesses = part("witness").value.split("\n").map((line) => line.trim()).filter(Boolean);
  let pack;
  try {
    pack = new Pack(new Uint8Array(await file.arrayBuffer()));
    await pack.check(key, part("ledger").value.trim(), witnesses);
  } catch (fault) {
    show(`${file.name} does NOT hold.`, false, [fault instanceof Broken ? `${fault.where}: ${fault.what}` : `It cannot be read: ${fault.message}`]);
    return;
  }
  if (pack.faults.length) {
    show(`${file.name} does NOT hold: ${pack.faults.length} fault(s).`, false, pack.faults.map(([where, what]) => `${where}: ${what}`));
    return;
  }
  show(`${file.name} holds.`, true, wordsOf(pack, key));
}

function wordsOf(pack, key) {
  const { manifest, counts } = pack, about = manifest.pack, portal = pack.proofs.filter((one) => one === "portal").length;
  const unknown = pack.proofs.filter((one) => one.includes("/")), provider = pack.proofs.filter((one) => one.startsWith(BY_PROVIDER)).length;
  const lines = [
    `pack: ${about.id}, ${about.client}, issued ${about.issued_at}`,
    `period: ${manifest.period.start} to ${manifest.period.end} (${manifest.period.zone})`,
    `contents: ${counts.files} files, ${counts.rows} table rows, ${counts.pages} pages`,
  ];
  if (manifest.ledger) lines.push(`ledger: ${counts.entries} entries proved under checkpoint ${manifest.ledger.size} of ${manifest.ledger.origin}`);
  lines.push(`cells: ${counts.cells} table cells equal the bytes that the ledger sealed`, ...pack.lines);
  lines.push(...goneFrom(pack));
  lines.push(`signed: ${counts.statements} statements of reviewers agree with their digests and decisions`);
  lines.push(`signed: ${pack.proofs.length - portal - unknown.length - provider} of them by a passkey that was checked here, ${provider} by an identity provider's token that was checked here, ${portal} by a proof that the portal alone saw: not checked here`);
  for (const name of unknown) lines.push(`${name}: its algorithm is not known here, its signature was NOT checked`);
  if (manifest.seal) lines.push(`seal of the report: ${manifest.seal.certificate}; NOT checked here, a PDF reader does${manifest.seal.test ? "; a TEST certificate, it proves nothing about who signed" : ""}`);
  lines.push(`key: ${fingerprint(manifest.signer.key)}`);
  if (!key) lines.push("The key was taken from the pack itself: compare the fingerprint with the one you were given elsewhere, or fill in the key above.");
  return lines;
}

function goneFrom(pack) {
  const by = (row) => (row.ledger_index ? `ledger entry ${row.ledger_index}` : "no entry of this checkpoint");
  const rows = (name) => (pack.has(name) ? [...pack.table(name)] : []);
  return [
    ...rows("removals").map((row) => `removed: ${row.count} events received in ${row.month}, under retention by ${by(row)}`),
    ...rows("erasures").map((row) => `${row.removed_at ? "erased" : "to be erased"}: ${row.records} records of the period, under ${row.legal_ref}, by ${by(row)}`),
  ];
}

part("file").addEventListener("change", () => { if (part("file").files.length) verify(part("file").files[0]); });
for (const name of ["dragenter", "dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
document.addEventListener("drop", (event) => { if (event.dataTransfer.files.length) verify(event.dataTransfer.files[0]); });
