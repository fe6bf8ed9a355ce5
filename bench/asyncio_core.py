# SPDX-License-Identifier: MIT
"""What asyncio's core costs, in CPU time of one operation.

    python3 asyncio_core.py [NAME...]

Without names: all. The same programs as in hem_core.c, hem_sync.c, hem_group.c
and hem_gather.c, measured in the same way: the median of up to 31 batches,
after one to warm up. Each is written as asyncio does it fastest, in its default
loop, with the garbage collector on, as it is in any program.

Prints a line `name value unit` for each operation, none for one that this
Python lacks.
"""

import asyncio
import statistics
import sys
import time

BATCHES = 31
BATCHES_NS = 100_000_000
ROUNDS = 10_000
HALF = ROUNDS // 2  # of each of two tasks
SCOPES = 1_000
GATHERS = 100
QUEUE_SIZE = 64

left_out_ns = 0  # CPU time of the present batch that does not count
operations = {}  # name: (batch, operations in it)


def operation(ops):
    """Enter a coroutine function, a batch of `ops` operations."""

    def enter(batch):
        operations[batch.__name__.rstrip("_")] = (batch, ops)
        return batch

    return enter


async def nothing():
    pass


async def yield_once():
    await asyncio.sleep(0)


@operation(ROUNDS)
async def yield_():
    async def yielder():
        for _ in range(HALF):
            await asyncio.sleep(0)

    await asyncio.gather(yielder(), yielder())


@operation(ROUNDS)
async def spawn():
    for _ in range(ROUNDS):
        await asyncio.create_task(nothing())


@operation(ROUNDS)
async def spawn_yield():
    for _ in range(ROUNDS):
        await asyncio.create_task(yield_once())


@operation(ROUNDS)
async def lock():
    a_lock = asyncio.Lock()
    for _ in range(ROUNDS):
        await a_lock.acquire()
        a_lock.release()


@operation(ROUNDS)
async def lock_handover():
    a_lock = asyncio.Lock()

    async def contender():
        for _ in range(HALF):
            await a_lock.acquire()
            await asyncio.sleep(0)
            a_lock.release()

    await asyncio.gather(contender(), contender())


@operation(ROUNDS)
async def event():
    async def play(mine, other):
        for _ in range(HALF):
            await mine.wait()
            mine.clear()
            other.set()

    first, second = asyncio.Event(), asyncio.Event()
    first.set()
    await asyncio.gather(play(first, second), play(second, first))


@operation(ROUNDS)
async def queue():
    async def play(mine, other):
        for _ in range(HALF):
            await other.put(await mine.get())

    first, second = asyncio.Queue(1), asyncio.Queue(1)
    await first.put(None)
    await asyncio.gather(play(first, second), play(second, first))


@operation(ROUNDS)
async def queue_buffered():
    a_queue = asyncio.Queue(QUEUE_SIZE)

    async def produce():
        for _ in range(ROUNDS):
            await a_queue.put(None)

    async def consume():
        for _ in range(ROUNDS):
            await a_queue.get()

    await asyncio.gather(produce(), consume())


@operation(ROUNDS)
async def timeout():
    for _ in range(ROUNDS):
        async with asyncio.timeout(10):
            pass


@operation(SCOPES)
async def group_0():
    for _ in range(SCOPES):
        async with asyncio.TaskGroup():
            pass


@operation(SCOPES)
async def group_10():
    for _ in range(SCOPES):
        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(nothing())


@operation(GATHERS)
async def gather_100():
    for _ in range(GATHERS):
        await asyncio.gather(*(nothing() for _ in range(100)))


async def cancel(count):
    global left_out_ns
    start = time.process_time_ns()
    tasks = [asyncio.create_task(asyncio.sleep(3600)) for _ in range(count)]
    await asyncio.sleep(0)
    left_out_ns += time.process_time_ns() - start
    for task in tasks:
        task.cancel()
    for task in tasks:
        try:
            await task
        except asyncio.CancelledError:
            pass


@operation(10_000)
async def cancel_10k():
    await cancel(10_000)


@operation(100_000)
async def cancel_100k():
    await cancel(100_000)


async def batch_ns(batch):
    global left_out_ns
    left_out_ns = 0
    start = time.process_time_ns()
    await batch()
    return time.process_time_ns() - start - left_out_ns


async def measure(batch, ops):
    samples = []
    await batch()
    end = time.process_time_ns() + BATCHES_NS
    while not samples or (
        len(samples) < BATCHES and time.process_time_ns() < end
    ):
        samples.append(await batch_ns(batch) / ops)
    return statistics.median(samples)


def main():
    for name in sys.argv[1:] or operations:
        batch, ops = operations[name]
        try:
            ns = asyncio.run(measure(batch, ops))
        except AttributeError:  # this Python is older than what it is to do
            continue
        print(f"{name} {ns:.2f} ns", flush=True)


if __name__ == "__main__":
    main()
