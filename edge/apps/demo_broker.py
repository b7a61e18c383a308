"""A small MQTT broker inside this process, for the demo alone: it forgets everything when it stops."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from types import TracebackType
from typing import Any, Final, Self

from edge.errors import BrokerError, MissingExtraError

LOOPBACK: Final = "127.0.0.1"
START_TIMEOUT_S: Final = 20.0
STOP_TIMEOUT_S: Final = 5.0


class EmbeddedBroker:
    """Runs an amqtt broker on a free port of the loopback interface while the context lasts.

    Raises
    ------
    MissingExtraError
        The extra `demo` is not installed.
    BrokerError
        On entering: the broker did not start.
    """

    def __init__(self) -> None:
        try:
            from amqtt.broker import Broker
        except ImportError as error:
            raise MissingExtraError(
                f"the demo's broker is not installed ({error})",
                expected="the package amqtt",
                fix="pip install 'emotion-edge[demo]', or name a broker of yours with --broker",
            ) from None
        self._broker_class = Broker
        self.port = _free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="demo-broker", daemon=True)
        self._broker: Any = None

    @property
    def url(self) -> str:
        """The address for `--broker`."""
        return f"mqtt://{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        # Its log repeats every packet; the demo's reader wants the events.
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._thread.start()
        try:
            self._call(self._start(), START_TIMEOUT_S)
        except Exception as error:
            raise BrokerError(
                f"the demo's broker did not start ({type(error).__name__}: {error})",
                expected=f"a listener on {self.url}",
                fix="try again, or name a broker of yours with --broker",
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._call(self._broker.shutdown(), STOP_TIMEOUT_S)
        except Exception:
            logging.getLogger(__name__).debug("the demo's broker did not stop cleanly", exc_info=True)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_TIMEOUT_S)

    async def _start(self) -> None:
        config = {
            "listeners": {"default": {"type": "tcp", "bind": f"{LOOPBACK}:{self.port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
        self._broker = self._broker_class(config)
        await self._broker.start()

    def _call(self, coroutine: Any, timeout_s: float) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout_s)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
