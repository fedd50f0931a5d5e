"""Signatures, signed notes, the archive's layout and Merkle proofs, on the standard library alone.

The pack's `verify.py` is this module followed by witnessed.py, passkeys.py and check.py (evidence/verifier/__init__.py
joins them), so nothing of the product may be imported here, and all keep to Python 3.9.
"""

from __future__ import annotations

import binascii
import hashlib
import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

Point = tuple[int, int, int, int]
Files = Mapping[str, bytes]
Fault = tuple[str, str]

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
I = pow(2, (P - 1) // 4, P)  # noqa: E741 -- RFC 8032's name


class Broken(Exception):  # noqa: N818 -- what the report calls it
    """Something does not hold; `where` is what a person looks for, `what` a sentence."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where, self.what = where, what


# ---------------------------------------------------------------- Ed25519 (RFC 8032 5.1.7, strict: S < L, y < P)
def _recover(y: int, sign: int) -> Point | None:
    if y >= P:
        return None
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * I % P
    if (x * x - xx) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


def _add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _multiply(scalar: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point, scalar = _add(point, point), scalar >> 1
    return total


def _decode_point(data: bytes) -> Point | None:
    number = int.from_bytes(data, "little")
    return _recover(number & ((1 << 255) - 1), number >> 255)


BASE: Point = _recover(4 * pow(5, P - 2, P) % P, 0) or (0, 1, 1, 0)


def ed25519_verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether a 64-byte signature over the message was made with the 32-byte public key."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, r = _decode_point(public), _decode_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = _multiply(s, BASE), _add(r, _multiply(h, key))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# ---------------------------------------------------------------- signed notes (C2SP signed-note)
def parse_key(text: str, kind: int = 1) -> tuple[str, bytes, bytes]:
    """Return (name, key id, public key) of a verifier key `name+hex+base64`; a log's has type 1, a witness's 4."""
    try:
        name, hexid, packed = text.strip().split("+", 2)
        body = unbase64(packed)
    except ValueError:
        raise Broken("verifier key", "it is not of the form name+id+base64.") from None
    digest = hashlib.sha256(name.encode() + b"\n" + body).digest()[:4]
    if len(body) != 33 or body[0] != kind or digest.hex() != hexid:
        raise Broken("verifier key", "its id does not match its key.")
    return name, digest, body[1:]


def fingerprint(text: str) -> str:
    """Return the SHA-256 of the public key, in groups of four, as people compare it."""
    digest = hashlib.sha256(parse_key(text)[2]).hexdigest()
    return " ".join(digest[at : at + 4] for at in range(0, 64, 4))


def open_note(note: bytes, key: str, where: str, *, alone: bool = True) -> list[str]:
    """Return the text lines of a signed note; raises Broken unless the key's signature over it is valid.

    Signatures of other keys are ignored, unless the key's must stand alone.
    """
    name, key_id, public = parse_key(key)
    text, blank, signatures = note.rpartition(b"\n\n")
    if not blank or not signatures.endswith(b"\n"):
        raise Broken(where, "it is not a signed note.")
    body = text + b"\n"
    for line in signatures[:-1].split(b"\n"):
        prefix = "\u2014 ".encode() + name.encode() + b" "
        if line.startswith(prefix):
            packed = unbase64(line[len(prefix) :].decode("ascii", "replace"), where)
            if packed[:4] == key_id and ed25519_verifies(public, body, packed[4:]):
                if alone and signatures != line + b"\n":
                    raise Broken(where, "it carries lines beside the one signature.")
                return body.decode().split("\n")[:-1]
    raise Broken(where, "the signature is not valid for its text and the key " + name + ".")


def unbase64(text: str, where: str = "base64") -> bytes:
    """Decode strictly: what encodes back to other characters is refused."""
    try:
        raw = text.encode("ascii")
        data = binascii.a2b_base64(raw)
    except ValueError:
        raise Broken(where, "it holds characters that are no base64.") from None
    if binascii.b2a_base64(data, newline=False) != raw:
        known = not raw.translate(None, BASE64) and len(raw) % 4 == 0
        raise Broken(where, "its base64 has stray bits." if known else "it holds characters that are no base64.")
    return data


# ------------------------------------------- files that stay where they lie: a pack may be larger than the memory
PIECE = 1 << 20


class Archived(Mapping[str, bytes]):
    """Files inside of one archive by name; what asks for a name reads it whole, the methods read it in parts."""

    def __init__(self, source: BinaryIO, places: dict[str, tuple[int, int]]) -> None:
        self.source, self.places = source, places
        self.sums: dict[str, tuple[str, int]] = {}

    def __getitem__(self, name: str) -> bytes:
        start, size = self.places[name]
        self.source.seek(start)
        return self.source.read(size)

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __contains__(self, name: object) -> bool:
        return name in self.places

    def size(self, name: str) -> int:
        """Return the length of a file in bytes."""
        return self.places[name][1]

    def sha256(self, name: str) -> str:
        """Return the SHA-256 of a file."""
        return self.summed(name)[0]

    def crc32(self, name: str) -> int:
        """Return the checksum that the archive's layout holds."""
        return self.summed(name)[1]

    def summed(self, name: str) -> tuple[str, int]:
        """Read a file once for both sums."""
        if name not in self.sums:
            (at, left), digest, crc = self.places[name], hashlib.sha256(), 0
            while left:
                self.source.seek(at)
                piece = self.source.read(min(PIECE, left))
                if not piece:
                    break
                digest.update(piece)
                crc = zlib.crc32(piece, crc)
                at, left = at + len(piece), left - len(piece)
            self.sums[name] = (digest.hexdigest(), crc)
        return self.sums[name]

    def lines(self, name: str) -> Iterator[tuple[int, bytes]]:
        """Yield each line that ends, without its end, with the place at which it begins in the file."""
        at, line = 0, self.line_at(name, 0)
        while line.endswith(b"\n"):
            yield at, line[:-1]
            at += len(line)
            line = self.line_at(name, at)

    def line_at(self, name: str, at: int) -> bytes:
        """Return the line, with its end, that begins at a place in a file."""
        start, size = self.places[name]
        self.source.seek(start + at)
        return self.source.readline(size - at)

    def without(self, prefix: str) -> Archived:
        """Return the files whose names begin with the prefix, named without it."""
        cut = len(prefix)
        found = {name[cut:]: place for name, place in self.places.items() if name.startswith(prefix)}
        part = Archived(self.source, found)
        part.sums = {name[cut:]: sums for name, sums in self.sums.items() if name.startswith(prefix)}
        return part


# -------------------------------------------------------------- the bag (RFC 8493): its own files follow from the rest
def folder_of(pack: str) -> str:
    """Return the one top folder of a pack's archive, named by the pack's id."""
    return "evidence-pack-" + pack[:8]


def bag(files: Files, manifest: dict[str, Any]) -> dict[str, bytes]:
    """Return the files of a pack as its archive holds them: under `data/` of a BagIt bag, with the bag's own files."""
    payload = {"data/" + name: data for name, data in files.items()}
    facts = {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in payload.items()}
    folder = folder_of(manifest["pack"]["id"])
    return {folder + "/" + name: data for name, data in {**payload, **tags_of(facts, manifest)}.items()}


def tags_of(payload: dict[str, tuple[int, str]], manifest: dict[str, Any]) -> dict[str, bytes]:
    """Return the bag's own files from the length and SHA-256 of each file that it carries."""
    size = sum(length for length, _ in payload.values())
    about = {
        "Bagging-Date": manifest["pack"]["issued_at"][:10],
        "External-Identifier": manifest["pack"]["id"],
        "Payload-Oxum": f"{size}.{len(payload)}",
    }
    tags = {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": "".join("{}: {}\n".format(*item) for item in sorted(about.items())).encode(),
        "manifest-sha256.txt": sums({name: digest for name, (_, digest) in payload.items()}),
    }
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in tags.items()}
    return {**tags, "tagmanifest-sha256.txt": sums(digests)}


def sums(digests: dict[str, str]) -> bytes:
    """Return what `sha256sum` prints for files, and `sha256sum -c` reads."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())).encode()


def unbag(files: Archived) -> Archived:
    """Return what a bag carries, without its folders; raises Broken if it is none."""
    folder = min(files, default="").partition("/")[0] + "/"
    if not all(name.startswith(folder) for name in files) or not any(
        name.startswith(folder + "data/") for name in files
    ):
        raise Broken("archive", "it is no bag in one folder: an older pack needs the verify.py of its release.")
    return files.without(folder + "data/")


# ---------------------------------------------------------------- the archive: one layout, so that no byte is free
def archive(files: Files) -> bytes:
    """Build the one zip file that these (name, bytes) make: stored, sorted, fixed date and mode."""
    heads, tail = layout({name: (len(data), zlib.crc32(data)) for name, data in files.items()})
    return b"".join(head + files[name] for name, head in heads) + tail


def layout(files: dict[str, tuple[int, int]]) -> tuple[list[tuple[str, bytes]], bytes]:
    """Return, from length and checksum of each file, the bytes before each one in order, and those after the last."""
    heads, directory, at = [], io.BytesIO(), 0
    for name, (size, crc) in sorted(files.items()):
        packed = name.encode("ascii")
        common = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0x21, crc, size, size, len(packed), 0)
        directory.write(b"PK\x01\x02" + struct.pack("<H", 0x0314) + common)
        directory.write(struct.pack("<HHHII", 0, 0, 0, 0o100644 << 16, at) + packed)
        heads.append((name, b"PK\x03\x04" + common + packed))
        at += len(heads[-1][1]) + size
    index = directory.getvalue()
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, len(heads), len(heads), len(index), at, 0)
    return heads, index + end


def unpack(source: BinaryIO) -> tuple[Archived, list[Fault]]:
    """Return the files of the archive and the faults of its structure, without ever writing to a disk."""
    places: dict[str, tuple[int, int]] = {}
    faults: list[Fault] = []
    crcs: dict[str, int] = {}
    whole = source.seek(0, io.SEEK_END)
    at, last, head = 0, "the start", read_at(source, 0, 30)
    while head[:4] == b"PK\x03\x04" and len(head) == 30:
        fields = struct.unpack("<HHHHHIIIHH", head[4:])
        size, name_size = fields[6], fields[8]
        name = read_at(source, at + 30, name_size).decode("ascii", "replace")
        start = at + 30 + name_size + fields[9]
        if start + size > whole:
            break
        if not safe(name):
            raise Broken("archive", f"it names the file {name!r}, which could be written outside of a folder.")
        if name in places:
            raise Broken("archive", f"it holds {name!r} twice.")
        places[name], crcs[name], last = (start, size), fields[5], name
        at = start + size
        head = read_at(source, at, 30)
    if head[:4] != b"PK\x01\x02":
        faults.append(("archive", f"its structure is damaged after {last} (byte {at})."))
    if any(not name.isascii() for name in places):
        faults.append(("archive", "a file name is damaged."))
    elif not faults:
        faults += compare_layout(source, {name: (size, crcs[name]) for name, (_, size) in places.items()})
    return Archived(source, places), faults


def read_at(source: BinaryIO, at: int, size: int) -> bytes:
    """Read bytes at a place; fewer where the file ends."""
    source.seek(at)
    return source.read(size)


def compare_layout(source: BinaryIO, files: dict[str, tuple[int, int]]) -> list[Fault]:
    """Return the fault of an archive that is not laid out as length and checksum of its files say: its first byte."""
    heads, tail = layout(files)
    at = 0
    for name, head in heads:
        off = differing(head, read_at(source, at, len(head)))
        if off is not None:
            return [("archive", f"its structure differs from the one layout at byte {at + off}.")]
        at += len(head) + files[name][0]
    off = differing(tail, read_at(source, at, -1))
    return [] if off is None else [("archive", f"its structure differs from the one layout at byte {at + off}.")]


def differing(expected: bytes, found: bytes) -> int | None:
    """Return the place of the first byte that differs, or None."""
    if expected == found:
        return None
    pairs = enumerate(zip(expected, found))  # noqa: B905 -- `strict` came with Python 3.10
    return next((at for at, (left, right) in pairs if left != right), min(len(expected), len(found)))


def safe(name: str) -> bool:
    """Tell whether a name stays inside a folder: relative, no backslash, no drive, no empty, dot or parent part."""
    return (
        bool(name)
        and not any(char in name for char in "\\:\0")
        and all(p not in {"", ".", ".."} for p in name.split("/"))
    )


# ---------------------------------------------------------------- Merkle proofs (RFC 9162 2.1.3.2)
def root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """Return the root that an inclusion proof leads to; raises Broken when the proof has the wrong length."""
    node, last, result = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise Broken("proof", "it is too long.")
        if node & 1 or node == last:
            result = hashlib.sha256(b"\x01" + sibling + result).digest()
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            result = hashlib.sha256(b"\x01" + result + sibling).digest()
        node, last = node >> 1, last >> 1
    if last:
        raise Broken("proof", "it is too short.")
    return result


def entry_of(row: dict[str, Any], where: str) -> bytes:
    """Rebuild the sealed entry from its core and the salted commitments to its personal groups."""
    salts = unbase64(row["salts"], where) if row.get("salts") else b""
    groups = b""
    for at, name in enumerate(("subj", "raw")):
        if row.get(name) is None:
            groups += unbase64(row[name + "_commitment"], where) if row.get(name + "_commitment") else bytes(32)
        else:
            salt = salts[16 * at : 16 * at + 16]
            text = unbase64(row[name], where)
            groups += hashlib.sha256(b"countersign/v1/" + name.encode() + b"\0" + salt + text).digest()
    return bytes((1, row["kind"])) + groups + unbase64(row["core"], where)
