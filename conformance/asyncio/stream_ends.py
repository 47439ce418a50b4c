"""At the end of a stream readexactly and readuntil fail and say what there was; read gives what there is and then nothing."""

import asyncio
from trace import main, say, stream_pair


async def attempt(what, awaitable):
    try:
        data = await awaitable
        say(f"{what}: {data.decode() or 'end'}")
    except asyncio.IncompleteReadError as e:
        say(f"{what}: end after {e.partial.decode() or 'nothing'}")


async def body():
    reader, writer, _, peer = await stream_pair()
    peer.write(b"four" + b"word;" + b"rest")
    peer.write_eof()
    await asyncio.sleep(0.01)
    await attempt("readexactly", reader.readexactly(4))
    await attempt("readuntil", reader.readuntil(b";"))
    await attempt("readuntil", reader.readuntil(b";"))
    await attempt("read", reader.read(10))
    await attempt("read", reader.read(10))
    await attempt("readexactly", reader.readexactly(3))
    peer.close()
    writer.close()


main(body)
