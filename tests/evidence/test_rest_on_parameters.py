"""Each result says on which parameters it rests, and what it was loosened from; each parameter is read somewhere."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.utils import timezone

from evidence import metrics
from evidence.actions import set_parameter
from evidence.catalogue import load, parameters_of
from evidence.languages import said
from evidence.metrics import MEASURES
from evidence.models import ControlRun, ControlSetting
from evidence.pages import control_facts
from evidence.queries import settings_in_force
from evidence.sections.front import card
from evidence.sections.source import controls
from tenants.models import Tenant, User
from tests import make
from tests.evidence.facts import source

FOLDER = Path(metrics.__file__).parent


def counted_by(tree: ast.AST) -> Iterator[str]:
    """The parameters that a query module reads of its frame; anything but a name written out is a fault."""
    named: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("frame.params"):
            assert isinstance(node.slice, ast.Constant), ast.unparse(node)
            named.add(node.value)
            yield str(node.slice.value)
    reads = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "params"]
    assert [ast.unparse(node) for node in reads if node not in named and ast.unparse(node) != "load().params"] == []


def test_each_parameter_that_a_query_module_counts_by_is_declared() -> None:
    read = {kind: set(counted_by(ast.parse((FOLDER / f"{kind}.py").read_text()))) for kind in MEASURES}
    assert read == {name: set(kind.params) for name, kind in load().kinds.items()}
    assert read["dormant"] == {"dormant_days"}


def test_every_parameter_is_read_by_some_row() -> None:
    catalogue = load()
    used = {name for row in catalogue.controls for name in parameters_of(catalogue, row)}
    assert catalogue.params.keys() - used == set()


def test_a_loosened_floor_is_said_on_a_row_that_does_not_name_it() -> None:
    found, key = source(), "hipaa-164.312.a.2.i"
    row = next(item for item in found.evaluations if item.control.key == key)
    assert "coverage_floor" not in str(row.control.criterion)
    loose = replace(
        found,
        parameters={**found.parameters, "coverage_floor": 0.5},
        loosened={"coverage_floor": said(" (loosened from {value})", value="0.9")},
    )
    ((_label, printed),) = card(loose, row).parameters
    assert printed == "coverage_floor = 0.5 ratio (loosened from 0.9)"
    table = controls(loose)
    cells = dict(zip(table.columns, next(line for line in table.rows if key in line), strict=True))
    assert cells["parameters"] == printed
    shown = control_facts(row.control, ControlRun(tenant_id=1, parameters=dict(loose.parameters)), [], [])["parameters"]
    assert [(name, value, loosened) for name, value, _, loosened in shown] == [("coverage_floor", "0.5", "0.9")]


def test_a_row_prints_what_its_kinds_count_by() -> None:
    catalogue = load()
    row = catalogue.control("pci-8.2.6")
    assert row is not None
    assert parameters_of(catalogue, row) == ("coverage_floor", "dormant_days")
    silent = catalogue.control("gdpr-32.1.c")
    assert silent is not None
    assert parameters_of(catalogue, silent) == ("restore_test_days",), "backups have no log types, so no floor"


@pytest.mark.django_db
def test_a_value_for_a_parameter_that_is_gone_is_left_aside(in_bpo: Tenant, carla: User) -> None:
    by = make.actor(carla, in_bpo)
    set_parameter(name="coverage_floor", value=0.95, reason="The contract asks for it.", by=by)
    old = {"reason": "It was one once.", "set_at": timezone.now(), "set_by": "carla"}
    ControlSetting.objects.create(kind="parameter", key="seconds_per_item_min", value=3, **old)
    assert settings_in_force().parameters == {"coverage_floor": 0.95}
