"""Who is answered: requests to this machine alone, from the studio's own pages or with the token, of bounded bodies.

The headers of all answers let a page load nothing from elsewhere, and send nothing there.
"""

import asyncio
import contextlib
import hmac
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

PHOTO, TEXT = 20 * 2**20, 2**16  # bytes of a body that is a photo, or words
TOGETHER = 400 * 2**20  # bytes of all bodies at a time
PAUSE, WHOLE = 10, 60  # seconds between two parts of a body, and for all of it
DRAIN = 2  # seconds for what is left of a body that is refused
HEAD = 15  # seconds for the head of a request
STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
}
LOCKED = {  # to whom opens another address than the one that was printed
    "en": "Open the address that `zoo app` printed in the terminal; it holds a key.",
    "ja": "ターミナルに `zoo app` が表示したアドレスを開いてください。鍵が含まれています。",
}
OPEN = ("/static/", "/openapi.json")  # what anybody on this machine may read: the files of the zoo's own


class DeniedError(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


class Guard:
    """Lets through what comes from the studio's own pages, or shows the token.

    Args:
        app: what answers then.
        port: on which the studio listens.
        token: a secret of this start.
    """

    def __init__(self, app: ASGIApp, port: int, token: str):
        self.app, self.token, self.cookie = app, token, f"zoo-studio-{port}"
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"} | ({"127.0.0.1", "localhost"} if port == 80 else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            async with asyncio.timeout(WHOLE):  # who does not read is not waited for
                await send(message)

        answer: ASGIApp = self.app
        try:
            self.check(scope)
        except DeniedError as error:
            answer = refusal(error)
        await answer(scope, receive, send_with_headers)

    def check(self, scope: Scope) -> None:
        """Raise where a request is not to be answered."""
        headers = Headers(scope=scope)
        if len(headers.getlist("host")) != 1 or headers["host"] not in self.hosts:
            raise DeniedError(421, "the studio answers to 127.0.0.1 and localhost alone.")
        origin, reads = headers.get("origin"), scope["method"] in ("GET", "HEAD")
        if origin is not None and origin.removeprefix("http://") not in self.hosts:
            raise DeniedError(403, "the studio answers no other pages.")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and (
            headers.get("sec-fetch-mode") != "navigate" or not reads
        ):
            raise DeniedError(403, "the studio answers no other pages.")
        if reads and scope["path"].startswith(OPEN):
            return
        if self.same(headers.get("authorization", "").removeprefix("Bearer ")):
            return
        if not self.same(self.cookie_of(headers)) and scope["path"] != "/":
            raise DeniedError(
                401, "open the address that `zoo app` printed, or send its token: Authorization: Bearer TOKEN."
            )
        if not reads and origin is None:  # browsers say where a change comes from
            raise DeniedError(403, "a change needs the header Authorization: Bearer TOKEN.")

    def same(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())

    def cookie_of(self, headers: Headers) -> str:
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return ""
        return morsel.value if morsel else ""

    def admit(self, request: Request) -> Response | None:
        """Who opens the printed address gets the cookie, and is led to the address without the token."""
        if self.same(request.query_params.get("token", "")):
            response = Response(status_code=303, headers={"location": "/"})
            response.set_cookie(self.cookie, self.token, httponly=True, samesite="strict")
            return response
        if not self.same(self.cookie_of(request.headers)):
            japanese = request.headers.get("accept-language", "").startswith("ja")
            return Response(f"{LOCKED['ja' if japanese else 'en']}\n", 401, media_type="text/plain")
        return None


def refusal(error: DeniedError) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await drain(receive)
        await JSONResponse({"error": str(error)}, error.status, {"connection": "close"})(scope, receive, send)

    return answer


async def drain(receive: Receive) -> None:
    """Let go by what is left of a body, for a moment: else who sends it would not read the answer."""
    left = 2 * PHOTO
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN):
            while left > 0 and (message := await receive()).get("more_body"):
                left -= len(message["body"])


class Bodies:
    """Reads bodies of requests, each within its bound, all together within another."""

    def __init__(self) -> None:
        self.held = 0

    async def read(self, request: Request, most: int) -> bytes:
        """The body, as it comes; counted, whatever its head says of it.

        Raises:
            DeniedError: it is too large, too slow, or too much is on its way already.
        """
        said = request.headers.get("content-length", "")
        if said.isdecimal() and int(said) > most:
            await drain(request.receive)
            raise DeniedError(413, f"more than {most / 2**20:.2g} MB.")
        room = int(said) if said.isdecimal() else most
        if self.held + room > TOGETHER:
            raise DeniedError(503, "too much is sent at once; try again in a moment.")
        self.held += room
        body, parts = bytearray(), request.stream().__aiter__()
        try:
            async with asyncio.timeout(WHOLE):
                while True:
                    async with asyncio.timeout(PAUSE):
                        part = await anext(parts, None)
                    if part is None:
                        return bytes(body)
                    body += part
                    if len(body) > most:
                        await drain(request.receive)
                        raise DeniedError(413, f"more than {most / 2**20:.2g} MB.")
        except TimeoutError:
            raise DeniedError(408, "it came too slowly.") from None
        except ClientDisconnect:
            raise DeniedError(400, "it broke off.") from None
        finally:
            self.held -= room

    async def photo(self, request: Request) -> bytes:
        """A body that begins as a picture of the accepted formats does."""
        data = await self.read(request, PHOTO)
        if not data.startswith(STARTS) and not (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
            raise DeniedError(415, "no photo that can be used; accepted are JPEG, PNG, WebP and GIF.")
        return data


class Protocol(H11Protocol):
    """Uvicorn's, which also cuts off who begins a request and does not come to the end of its head."""

    timer: Any = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.timer = self.loop.call_later(HEAD, transport.abort)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        waits = self.cycle is None or self.cycle.response_complete
        if self.timer is not None and not waits:
            self.timer.cancel()
            self.timer = None
        elif self.timer is None and waits:
            self.timer = self.loop.call_later(HEAD, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.timer is not None:
            self.timer.cancel()
        super().connection_lost(exc)
