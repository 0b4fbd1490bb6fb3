"""A visitor without a browser: speaks to the server what Streamlit's own pages speak.

The login and the pages over HTTP, the pages' content over the WebSocket, in Streamlit's own
messages, pictures through its upload route. What a browser would draw is only kept.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self, TypeVar

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Common_pb2 import FileURLs, FileURLsRequest, UploadedFileInfo
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from fer_core.server.auth.gate import LOGIN_PATH

PATIENCE_S = 30.0
"""After so long without an answer a visitor gives up, which is an error."""

FINISHED = (
    ForwardMsg.FINISHED_SUCCESSFULLY,
    ForwardMsg.FINISHED_WITH_COMPILE_ERROR,
)

_ASSET = re.compile(r'(?:src|href)="\./(static/[^"]+)"')
_XSRF = "_streamlit_xsrf"

T = TypeVar("T")


class VisitFailed(Exception):
    """Something that a visitor would have seen as an error."""


@dataclass(slots=True)
class Run:
    """What a page has drawn, by its place, and when each thing came (perf_counter).

    ``stale``: what is left from before a run that goes on; it goes if that does not draw it again.
    """

    elements: dict[tuple[int, ...], Element] = field(default_factory=dict)
    came_s: dict[tuple[int, ...], float] = field(default_factory=dict)
    stale: set[tuple[int, ...]] = field(default_factory=set)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    def first(self, kind: str) -> Element | None:
        """The first element of a kind, as Streamlit names it: ``file_uploader``."""
        return next(iter(self.all(kind)), None)

    def all(self, kind: str) -> list[Element]:
        """All elements of a kind."""
        return [each for each in self.elements.values() if each.WhichOneof("type") == kind]

    def came(self, kind: str) -> float:
        """When the first element of a kind came; raises ``VisitFailed`` if none did."""
        times = [
            self.came_s[place]
            for place, each in self.elements.items()
            if each.WhichOneof("type") == kind
        ]
        if not times:
            raise VisitFailed(f"the page drew no {kind}")
        return min(times)


class Visitor:
    """One browser tab. A context manager that signs in with a password and leaves at the end."""

    def __init__(self, address: str, password: str) -> None:
        self.address = address
        self.run = Run()
        self._password = password
        self._http = httpx.AsyncClient(
            base_url=address,
            timeout=PATIENCE_S,
            limits=httpx.Limits(max_connections=6),  # to one host, as browsers have it
            trust_env=False,
        )
        self._socket: ClientConnection | None = None
        self._session = self._page = ""
        self._pages: dict[str, str] = {}
        self._widgets: dict[str, WidgetState] = {}
        self._urls: dict[str, asyncio.Future[list[FileURLs]]] = {}
        self._fragments: dict[str, asyncio.Task[None]] = {}
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        form = {"password": self._password, "next": "/"}
        answer = await self._http.post(LOGIN_PATH, data=form)
        if answer.status_code != 303:
            await self._http.aclose()
            raise VisitFailed(f"the login answered {answer.status_code}")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._forget_page()
        if self._socket is not None:
            await self._socket.close()
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError, ConnectionClosed):
                await self._listening
        await self._http.aclose()

    async def arrive(self, page: str = "") -> None:
        """Load a page, with all that its HTML asks for, until it is drawn. "" is the overview."""
        html = await self._fetch(f"/{page}")
        assets = sorted(set(_ASSET.findall(html.text)))
        await asyncio.gather(*(self._fetch(f"/{asset}") for asset in assets))
        for asked in ("health", "host-config"):
            await self._fetch(f"/_stcore/{asked}")
        self._socket = await connect(
            f"{self.address.replace('http', 'ws', 1)}/_stcore/stream",
            subprotocols=["streamlit", self._http.cookies[_XSRF]],  # type: ignore[list-item]
            origin=self.address,  # type: ignore[arg-type]
            additional_headers={"Cookie": self._cookies()},
            max_size=None,
            ping_interval=None,  # the server asks, as with browsers
            proxy=None,
            open_timeout=PATIENCE_S,
        )
        self._listening = asyncio.create_task(self._listen(self._socket))
        await self.rerun(page_name=page)

    async def open(self, page: str) -> None:
        """Go to another page by the navigation, until it is drawn."""
        self._forget_page()
        self._page = self._pages[page]
        await self.rerun()

    async def rerun(self, page_name: str = "") -> None:
        """Run the page, with what the widgets hold, until it is drawn."""
        self.run = Run()
        run = self.run
        await self._ask_for_run(ClientState(page_name=page_name))
        await self._until(run.finished.wait())
        for exception in run.all("exception"):
            raise VisitFailed(f"the page says {exception.exception.message!r}")

    async def upload(self, name: str, data: bytes) -> None:
        """Hand a picture over on the photo page, in place of the last one, until all is drawn."""
        widget = self.run.first("file_uploader")
        if widget is None:
            raise VisitFailed("the page takes no pictures")
        uploader = widget.file_uploader.id
        (urls,) = await self._upload_urls(name)
        sent = await self._http.put(
            urls.upload_url, files={"file": (name, data)}, headers=self._xsrf()
        )
        if sent.status_code != 204:
            raise VisitFailed(f"the upload was answered {sent.status_code}")
        before = self._widgets.get(uploader)
        state = WidgetState(id=uploader)
        state.file_uploader_state_value.uploaded_file_info.append(
            UploadedFileInfo(name=name, size=len(data), file_id=urls.file_id, file_urls=urls)
        )
        self._widgets[uploader] = state
        await self.rerun()
        for old in before.file_uploader_state_value.uploaded_file_info if before else ():
            await self._http.delete(old.file_urls.delete_url, headers=self._xsrf())

    async def look(self) -> None:
        """Fetch the pictures that the page shows."""
        for element in self.run.all("imgs"):
            for image in element.imgs.imgs:
                await self._fetch(image.url)

    async def set_json(self, widget: str, value: str) -> None:
        """Give a component its value, as JSON, and have the page run."""
        self._widgets[widget] = WidgetState(id=widget, json_value=value)
        await self._ask_for_run(ClientState())

    def texts(self) -> list[str]:
        """All texts on the page now."""
        return [each.markdown.body for each in self.run.all("markdown")]

    # --- the wire ---

    async def _fetch(self, path: str) -> httpx.Response:
        answer = await self._http.get(path, headers={"Accept": "text/html,*/*"})
        if answer.status_code != 200:
            raise VisitFailed(f"{path} was answered {answer.status_code}")
        return answer

    async def _ask_for_run(self, state: ClientState) -> None:
        """Send the state of the page, which has it run anew, or only a fragment of it."""
        state.page_script_hash = self._page
        state.widget_states.widgets.extend(self._widgets.values())
        await self._send(BackMsg(rerun_script=state))

    async def _send(self, message: BackMsg) -> None:
        if self._socket is None:
            raise VisitFailed("the visitor has not arrived yet")
        try:
            await self._socket.send(message.SerializeToString())
        except ConnectionClosed as error:
            raise VisitFailed(f"the connection broke: {error}") from error

    async def _until(self, awaited: Awaitable[T]) -> T:
        """What is awaited, unless the connection breaks or it takes too long."""
        task = asyncio.ensure_future(awaited)
        assert self._listening is not None
        await asyncio.wait(
            {task, self._listening}, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED
        )
        if task.done():
            return task.result()
        task.cancel()
        if self._listening.done():
            raise VisitFailed("the connection broke") from self._listening.exception()
        raise VisitFailed(f"no answer within {PATIENCE_S:.0f} s")

    async def _upload_urls(self, *names: str) -> list[FileURLs]:
        request = uuid.uuid4().hex
        self._urls[request] = asyncio.get_running_loop().create_future()
        asked = FileURLsRequest(request_id=request, file_names=names, session_id=self._session)
        await self._send(BackMsg(file_urls_request=asked))
        return await self._until(self._urls[request])

    async def _listen(self, socket: ClientConnection) -> None:
        async for data in socket:
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            self._take(message)

    def _take(self, message: ForwardMsg) -> None:
        match message.WhichOneof("type"):
            case "new_session":
                self._session = message.new_session.initialize.session_id
                if not message.metadata.run.fragment_ids:
                    self.run.stale = set(self.run.elements)
            case "navigation":
                self._page = message.navigation.page_script_hash
                pages = message.navigation.app_pages
                self._pages = {page.url_pathname: page.page_script_hash for page in pages}
            case "delta" if message.delta.WhichOneof("type") == "new_element":
                place = tuple(message.metadata.delta_path)
                self.run.elements[place] = message.delta.new_element
                self.run.came_s[place] = time.perf_counter()
                self.run.stale.discard(place)
            case "script_finished" if message.script_finished in FINISHED:
                for place in self.run.stale:
                    self.run.elements.pop(place, None)
                self.run.finished.set()
            case "file_urls_response":
                answer = message.file_urls_response
                self._urls.pop(answer.response_id).set_result(list(answer.file_urls))
            case "auto_rerun":
                again = message.auto_rerun
                if again.fragment_id not in self._fragments:
                    task = asyncio.create_task(self._repeat(again.fragment_id, again.interval))
                    self._fragments[again.fragment_id] = task
            case "stop_auto_rerun":
                for gone in message.stop_auto_rerun.fragment_ids:
                    if gone in self._fragments:
                        self._fragments.pop(gone).cancel()

    async def _repeat(self, fragment: str, interval_s: float) -> None:
        """As the pages do it: a fragment is asked for at its pace, whatever becomes of it."""
        while True:
            await asyncio.sleep(interval_s)
            await self._ask_for_run(ClientState(fragment_id=fragment, is_auto_rerun=True))

    def _cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._http.cookies.items())

    def _xsrf(self) -> dict[str, str]:
        return {"X-Xsrftoken": self._http.cookies[_XSRF]}

    def _forget_page(self) -> None:
        for task in self._fragments.values():
            task.cancel()
        self._fragments.clear()
        self._widgets.clear()
