"""The README.txt of every pack: what each file is, and how to check it without the portal."""

from typing import Final

README: Final = """Evidence pack of Countersign

report.pdf          the report for people (PDF/A-3a, PDF/UA-1), sealed: a PDF reader shows who signed it
volume-N.pdf        tables that the report prints in part, in full, where that was asked for; the report is volume 1
tables/*.csv        every table in full; UTF-8, RFC 3339 times in UTC
tables/*.parquet    the same tables with types, where they were asked for; an empty cell is null
queries/*.txt       the text of the query behind each table
statements/*.json   what each reviewer signed, as they signed it; its SHA-256 is the digest in tables/sign_offs.csv
signatures/*.json   how a passkey signed that statement (WebAuthn), with its public key; or the identity provider's
                    signed token that names it (OpenID Connect), with the provider's public key
sign-off/           who prepared and who approved the pack, and what they signed (none: the pack is a draft);
                    cover.txt is for people, note.sig signs the folder and names the manifest
proofs/             the ledger's signed checkpoint, and the sealed entries with their inclusion proofs; where others
                    hold it: cosigned.txt with the witnesses' signatures, token-N.tsr with time stamps (RFC 3161);
                    annex.txt opens every deed and delivery since before the period, so that no row can be withheld;
                    seal.pem holds the certificates of the report's seal
oscal-assessment-results.json   the results once more, for machines that read OSCAL
manifest.json       every file with its SHA-256; signed in manifest.sig (C2SP signed note, Ed25519)
index.json          short digests of every row and page part, by which the verifier names what changed
verify.py           checks all of this: python3 verify.py PACK.zip --key 'VERIFIER KEY' --witness 'ITS KEY'
verify.html         checks the same in a browser: open it and drop the zip on it; it needs no network and no Python

The zip is a BagIt bag (RFC 8493). Without any verifier, in the unpacked folder: sha256sum -c manifest-sha256.txt

Take a verifier from a second place too: the operator's portal (page "Ledger"), the person who gave you the key, or the
source code of this release (docs/packs.md says how to make both files from it). Their SHA-256:
{verifiers}
Compare the key's fingerprint with the one you were given elsewhere: a verifier that comes only inside the pack proves
little. A cell that begins with an apostrophe was neutralised, so that no spreadsheet runs it.
"""
