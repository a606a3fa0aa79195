"""HEAD wherever GET answers: the same reply without its body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadSent(OSError):
    """The head of a reply is out and nobody waits for the rest; to what sends, as if the client had left."""


class HeadAsGet:
    """Answers HEAD as GET and ends the work once the head is sent, so that no stream goes on for nobody."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before ``app``."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; of the reply to HEAD only the head."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        begun = False

        async def send_head(message: Message) -> None:
            nonlocal begun
            if begun:
                if message.get("more_body", False):
                    raise HeadSent
                return
            await send(message)
            if message["type"] == "http.response.start":
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                begun = True

        try:
            await self.app({**scope, "method": "GET"}, receive, send_head)
        except HeadSent:
            return
