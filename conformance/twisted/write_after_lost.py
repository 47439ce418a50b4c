"""A write after the connection is lost is ignored; loseConnection, abortConnection and the end may come in any number."""

from trace import Recorder, attempt, connect, run, say, sleep


async def body():
    server, client = Recorder("server"), Recorder("client", quiet=True)
    await connect(server, client)
    client.transport.loseConnection()
    await sleep(0.01)
    attempt("write", server.transport.write, b"late")
    attempt("close", server.transport.loseConnection)
    attempt("abort", server.transport.abortConnection)
    await sleep(0.01)
    say("end")


run(body)
