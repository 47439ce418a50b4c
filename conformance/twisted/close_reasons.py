"""Rule 26: how both ends are told of the end, and that an abort is told after the call returns."""

from trace import Boom, Recorder, connect, run, say


class Raising(Recorder):
    def dataReceived(self, data):
        super().dataReceived(data)
        raise Boom("boom")


async def closed(how, server, tcp=False):
    client = Recorder("client", quiet=True)
    server.quiet = True
    await connect(server, client, tcp)
    say(how)
    if how == "server closes":
        server.transport.loseConnection()
    elif how == "server aborts":
        server.transport.abortConnection()
        server.transport.abortConnection()
    elif how == "client closes":
        client.transport.loseConnection()
    else:
        client.transport.write(b"data")
    server.tell("call returned")
    await server.lost
    await client.lost
    server.say_all()
    if how != "server raises":
        client.say_all()


async def body():
    await closed("server closes", Recorder("server"))
    await closed("client closes", Recorder("server"))
    await closed("server aborts", Recorder("server"), tcp=True)
    await closed("server raises", Raising("server"))


run(body)
