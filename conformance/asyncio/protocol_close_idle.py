"""Rule 38: the connection is lost in an iteration of its own, behind what is ready, if there is nothing to send."""

import asyncio
from trace import Recorder, connect, main, say


async def body():
    protocol = Recorder()
    reader, writer = await connect(protocol)
    asyncio.get_running_loop().call_soon(say, "ready")
    protocol.transport.close()
    say("closed")
    await asyncio.sleep(0.01)
    say(f"peer got: {len(await reader.read())}")
    writer.close()


main(body)
