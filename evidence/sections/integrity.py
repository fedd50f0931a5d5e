"""Composes the integrity page: checkpoint, keys, who holds it, what may be claimed, how to verify it elsewhere."""

from __future__ import annotations

from django.utils.translation import gettext as _

from evidence.bundle import Checkpoint
from evidence.holders import TSA, WITNESS
from evidence.languages import told, whole
from evidence.report import Block, Code, Grid, Heading, Pairs, Prose, Section, moment
from evidence.sections.source import Source
from evidence.tiers import REMAINS, TIERS, UNPROVABLE, Held
from evidence.verifier import digests
from evidence.verifier.primitives import fingerprint
from evidence.verifier.witnessed import openssl_line


def integrity(source: Source) -> Section:
    """Return the integrity page."""
    blocks = _checkpoint(source, source.checkpoint) if source.checkpoint else []
    steps = Prose(
        (
            _(
                "1. Take verify.py or verify.html from a second place: the portal's ledger page, the person who gave "
                "you the key, or the source code of this release. Compare its SHA-256 with the one above."
            ),
            _(
                "2. Compare the fingerprint of the signer's key with the one you were given in the contract or by "
                "telephone."
            ),
            _(
                "3. Run the command below with Python 3.9 or later. It needs no network and nothing but the standard "
                "library. It checks the signature, every file, every table row that names a ledger entry, and every "
                "proof, and says which file, page, row, entry or signature broke. With --witness and the verifier key "
                "of a witness it also checks that witness's cosignature. Where there is no Python, open verify.html in "
                "a browser and drop the pack on it: it checks the same and opens no connection."
            ),
            _(
                "4. The zip is a BagIt bag: sha256sum -c manifest-sha256.txt in the unpacked folder compares every "
                "file without any program of ours. This report carries a seal of its own, which a PDF reader shows."
            ),
        )
    )
    command = Code((f"python3 verify.py pack.zip --key '{source.signer_key}'",), _("Command"))
    chain = Grid(
        _("Claim tiers"),
        (_("Tier"), _("What holds"), _("This pack")),
        (10, 70, 20),
        tuple((key, _(text), _("reached") if key <= source.tier else _("not reached")) for key, text in TIERS.items()),
        len(TIERS),
    )
    still = Prose(
        (_("Who could still change a record unseen: {who}").format(who=_(REMAINS[source.tier])),), tone="note"
    )
    unproved = Prose(tuple(f"{number}. {_(text)}" for number, text in enumerate(UNPROVABLE, start=1)))
    blocks += [Heading(_("How to verify without us")), steps, command, Heading(_("What is proven")), chain, still]
    blocks += [Heading(_("What stays unprovable")), unproved]
    return Section("integrity", _("Integrity and verification"), tuple(blocks))


def _checkpoint(source: Source, checkpoint: Checkpoint) -> list[Block]:
    """Print the checkpoint with the keys to compare, and who holds it."""
    zone = source.period.zone
    since = _("{holder} since {moment}")
    held = "; ".join(since.format(holder=item.name, moment=moment(item.since, zone)) for item in checkpoint.held)
    claim = _(
        "The records in this pack are the bytes received by the portal at the stated times. They are included, in this "
        "order, in the log {origin} as of the checkpoint below{held}. Any later change, insertion, removal or "
        "reordering of records covered by that checkpoint would make verification fail. The log does not prove that "
        "the source systems reported truthfully or completely, and does not protect records received after the last "
        "externally held checkpoint."
    ).format(
        origin=checkpoint.origin,
        held=_(", which is held by {holders}").format(holders=held) if source.tier >= "T3" else "",
    )
    lines = tuple(line for line in checkpoint.note.decode().split("\n") if line)
    keys = (
        (_("Ledger size"), _("{count} entries").format(count=told(whole(checkpoint.size)))),
        (_("Ledger key"), checkpoint.key),
        (_("Its fingerprint"), fingerprint(checkpoint.key)),
        (_("Pack signer's key"), source.signer_key),
        (_("Its fingerprint (SHA-256)"), fingerprint(source.signer_key)),
        *((f"{name}, SHA-256", digest) for name, digest in digests().items()),
    )
    mono = frozenset(label for label, _value in keys[1:])
    holders = Grid(
        _("Who else holds this checkpoint"),
        (_("Holder"), _("How"), _("Since"), _("How to check it")),
        (24, 16, 22, 38),
        tuple((item.name, _(item.how), moment(item.since, zone), _check(item, checkpoint)) for item in checkpoint.held),
        len(checkpoint.held),
        empty=_("Nobody else is known to hold this checkpoint."),
    )
    return [Prose((claim,)), Code(lines, _("Signed checkpoint (C2SP signed note)")), Pairs(keys, mono), holders]


def _check(item: Held, checkpoint: Checkpoint) -> str:
    """Say how a reader checks that somebody holds the checkpoint."""
    if item.kind == WITNESS:
        return _("verify.py --witness with the key that the witness gives you; here it is said to be {key}").format(
            key=item.key
        )
    if item.kind == TSA:
        number = [row for row in checkpoint.held if row.kind == TSA].index(item) + 1
        line = openssl_line(f"proofs/token-{number}.tsr")
        return _("with the authority's own certificates: {command}").format(command=line)
    return _("ask the holder for its checkpoint of {count} entries and compare it with the one above").format(
        count=told(whole(checkpoint.size))
    )
