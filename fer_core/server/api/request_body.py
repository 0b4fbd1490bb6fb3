"""Reads the body of POST /analyze piece by piece, so that limits apply while it arrives.

Nothing is written to disk, and file names are only labels that are returned as they came.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from pydantic import ValidationError
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from fer_core.server.api.errors import Refused, invalid, too_large, wrong_type
from fer_core.server.api.schemas import MAX_NAME, AnalyzeBody, Options
from fer_core.server.upload_guard import announced_bytes
from fer_core.settings import Settings
from fer_core.wording import count_of

FIELD = "pictures"
_OPTION_FIELDS = tuple(Options.model_fields)
_MAX_OPTION_BYTES = 1024
_MAX_MARKS = MAX_NAME + 8
"""Commas and opening brackets in the JSON of a picture, at most: its own and those of its name."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture file and its label."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Upload:
    """The content of one request."""

    pictures: tuple[Picture, ...]
    options: Options


async def read_upload(request: Request, limits: Settings, reserve: Callable[[int], None]) -> Upload:
    """The pictures and options of a request; ``reserve`` is called for every piece of the body.

    Raises ``Refused``: 408 if it takes too long to arrive, 413 if it is too large, 415 if it is
    compressed or neither multipart nor JSON, 422 if it is not valid.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise wrong_type("Send the body as it is, without compression (Content-Encoding).")
    content_type, parameters = parse_options_header(request.headers.get("content-type"))
    if parameters.get(b"charset", b"utf-8").lower() not in (b"utf-8", b"utf8"):
        # Some of Python's codecs are no character sets, so names may only be UTF-8.
        raise wrong_type("Text in the body must be UTF-8.")
    readers = {b"multipart/form-data": _read_multipart, b"application/json": _read_json}
    if content_type not in readers:
        raise wrong_type("Send multipart/form-data or application/json.")
    try:
        async with (
            asyncio.timeout(limits.api_body_s),
            aclosing(_pieces(request, limits, reserve)) as pieces,
        ):
            upload = await readers[content_type](request, pieces, limits)
    except TimeoutError:
        sentence = f"The request took longer than {limits.api_body_s} s to arrive."
        raise Refused(408, "timeout", sentence) from None
    _check(upload, limits)
    return upload


async def _pieces(
    request: Request, limits: Settings, reserve: Callable[[int], None]
) -> AsyncGenerator[bytes, None]:
    limit_bytes = limits.api_max_body_mb * 1_000_000
    refusal = too_large(
        f"The request has more than {limits.api_max_body_mb} MB. Send fewer or smaller pictures, "
        "or raise FER_API_MAX_BODY_MB on the server."
    )
    if announced_bytes(request.headers) > limit_bytes:
        raise refusal
    received = 0
    async for piece in request.stream():
        received += len(piece)
        if received > limit_bytes:
            raise refusal
        reserve(len(piece))
        yield piece


class _Parser(MultiPartParser):
    """Starlette's parser, with limits for each file and their number that apply on arrival."""

    spool_max_size = 0  # no limit: pictures of people are never written to disk

    def __init__(
        self, headers: Headers, pieces: AsyncGenerator[bytes, None], limits: Settings
    ) -> None:
        super().__init__(headers, self._to_the_end(pieces), max_part_size=_MAX_OPTION_BYTES)
        self._limits = limits
        self._ended = False
        self._parts = 0
        self._part_bytes = 0

    def on_part_begin(self) -> None:
        super().on_part_begin()
        self._parts += 1
        self._part_bytes = 0
        if self._parts > self._limits.api_max_pictures + len(_OPTION_FIELDS):
            raise _too_many(self._limits)

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._part_bytes += end - start
        _check_size(self._part_bytes, self._limits)
        if self._current_part.file is None and self._current_part.field_name == FIELD:
            raise _no_file()  # before its size is called too large for an option
        super().on_part_data(data, start, end)

    def on_end(self) -> None:
        self._ended = True

    async def _to_the_end(self, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Refuse a body without its last boundary, which would look like a shorter one."""
        async for piece in pieces:
            yield piece
        if not self._ended:
            raise MultiPartException("It ends too early.")


async def _read_multipart(
    request: Request, pieces: AsyncGenerator[bytes, None], limits: Settings
) -> Upload:
    try:
        form = await _Parser(request.headers, pieces, limits).parse()
    except MultiPartException as error:
        raise invalid(f"The body is not valid multipart/form-data: {error.message}") from error
    except (ValueError, UnicodeError) as error:  # an impossible boundary
        raise invalid("The body is not valid multipart/form-data.") from error
    options: dict[str, str] = {}
    pictures = []
    try:
        for field, value in form.multi_items():
            if isinstance(value, UploadFile) and field == FIELD:
                name = (value.filename or "picture")[:MAX_NAME]
                pictures.append(Picture(name, await value.read()))
            elif isinstance(value, str) and field in _OPTION_FIELDS:
                options[field] = value
            else:
                raise _no_file()
    finally:
        await form.close()
    return Upload(tuple(pictures), read_options(options, request.query_params))


async def _read_json(
    request: Request, pieces: AsyncGenerator[bytes, None], limits: Settings
) -> Upload:
    body = bytearray()
    async for piece in pieces:
        body += piece
    # Reading tens of megabytes would block the event loop for too long.
    return await run_in_threadpool(_from_json, bytes(body), request.query_params, limits)


def _from_json(body: bytes, query: Mapping[str, str], limits: Settings) -> Upload:
    _check_values(body, limits)
    try:
        asked = AnalyzeBody.model_validate_json(body)
    except ValidationError as error:
        raise invalid(_first_fault(error)) from error
    if len(asked.pictures) > limits.api_max_pictures:
        raise _too_many(limits)
    pictures = []
    for number, picture in enumerate(asked.pictures):
        try:
            data = base64.b64decode(picture.data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise invalid(
                f"pictures.{number}.data is not base64. Send it without line breaks and without "
                "a prefix such as 'data:image/jpeg;base64,'."
            ) from error
        pictures.append(Picture(picture.name, data))
    named = asked.model_dump(include=set(_OPTION_FIELDS), exclude_none=True)
    return Upload(tuple(pictures), read_options(named, query))


def read_options(named: Mapping[str, str | bool], query: Mapping[str, str]) -> Options:
    """The options of a body, and those of the query that the body lacks. Raises ``Refused``.

    Invalid values in the query are refused even if the body overrides them, and so are unknown
    options: a misspelt one would otherwise be ignored.
    """
    asked = dict(query)
    try:
        Options.model_validate(asked)
        return Options.model_validate({**asked, **named})
    except ValidationError as error:
        raise invalid(_first_fault(error)) from error


def _check(upload: Upload, limits: Settings) -> None:
    if not upload.pictures:
        raise invalid(f"There is no picture in the request. Send files in the field {FIELD!r}.")
    if len(upload.pictures) > limits.api_max_pictures:
        raise _too_many(limits)
    for picture in upload.pictures:
        _check_size(len(picture.data), limits)


def _check_values(body: bytes, limits: Settings) -> None:
    """Refuse JSON with far more values than its pictures need, before it is parsed: pydantic takes
    up to 400 bytes for each value that is wrong, so 40 MB of them would take all memory."""
    if sum(map(body.count, (b",", b"[", b"{"))) > _MAX_MARKS * (limits.api_max_pictures + 1):
        raise invalid(
            f"The JSON has far more values than {count_of(limits.api_max_pictures, 'picture')} can "
            "have. Send fewer pictures, with only the fields that docs/API.md describes."
        )


def _check_size(size_bytes: int, limits: Settings) -> None:
    if size_bytes > limits.max_upload_mb * 1_000_000:
        raise too_large(
            f"A picture has more than {limits.max_upload_mb} MB. Save a smaller copy, or raise "
            "FER_MAX_UPLOAD_MB on the server."
        )


def _no_file() -> Refused:
    return invalid(
        f"Send each picture as a file, with a file name, in the field {FIELD!r}; the other fields "
        f"are {', '.join(_OPTION_FIELDS[:-1])} and {_OPTION_FIELDS[-1]}."
    )


def _too_many(limits: Settings) -> Refused:
    return invalid(
        f"A request may hold {count_of(limits.api_max_pictures, 'picture')}. Send the rest in "
        "another one, or raise FER_API_MAX_PICTURES on the server."
    )


def _first_fault(error: ValidationError) -> str:
    """Where the first error is and what it is, without the data that was sent."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}." if where else f"{first['msg']}."
