"""What somebody with the portal's keys can do to a finished pack: change files, and sign everything again."""

import hashlib
import json
from collections.abc import Mapping

from evidence.bundle import canonical
from evidence.tables import line_digests
from evidence.verifier.primitives import archive, bag
from ledger.notes import Signer, sign_note
from tests.evidence.test_verify import files_of


def resigned(whole: bytes, signer: Signer, change: Mapping[str, bytes], **facts: object) -> bytes:
    """Return the pack with other files and other facts in its manifest, consistent and signed."""
    files = {**files_of(whole), **change}
    manifest = json.loads(files["manifest.json"]) | facts
    index = json.loads(files["index.json"])
    index["lines"] |= {name: line_digests(data) for name, data in change.items() if name in index["lines"]}
    files["index.json"] = canonical(index)
    for row in manifest["files"]:
        if row["path"] != "report.pdf":
            body = files[row["path"]]
            row.update(bytes=len(body), sha256=hashlib.sha256(body).hexdigest())
            row.update({"rows": body.count(b"\n") - 1} if "rows" in row else {})
    files["manifest.json"] = canonical(manifest)
    digests = hashlib.sha256(files["manifest.json"]).hexdigest(), hashlib.sha256(files["report.pdf"]).hexdigest()
    text = f"{signer.name}\n{manifest['pack']['id']}\n{digests[0]}\nreport.pdf {digests[1]}\n"
    files["manifest.sig"] = sign_note(text, [signer]).encode()
    return archive(bag(files, manifest))


def without_line(body: bytes, mark: bytes) -> bytes:
    """Return a file without its first line that holds the mark."""
    lines = body.split(b"\n")
    lines.remove(next(line for line in lines if mark in line))
    return b"\n".join(lines)
