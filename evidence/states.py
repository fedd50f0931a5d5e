"""Names the states of control results and evidence packs, and the moves a pack may make."""

from django.db import models


class ResultState(models.TextChoices):
    """What a control's criterion says about a period (evidence/evaluate.py)."""

    PASS = "pass", "Pass"
    ATTENTION = "attention", "Attention"
    FAIL = "fail", "Fail"
    NO_DATA = "no_data", "No data"
    NO_OCCURRENCE = "no_occurrence", "No occurrence"
    NOT_APPLICABLE = "not_applicable", "Not applicable"


RESULT_MEANINGS: dict[str, str] = {
    ResultState.PASS: "The pass criterion held over the whole period.",
    ResultState.ATTENTION: "The pass criterion did not hold; the milder attention criterion did.",
    ResultState.FAIL: "Neither the pass nor the attention criterion held.",
    ResultState.NO_DATA: "The logs or records needed were missing or too incomplete to conclude anything.",
    ResultState.NO_OCCURRENCE: "Nothing happened in the period that the control could act on.",
    ResultState.NOT_APPLICABLE: "The row was set aside by a named person with a recorded reason.",
}


class PackState(models.TextChoices):
    """Where an evidence pack stands."""

    REQUESTED = "requested", "Requested"
    BUILDING = "building", "Building"
    DRAFT = "draft", "To be signed"
    ISSUED = "issued", "Issued"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


PACK_MOVES: dict[PackState, frozenset[PackState]] = {
    PackState.REQUESTED: frozenset({PackState.BUILDING, PackState.CANCELLED, PackState.FAILED}),
    PackState.BUILDING: frozenset({PackState.DRAFT, PackState.FAILED, PackState.CANCELLED}),
    PackState.DRAFT: frozenset({PackState.ISSUED}),
    PackState.ISSUED: frozenset(),
    PackState.FAILED: frozenset(),
    PackState.CANCELLED: frozenset(),
}
