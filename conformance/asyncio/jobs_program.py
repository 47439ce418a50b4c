"""A program: a server takes jobs from its clients, line by line, and two workers do them.

A job has a limit of time and can be canceled, the queue has three places, a client that is silent for too
long is sent away, and the jobs of one that leaves are canceled.
"""

import asyncio
import pathlib
from trace import main, new_address, say

LIMIT, IDLE = 0.05, 0.1


class Job:
    def __init__(self, name, ms, writer):
        self.name, self.ms, self.writer = name, ms, writer
        self.task = None
        self.canceled = False

    def cancel(self):
        self.canceled = True
        if self.task:
            self.task.cancel()


class Server:
    def __init__(self):
        self.queue = asyncio.Queue(3)

    async def worker(self, name):
        while True:
            job = await self.queue.get()
            answer = "canceled"
            if not job.canceled:
                say(f"{name} begins {job.name}")
                answer = await self.work(job)
            say(f"{name}: {job.name} is {answer}")
            job.writer.write(f"{job.name} is {answer}\n".encode())
            self.queue.task_done()

    async def work(self, job):
        job.task = asyncio.create_task(asyncio.sleep(job.ms / 1000))
        try:
            await asyncio.wait_for(job.task, LIMIT)
            return "done"
        except TimeoutError:
            return "late"
        except asyncio.CancelledError:
            if asyncio.current_task().cancelling():
                raise
            return "canceled"

    async def handle(self, reader, writer):
        name = (await reader.readline()).decode().strip()
        say(f"{name} comes")
        jobs = {}
        try:
            while True:
                async with asyncio.timeout(IDLE):
                    line = (await reader.readline()).decode().strip()
                match line.split():
                    case ["run", job, ms]:
                        jobs[job] = Job(job, int(ms), writer)
                        await self.queue.put(jobs[job])
                    case ["cancel", job] if job in jobs:
                        jobs[job].cancel()
                    case [] | ["quit"]:
                        break
                    case _:
                        writer.write(f"cannot {line}\n".encode())
        except TimeoutError:
            writer.write(b"too quiet\n")
        for job in jobs.values():
            job.cancel()
        say(f"{name} leaves")
        writer.close()


async def client(address, name, script):
    reader, writer = await asyncio.open_unix_connection(address)
    writer.write(f"{name}\n".encode())

    async def listen():
        async for line in reader:
            say(f"{name} hears {line.decode().strip()}")
        say(f"{name} is alone")

    listening = asyncio.create_task(listen())
    for pause, text in script:
        await asyncio.sleep(pause / 1000)
        if text == "hang up":
            writer.write_eof()
        else:
            writer.write(f"{text}\n".encode())
    await listening
    writer.close()


def scripts():
    """What each client says, and how many milliseconds after what it said before."""
    by_client = {}
    for line in pathlib.Path(__file__).with_name("jobs_program.txt").read_text().splitlines():
        name, pause, text = line.split(" ", 2)
        by_client.setdefault(name, []).append((int(pause), text))
    return by_client


async def body():
    server, address = Server(), new_address()
    async with asyncio.TaskGroup() as workers:
        tasks = [workers.create_task(server.worker(f"worker {n}")) for n in [1, 2]]
        listener = await asyncio.start_unix_server(server.handle, address)
        async with asyncio.TaskGroup() as clients:
            for name, script in scripts().items():
                clients.create_task(client(address, name, script))
        listener.close()
        await asyncio.wait_for(server.queue.join(), 1)
        say("all is done")
        for task in tasks:
            task.cancel()
    say("end")


main(body)
