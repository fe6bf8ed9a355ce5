# SPDX-License-Identifier: MIT
"""The outside world in asyncio, or in uvloop.

    python3 python_outside.py asyncio|uvloop PROGRAM [ARGUMENT...]

    echo                an echo server by streams, as asyncio's guide writes it
    protocol            the same by a protocol, which is faster
    tls CERT KEY        an echo server by TLS, by streams
    datagram            an echo server by datagrams
    subprocess          /bin/true, started and waited for
    thread              a function that does nothing, on a thread
    file                files of 4 KiB and 1 MiB, opened and read on a thread

Servers print `port N`, and after SIGTERM `cpu_us USER SYSTEM`; the others what
the programs of hem of these names do.
"""

import asyncio
import resource
import signal
import ssl
import sys
import tempfile
import time


def print_port(sock):
    print("port", sock.getsockname()[1], flush=True)


async def until_term():
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print("cpu_us", int(usage.ru_utime * 1e6), int(usage.ru_stime * 1e6), flush=True)


async def echo_stream(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def echo(context=None):
    server = await asyncio.start_server(
        echo_stream, "127.0.0.1", 0, backlog=4096, ssl=context
    )
    print_port(server.sockets[0])
    await until_term()


async def tls(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    await echo(context)


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def protocol():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0, backlog=4096)
    print_port(server.sockets[0])
    await until_term()


class DatagramEcho(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


async def datagram():
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        DatagramEcho, local_addr=("127.0.0.1", 0)
    )
    print_port(transport.get_extra_info("socket"))
    await until_term()


async def in_turn(name, one, count, width):
    """Await one() `count` times, `width` at a time."""
    left = count

    async def worker():
        nonlocal left
        while left > 0:
            left -= 1
            await one()

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(width)))
    print(f"{name} {(time.perf_counter() - began) * 1e9 / count:.0f} ns")


async def true():
    process = await asyncio.create_subprocess_exec("/bin/true")
    await process.wait()


async def subprocess():
    await in_turn("sequential", true, 500, 1)
    await in_turn("wide_16", true, 500, 16)


def nothing():
    pass


async def thread():
    loop = asyncio.get_running_loop()

    def call():
        return loop.run_in_executor(None, nothing)

    await in_turn("thread_call", call, 5000, 1)
    await in_turn("thread_call_16_wide", call, 20000, 16)


async def file():
    loop = asyncio.get_running_loop()
    for name, size, count in ("read_all_4k", 4096, 5000), ("read_all_1m", 1 << 20, 500):
        with tempfile.NamedTemporaryFile() as f:
            f.write(bytes(size))
            f.flush()

            def load():
                with open(f.name, "rb") as g:
                    return g.read()

            await in_turn(name, lambda: loop.run_in_executor(None, load), count, 1)


def main():
    name, program, *arguments = sys.argv[1:]
    if name == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(globals()[program](*arguments))


main()
