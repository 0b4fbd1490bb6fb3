"""The OpenAPI document: valid, with the limits of the settings, and true when the API is fuzzed."""

from __future__ import annotations

import hypothesis
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from fer_core.server.api import openapi
from fer_core.server.api.openapi import PREFIX, document
from fer_core.settings import Settings, settings
from tests.server.api.conftest import TOKEN


def test_the_document_is_valid(client):
    validate(client.get(f"{PREFIX}/openapi.json").json(), cls=OpenAPIV31SpecValidator)


def test_it_names_every_route(client):
    paths = document(settings())["paths"]
    assert set(paths) == {
        *(f"{PREFIX}/{name}" for name in ("analyze", "models", "openapi.json")),
        *("/healthz", "/readyz", "/metrics"),
    }
    for path, operations in paths.items():
        for method in operations:
            assert client.request(method, path).status_code != 404


def test_it_tells_the_limits_that_hold(monkeypatch):
    monkeypatch.setenv("FER_API_MAX_PICTURES", "3")
    [*bodies] = [
        document(settings())["components"]["schemas"]["AnalyzeBody"],
        document(settings())["paths"][f"{PREFIX}/analyze"]["post"]["requestBody"]["content"][
            "multipart/form-data"
        ]["schema"],
    ]
    assert [body["properties"]["pictures"]["maxItems"] for body in bodies] == [3, 3]


def test_it_is_made_once_for_the_same_limits(client, monkeypatch):
    """Whoever asks over and over would else stop the cameras of all."""
    made: list[Settings] = []

    def make(limits: Settings) -> openapi.Json:
        made.append(limits)
        return document(limits)

    monkeypatch.setattr(openapi, "document", make)
    monkeypatch.setenv("FER_API_MAX_PICTURES", "7")
    first, second = (client.get(f"{PREFIX}/openapi.json") for _ in range(2))
    assert (first.content, len(made)) == (second.content, 1)
    monkeypatch.setenv("FER_API_MAX_PICTURES", "8")
    assert client.get(f"{PREFIX}/openapi.json").json() == document(settings())


# Imports for two seconds, which only the process that runs this must do.
@pytest.mark.parametrize("name", ["positive", "negative"])
def test_the_api_holds_to_it_when_fuzzed(start_server, monkeypatch, name):
    import schemathesis
    from schemathesis.core.result import Ok

    mode = schemathesis.GenerationMode(name)
    monkeypatch.setenv("FER_API_TOKENS", TOKEN)
    monkeypatch.setenv("FER_API_REQUESTS_PER_MINUTE", "1000000")
    server = start_server()
    schema = schemathesis.openapi.from_url(f"{server.url}{PREFIX}/openapi.json")
    seen: set[tuple[str, int]] = set()
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        # Nothing can be wrong with a request that has nothing in it.
        if mode.is_positive or operation.path.endswith("/analyze"):
            fuzz(operation, mode, seen)
    statuses = {status for path, status in seen if path.endswith("/analyze")}
    assert 422 in statuses
    # 401: schemathesis tries other tokens too. 503: weights that cannot be fetched here.
    assert statuses <= {200, 401, 415, 422, 503}
    assert {status for path, status in seen if not path.endswith("/analyze")} <= {200, 401}


def fuzz(operation, mode, seen):
    """Requests that follow or violate the document; ``seen`` collects the answers."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    @hypothesis.given(case=operation.as_strategy(mode))
    @hypothesis.settings(
        max_examples=25 if operation.path.endswith("/analyze") else 3,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def run(case):
        response = case.call(headers={"Authorization": f"Bearer {TOKEN}"})
        seen.add((operation.path, response.status_code))
        # Words that fit the schema are still no picture, and an engine may be out of reach: 422
        # and 503 are right, and the test above looks at the statuses.
        excluded = [positive_data_acceptance, not_a_server_error]
        case.validate_response(response, excluded_checks=excluded)

    run()
