"""The OpenAPI document is true: every route is in it, its examples work, and generated requests meet no surprise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from holdfast.settings import Settings
from holdfast.web import examples
from holdfast.web.app import create_app
from holdfast.web.health import Health, Readiness
from holdfast.web.moderations import operations as moderations
from holdfast.web.perspective import operations as perspective
from holdfast.web.problems import KINDS, ProblemDocument
from holdfast.web.reading import DecisionPage, DecisionRecord, PolicyDetail, PolicyList, SignalList

from .conftest import LONG, App, Served, policy_of

LENIENT = {
    operation["operationId"]
    for methods in perspective.operations().values()
    for operation in methods.values()
}
"""Operations that read more than their schemas say."""
RAW = ["decide", "moderate", *sorted(LENIENT)]
"""Operations of routes that the framework does not know."""
ANSWER_TYPES = {
    "getDecision": DecisionRecord,
    "listDecisions": DecisionPage,
    "listPolicies": PolicyList,
    "getPolicy": PolicyDetail,
    "listSignals": SignalList,
    "getHealth": Health,
    "getReadiness": Readiness,
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tmp_path_factory.mktemp("openapi"))
    kept = httpx.post(
        f"{server.url}/v1/decide", json={"items": [{"id": "c-1", "text": LONG}, {"id": "c-2", "text": "x"}]}
    )
    assert kept.status_code == 200
    yield server
    assert server.stop() == 0
    assert '"level":"error"' not in server.log()


@pytest.fixture(scope="module")
def api(served: Served) -> Any:
    return schemathesis.openapi.from_url(f"{served.url}/schema/openapi.json")


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("operation_id", [*RAW, *examples.ANSWERS])
def test_generated_requests_meet_no_surprise(api: Any, operation_id: str, mode: GenerationMode) -> None:
    operation = next(
        found.ok()
        for found in api.get_all_operations()
        if found.ok().definition.raw["operationId"] == operation_id
    )
    if mode is GenerationMode.NEGATIVE and not (
        operation.body or operation.query or operation.path_parameters
    ):
        return  # nothing that could be wrong

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    def meets_no_surprise(case: Any) -> None:
        # What JSON Schema cannot say of an id (printable) or a text (no lone surrogate) is refused, so that
        # not all that the schema allows is accepted; `test_items.py` holds that line exactly.
        lenient = [negative_data_rejection] if operation_id in LENIENT else []
        case.call_and_validate(excluded_checks=[positive_data_acceptance, *lenient])

    meets_no_surprise()


def document_of(app: App) -> dict[str, Any]:
    response = app.client.get("/schema/openapi.json")
    assert response.headers["content-type"].startswith("application/")
    document: dict[str, Any] = response.json()
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_route_for_programs_is_documented(tmp_path: Path, app: App) -> None:
    application = create_app(tmp_path / "other", Settings(), policy=policy_of(), pages=None)
    routes = {re.sub(r":\w+}", "}", route.path) for route in application.routes}
    routes = {path for path in routes if not path.startswith(("/schema", "/problems"))}
    assert routes == set(document_of(app)["paths"])


def test_every_operation_has_examples_that_fit_its_schemas(app: App) -> None:
    document = document_of(app)
    seen = 0
    for path, method, operation in operations(document):
        assert operation["operationId"], (path, method)
        assert operation["summary"]
        contents = [response["content"] for response in operation["responses"].values()]
        if "requestBody" in operation:
            contents.append(operation["requestBody"]["content"])
        for content in contents:
            for described in content.values():
                schema = {**described["schema"], "components": document["components"]}
                assert described["examples"], (path, method)
                for example in described["examples"].values():
                    seen += 1
                    jsonschema_rs.validate(schema, example["value"])
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), (path, parameter["name"])
    assert seen > 40
    assert {operation["operationId"] for *_, operation in operations(document)} == {*RAW, *examples.ANSWERS}


def test_the_examples_of_requests_are_answered_as_the_schema_says(app: App) -> None:
    document = document_of(app)
    answered = set()
    for path, method, operation in operations(document):
        if method != "post":
            continue
        described = operation["responses"]["200"]["content"]["application/json"]
        schema = {**described["schema"], "components": document["components"]}
        for example in operation["requestBody"]["content"]["application/json"]["examples"].values():
            response = app.client.post(path, json=example["value"])
            assert response.status_code == 200, response.text
            jsonschema_rs.validate(schema, response.json())
            answered.add(operation["operationId"])
    assert answered == {"decide", "moderate", "analyzeComment", "suggestCommentScore"}


def test_answers_in_other_formats_have_the_fields_of_their_examples(app: App) -> None:
    analyzed = app.client.post("/v1alpha1/comments:analyze", json=perspective.ANALYZE_REQUEST).json()
    assert analyzed.keys() == perspective.ANALYZE_RESPONSE.keys()
    for name, scores in perspective.ANALYZE_RESPONSE["attributeScores"].items():
        found = analyzed["attributeScores"][name]
        assert found.keys() == scores.keys()
        assert [(span["begin"], span["end"]) for span in found["spanScores"]] == [
            (span["begin"], span["end"]) for span in scores["spanScores"]
        ]
    suggested = app.client.post("/v1alpha1/comments:suggestscore", json=perspective.SUGGEST_REQUEST).json()
    assert suggested == perspective.SUGGEST_RESPONSE
    assert app.client.get("/$discovery/rest").json()["rootUrl"].endswith("/")
    several = app.client.post("/v1/moderations", json=moderations.REQUESTS["several"]).json()
    assert len(several["results"]) == 2


def test_answers_have_the_form_of_their_examples(app: App) -> None:
    ref = app.decide({"id": "c-1", "text": LONG}).json()["ref"]
    policy = app.client.get("/v1/policies").json()["policies"][0]["id"]
    paths = {
        "getDecision": f"/v1/decisions/{ref}",
        "listDecisions": "/v1/decisions",
        "listPolicies": "/v1/policies",
        "getPolicy": f"/v1/policies/{policy}",
        "listSignals": "/v1/signals",
        "getHealth": "/healthz",
        "getReadiness": "/readyz",
    }
    assert paths.keys() == ANSWER_TYPES.keys()
    for operation, path in paths.items():
        answer, example = app.client.get(path).json(), examples.ANSWERS[operation]
        assert answer.keys() == example.keys(), operation
        for value in (answer, example):
            msgspec.convert(value, ANSWER_TYPES[operation])


def test_problems_have_the_form_that_is_documented(app: App) -> None:
    for code in KINDS:
        msgspec.convert(examples.problem_example(code), ProblemDocument)
    msgspec.convert(app.client.get("/nowhere").json(), ProblemDocument)


def test_the_page_needs_no_other_host_and_no_script(app: App) -> None:
    response = app.client.get("/schema")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in response.headers["content-security-policy"]
    # An address in an example is read and not followed.
    page = re.sub(r"<pre>.*?</pre>", "", response.text, flags=re.DOTALL)
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="(?!#|/schema|data:,")[^"]*"', page) == []
    assert "http://" not in page
    assert "https://" not in page
    for _, _, operation in operations(document_of(app)):
        assert f'id="{operation["operationId"]}"' in page
    assert app.client.get("/schema/page.css").headers["content-type"].startswith("text/css")
