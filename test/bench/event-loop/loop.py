"""See README.md: the event loop of asyncio."""

import asyncio
import json
import sys
import time

HOST, PORT, COUNT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ROUNDS = 2
SINGLES = 5


def now() -> float:
    return time.monotonic() * 1000


class Ticker:
    """Ticks each millisecond; `gap` is the longest time without a tick."""

    def __init__(self) -> None:
        self.ticks = 0
        self.gap = 0.0
        self.last = now()
        self.schedule()

    def schedule(self) -> None:
        self.handle = asyncio.get_running_loop().call_later(0.001, self.tick)

    def tick(self) -> None:
        self.ticks += 1
        self.measure()
        self.schedule()

    def measure(self) -> None:
        moment = now()
        self.gap = max(self.gap, moment - self.last)
        self.last = moment

    def stop(self) -> None:
        self.handle.cancel()
        self.measure()


async def single() -> float:
    start = now()
    _, writer = await asyncio.open_connection(HOST, PORT)
    took = now() - start
    writer.close()
    await writer.wait_closed()
    return took


async def round_of(count: int) -> dict:
    pending = most = 0
    ticks_at_first = None
    writers = []
    ticker = Ticker()

    async def connect() -> None:
        nonlocal pending, most, ticks_at_first
        pending += 1
        most = max(most, pending)
        _, writer = await asyncio.open_connection(HOST, PORT)
        pending -= 1
        if ticks_at_first is None:
            ticks_at_first = ticker.ticks
        writers.append(writer)

    start = now()
    await asyncio.gather(*(connect() for _ in range(count)))
    total = now() - start
    ticker.stop()
    for writer in writers:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for writer in writers))
    return {
        "total": total,
        "gap": ticker.gap,
        "connected": len(writers),
        "pendingAtOnce": most,
        "ticksBeforeFirst": ticks_at_first,
    }


async def main() -> None:
    # The first of all finds the way to the peer.
    await single()
    singles = sorted([await single() for _ in range(SINGLES)])
    rounds = [await round_of(COUNT) for _ in range(ROUNDS)]
    print(json.dumps({"single": singles[SINGLES // 2], "rounds": rounds}))


asyncio.run(main())
