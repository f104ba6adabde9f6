"""The order of ports: every device at work on one of them, while the host prepares what comes next."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

SECONDS_TO_END = 1.0
"""How long to wait for those that were told to end, before those are told that began meanwhile."""
Port = TypeVar("Port")
Slot = TypeVar("Slot")
Answer = TypeVar("Answer")


@dataclass
class Schedule(Generic[Port, Slot, Answer]):
    """`waiting` ports in their order, `ready` ones that are prepared, and `free` places to judge them.

    At most `ahead` ports are prepared or being prepared beyond those that are judged. `judge` and `prepare` are called
    in threads; `stop` ends what they are doing.
    """

    waiting: deque[Port]
    free: deque[Slot]
    ahead: int
    judge: Callable[[Port, Slot], Answer]
    prepare: Callable[[Port], None]
    stop: Callable[[], None]
    ready: deque[Port] = field(default_factory=deque)
    preparing: dict[Future[None], Port] = field(default_factory=dict)
    judging: dict[Future[Answer], Slot] = field(default_factory=dict)

    def answers(self) -> Generator[Answer]:
        """The answers as they come; whatever ends this early (Ctrl-C) ends every process first."""
        with ThreadPoolExecutor(len(self.free) + self.ahead) as pool:
            try:
                while self.waiting or self.ready or self.preparing or self.judging:
                    self._begin(pool)
                    wait(self._running(), return_when=FIRST_COMPLETED)
                    yield from self._ended()
            finally:
                self._end_all()

    def _begin(self, pool: ThreadPoolExecutor) -> None:
        while self.free and (port := self._next()) is not None:
            slot = self.free.popleft()
            self.judging[pool.submit(self.judge, port, slot)] = slot
        while self.waiting and len(self.preparing) + len(self.ready) < self.ahead:
            port = self.waiting.popleft()
            self.preparing[pool.submit(self.prepare, port)] = port

    def _next(self) -> Port | None:
        """The port for a free place: a prepared one; else one that waits, unless there is a place for each that is
        being prepared and will be ready sooner."""
        if self.ready:
            return self.ready.popleft()
        return self.waiting.popleft() if self.waiting and len(self.free) > len(self.preparing) else None

    def _ended(self) -> Generator[Answer]:
        for done in [future for future in self.preparing if future.done()]:
            self.ready.append(self.preparing.pop(done))
            done.result()
        for judged in [future for future in self.judging if future.done()]:
            self.free.append(self.judging.pop(judged))
            yield judged.result()

    def _end_all(self) -> None:
        """End what runs; a further Ctrl-C, which makes `stop` quicker, leaves nothing behind that goes on."""
        running = self._running()
        self.waiting.clear()
        while running:
            with contextlib.suppress(KeyboardInterrupt):
                self.stop()
                running = list(wait(running, timeout=SECONDS_TO_END).not_done)

    def _running(self) -> list[Future[Any]]:
        return [*self.preparing, *self.judging]
