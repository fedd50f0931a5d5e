"""The API's description: valid OpenAPI 3.1, whole, and shown by a page of our own."""

import json

import pytest
from django.test import Client
from openapi_spec_validator import OpenAPIV31SpecValidator

from portal.api.schema import api_schema
from portal.api.urls import of_tenant


def test_it_is_valid_openapi_31() -> None:
    schema = json.loads(json.dumps(api_schema()))
    assert schema["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(schema).validate()


def test_every_operation_is_described_with_its_scope_and_problems() -> None:
    schema = api_schema()
    assert len(schema["paths"]) >= len(of_tenant)
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation.get("summary"), where
            assert "Scope: `" in operation["description"], where
            assert {"401", "403", "404", "500"} <= operation["responses"].keys(), where
            good = [status for status in operation["responses"] if status.startswith("2")]
            assert good, where
            assert operation["responses"][good[0]].get("content") or good == ["204"], where
            told = {one["name"] for one in operation.get("parameters", ())}
            assert ({"Purpose", "Purpose-Reference"} <= told) == ("/events/" in path), where


def test_it_is_made_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    api_schema()
    assert capsys.readouterr().err == ""


@pytest.mark.django_db
def test_the_document_and_the_page_are_open_to_all() -> None:
    document = Client().get("/api/v1/schema")
    assert document.status_code == 200
    assert document.json()["openapi"].startswith("3.1")
    page = Client().get("/api/v1/")
    assert page.status_code == 200
    text = page.content.decode()
    assert 'id="audit_trail_list"' in text
    assert 'id="problem-404"' in text
