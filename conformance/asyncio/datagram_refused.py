"""That nobody is there for a datagram is told to error_received, and the socket can be used on."""

import asyncio
import socket
from trace import main, say, word


class Client(asyncio.DatagramProtocol):
    def datagram_received(self, data, address):
        say(f"gets {data.decode()}")

    def error_received(self, exc):
        say(f"error: {word(exc)}")

    def connection_lost(self, exc):
        say("lost")


async def body():
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = nobody.getsockname()
    client, _ = await loop.create_datagram_endpoint(Client, remote_addr=address)
    client.sendto(b"anybody?")
    await asyncio.sleep(0.01)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as somebody:
        somebody.bind(address)
        somebody.sendto(b"hello", client.get_extra_info("sockname"))
        await asyncio.sleep(0.01)
    client.close()
    await asyncio.sleep(0.01)


main(body)
