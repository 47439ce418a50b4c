"""Datagrams stay whole and come in order."""

import asyncio
from trace import main, say


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport
        say("made")

    def datagram_received(self, data, address):
        say(f"echo gets {data.decode()}")
        self.transport.sendto(data, address)

    def connection_lost(self, exc):
        say("lost")


class Client(asyncio.DatagramProtocol):
    def datagram_received(self, data, address):
        say(f"client gets {data.decode()}")


async def body():
    loop = asyncio.get_running_loop()
    echo, _ = await loop.create_datagram_endpoint(Echo, ("127.0.0.1", 0))
    client, _ = await loop.create_datagram_endpoint(Client, remote_addr=echo.get_extra_info("sockname"))
    for word in [b"one", b"two", b"three"]:
        client.sendto(word)
        await asyncio.sleep(0.01)
    echo.close()
    say("closed")
    await asyncio.sleep(0.01)
    client.close()


main(body)
