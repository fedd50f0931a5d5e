"""Seals a printed report: a PAdES signature (ETSI EN 319 142-1, level B-B, or B-T with a time stamp) as one revision.

What was printed stays the file's exact beginning, so that anybody can print it again and compare; the seal is appended
and permits no change after it. Signing takes place here, outside of the process that reads the report's HTML.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from asn1crypto import cms, tsp
from django.conf import settings
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.timestamps import TimeStamper, TimestampRequestError
from pyhanko.sign.validation.generic_cms import validate_sig_integrity

from evidence.posting import post
from evidence.sealkeys import SealError, SealKey, seal_key

FIELD: Final = "EvidenceSeal"
FAULTS: Final = (SigningError, PdfError, TimestampRequestError, OSError, ValueError)

__all__ = ["SealError", "Sealed", "holds", "seal_report"]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed report, and what the pack says about its seal."""

    pdf: bytes
    subject: str
    sha256: str
    test: bool
    chain: bytes

    @property
    def words(self) -> dict[str, object]:
        """What the manifest says: whose certificate, and whether it is one that the installation made for itself."""
        return {"certificate": self.subject, "certificate_sha256": self.sha256, "test": self.test}


class PostedTime(TimeStamper):
    """Asks an authority of RFC 3161 by the portal's own way of posting: no redirects, a deadline, a small answer."""

    def __init__(self, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # pyHanko leaves it without types
        self.url = url

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Post the request."""
        answer = post(self.url, req.dump(), "application/timestamp-query")
        if answer.status != 200 or not answer.kind.startswith("application/timestamp-reply"):
            raise OSError(f"{self.url} gave no time stamp ({answer.status} {answer.kind})")
        return tsp.TimeStampResp.load(answer.body)


def seal_report(pdf: bytes) -> Sealed:
    """Seal a printed report with the key that the settings name, and check the result.

    Raises:
        SealError: It could not be sealed, or the seal does not hold.
    """
    url = settings.COUNTERSIGN_SEAL["TIME"]
    # A thread of its own: pyHanko starts an event loop, which a thread that has one does not allow.
    with seal_key() as key, ThreadPoolExecutor(1) as apart:
        try:
            sealed = apart.submit(_sign, pdf, key, PostedTime(url) if url else None).result()
        except FAULTS as fault:
            raise SealError(f"The report could not be sealed: {fault}.") from fault
        certificate, chain, test = key.certificate, key.chain, key.test
    if not sealed.startswith(pdf) or not holds(sealed):
        raise SealError("The report's seal does not hold.")
    return Sealed(sealed, str(certificate.subject.human_friendly), certificate.sha256.hex(), test, chain)


def _sign(pdf: bytes, key: SealKey, stamper: TimeStamper | None) -> bytes:
    """Append the signature."""
    metadata = PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        reason="Seals this evidence report as it was issued",
    )
    signer = PdfSigner(metadata, key.signer, timestamper=stamper)
    body = BytesIO()
    asyncio.run(signer.async_sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf)), output=body))
    return body.getvalue()


def holds(pdf: bytes) -> bool:
    """Tell whether a file carries exactly one seal, over all of it, whose signature fits its certificate.

    Whether the certificate is to be trusted, the reader decides.
    """
    found = PdfFileReader(BytesIO(pdf)).embedded_signatures
    if len(found) != 1 or found[0].field_name != FIELD:
        return False
    (seal,) = found
    info: cms.SignerInfo = seal.signer_info
    intact, valid = validate_sig_integrity(info, seal.signer_cert, "data", seal.compute_digest())
    start, first, second, rest = (int(number) for number in seal.byte_range)
    return bool(intact and valid and start == 0 and first < second and second + rest == len(pdf))
