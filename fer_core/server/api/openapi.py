"""GET /api/v1/openapi.json: the OpenAPI 3.1 document, with the limits in force."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.responses import Response

from fer_core.server.api.endpoints import probes, v1
from fer_core.server.api.request_body import FIELD
from fer_core.server.api.schemas import AnalyzeBody, Options
from fer_core.settings import Settings, settings
from fer_core.wording import count_of

PREFIX = "/api/v1"

Json = dict[str, Any]


@v1.get("/openapi.json", operation_id="getOpenapi", summary="This document.", response_model=Json)
async def _openapi(_request: Request) -> Response:
    return Response(_body(settings()), media_type="application/json")


# Anybody may ask, and to make it takes 25 ms, in which the server does nothing else.
@lru_cache(maxsize=1)
def _body(limits: Settings) -> bytes:
    return json.dumps(document(limits), ensure_ascii=False, separators=(",", ":")).encode()


def document(limits: Settings) -> Json:
    """The document of all routes, with these limits.

    FastAPI makes it, but for the request body of ``analyze``, which the endpoint reads itself.
    """
    api = APIRouter()
    api.include_router(v1, prefix=PREFIX)
    made = get_openapi(
        title="FER Dashboard",
        version="1",
        description="Facial expressions in pictures. An expression is not what a person feels. "
        "Pictures are analysed in memory and not stored.",
        routes=[*api.routes, *probes.routes],
        separate_input_output_schemas=False,
    )
    _, body = models_json_schema(
        [(AnalyzeBody, "validation")], ref_template="#/components/schemas/{model}"
    )
    body["$defs"]["AnalyzeBody"]["properties"]["pictures"]["maxItems"] = limits.api_max_pictures
    made["components"]["schemas"] |= body["$defs"]
    made["paths"][f"{PREFIX}/analyze"]["post"] |= _analyze_request(limits)
    return made


def _analyze_request(limits: Settings) -> Json:
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
        "description": f"At most {count_of(limits.api_max_pictures, 'picture')} and "
        f"{limits.api_max_body_mb} MB per request, "
        f"{count_of(limits.api_requests_per_minute, 'request')} per minute. An option in "
        "the body takes precedence over the same one in the query.",
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
                "application/json": {"schema": {"$ref": "#/components/schemas/AnalyzeBody"}},
            },
        },
    }


def _without_null(schema: Json) -> Json:
    """The schema of an optional field, for places where it is left out instead of null."""
    [value] = [each for each in schema["anyOf"] if each.get("type") != "null"]
    return {**value, "description": schema["description"]}
