"""An empty datagram: is it sent?"""

import asyncio
from trace import main, say


class Receiver(asyncio.DatagramProtocol):
    def datagram_received(self, data, address):
        say(f"got {len(data)} bytes")


async def body():
    loop = asyncio.get_running_loop()
    receiver, _ = await loop.create_datagram_endpoint(Receiver, ("127.0.0.1", 0))
    address = receiver.get_extra_info("sockname")
    sender, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=address)
    for size in [3, 0, 5]:
        sender.sendto(bytes(size))
        await asyncio.sleep(0.01)
    sender.close()
    receiver.close()


main(body)
