"""Rule 44: an exception in data_received goes to the exception handler, and the connection is lost with it."""

import asyncio
from trace import Recorder, connect, main, say


class Protocol(Recorder):
    def data_received(self, data):
        super().data_received(data)
        raise ValueError("bad")


async def body():
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: say(f"handler: {context['exception']}"))
    protocol = Protocol()
    reader, writer = await connect(protocol)
    writer.write(b"first")
    await asyncio.sleep(0.01)
    writer.close()


main(body)
