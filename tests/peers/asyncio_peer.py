# SPDX-License-Identifier: MIT
"""The other end of a test, by asyncio.

    asyncio_peer.py client PORT   sends blocks of many sizes to an echo server,
                                  half closes, and prints how many bytes came
                                  back as they were sent
    asyncio_peer.py server        an echo server: prints its port, and ends with
                                  its first connection
"""

import asyncio
import sys

SIZES = [1, 2, 1000, 65536, 65537, 1 << 20, 3]


def block(number, size):
    return bytes((number * 31 + i * 7 + i // 251) & 0xFF for i in range(size))


async def client(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))

    async def send():
        for number, size in enumerate(SIZES):
            writer.write(block(number, size))
            await writer.drain()
        writer.write_eof()

    sending = asyncio.create_task(send())
    count = 0
    for number, size in enumerate(SIZES):
        if await reader.readexactly(size) != block(number, size):
            sys.exit("another block came back")
        count += size
    await sending
    if await reader.read() != b"":
        sys.exit("more came back")
    writer.close()
    await writer.wait_closed()
    print(count)


async def server():
    done = asyncio.Event()

    async def echo(reader, writer):
        while data := await reader.read(10000):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
        writer.close()
        await writer.wait_closed()
        done.set()

    listener = await asyncio.start_server(echo, "127.0.0.1", 0)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await done.wait()
    listener.close()


asyncio.run(globals()[sys.argv[1]](*sys.argv[2:]))
