"""GET /api/v1/openapi.json: the OpenAPI 3.1 document, its schemas made of the pydantic models."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from fer_core.server.api.request_body import FIELD
from fer_core.server.api.schemas import (
    AnalyzeAnswer,
    AnalyzeBody,
    ErrorAnswer,
    HealthAnswer,
    ModelsAnswer,
    Options,
    ReadyAnswer,
)
from fer_core.settings import Settings

PREFIX = "/api/v1"

_MODELS: tuple[type[BaseModel], ...] = (
    AnalyzeAnswer,
    AnalyzeBody,
    ErrorAnswer,
    HealthAnswer,
    ModelsAnswer,
    ReadyAnswer,
)

_ERRORS = {
    401: "No token, or one the server does not know.",
    408: "The body took too long to arrive.",
    413: "A picture, or the whole request, has too many bytes.",
    415: "The body is neither multipart/form-data nor JSON, or its text is not UTF-8.",
    422: "The request is not what this API takes, or no picture in it can be read.",
    429: "Too many requests in a minute.",
    503: "The server is busy, or a model's weights cannot be had.",
}

_HEADERS = {
    401: {"WWW-Authenticate": "The scheme: Bearer."},
    429: {"Retry-After": "Seconds to wait."},
}

Json = dict[str, Any]


def document(limits: Settings) -> Json:
    """The document, with the limits that hold at this moment."""
    _, definitions = models_json_schema(
        [(model, "validation") for model in _MODELS], ref_template="#/components/schemas/{model}"
    )
    schemas = definitions["$defs"]
    schemas["AnalyzeBody"]["properties"]["pictures"]["maxItems"] = limits.api_max_pictures
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "FER Dashboard",
            "version": "1",
            "description": "Facial expressions in pictures. An expression is not what a person "
            "feels. Pictures are analysed in memory and not kept.",
        },
        "security": [{"bearer": []}],
        "paths": {
            f"{PREFIX}/analyze": {"post": _analyze(limits)},
            f"{PREFIX}/models": {
                "get": _get("listModels", "The models there are.", ModelsAnswer, 401)
            },
            f"{PREFIX}/openapi.json": {"get": _open("getOpenapi", "This document.")},
            "/healthz": {"get": _open("getHealth", "Does the process live?", HealthAnswer)},
            "/readyz": {"get": _readiness()},
            "/metrics": {"get": _metrics()},
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "One of FER_API_TOKENS. A server without tokens answers "
                    "programs on its own computer only, and those without one.",
                }
            },
        },
    }


def _analyze(limits: Settings) -> Json:
    in_options = Options.model_json_schema()["properties"]
    fields = {name: _without_null(schema) for name, schema in in_options.items()}
    files = {
        "type": "array",
        "minItems": 1,
        "maxItems": limits.api_max_pictures,
        "items": {"type": "string", "format": "binary"},
        "description": f"Picture files of at most {limits.max_upload_mb} MB each.",
    }
    form = {
        "type": "object",
        "required": [FIELD],
        "properties": {FIELD: files, **fields},
        "additionalProperties": False,
    }
    return {
        "operationId": "analyzePictures",
        "summary": "Find the faces in pictures and read their expressions.",
        "description": f"At most {limits.api_max_pictures} pictures and {limits.api_max_body_mb} "
        f"MB a request, {limits.api_requests_per_minute} requests a minute. What the body says of "
        "detector and emotion goes before what the address says.",
        "parameters": [
            {
                "name": name,
                "in": "query",
                "description": schema["description"],
                "schema": {key: value for key, value in schema.items() if key != "description"},
            }
            for name, schema in fields.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": form},
                "application/json": {"schema": _ref(AnalyzeBody)},
            },
        },
        "responses": {
            "200": _json("At least one picture could be read.", _ref(AnalyzeAnswer)),
            **_errors(*_ERRORS),
        },
    }


def _get(name: str, summary: str, answer: type[BaseModel], *errors: int) -> Json:
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": _json(summary, _ref(answer)), **_errors(*errors)},
    }


def _open(name: str, summary: str, answer: type[BaseModel] | None = None) -> Json:
    schema = {"type": "object"} if answer is None else _ref(answer)
    return {
        "operationId": name,
        "summary": summary,
        "security": [],
        "responses": {"200": _json(summary, schema)},
    }


def _readiness() -> Json:
    operation = _open("getReadiness", "Can expressions be recognised right now?", ReadyAnswer)
    operation["responses"]["503"] = _json("No, and why.", _ref(ReadyAnswer))
    return operation


def _metrics() -> Json:
    text = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "operationId": "getMetrics",
        "summary": "Counters and figures for Prometheus.",
        "responses": {
            "200": {"description": "The text format of Prometheus.", "content": text},
            **_errors(401),
        },
    }


def _errors(*statuses: int) -> Json:
    answers = {}
    for status in statuses:
        answers[str(status)] = _json(_ERRORS[status], _ref(ErrorAnswer))
        if status in _HEADERS:
            answers[str(status)]["headers"] = {
                name: {"description": meaning, "required": True, "schema": {"type": "string"}}
                for name, meaning in _HEADERS[status].items()
            }
    return answers


def _json(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _ref(model: type[BaseModel]) -> Json:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _without_null(schema: Json) -> Json:
    """The schema of an optional field, for places where it is left out instead of null."""
    [value] = [each for each in schema["anyOf"] if each.get("type") != "null"]
    return {**value, "description": schema["description"]}
